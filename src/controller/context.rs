//! What the controller knows of the cluster (Kafka's `ControllerContext`): plain data and queries.
//!
//! Knows nothing of the store nor of requests.

use crate::metadata::image::BrokerNode;
use crate::metadata::records::{PartitionState as StateNode, ReplicaAssignment};
use crate::types::{BrokerId, NO_BROKER, TopicId, TopicName, TopicPartition};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A replica: a partition and the broker that holds a copy.
pub(super) type Replica = (TopicPartition, BrokerId);

/// Where a partition is in its life (Kafka's `PartitionState`; no entry = NonExistent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartitionPhase {
    /// Known, without leader and in-sync set.
    New,
    /// Has a leader.
    Online,
    /// Its leader has died.
    Offline,
    /// Deleted.
    NonExistent,
}

/// Where a replica is in its life (Kafka's `ReplicaState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplicaPhase {
    /// Just created.
    New,
    /// Alive, may lead.
    Online,
    /// On a dead broker or directory, or stopped.
    Offline,
    /// Asked to delete its log.
    DeletionStarted,
    /// Its log is gone.
    DeletionSuccessful,
    /// Cannot be deleted now.
    DeletionIneligible,
    /// Forgotten.
    NonExistent,
}

/// Leader and in-sync set, with the version of the state node (the partition epoch).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leadership {
    /// The node's content.
    pub state: StateNode,
    /// The node's version.
    pub version: i32,
}

impl Leadership {
    /// The next leadership by the controller of `epoch`: leader epoch + 1.
    pub fn next(&self, leader: BrokerId, isr: Vec<BrokerId>, recovering: bool) -> StateNode {
        StateNode {
            controller_epoch: self.state.controller_epoch,
            leader,
            leader_epoch: self.state.leader_epoch + 1,
            isr,
            recovering,
        }
    }
}

/// A topic.
#[derive(Clone, Debug, Default)]
pub(super) struct Topic {
    /// Zero when it has none.
    pub id: TopicId,
    /// Who holds its partitions.
    pub partitions: BTreeMap<i32, ReplicaAssignment>,
}

/// A running reassignment's replicas when `targets` are asked for (KIP-455).
pub(super) fn reassign_to(now: &ReplicaAssignment, targets: &[BrokerId]) -> ReplicaAssignment {
    let origin = origin_replicas(now);
    let mut replicas: Vec<BrokerId> = targets.to_vec();
    replicas.extend(origin.iter().filter(|id| !targets.contains(id)));
    ReplicaAssignment {
        replicas,
        adding: targets.iter().copied().filter(|id| !origin.contains(id)).collect(),
        removing: origin.iter().copied().filter(|id| !targets.contains(id)).collect(),
    }
}

/// The replicas before the running reassignment.
pub(super) fn origin_replicas(now: &ReplicaAssignment) -> Vec<BrokerId> {
    now.replicas.iter().copied().filter(|id| !now.adding.contains(id)).collect()
}

/// All that the controller knows.
#[derive(Default)]
pub(super) struct Context {
    /// This controller's epoch.
    pub epoch: i32,
    /// Version of `/controller_epoch`, which fences every write.
    pub fence: i32,
    /// Registered brokers.
    pub brokers: BTreeMap<BrokerId, BrokerNode>,
    /// Those in controlled shutdown.
    pub shutting_down: BTreeSet<BrokerId>,
    /// Topics by name.
    pub topics: BTreeMap<TopicName, Topic>,
    /// Leaders and in-sync sets.
    pub leadership: HashMap<TopicPartition, Leadership>,
    /// Phases of partitions.
    pub partition_phases: BTreeMap<TopicPartition, PartitionPhase>,
    /// Phases of replicas.
    pub replica_phases: BTreeMap<Replica, ReplicaPhase>,
    /// Replicas on failed directories, by broker.
    pub offline_dirs: HashMap<BrokerId, HashSet<TopicPartition>>,
    /// Topics queued for deletion.
    pub deleting: BTreeSet<TopicName>,
    /// Of those: deletion has begun.
    pub deletion_begun: BTreeSet<TopicName>,
    /// Of those: cannot go on now.
    pub deletion_blocked: BTreeSet<TopicName>,
    /// Partitions being reassigned.
    pub moving: BTreeSet<TopicPartition>,
}

impl Context {
    /// Whether the broker is registered and not shutting down.
    pub fn is_live(&self, broker: BrokerId) -> bool {
        self.brokers.contains_key(&broker) && !self.shutting_down.contains(&broker)
    }

    /// Registered brokers that are not shutting down.
    pub fn live(&self) -> Vec<BrokerId> {
        self.brokers.keys().copied().filter(|id| !self.shutting_down.contains(id)).collect()
    }

    /// All registered brokers: whom requests go to.
    pub fn reachable(&self) -> Vec<BrokerId> {
        self.brokers.keys().copied().collect()
    }

    /// Whether the replica's broker is live and its directory too.
    pub fn is_online(&self, broker: BrokerId, partition: &TopicPartition) -> bool {
        self.is_live(broker) && !self.is_on_failed_dir(broker, partition)
    }

    /// As [`Context::is_online`], also for brokers that are shutting down.
    pub fn is_reachable(&self, broker: BrokerId, partition: &TopicPartition) -> bool {
        self.brokers.contains_key(&broker) && !self.is_on_failed_dir(broker, partition)
    }

    fn is_on_failed_dir(&self, broker: BrokerId, partition: &TopicPartition) -> bool {
        self.offline_dirs.get(&broker).is_some_and(|dirs| dirs.contains(partition))
    }

    /// Who holds the partition; empty when it is not known.
    pub fn assignment(&self, partition: &TopicPartition) -> ReplicaAssignment {
        self.topics
            .get(&partition.topic)
            .and_then(|t| t.partitions.get(&partition.partition))
            .cloned()
            .unwrap_or_default()
    }

    /// The partition's replicas, preferred leader first.
    pub fn replicas(&self, partition: &TopicPartition) -> Vec<BrokerId> {
        self.assignment(partition).replicas
    }

    /// Replaces who holds a partition.
    pub fn set_assignment(&mut self, partition: &TopicPartition, assignment: ReplicaAssignment) {
        let topic = self.topics.entry(partition.topic.clone()).or_default();
        topic.partitions.insert(partition.partition, assignment);
    }

    /// Partitions of a topic.
    pub fn partitions_of(&self, topic: &TopicName) -> Vec<TopicPartition> {
        let Some(found) = self.topics.get(topic) else { return Vec::new() };
        found.partitions.keys().map(|p| TopicPartition::new(topic.clone(), *p)).collect()
    }

    /// Every partition.
    pub fn all_partitions(&self) -> Vec<TopicPartition> {
        self.topics.keys().flat_map(|t| self.partitions_of(t)).collect()
    }

    /// Replicas of these partitions.
    pub fn replicas_of(&self, partitions: &[TopicPartition]) -> Vec<Replica> {
        let replicas = |p: &TopicPartition| {
            self.replicas(p).into_iter().map(|r| (p.clone(), r)).collect::<Vec<_>>()
        };
        partitions.iter().flat_map(replicas).collect()
    }

    /// Replicas on these brokers.
    pub fn replicas_on(&self, brokers: &[BrokerId]) -> Vec<Replica> {
        let mut all = self.replicas_of(&self.all_partitions());
        all.retain(|(_, broker)| brokers.contains(broker));
        all
    }

    /// Replicas of a topic in this phase.
    pub fn replicas_in(&self, topic: &TopicName, phase: ReplicaPhase) -> Vec<Replica> {
        let mut all = self.replicas_of(&self.partitions_of(topic));
        all.retain(|replica| self.replica_phases.get(replica) == Some(&phase));
        all
    }

    /// The leader, or [`NO_BROKER`].
    pub fn leader(&self, partition: &TopicPartition) -> BrokerId {
        self.leadership.get(partition).map_or(NO_BROKER, |l| l.state.leader)
    }

    /// Whether the topic is queued for deletion.
    pub fn is_deleting(&self, topic: &str) -> bool {
        self.deleting.contains(topic)
    }

    /// Partitions whose leader is not online, but for those of topics being deleted.
    pub fn with_offline_leader(&self) -> Vec<TopicPartition> {
        let mut found: Vec<TopicPartition> = self
            .leadership
            .iter()
            .filter(|(p, l)| !self.is_online(l.state.leader, p) && !self.is_deleting(&p.topic))
            .map(|(p, _)| p.clone())
            .collect();
        found.sort();
        found
    }

    /// Forgets a topic.
    pub fn remove_topic(&mut self, topic: &TopicName) {
        self.topics.remove(topic);
        self.leadership.retain(|p, _| p.topic != *topic);
        self.partition_phases.retain(|p, _| p.topic != *topic);
        self.replica_phases.retain(|(p, _), _| p.topic != *topic);
        self.deleting.remove(topic);
        self.deletion_begun.remove(topic);
        self.deletion_blocked.remove(topic);
        self.moving.retain(|p| p.topic != *topic);
    }
}
