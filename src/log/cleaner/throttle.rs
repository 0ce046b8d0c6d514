//! `log.cleaner.io.max.bytes.per.second`: what all cleaner threads together read and write
//! (Kafka's `Throttler`, and its interval of 300 ms).

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// What was not used of the limit is forgotten after so long.
const CREDIT: Duration = Duration::from_millis(300);

/// Lets at most so many bytes a second through, by making its callers wait.
#[derive(Debug)]
pub struct Throttle {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bytes_per_second: f64,
    /// When all that was let through would have come through at exactly the limit.
    due: Instant,
}

impl Throttle {
    /// A limit; one that is not finite or too large is none.
    pub fn new(bytes_per_second: f64) -> Throttle {
        Throttle { state: Mutex::new(State { bytes_per_second, due: Instant::now() }) }
    }

    /// Another limit, from the next bytes on.
    pub fn set_limit(&self, bytes_per_second: f64) {
        self.state.lock().bytes_per_second = bytes_per_second;
    }

    /// Waits until these bytes are within the limit.
    pub fn spend(&self, bytes: usize) {
        let wait = self.state.lock().charge(bytes, Instant::now());
        if wait > Duration::from_millis(10) {
            std::thread::sleep(wait);
        }
    }
}

impl State {
    /// How long to wait for these bytes.
    fn charge(&mut self, bytes: usize, now: Instant) -> Duration {
        let takes = Duration::try_from_secs_f64(bytes as f64 / self.bytes_per_second);
        let from = self.due.max(now.checked_sub(CREDIT).unwrap_or(now));
        self.due = from.checked_add(takes.unwrap_or(Duration::ZERO)).unwrap_or(from);
        self.due.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn bytes_wait_for_those_before_them_whoever_spent_those() {
        let begun = Instant::now();
        let mut state = State { bytes_per_second: 1000.0, due: begun };
        assert_eq!(state.charge(500, begun), millis(500));
        assert_eq!(state.charge(500, begun + millis(200)), millis(800));
        state.bytes_per_second = 100.0;
        assert_eq!(state.charge(100, begun + millis(1000)), millis(1000), "a new limit");
    }

    #[test]
    fn idle_time_gives_credit_for_a_moment_only() {
        let begun = Instant::now();
        let mut state = State { bytes_per_second: 1000.0, due: begun };
        assert_eq!(state.charge(1000, begun + millis(60_000)), millis(700));
    }

    #[test]
    fn no_limit_is_no_wait() {
        let now = Instant::now();
        for none in [f64::MAX, f64::INFINITY] {
            let mut state = State { bytes_per_second: none, due: now };
            assert_eq!(state.charge(usize::MAX, now), Duration::ZERO);
        }
    }
}
