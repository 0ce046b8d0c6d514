//! Appending as the leader, and waiting until what was appended is committed.
//!
//! As `Partition.appendRecordsToLeader`, `checkEnoughReplicasReachOffset` and `DelayedProduce`.

use super::verification::TransactionalBatch;
use super::waiter::Waiter;
use super::{Partition, PartitionError};
use crate::log::{Appended, Origin, RecordSet};
use crate::types::now_ms;
use tokio::time::Instant;

/// Whether an offset is committed.
#[derive(Debug)]
pub enum Committed {
    /// All in-sync replicas have it, and they are enough.
    Yes,
    /// Not yet.
    NotYet,
}

impl Partition {
    /// Appends each set of records, under one lock and with one write. Each set has its own
    /// result; a check of the whole fails them all. `required_acks` is 0, 1 or -1.
    pub fn append(
        &self,
        sets: &[RecordSet],
        origin: Origin,
        required_acks: i16,
    ) -> Vec<Result<Appended, PartitionError>> {
        if sets.iter().any(|set| TransactionalBatch::of(&set.records).is_some()) {
            return self.append_transactional(sets, origin, required_acks);
        }
        self.append_checked(sets, origin, required_acks)
    }

    /// Appends what needs no look at transactions, or had it.
    pub(super) fn append_checked(
        &self,
        sets: &[RecordSet],
        origin: Origin,
        required_acks: i16,
    ) -> Vec<Result<Appended, PartitionError>> {
        let state = self.state.read();
        if !state.is_leader() {
            return sets.iter().map(|_| Err(PartitionError::NotLeader)).collect();
        }
        let min = state.effective_min_isr(self.log().config().min_insync_replicas);
        let isr = state.isr.len();
        if required_acks == -1 && isr < min {
            return sets
                .iter()
                .map(|_| Err(PartitionError::NotEnoughReplicas { isr, min }))
                .collect();
        }
        let now = now_ms();
        let results = self.log().append_as_leader(sets, state.leader_epoch, origin, now);
        self.raise_high_watermark(&state, now);
        drop(state);
        self.waiters.wake();
        results.into_iter().map(|result| result.map_err(PartitionError::from)).collect()
    }

    /// Whether everything before `end_offset` is committed, as acks=-1 asks.
    pub fn check_committed(&self, end_offset: i64) -> Result<Committed, PartitionError> {
        let state = self.state.read();
        if !state.is_leader() {
            return Err(PartitionError::NotLeader);
        }
        if self.log().high_watermark() < end_offset {
            return Ok(Committed::NotYet);
        }
        if state.isr.len() < state.effective_min_isr(self.log().config().min_insync_replicas) {
            return Err(PartitionError::NotEnoughReplicasAfterAppend);
        }
        Ok(Committed::Yes)
    }

    /// Waits until everything before `end_offset` is committed.
    pub async fn committed(
        &self,
        end_offset: i64,
        deadline: Instant,
    ) -> Result<(), PartitionError> {
        if let Committed::Yes = self.check_committed(end_offset)? {
            return Ok(());
        }
        let waiter = Waiter::new();
        self.register(&waiter);
        loop {
            if let Committed::Yes = self.check_committed(end_offset)? {
                return Ok(());
            }
            if !waiter.wait_until(deadline).await {
                return Err(PartitionError::TimedOut);
            }
        }
    }
}
