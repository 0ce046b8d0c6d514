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
        let mut gone = Vec::new();
        let new = (|| {
            for segment in old {
                gone.extend(segment.rename_deleted()?);
            }
            file::rename(&swap, &dir.join(file_name(base, "log")))?;
            self.open_cleaned(base, aborted)
        })();
        let new = match new {
            Ok(new) => Arc::new(new),
            Err(error) => {
                // The last first: what is back is never without what lies before it.
                old.iter().rev().try_for_each(|segment| segment.rename_back())?;
                remove(&swap)?;
                return Err(error);
            }
        };
        let due = now_ms().saturating_add(self.config.load().file_delete_delay_ms);
        gone.into_iter().for_each(|path| self.shared.remove_later(path, due));
        for segment in old {
            self.discard_snapshot(segment, due)?;
        }
        let mut next: Vec<Arc<Segment>> = Vec::with_capacity(segments.len());
        for segment in segments.iter() {
            if Arc::ptr_eq(segment, first) {
                next.push(new.clone());
            } else if !old.iter().any(|gone| Arc::ptr_eq(gone, segment)) {
                next.push(segment.clone());
            }
        }
        self.segments.store(Arc::new(next));
        Ok(true)
    }

    /// The segment of a file that is in its place, with indexes.
    fn open_cleaned(&self, base: i64, aborted: &[AbortedTxn]) -> Result<Segment, LogError> {
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
        aborted.iter().try_for_each(|txn| new.aborted.add_found(*txn))?;
        new.seal()?;
        new.sync()?;
        file::sync_parent(&self.dir().join("."))?;
        new.load_max_timestamp()?;
        new.release();
        Ok(new)
    }
}
