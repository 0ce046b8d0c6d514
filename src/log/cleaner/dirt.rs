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
