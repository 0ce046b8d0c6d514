//! Putting a compacted segment in the place of the segments that it was made of (Kafka's
//! `LocalLog.replaceSegments`).
//!
//! ```text
//! 0.log.cleaned 0.index.cleaned ...   being written: after a crash all are removed
//! 0.log.swap    0.index.cleaned ...   so they are as long as one is `.cleaned` (KAFKA-6264)
//! 0.log.swap    0.index.swap    ...   synced: after a crash they take the place of the old ones
//! 0.log         0.index.swap    ...   the old ones are `.deleted`; the rest is put in place
//! ```
//!
//! The indexes go with the log, since Kafka takes a segment without a `.txnindex` for one without
//! aborted transactions and would serve their records as committed.

use super::api::LogError;
use super::partition_log::Log;
use super::segment::{SWAP, Segment};
use crate::types::now_ms;
use std::path::PathBuf;
use std::sync::Arc;

impl Log {
    /// Puts `cleaned` (synced, named after the first of `old`) in the place of `old`. Gives false
    /// and removes it if the log has changed meanwhile: closed, deleted, truncated, being moved, or
    /// retention took one of the segments. On an error the log is as it was, without it.
    pub(super) fn replace_segments(
        &self,
        old: &[Arc<Segment>],
        cleaned: Segment,
    ) -> Result<bool, LogError> {
        let writer = self.writer.lock();
        let is_free = !writer.closed && !self.is_moving() && self.has_all(old);
        let Some(first) = old.first().filter(|_| is_free) else {
            cleaned.remove_cleaned()?;
            return Ok(false);
        };
        // The batches that told of an epoch may be among those that go.
        let whole = self.save_epochs().and_then(|()| self.name_swap(&cleaned));
        if let Err(error) = whole {
            cleaned.remove_cleaned()?;
            return Err(error);
        }
        let gone = match self.swap(old, &cleaned) {
            Ok(gone) => gone,
            Err(error) => {
                // Each of these states is one before, from which a crash leads on: only the last
                // makes the new segment, whole until then, one that goes.
                cleaned.rename_all_back(SWAP)?;
                // The last first: what is back is never without what lies before it.
                old.iter().rev().try_for_each(|segment| segment.rename_all(""))?;
                cleaned.remove_cleaned()?;
                return Err(error);
            }
        };
        let cleaned = Arc::new(cleaned);
        let mut next: Vec<Arc<Segment>> = Vec::new();
        for segment in self.segments.load().iter() {
            if Arc::ptr_eq(segment, first) {
                next.push(cleaned.clone());
            } else if !old.iter().any(|gone| Arc::ptr_eq(gone, segment)) {
                next.push(segment.clone());
            }
        }
        // Before any of the old files can go: a reader that misses one looks for the segments anew.
        self.segments.store(Arc::new(next));
        let due = now_ms().saturating_add(self.config.load().file_delete_delay_ms);
        gone.into_iter().for_each(|path| self.shared.remove_later(path, due));
        for segment in old {
            self.discard_snapshot(segment, due)?;
        }
        Ok(true)
    }

    /// From here on a start completes the swap.
    fn name_swap(&self, cleaned: &Segment) -> Result<(), LogError> {
        cleaned.rename_all(SWAP)?;
        Ok(self.dir.sync()?)
    }

    /// Takes the old files away, gives the new ones their names; the paths of the old ones.
    fn swap(&self, old: &[Arc<Segment>], cleaned: &Segment) -> Result<Vec<PathBuf>, LogError> {
        let mut gone = Vec::new();
        for segment in old {
            gone.extend(segment.rename_deleted()?);
        }
        cleaned.rename_all("")?;
        self.dir.sync()?;
        Ok(gone)
    }
}
