//! `log.cleaner.io.max.bytes.per.second`.

use std::time::{Duration, Instant};

/// Lets at most so many bytes a second through, by making its caller wait.
#[derive(Debug)]
pub struct Throttle {
    bytes_per_second: f64,
    since: Instant,
    spent: f64,
}

impl Throttle {
    /// A limit; one that is not finite or too large is none.
    pub fn new(bytes_per_second: f64) -> Throttle {
        Throttle { bytes_per_second, since: Instant::now(), spent: 0.0 }
    }

    /// Waits until these bytes are within the limit.
    pub fn spend(&mut self, bytes: usize) {
        self.spent += bytes as f64;
        let ahead = self.ahead(self.since.elapsed());
        if ahead > Duration::from_millis(10) {
            std::thread::sleep(ahead);
        }
    }

    /// How much too early it is for what was spent.
    fn ahead(&self, elapsed: Duration) -> Duration {
        let due = self.spent / self.bytes_per_second - elapsed.as_secs_f64();
        Duration::try_from_secs_f64(due.max(0.0)).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_what_the_bytes_take_less_what_has_passed() {
        let mut throttle = Throttle::new(1000.0);
        throttle.spent = 500.0;
        assert_eq!(throttle.ahead(Duration::from_millis(200)), Duration::from_millis(300));
        assert_eq!(throttle.ahead(Duration::from_secs(9)), Duration::ZERO);
        assert_eq!(Throttle::new(f64::MAX).ahead(Duration::ZERO), Duration::ZERO);
    }
}
