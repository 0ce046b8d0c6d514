//! Who is to lead a partition: the five rules, pure (Kafka's `PartitionLeaderElectionAlgorithms`).

use super::context::{Context, Leadership};
use crate::metadata::records::PartitionState as StateNode;
use crate::types::{BrokerId, TopicPartition};

/// Why a leader is to be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    /// The leader is gone. `unclean`: even if the topic does not allow it.
    Offline {
        /// Choose an out-of-sync replica if need be.
        unclean: bool,
    },
    /// The reassigned partition's leader is not among its targets.
    Reassign,
    /// Back to the first replica.
    Preferred,
    /// The leader's broker is being shut down.
    ControlledShutdown,
}

impl Strategy {
    /// As Kafka prints it in messages.
    pub fn name(self) -> String {
        match self {
            Strategy::Offline { unclean } => {
                format!("OfflinePartitionLeaderElectionStrategy({unclean})")
            }
            Strategy::Reassign => "ReassignPartitionLeaderElectionStrategy".into(),
            Strategy::Preferred => "PreferredReplicaPartitionLeaderElectionStrategy".into(),
            Strategy::ControlledShutdown => {
                "ControlledShutdownPartitionLeaderElectionStrategy".into()
            }
        }
    }
}

/// A choice: the new state, and who is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// The state to be written.
    pub state: StateNode,
    /// Replicas that get LeaderAndIsr.
    pub recipients: Vec<BrokerId>,
}

/// Chooses, or `None` when nobody may lead. `unclean`: the topic (or the caller) allows it.
pub(super) fn choose(
    context: &Context,
    partition: &TopicPartition,
    now: &Leadership,
    strategy: Strategy,
    unclean: bool,
) -> Option<Choice> {
    let assignment = context.assignment(partition);
    let isr = &now.state.isr;
    let online = |id: &BrokerId| context.is_online(*id, partition);
    let in_sync = |id: &&BrokerId| isr.contains(id) && online(id);
    let recipients = assignment.replicas.iter().copied().filter(online).collect();
    let recovering = now.state.recovering;
    match strategy {
        Strategy::Offline { .. } => {
            if let Some(&leader) = assignment.replicas.iter().find(in_sync) {
                let isr = isr.iter().copied().filter(online).collect();
                return Some(Choice { state: now.next(leader, isr, recovering), recipients });
            }
            let leader = *assignment.replicas.iter().find(|id| unclean && online(id))?;
            Some(Choice { state: now.next(leader, vec![leader], true), recipients })
        }
        Strategy::Reassign => {
            let targets = assignment.targets();
            let leader = *targets.iter().find(in_sync)?;
            Some(Choice { state: now.next(leader, isr.clone(), recovering), recipients })
        }
        Strategy::Preferred => {
            let leader = *assignment.replicas.first().filter(in_sync)?;
            Some(Choice { state: now.next(leader, isr.clone(), recovering), recipients })
        }
        Strategy::ControlledShutdown => {
            let reachable = |id: &BrokerId| context.is_reachable(*id, partition);
            let stays = |id: &BrokerId| !context.shutting_down.contains(id);
            let leader = *assignment
                .replicas
                .iter()
                .find(|id| isr.contains(id) && reachable(id) && stays(id))?;
            let isr = isr.iter().copied().filter(stays).collect();
            let recipients = assignment.replicas.iter().copied().filter(reachable).collect();
            Some(Choice { state: now.next(leader, isr, recovering), recipients })
        }
    }
}
