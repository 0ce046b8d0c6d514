//! One step of a copy: first the copy is cut to what both have, then it gets more.
//!
//! As `ReplicaAlterLogDirsThread.processPartitionData` and `getOffsetTruncationState` (KIP-101).
//! Every step looks for divergence, since the log itself may have been truncated by a new leader.

use super::super::{Partition, PartitionError};
use crate::log::{AppendError, Log, LogDirs, ReadBound, ReadError};
use bytes::Bytes;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Brings `future` nearer to `current`, by at most `max_bytes` (but a batch whole). Gives the
/// bytes copied; 0 if there is nothing more.
pub(super) fn advance(
    current: &Log,
    future: &Log,
    max_bytes: usize,
) -> Result<usize, PartitionError> {
    cut_to_common(current, future)?;
    let from = future.log_end_offset();
    let read = match current.read(from, max_bytes, true, ReadBound::LogEnd) {
        Ok(read) => read,
        // Truncated, or its start was raised, since we looked: the next step sees it.
        Err(ReadError::OffsetOutOfRange { .. }) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let Some(region) = read.region else { return follow_offsets(current, future) };
    let mut bytes = vec![0; region.len];
    match region.file.read_exact_at(&mut bytes, region.position) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
        Err(error) => return Err(crate::log::LogError::Io(error).into()),
    }
    match future.append_copy(&Bytes::from(bytes)) {
        Ok(appended) => {
            follow_offsets(current, future)?;
            Ok(appended.bytes)
        }
        // The copy ends within a batch.
        Err(AppendError::UnexpectedOffset { got, expected }) if got < expected => {
            future.truncate_to(got)?;
            Ok(0)
        }
        Err(error) => Err(error.into()),
    }
}

fn follow_offsets(current: &Log, future: &Log) -> Result<usize, PartitionError> {
    let high_watermark = future.set_high_watermark(current.high_watermark());
    let start = current.log_start_offset();
    if start > future.log_start_offset() && start <= high_watermark {
        future.advance_log_start_offset(start)?;
    }
    Ok(0)
}

/// Cuts off the copy what the log does not have (any more). Example: the copy has epoch 3 up to
/// 60, the log has epoch 3 up to 50 and then 4: cut at 50.
fn cut_to_common(current: &Log, future: &Log) -> Result<(), PartitionError> {
    while let Some(epoch) = future.latest_epoch() {
        let own_end = future.log_end_offset();
        let (found, end) = match current.end_offset_for_epoch(epoch) {
            // Of before its newest epoch, or without any.
            (..0, _) => match current.latest_epoch() {
                Some(latest) => (latest, current.log_end_offset()),
                None => (-1, current.high_watermark()),
            },
            known => known,
        };
        if found == epoch && own_end <= end {
            break;
        }
        let (_, common) = future.end_offset_for_epoch(found);
        let to = if common < 0 { end } else { common.min(end) }.min(own_end);
        future.truncate_to(to)?;
        if to >= own_end {
            break;
        }
    }
    let (start, end) = (current.log_start_offset(), current.log_end_offset());
    if future.log_end_offset() > end {
        future.truncate_to(end)?;
    }
    if future.log_end_offset() < start {
        future.truncate_fully_and_start_at(start)?;
    }
    Ok(())
}

impl Partition {
    /// Copies what is left while nothing is appended, and puts the copy in the log's place. False
    /// if that is not to be (yet): the replica was stopped, or the move given up.
    pub(super) fn replace_log(
        &self,
        dirs: &LogDirs,
        future: &Arc<Log>,
    ) -> Result<bool, PartitionError> {
        let state = self.state.write();
        if state.is_stopped || !dirs.is_future(future) {
            return Ok(false);
        }
        let current = self.log();
        while advance(&current, future, super::CHUNK_BYTES)? > 0 {}
        cut_to_common(&current, future)?;
        let Some(log) = dirs.replace_with_future(&self.id)? else { return Ok(false) };
        self.log.store(log);
        drop(state);
        self.wake();
        dirs.checkpoint();
        Ok(true)
    }

    /// Gives up the copy. Waits for a swap that is under way.
    pub(super) fn drop_future(&self, dirs: &LogDirs) -> Result<(), PartitionError> {
        let _state = self.state.write();
        Ok(dirs.drop_future(&self.id)?)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state.read().is_stopped
    }
}
