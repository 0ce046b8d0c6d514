//! `replica.alter.log.dirs.io.max.bytes.per.second`: all moves of a broker share it.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// A rate that may change at any time; bytes spent ahead of it are a debt that time pays off.
#[derive(Debug)]
pub(super) struct Pace(Mutex<Debt>);

#[derive(Debug)]
struct Debt {
    bytes_per_second: f64,
    bytes: f64,
    since: Instant,
}

impl Default for Pace {
    /// Without a limit.
    fn default() -> Self {
        Pace(Mutex::new(Debt { bytes_per_second: f64::MAX, bytes: 0.0, since: Instant::now() }))
    }
}

impl Debt {
    fn pay(&mut self, now: Instant) {
        let paid = now.duration_since(self.since).as_secs_f64() * self.bytes_per_second;
        self.bytes = (self.bytes - paid).max(0.0);
        self.since = now;
    }

    fn due(&self) -> Duration {
        let seconds = self.bytes / self.bytes_per_second;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

impl Pace {
    pub(super) fn set_rate(&self, bytes_per_second: f64) {
        let mut debt = self.0.lock();
        debt.pay(Instant::now());
        debt.bytes_per_second = bytes_per_second.max(1.0);
    }

    pub(super) fn spend(&self, bytes: usize) {
        let mut debt = self.0.lock();
        debt.pay(Instant::now());
        debt.bytes += bytes as f64;
    }

    /// Whether anything may be copied now.
    pub(super) fn is_free(&self) -> bool {
        self.pause().is_zero()
    }

    /// How long nothing may be copied.
    pub(super) fn pause(&self) -> Duration {
        let mut debt = self.0.lock();
        debt.pay(Instant::now());
        debt.due()
    }

    /// How much to copy at once, so that one step is at most a second's worth.
    pub(super) fn chunk(&self, most: usize) -> usize {
        (self.0.lock().bytes_per_second as usize).clamp(1, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debt_is_paid_off_at_the_rate_of_now() {
        let start = Instant::now();
        let mut debt = Debt { bytes_per_second: 100.0, bytes: 300.0, since: start };
        assert_eq!(debt.due(), Duration::from_secs(3));
        debt.pay(start + Duration::from_secs(1));
        assert_eq!(debt.due(), Duration::from_secs(2));
        debt.bytes_per_second = 1000.0;
        assert_eq!(debt.due(), Duration::from_millis(200));
        debt.pay(start + Duration::from_secs(9));
        assert_eq!(debt.due(), Duration::ZERO);
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let pace = Pace::default();
        pace.spend(1 << 40);
        assert!(pace.is_free());
        assert_eq!(pace.chunk(5000), 5000);
        pace.set_rate(100.0);
        assert_eq!(pace.chunk(5000), 100);
    }
}
