//! Putting a compacted file in the place of the segments that it was made of (Kafka's
//! `LocalLog.replaceSegments`).
//!
//! ```text
//! 0.log.cleaned   being written: after a crash it is removed
//! 0.log.swap      whole and synced: after a crash it takes the place of the old ones
//! 0.log           in place; the old ones are `.deleted`
//! ```

use super::api::LogError;
use super::file;
use super::partition_log::Log;
use super::recovery::remove;
use super::segment::{Segment, file_name};
use super::txn_index::AbortedTxn;
use crate::types::now_ms;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Log {
    /// Puts `cleaned` (synced, named after the first of `old`) in the place of `old`. Gives false
    /// and removes it if the log has changed meanwhile: closed, deleted, truncated, being moved, or
    /// retention took one of the segments.
    pub(super) fn replace_segments(
        &self,
        old: &[Arc<Segment>],
        cleaned: &Path,
        aborted: &[AbortedTxn],
    ) -> Result<bool, LogError> {
        let writer = self.writer.lock();
        let segments = self.segments.load_full();
        let is_here = |segment: &Arc<Segment>| segments.iter().any(|s| Arc::ptr_eq(s, segment));
        let is_free = !writer.closed && !self.is_moving() && old.iter().all(is_here);
        let Some(first) = old.first().filter(|_| is_free) else {
            remove(cleaned)?;
            return Ok(false);
        };
        // The batches that told of an epoch may be among those that go.
        self.save_epochs()?;
        let dir = self.dir();
        let base = first.base_offset;
        let swap: PathBuf = dir.join(format!("{}.swap", file_name(base, "log")));
        file::rename(cleaned, &swap)?;
        file::sync_parent(&swap)?;
        for segment in old {
            self.discard(segment, false)?;
        }
        file::rename(&swap, &dir.join(file_name(base, "log")))?;
        let config = self.config.load_full();
        let new = Segment::open(&self.dir, base, now_ms())?;
        let len = new.file.len()?;
        new.reset()?;
        new.offsets.grow_to(config.segment_index_bytes)?;
        new.times.grow_to(config.segment_index_bytes)?;
        let interval = u64::try_from(config.index_interval_bytes).unwrap_or(0);
        for batch in new.batches(0, len) {
            new.wrote(&batch?, interval)?;
        }
        aborted.iter().try_for_each(|txn| new.aborted.append(*txn))?;
        new.seal()?;
        new.sync()?;
        file::sync_parent(&dir.join("."))?;
        let mut next: Vec<Arc<Segment>> = Vec::with_capacity(segments.len());
        for segment in segments.iter() {
            if Arc::ptr_eq(segment, first) {
                next.push(Arc::new(Segment::open(&self.dir, base, now_ms())?));
            } else if !old.iter().any(|gone| Arc::ptr_eq(gone, segment)) {
                next.push(segment.clone());
            }
        }
        next.iter().filter(|s| s.base_offset == base).try_for_each(|s| s.load_max_timestamp())?;
        self.segments.store(Arc::new(next));
        Ok(true)
    }
}
