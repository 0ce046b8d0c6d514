//! Taking away from the end, and making what is there durable.
//!
//! Flushing is a group commit: at most one sync is under way for a log, and it completes every
//! caller whose records it covers. A failed sync takes the directory offline.

use super::api::LogError;
use super::file;
use super::partition_log::{Log, UNNAMED, Writer, floor, jitter};
use super::recovery::{end_of, remove, snapshots};
use super::segment::{Segment, file_name};
use crate::types::now_ms;
use std::io::ErrorKind::NotFound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Log {
    /// Cuts off `offset` and all that follows. An offset at or after the end changes nothing, one
    /// below 0 is refused.
    pub fn truncate_to(&self, offset: i64) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        if offset < 0 {
            let (log_start, high_watermark) = (self.log_start_offset(), self.high_watermark());
            return Err(LogError::OffsetOutOfRange { offset, log_start, high_watermark });
        }
        if offset >= self.log_end_offset() {
            return Ok(());
        }
        if offset < self.log_start_offset() {
            return self.restart_locked(&mut writer, offset);
        }
        let result = self.truncate_locked(&mut writer, offset);
        self.checked(result)
    }

    /// Removes everything; the log begins and ends at `offset`.
    pub fn truncate_fully_and_start_at(&self, offset: i64) -> Result<(), LogError> {
        self.restart_locked(&mut self.writer.lock(), offset)
    }

    /// All or nothing: without room for the one new file the log stays as it was.
    fn restart_locked(&self, writer: &mut Writer, offset: i64) -> Result<(), LogError> {
        let config = self.config.load_full();
        self.truncations.fetch_add(1, Ordering::AcqRel);
        let old = self.segments.load_full();
        let mut renamed = Vec::new();
        let replaced = old.iter().try_for_each(|segment| {
            renamed.extend(segment.rename_deleted()?);
            Ok(())
        });
        let segment = replaced.and_then(|()| self.new_segment(&config, offset, now_ms()));
        let segment = match segment {
            Ok(segment) => segment,
            Err(error) => {
                Segment::paths(&self.dir.load(), offset).iter().try_for_each(|p| remove(p))?;
                old.iter().rev().try_for_each(|segment| segment.rename_all(""))?;
                return self.checked(Err(error));
            }
        };
        self.segments.store(Arc::new(vec![segment]));
        renamed.into_iter().for_each(|path| self.shared.remove_later(path, 0));
        writer.producers = Default::default();
        writer.jitter_ms = jitter(&config);
        self.end.store(offset, Ordering::Release);
        self.start.store(offset, Ordering::Release);
        if self.recovery_point.swap(offset, Ordering::AcqRel) > offset {
            self.shared.truncated_below_recovery_point();
        }
        self.move_high_watermark(writer, offset);
        self.epochs.lock().clear();
        let result = self.save_epochs_if_room().and_then(|()| {
            for (_, path) in snapshots(&self.dir.load())? {
                remove(&path)?;
            }
            Ok(())
        });
        self.checked(result)
    }

    pub(super) fn truncate_locked(&self, writer: &mut Writer, offset: i64) -> Result<(), LogError> {
        self.truncations.fetch_add(1, Ordering::AcqRel);
        let mut segments = self.segments.load().as_ref().clone();
        let keep = floor(&segments, offset).map_or(1, |at| at + 1);
        let gone = segments.split_off(keep.min(segments.len()));
        let config = self.config.load_full();
        if let Some(active) = segments.last() {
            // What a failed write left behind lies beyond the size that is noted.
            active.file.set_len(active.size())?;
            active.truncate_to(offset)?;
            active.aborted.truncate_to(offset)?;
            active.offsets.grow_to(config.segment_index_bytes)?;
            active.times.grow_to(config.segment_index_bytes)?;
        }
        let found = end_of(&segments)?;
        self.segments.store(Arc::new(segments));
        for segment in &gone {
            self.discard(segment)?;
        }
        let end = offset.min(found.max(self.log_start_offset()));
        self.end.store(end, Ordering::Release);
        if self.recovery_point.fetch_min(end, Ordering::AcqRel) > end {
            self.shared.truncated_below_recovery_point();
        }
        for (at, path) in snapshots(&self.dir.load())? {
            if at > end {
                std::fs::remove_file(path)?;
            }
        }
        // On a full disk the file may keep epochs beyond the end: loading leaves those out.
        self.epochs.lock().truncate_from_end(end);
        self.save_epochs_if_room()?;
        self.reload_producers(writer)?;
        self.move_high_watermark(writer, self.high_watermark().min(end));
        Ok(())
    }

    /// Takes a segment's files out of the log: renamed, and removed later.
    pub(super) fn discard(&self, segment: &Segment) -> Result<(), LogError> {
        let due = now_ms().saturating_add(self.config.load().file_delete_delay_ms);
        let renamed = segment.rename_deleted()?;
        renamed.into_iter().for_each(|path| self.shared.remove_later(path, due));
        self.discard_snapshot(segment, due)
    }

    /// Takes the snapshot at a segment's base offset away, if there is one.
    pub(super) fn discard_snapshot(&self, segment: &Segment, due: i64) -> Result<(), LogError> {
        let snapshot = self.dir.join(&file_name(segment.base_offset, "snapshot"));
        let to = snapshot.with_extension("snapshot.deleted");
        match std::fs::rename(&snapshot, &to) {
            Ok(()) => self.shared.remove_later(to, due),
            Err(e) if e.kind() == NotFound => {}
            Err(e) => return Err(e.into()),
        }
        Ok(())
    }

    /// Makes all of it durable.
    pub fn flush(&self) -> Result<(), LogError> {
        self.flush_to(self.log_end_offset())
    }

    /// Makes everything before `offset` durable; returns once it is.
    pub fn flush_to(&self, offset: i64) -> Result<(), LogError> {
        loop {
            let mut flushing = self.flushing.lock();
            self.dir_state.check()?;
            if self.recovery_point() >= offset.min(self.log_end_offset()) {
                return Ok(());
            }
            if *flushing {
                self.flushed.wait(&mut flushing);
                continue;
            }
            *flushing = true;
            drop(flushing);
            let result = self.checked(self.sync_until(self.log_end_offset()));
            *self.flushing.lock() = false;
            self.flushed.notify_all();
            // After a truncation meanwhile it looks, and syncs, again.
            result?;
        }
    }

    /// Syncs the log's directory if it has got a segment since, and the first time its own name.
    fn sync_names(&self, segments: &[Arc<Segment>]) -> Result<(), LogError> {
        let Some(newest) = segments.last().map(|segment| segment.base_offset) else {
            return Ok(());
        };
        let before = self.named_until.load(Ordering::Acquire);
        if before >= newest {
            return Ok(());
        }
        self.dir.sync()?;
        if before == UNNAMED {
            file::sync_parent(&self.dir.load())?;
        }
        self.named_until.fetch_max(newest, Ordering::AcqRel);
        Ok(())
    }

    /// Syncs a segment, unless it was taken away since, and its files with it.
    pub(super) fn sync_one(&self, segment: &Arc<Segment>) -> std::io::Result<()> {
        match segment.sync() {
            Err(e) if e.kind() == NotFound && !self.has_all(std::slice::from_ref(segment)) => {
                Ok(())
            }
            synced => synced,
        }
    }

    fn sync_until(&self, end: i64) -> Result<(), LogError> {
        let truncations = self.truncations.load(Ordering::Acquire);
        let segments = self.segments.load_full();
        let from = floor(&segments, self.recovery_point()).unwrap_or(0);
        for segment in segments.iter().skip(from).filter(|s| s.base_offset <= end) {
            self.sync_one(segment)?;
        }
        self.sync_names(&segments)?;
        self.save_epochs()?;
        self.last_flush_ms.store(now_ms(), Ordering::Relaxed);
        // After a truncation meanwhile, other records may be at these offsets, not yet synced.
        let _writer = self.writer.lock();
        if self.truncations.load(Ordering::Acquire) == truncations {
            self.recovery_point.fetch_max(end.min(self.log_end_offset()), Ordering::AcqRel);
        }
        Ok(())
    }
}
