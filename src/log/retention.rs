//! Which old segments go: those before the log start, too old, or too many bytes (Kafka's
//! `UnifiedLog.deleteOldSegments`). Only what lies below the high watermark.

use super::api::LogError;
use super::partition_log::Log;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Log {
    /// Deletes what is due; gives the number of segments.
    pub fn delete_old_segments(&self, now_ms: i64) -> Result<usize, LogError> {
        let config = self.config.load_full();
        let mut writer = self.writer.lock();
        if writer.closed {
            return Ok(0);
        }
        let by_policy = config.cleanup_policy.delete;
        let start = self.log_start_offset();
        let high_watermark = self.high_watermark();
        let segments = self.segments.load_full();
        let mut over = match u64::try_from(config.retention_bytes) {
            Ok(max) if by_policy => self.size().saturating_sub(max),
            _ => 0,
        };
        let mut gone = 0;
        for (at, segment) in segments.iter().enumerate() {
            let next = segments.get(at + 1).map_or(self.log_end_offset(), |s| s.base_offset);
            let is_active = at + 1 == segments.len();
            if next > high_watermark || is_active && segment.size() == 0 {
                break;
            }
            let age = now_ms.saturating_sub(segment.age_timestamp());
            let expired = by_policy && config.retention_ms >= 0 && age > config.retention_ms;
            let excess = over > 0 && over >= segment.size();
            let before_start = !is_active && next <= start;
            if !(expired || excess || before_start) {
                break;
            }
            over = over.saturating_sub(segment.size());
            gone += 1;
        }
        if gone == 0 {
            return Ok(0);
        }
        if gone == segments.len() {
            let end = self.log_end_offset();
            match self.roll_locked(&mut writer, &config, end, now_ms) {
                // The others make room for it.
                Err(error) if error.is_disk_full() => gone -= 1,
                rolled => drop(rolled?),
            }
        }
        let mut kept = self.segments.load().as_ref().clone();
        let old: Vec<_> = kept.drain(..gone.min(kept.len())).collect();
        let first = kept.first().map_or(start, |segment| segment.base_offset);
        self.start.fetch_max(first, Ordering::AcqRel);
        self.segments.store(Arc::new(kept));
        for segment in &old {
            self.discard(segment)?;
        }
        self.move_high_watermark(&mut writer, high_watermark);
        self.epochs.lock().truncate_from_start(self.log_start_offset());
        self.save_epochs_if_room()?;
        Ok(gone)
    }

    /// Forgets producers that have not written since.
    pub(super) fn expire_producers(&self, before_ms: i64) {
        self.writer.lock().producers.expire(before_ms);
    }
}
