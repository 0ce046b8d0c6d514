//! Becoming leader or follower, the in-sync set's changes, deleting records, stopping.
//!
//! As `Partition.makeLeader`, `makeFollower` and the alter-partition callbacks.

use super::isr::{IsrAnswer, IsrChange};
use super::state::{LeaderAndIsr, PendingIsr};
use super::{Partition, PartitionError};
use crate::types::now_ms;

impl Partition {
    /// Takes over what the controller says. Returns whether the role or the leader changed.
    pub fn become_replica(&self, told: &LeaderAndIsr) -> Result<bool, PartitionError> {
        let now = now_ms();
        let mut state = self.state.write();
        let before = (state.leader, state.leader_epoch);
        let log_end = self.log().log_end_offset();
        if told.leader == state.local {
            self.log().assign_epoch_start(told.leader_epoch, log_end);
        }
        state.apply(told, log_end, now);
        if state.is_leader() {
            self.raise_high_watermark(&state, now);
        }
        drop(state);
        self.waiters.wake();
        Ok(before != (told.leader, told.leader_epoch))
    }

    /// Ends service: everyone who waits is woken and finds no leader.
    pub fn stop(&self) {
        self.state.write().is_stopped = true;
        self.waiters.wake();
    }

    /// Deletes the records before `offset` (-1: before the high watermark), as
    /// `deleteRecordsOnLeader`. Returns the log start that every replica now has to reach.
    pub fn delete_records(&self, offset: i64) -> Result<i64, PartitionError> {
        let state = self.state.read();
        if !state.is_leader() {
            return Err(PartitionError::NotLeader);
        }
        self.log().check_online()?;
        if !self.log().config().cleanup_policy.delete {
            return Err(PartitionError::NotDeletable);
        }
        let high_watermark = self.log().high_watermark();
        let to = if offset == -1 { high_watermark } else { offset };
        if to < 0 || to > high_watermark {
            let (log_start, log_end) = (self.log().log_start_offset(), self.log().log_end_offset());
            return Err(PartitionError::OffsetOutOfRange { offset: to, log_start, log_end });
        }
        self.log().advance_log_start_offset(to)?;
        drop(state);
        self.wake();
        Ok(to)
    }

    /// The least log start over the live replicas: what DeleteRecords answers.
    pub(super) fn low_watermark(&self, state: &super::state::State) -> i64 {
        let own = self.log().log_start_offset();
        let others = state.remotes.iter().filter(|(id, _)| state.isr.contains(id));
        others.map(|(_, remote)| remote.log_start).fold(own, i64::min)
    }

    /// The least log start over the in-sync replicas, for who waits on DeleteRecords.
    pub fn current_low_watermark(&self) -> Result<i64, PartitionError> {
        let state = self.state.read();
        if !state.is_leader() {
            return Err(PartitionError::NotLeader);
        }
        Ok(self.low_watermark(&state))
    }

    /// Looks for replicas to drop from the in-sync set.
    pub(super) fn shrink_isr(&self) {
        let log_end = self.log().log_end_offset();
        if self.state.write().maybe_shrink(log_end, now_ms(), self.lag_max_ms()) {
            self.isr_wanted.notify_one();
        }
    }

    /// The wanted change of the in-sync set, if it is not yet with the controller.
    pub(super) fn take_isr_change(&self) -> Option<IsrChange> {
        let mut state = self.state.write();
        let pending = state.pending.as_mut().filter(|pending| !pending.sent)?;
        pending.sent = true;
        let isr = pending.isr.clone();
        let epoch_of = |id: &i32| (*id, state.remotes.get(id).map_or(-1, |r| r.broker_epoch));
        Some(IsrChange {
            partition: self.id.clone(),
            topic_id: self.topic_id().unwrap_or_default(),
            leader_epoch: state.leader_epoch,
            partition_epoch: state.partition_epoch,
            isr: isr.iter().map(epoch_of).collect(),
        })
    }

    /// The controller's answer to a change of the in-sync set.
    pub(super) fn isr_answered(&self, asked: &IsrChange, answer: &IsrAnswer) {
        let mut state = self.state.write();
        if state.leader_epoch != asked.leader_epoch
            || state.partition_epoch != asked.partition_epoch
        {
            return; // A LeaderAndIsr came in between and decides.
        }
        match answer {
            IsrAnswer::Done { isr, partition_epoch } => {
                state.isr.clone_from(isr);
                state.partition_epoch = *partition_epoch;
                state.pending = None;
                self.raise_high_watermark(&state, now_ms());
            }
            IsrAnswer::Refused => state.pending = None,
            IsrAnswer::Retry => {
                if let Some(PendingIsr { sent, .. }) = state.pending.as_mut() {
                    *sent = false;
                }
            }
        }
        drop(state);
        self.waiters.wake();
    }
}
