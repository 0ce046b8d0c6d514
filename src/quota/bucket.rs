//! The token bucket of topic changes (KIP-599, Kafka's `TokenBucket`).
//!
//! A bucket holds what may be used at once: the quota times all samples of the window. A change is
//! allowed while the bucket is not in debt, and may bring it there.

use super::rate::Window;
use std::time::Duration;
use tokio::time::Instant;

/// One client's bucket.
#[derive(Debug)]
pub struct Bucket {
    tokens: f64,
    at: Option<Instant>,
}

impl Default for Bucket {
    /// Full, whatever its size.
    fn default() -> Bucket {
        Bucket { tokens: f64::INFINITY, at: None }
    }
}

impl Bucket {
    /// Takes `amount`; how long until the bucket is out of debt. `quota` is tokens a second.
    pub fn take(&mut self, window: Window, now: Instant, quota: f64, amount: f64) -> Duration {
        let burst = quota * f64::from(window.samples) * window.size.as_secs_f64();
        let elapsed = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.at = Some(now);
        let filled = (self.tokens + quota * elapsed.as_secs_f64()).min(burst);
        self.tokens = (filled - amount).min(burst);
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        // An hour is for ever here: the quota is as good as zero.
        Duration::from_secs_f64((-self.tokens / quota.max(f64::MIN_POSITIVE)).min(3600.0))
    }

    /// When it was last looked at.
    pub fn last_used(&self) -> Option<Instant> {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { samples: 10, size: Duration::from_secs(1) };

    #[test]
    fn a_full_bucket_lets_a_burst_through_and_then_fills_at_the_rate() {
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        assert_eq!(bucket.take(WINDOW, now, 5.0, 50.0), Duration::ZERO, "the whole burst");
        assert_eq!(bucket.take(WINDOW, now, 5.0, 10.0), Duration::from_secs(2), "10 of debt");
        let later = now + Duration::from_secs(1);
        assert_eq!(bucket.take(WINDOW, later, 5.0, 0.0), Duration::from_secs(1));
        assert_eq!(bucket.take(WINDOW, now + Duration::from_secs(2), 5.0, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_bucket_holds_no_more_than_the_burst() {
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        bucket.take(WINDOW, now, 5.0, 1.0);
        let much_later = now + Duration::from_secs(1000);
        assert_eq!(bucket.take(WINDOW, much_later, 5.0, 55.0), Duration::from_secs(1));
        bucket.take(WINDOW, much_later, 5.0, -1e9);
        assert_eq!(bucket.take(WINDOW, much_later, 5.0, 55.0), Duration::from_secs(1));
    }
}
