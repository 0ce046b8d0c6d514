//! How much of a log can be cleaned, and whether it is time to (Kafka's `LogCleanerManager.
//! cleanableOffsets` and `LogToClean`).

use crate::log::partition_log::Log;
use crate::log::segment::Segment;
use std::sync::Arc;

/// What of a log can be cleaned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dirt {
    /// Everything before it is clean.
    pub first_dirty: i64,
    /// Base offset of the first segment that must not be cleaned yet.
    pub end: i64,
    /// Bytes in between.
    pub bytes: u64,
    /// These of all bytes that were or can be cleaned, 0 to 1.
    pub ratio: f64,
    /// For how long a record has waited beyond `max.compaction.lag.ms`.
    pub overdue_ms: i64,
}

impl Dirt {
    /// What can be cleaned of `log`, of which everything before `checkpoint` was.
    pub fn of(log: &Log, checkpoint: i64, now_ms: i64) -> Dirt {
        let (start, log_end) = (log.log_start_offset(), log.log_end_offset());
        // A log that was truncated below what was clean begins anew.
        let first_dirty = if (start..=log_end).contains(&checkpoint) { checkpoint } else { start };
        let config = log.config();
        let segments = log.segments.load_full();
        let stable = log.last_stable_offset();
        let end =
            first_uncleanable(&segments, first_dirty, stable, now_ms, config.min_compaction_lag_ms);
        let clean: u64 =
            segments.iter().filter(|s| s.base_offset < first_dirty).map(|s| s.size()).sum();
        // A segment of which a full map left a part dirty is both.
        let dirty = from_holding(&segments, first_dirty).filter(|s| s.base_offset < end);
        let (mut bytes, mut oldest) = (0, i64::MAX);
        for segment in dirty {
            bytes += segment.size();
            oldest = oldest.min(segment.first_timestamp_ms());
        }
        let overdue_ms = now_ms.saturating_sub(oldest).saturating_sub(config.max_compaction_lag_ms);
        Dirt {
            first_dirty,
            end,
            bytes,
            ratio: bytes as f64 / (clean + bytes).max(1) as f64,
            overdue_ms: overdue_ms.max(0),
        }
    }

    /// Whether it is to be cleaned now.
    pub fn is_due(&self, min_ratio: f64) -> bool {
        self.bytes > 0 && (self.overdue_ms > 0 || self.ratio > min_ratio)
    }
}

/// The segments from the one on that holds the offset.
fn from_holding(segments: &[Arc<Segment>], offset: i64) -> impl Iterator<Item = &Arc<Segment>> {
    let from = segments.partition_point(|s| s.base_offset <= offset).saturating_sub(1);
    segments.iter().skip(from)
}

/// Base offset of the first segment that must not be cleaned yet: the active one, those that are
/// not decided, and, from the first dirty offset on, those younger than `min.compaction.lag.ms`.
fn first_uncleanable(
    segments: &[Arc<Segment>],
    first_dirty: i64,
    stable: i64,
    now_ms: i64,
    min_lag_ms: i64,
) -> i64 {
    let active = segments.last().map_or(0, |s| s.base_offset);
    let undecided = from_holding(segments, stable).next().map_or(0, |s| s.base_offset);
    let since = now_ms.saturating_sub(min_lag_ms);
    let is_young = |s: &&Arc<Segment>| min_lag_ms > 0 && s.age_timestamp() > since;
    let young = from_holding(segments, first_dirty).find(is_young).map(|s| s.base_offset);
    active.min(undecided).min(young.unwrap_or(active))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CleanupPolicy, TopicConfig};
    use crate::log::testing::{Spec, quiet};
    use crate::log::{LogDirs, Origin, RecordSet};
    use crate::types::TopicPartition;

    /// Ten segments of one record each, at 1000, 2000, up to 10,000 ms.
    fn log(root: &std::path::Path, config: TopicConfig) -> (Arc<LogDirs>, Arc<Log>) {
        let cleanup_policy = CleanupPolicy { delete: false, compact: true };
        let config = Arc::new(TopicConfig { segment_bytes: 100, cleanup_policy, ..config });
        let dirs = LogDirs::open(quiet(&[root]), &|_| Arc::default(), &|_| {}).expect("opened");
        let id = TopicPartition::new("state", 0);
        let log = dirs.get_or_create(&id, None, config).expect("created");
        for n in 1..=10 {
            let spec = Spec { key: Some(b"k"), timestamp: n * 1000, ..Spec::of(&["v"]) };
            let set = RecordSet { records: spec.build() };
            log.append_as_leader(&[set], 0, Origin::Client, n * 1000).remove(0).expect("appended");
        }
        log.set_high_watermark(10);
        (dirs, log)
    }

    #[test]
    fn records_younger_than_the_min_lag_and_the_active_segment_are_left() {
        let root = tempfile::tempdir().expect("a directory");
        let config = TopicConfig { min_compaction_lag_ms: 3000, ..Default::default() };
        let (_dirs, log) = log(root.path(), config);
        let end = |now_ms| Dirt::of(&log, 0, now_ms).end;
        assert_eq!(end(2000), 0, "all are young");
        assert_eq!(end(8000), 5, "that at 5000 is just old enough, that at 6000 is not");
        assert_eq!(end(60_000), 9, "the active one is never cleaned");
        log.set_config(Arc::new(TopicConfig::default()));
        assert_eq!(end(2000), 9, "without a lag age does not matter");
    }

    #[test]
    fn what_is_not_replicated_is_left() {
        let root = tempfile::tempdir().expect("a directory");
        let (_dirs, log) = log(root.path(), TopicConfig::default());
        assert_eq!(Dirt::of(&log, 4, 60_000).first_dirty, 4);
        log.set_high_watermark(5);
        assert_eq!(Dirt::of(&log, 0, 60_000).end, 5);
        log.truncate_to(3).expect("cut");
        assert_eq!(Dirt::of(&log, 0, 60_000).end, 3, "the active one is left, empty as it is");
        assert_eq!(Dirt::of(&log, 4, 60_000).first_dirty, 0, "what was clean is no more");
    }

    #[test]
    fn a_log_is_due_by_its_ratio_or_by_the_max_lag() {
        let root = tempfile::tempdir().expect("a directory");
        let config = TopicConfig { max_compaction_lag_ms: 20_000, ..Default::default() };
        let (_dirs, log) = log(root.path(), config);
        // Of nine segments that can be cleaned three are dirty; the oldest of these is of 7000.
        let at = |now_ms| Dirt::of(&log, 6, now_ms);
        assert!(at(27_000).is_due(0.3) && !at(27_000).is_due(0.5));
        assert_eq!(at(27_000).overdue_ms, 0);
        assert_eq!(at(27_001).overdue_ms, 1);
        assert!(at(27_001).is_due(0.5));
        assert!(!Dirt::of(&log, 9, 60_000).is_due(0.0), "nothing is dirty");
    }
}
