//! What is known of the cleaner's work: the gauges of Kafka's `kafka.log:type=LogCleaner` and
//! `LogCleanerManager`, by the same names.

use super::clean::Outcome;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The gauges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CleanerMetrics {
    /// `max-dirty-percent`: of the dirtiest log when one was last chosen.
    pub max_dirty_percent: u8,
    /// `time-since-last-run-ms`.
    pub time_since_last_run_ms: u64,
    /// `cleaner-recopy-percent`: bytes written of those read, in the last pass of each thread.
    pub cleaner_recopy_percent: u64,
    /// `max-buffer-utilization-percent`: of the fullest map among these passes.
    pub max_buffer_utilization_percent: u8,
    /// `max-clean-time-secs`: the longest of these passes.
    pub max_clean_time_secs: u64,
    /// `max-compaction-delay-secs`: how long a record waited beyond `max.compaction.lag.ms`.
    pub max_compaction_delay_secs: u64,
    /// `DeadThreadCount`.
    pub dead_thread_count: usize,
    /// `uncleanable-partitions-count` and `uncleanable-bytes` by `logDirectory`.
    pub uncleanable: HashMap<PathBuf, (usize, u64)>,
}

/// What the threads note of their work.
#[derive(Debug)]
pub(super) struct Noted {
    passes: HashMap<std::thread::ThreadId, (Outcome, Duration)>,
    last_run: Instant,
    dirtiest: f64,
    overdue_ms: i64,
}

impl Noted {
    /// Nothing was cleaned yet.
    pub(super) fn new() -> Noted {
        let passes = HashMap::new();
        Noted { passes, last_run: Instant::now(), dirtiest: 0.0, overdue_ms: 0 }
    }

    /// A log was chosen, or none was due: the dirtiest of all and the longest delay.
    pub(super) fn chose(&mut self, dirtiest: f64, overdue_ms: i64) {
        self.last_run = Instant::now();
        (self.dirtiest, self.overdue_ms) = (dirtiest, overdue_ms);
    }

    /// This thread made a pass.
    pub(super) fn passed(&mut self, outcome: Outcome, took: Duration) {
        self.passes.insert(std::thread::current().id(), (outcome, took));
    }

    /// The gauges but those that others know.
    pub(super) fn metrics(&self) -> CleanerMetrics {
        let outcomes = self.passes.values().map(|(outcome, _)| outcome);
        let read: u64 = outcomes.clone().map(|outcome| outcome.read).sum();
        let written: u64 = outcomes.clone().map(|outcome| outcome.written).sum();
        let longest = self.passes.values().map(|(_, took)| took.as_secs()).max();
        CleanerMetrics {
            max_dirty_percent: (self.dirtiest * 100.0) as u8,
            time_since_last_run_ms: self.last_run.elapsed().as_millis() as u64,
            cleaner_recopy_percent: written.saturating_mul(100) / read.max(1),
            max_buffer_utilization_percent: outcomes.map(|o| o.map_used_percent).max().unwrap_or(0),
            max_clean_time_secs: longest.unwrap_or(0),
            max_compaction_delay_secs: u64::try_from(self.overdue_ms / 1000).unwrap_or(0),
            ..CleanerMetrics::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauges_are_of_the_last_pass_of_each_thread() {
        let mut noted = Noted::new();
        noted.chose(0.756, 61_000);
        let outcome = Outcome { clean_to: 9, read: 400, written: 300, map_used_percent: 40 };
        noted.passed(outcome, Duration::from_millis(9500));
        let later = Outcome { read: 200, written: 100, ..outcome };
        noted.passed(later, Duration::from_millis(2500));
        let metrics = noted.metrics();
        assert_eq!((metrics.max_dirty_percent, metrics.max_compaction_delay_secs), (75, 61));
        assert_eq!((metrics.cleaner_recopy_percent, metrics.max_clean_time_secs), (50, 2));
        assert_eq!(metrics.max_buffer_utilization_percent, 40);
    }
}
