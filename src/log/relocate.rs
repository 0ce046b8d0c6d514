//! Moving a log to another name, and a future log into the place of the current one (Kafka's
//! `UnifiedLog.renameDir` and `LogManager.replaceCurrentWithFutureLog`).
//!
//! ```text
//! /a/orders-3                    /b/orders-3.<32 hex>-future    both have the same records
//! /a/orders-3                    /b/orders-3                    the future one is whole
//! /a/orders-3.<32 hex>-delete    /b/orders-3                    the old one is on its way out
//! ```

use super::api::LogError;
use super::file;
use super::partition_log::{Log, floor};
use crate::types::now_ms;
use std::path::Path;
use std::sync::atomic::Ordering;

impl Log {
    /// Whether it is being copied to another directory: nothing but appends and truncations may
    /// change it meanwhile.
    pub fn is_moving(&self) -> bool {
        self.moving.load(Ordering::Acquire)
    }

    /// Notes that it is being copied, or no longer. Under the lock, so that a swap of segments is
    /// either done before or refused.
    pub(super) fn set_moving(&self, moving: bool) {
        let _writer = self.writer.lock();
        self.moving.store(moving, Ordering::Release);
    }

    /// Bytes of the records from `offset` on.
    pub fn bytes_from(&self, offset: i64) -> Result<u64, LogError> {
        let counted = self.on_segments(|segments| {
            let mut bytes = 0;
            for segment in segments.iter().skip(floor(segments, offset).unwrap_or(0)) {
                let first = segment.locate(offset.max(segment.base_offset))?;
                bytes += first.map_or(0, |at| segment.size().saturating_sub(at.position));
            }
            Ok(bytes)
        });
        Ok(counted?)
    }

    /// Whether it was closed or taken away.
    pub fn is_closed(&self) -> bool {
        self.writer.lock().closed
    }

    /// Becomes all that `current` is beside its records, which both have: producers whose records
    /// are gone, epochs without records, high watermark. What is durable there is durable here.
    pub(super) fn take_over(&self, current: &Log) -> Result<(), LogError> {
        let end = current.log_end_offset();
        self.flush_to(current.recovery_point())?;
        let mut writer = self.writer.lock();
        let from = current.writer.lock();
        if self.log_end_offset() < end {
            // The end of a compacted log can be empty.
            let config = self.config.load_full();
            self.roll_locked(&mut writer, &config, end, now_ms())?;
            self.end.store(end, Ordering::Release);
        }
        writer.producers = from.producers.clone();
        self.epochs.lock().replace(current.epochs.lock().entries());
        self.save_epochs()?;
        self.start.fetch_max(current.log_start_offset(), Ordering::AcqRel);
        self.move_high_watermark(&mut writer, current.high_watermark());
        Ok(self.write_snapshot(&writer, end)?)
    }

    /// Gives its directory another name, and goes on there: its files are found by it.
    pub(super) fn relocate(&self, to: &Path) -> Result<(), LogError> {
        let _writer = self.writer.lock();
        let _not_saving = self.saved_epochs.lock();
        self.dir.rename_to(to)?;
        file::sync_parent(to)?;
        self.moving.store(false, Ordering::Release);
        Ok(())
    }
}
