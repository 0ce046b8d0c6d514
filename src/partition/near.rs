//! What choosing a replica near a consumer needs to know of a partition (KIP-392).
//!
//! As `Partition.remoteReplicas` and `fetchOffsetSnapshot`. Knows neither racks nor who chooses.

use super::read::PartitionRead;
use super::{Partition, PartitionError};
use crate::log::LogRead;
use crate::types::{BrokerId, now_ms};

/// A replica that could serve a consumer at some offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its broker.
    pub broker: BrokerId,
    /// Its log end as the leader knows it.
    pub log_end: i64,
    /// Milliseconds since it had all that the leader had; 0 for the leader.
    pub behind_ms: i64,
}

impl Partition {
    /// The leader and the in-sync followers whose logs hold `offset`, the leader first; none where
    /// this broker does not lead.
    pub fn candidates(&self, offset: i64) -> Vec<Candidate> {
        let state = self.state.read();
        if !state.is_leader() || state.is_stopped {
            return Vec::new();
        }
        let now = now_ms();
        let log_end = self.log.load().log_end_offset();
        let leader = Candidate { broker: state.leader, log_end, behind_ms: 0 };
        let followers = state.remotes.iter().filter(|(id, remote)| {
            state.isr.contains(id) && remote.log_end >= offset && remote.log_start <= offset
        });
        let followers = followers.map(|(id, remote)| Candidate {
            broker: *id,
            log_end: remote.log_end,
            behind_ms: now - remote.caught_up_ms,
        });
        std::iter::once(leader).chain(followers).collect()
    }

    /// Where the partition stands, without records.
    pub fn snapshot(&self, epoch: Option<i32>) -> Result<PartitionRead, PartitionError> {
        let state = self.state.read();
        self.check_readable(&state, epoch, false)?;
        self.outcome(LogRead::empty(), None)
    }

    /// Whether a replica is in the in-sync set that the controller confirmed.
    pub fn is_in_sync(&self, replica: BrokerId) -> bool {
        self.state.read().isr.contains(&replica)
    }
}
