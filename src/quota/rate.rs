//! A rate over a sliding window of samples (`SampledStat`, `Rate`), and how long a client that
//! went over its quota has to be quiet (`QuotaUtils.throttleTime`).

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How the use of a quota is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Samples kept, at least 1.
    pub samples: u32,
    /// Length of each.
    pub size: Duration,
}

/// What was used of late.
#[derive(Debug, Default)]
pub struct Rate {
    /// Start and sum of each sample, oldest first.
    samples: VecDeque<(Instant, f64)>,
}

impl Rate {
    /// Counts `amount` (which may be negative, to take something back).
    pub fn record(&mut self, window: Window, now: Instant, amount: f64) {
        self.purge(window, now);
        match self.samples.back_mut() {
            Some((start, sum)) if now.saturating_duration_since(*start) < window.size => {
                *sum += amount;
            }
            _ => self.samples.push_back((now, amount)),
        }
    }

    fn purge(&mut self, window: Window, now: Instant) {
        let life = window.size * window.samples;
        while self.samples.front().is_some_and(|(start, _)| now.duration_since(*start) >= life) {
            self.samples.pop_front();
        }
    }

    /// When something was last counted.
    pub fn last_used(&self) -> Option<Instant> {
        self.samples.back().map(|(start, _)| *start)
    }

    /// The rate a second over what there are samples of, and at least one (`SimpleRate`).
    pub fn measure_simply(&mut self, window: Window, now: Instant) -> f64 {
        self.purge(window, now);
        let oldest = self.samples.front().map_or(now, |(start, _)| *start);
        let elapsed = now.saturating_duration_since(oldest).max(window.size);
        let total: f64 = self.samples.iter().map(|(_, sum)| sum).sum();
        total / elapsed.as_secs_f64()
    }

    /// The rate a second, and over how many seconds: at least all samples but one.
    pub fn measure(&mut self, window: Window, now: Instant) -> (f64, f64) {
        self.purge(window, now);
        let oldest = self.samples.front().map_or(now, |(start, _)| *start);
        let elapsed = now.saturating_duration_since(oldest).as_secs_f64();
        let size = window.size.as_secs_f64();
        let full = (elapsed / size).floor();
        let missing = (f64::from(window.samples.saturating_sub(1)) - full).max(0.0);
        let seconds = elapsed + missing * size;
        let seconds = if seconds > 0.0 { seconds } else { size };
        let total: f64 = self.samples.iter().map(|(_, sum)| sum).sum();
        (total / seconds, seconds)
    }

    /// How long to be quiet until the rate is the quota again; zero within the quota.
    pub fn throttle(&mut self, window: Window, now: Instant, quota: f64) -> Duration {
        let (rate, seconds) = self.measure(window, now);
        if rate <= quota {
            return Duration::ZERO;
        }
        let quiet = (rate - quota) / quota.max(f64::MIN_POSITIVE) * seconds;
        // An hour is for ever here: the quota is as good as zero.
        Duration::from_secs_f64(quiet.min(3600.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { samples: 11, size: Duration::from_secs(1) };

    #[test]
    fn a_burst_over_the_quota_is_paid_for_by_silence() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        rate.record(WINDOW, now, 10_000.0);
        assert_eq!(rate.throttle(WINDOW, now, 1000.0), Duration::ZERO);
        rate.record(WINDOW, now, 10_000.0);
        // 20000 in 10 s is 2000 a second: twice the quota, so once the window in silence.
        assert_eq!(rate.throttle(WINDOW, now, 1000.0), Duration::from_secs(10));
    }

    #[test]
    fn old_samples_are_forgotten() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        rate.record(WINDOW, now, 50_000.0);
        let later = now + Duration::from_secs(11);
        assert_eq!(rate.throttle(WINDOW, later, 1.0), Duration::ZERO);
        assert_eq!(rate.last_used(), None);
    }
}
