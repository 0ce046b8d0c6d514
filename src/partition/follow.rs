//! What a follower does with what its leader answers.
//!
//! As `ReplicaFetcherThread.processPartitionData` and `AbstractFetcherThread.
//! getOffsetTruncationState` (KIP-101, KIP-595). Each step holds the replica's state, so that
//! nothing of an old leader is taken over after a new one was named.

use super::{Partition, PartitionError};
use bytes::Bytes;

/// What a fetch of a followed partition asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The leader epoch in which this is asked.
    pub leader_epoch: i32,
    /// The follower's log end.
    pub offset: i64,
    /// Its log start.
    pub log_start: i64,
    /// Epoch of its last record.
    pub last_epoch: Option<i32>,
}

impl Partition {
    /// Where to go on; `None` unless this broker follows `leader`.
    pub fn follow_position(&self, leader: i32) -> Option<Position> {
        let state = self.state.read();
        if state.leader != leader || state.is_leader() || state.is_stopped {
            return None;
        }
        self.log().check_online().ok()?;
        Some(Position {
            leader_epoch: state.leader_epoch,
            offset: self.log().log_end_offset(),
            log_start: self.log().log_start_offset(),
            last_epoch: self.log().latest_epoch(),
        })
    }

    /// Takes over records fetched at `position`, and the leader's high watermark and log start.
    pub fn follow(
        &self,
        position: &Position,
        records: &Bytes,
        high_watermark: i64,
        log_start: i64,
    ) -> Result<(), PartitionError> {
        let state = self.state.read();
        let is_current = state.leader_epoch == position.leader_epoch
            && self.log().log_end_offset() == position.offset;
        if !is_current || state.is_leader() || state.is_stopped {
            return Ok(()); // overtaken by the controller
        }
        if !records.is_empty() {
            self.log().append_as_follower(records)?;
        }
        let end = self.log().log_end_offset();
        self.log().set_high_watermark(high_watermark.clamp(self.log().log_start_offset(), end));
        if log_start > self.log().log_start_offset() && log_start <= self.log().high_watermark() {
            self.log().advance_log_start_offset(log_start)?;
        }
        drop(state);
        self.waiters.wake();
        Ok(())
    }

    /// Cuts off what the leader does not have: its `epoch` ends at `end` (-1 for unknown).
    ///
    /// Example: leader says (3, 50); here epoch 3 ends at 40, the log at 60: cut at 40, ask again.
    pub fn truncate_after_divergence(
        &self,
        position: &Position,
        epoch: i32,
        end: i64,
    ) -> Result<(), PartitionError> {
        let state = self.state.read();
        if state.leader_epoch != position.leader_epoch || state.is_leader() {
            return Ok(());
        }
        let log_end = self.log().log_end_offset();
        let to = match self.log().end_offset_for_epoch(epoch) {
            _ if end < 0 => self.log().high_watermark(),
            (found, own_end) if found >= 0 => own_end.min(end).min(log_end),
            _ => end.min(log_end),
        };
        if to < self.log().high_watermark() {
            tracing::warn!(partition = %self.id, to, "truncating below the high watermark");
        }
        self.log().truncate_to(to)?;
        Ok(())
    }

    /// The leader's log ends before ours, or begins after it: cuts off, or begins anew.
    pub fn follow_range(
        &self,
        position: &Position,
        leader_start: i64,
        leader_end: i64,
    ) -> Result<(), PartitionError> {
        let state = self.state.read();
        if state.leader_epoch != position.leader_epoch || state.is_leader() {
            return Ok(());
        }
        let log_end = self.log().log_end_offset();
        if leader_end < log_end {
            self.log().truncate_to(leader_end)?;
        } else if leader_start > log_end {
            self.log().truncate_fully_and_start_at(leader_start)?;
        }
        Ok(())
    }
}
