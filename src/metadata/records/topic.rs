//! `/brokers/topics/T` (which brokers hold a topic) and `…/partitions/N/state` (who leads it).
//!
//! Kafka's `TopicZNode` and `TopicPartitionStateZNode`. The partition epoch of KIP-497 is the state
//! node's data version and so not part of its content.

use super::RecordError;
use super::json::{self, Object};
use crate::types::{BrokerId, TopicId, id_from_base64, id_to_base64};
use bytes::Bytes;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Brokers that hold a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaAssignment {
    /// All, preferred leader first; while moving: targets first, then those leaving.
    pub replicas: Vec<BrokerId>,
    /// Those being added.
    pub adding: Vec<BrokerId>,
    /// Those being removed.
    pub removing: Vec<BrokerId>,
}

impl ReplicaAssignment {
    /// An assignment that is not being changed.
    pub fn settled(replicas: Vec<BrokerId>) -> Self {
        ReplicaAssignment { replicas, adding: Vec::new(), removing: Vec::new() }
    }

    /// Whether a reassignment is going on.
    pub fn is_moving(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }

    /// Replicas once the reassignment is done.
    pub fn targets(&self) -> Vec<BrokerId> {
        self.replicas.iter().copied().filter(|id| !self.removing.contains(id)).collect()
    }
}

/// A topic's partitions and their brokers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicAssignment {
    /// Id; `None` for topics of an IBP below 2.8.
    pub topic_id: Option<TopicId>,
    /// By partition.
    pub partitions: BTreeMap<i32, ReplicaAssignment>,
}

impl TopicAssignment {
    /// JSON of version 3.
    pub fn encode(&self) -> Bytes {
        let mut object =
            Object::new().raw("partitions", &self.by_partition(|a| Some(&a.replicas[..])));
        if let Some(id) = self.topic_id {
            object = object.text("topic_id", &id_to_base64(id));
        }
        object
            .raw("adding_replicas", &self.by_partition(|a| non_empty(&a.adding)))
            .raw("removing_replicas", &self.by_partition(|a| non_empty(&a.removing)))
            .number("version", 3)
            .end()
    }

    fn by_partition(&self, pick: impl Fn(&ReplicaAssignment) -> Option<&[BrokerId]>) -> String {
        let mut entries: Vec<(String, &[BrokerId])> = self
            .partitions
            .iter()
            .filter_map(|(index, assignment)| Some((index.to_string(), pick(assignment)?)))
            .collect();
        json::scala_order(&mut entries);
        let object = entries.iter().fold(Object::new(), |object, (index, replicas)| {
            object.raw(index, &json::numbers(replicas))
        });
        object.finish()
    }

    /// Reads versions 1 to 3.
    pub fn decode(data: &[u8]) -> Result<TopicAssignment, RecordError> {
        const WHAT: &str = "topic assignment";
        let wire: WireTopic = json::read(WHAT, data)?;
        let bad_id = || RecordError::malformed(WHAT, "topic_id");
        let topic_id = match wire.topic_id {
            Some(text) => Some(id_from_base64(&text).ok_or_else(bad_id)?),
            None => None,
        };
        let partitions = wire.partitions.into_iter().map(|(index, replicas)| {
            let adding = wire.adding_replicas.get(&index).cloned().unwrap_or_default();
            let removing = wire.removing_replicas.get(&index).cloned().unwrap_or_default();
            (index, ReplicaAssignment { replicas, adding, removing })
        });
        Ok(TopicAssignment { topic_id, partitions: partitions.collect() })
    }
}

fn non_empty(ids: &[BrokerId]) -> Option<&[BrokerId]> {
    (!ids.is_empty()).then_some(ids)
}

#[derive(Deserialize)]
struct WireTopic {
    partitions: BTreeMap<i32, Vec<BrokerId>>,
    #[serde(default)]
    topic_id: Option<String>,
    #[serde(default)]
    adding_replicas: BTreeMap<i32, Vec<BrokerId>>,
    #[serde(default)]
    removing_replicas: BTreeMap<i32, Vec<BrokerId>>,
}

/// Who leads a partition and who is in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// Epoch of the controller that wrote it.
    pub controller_epoch: i32,
    /// Leader, -1 for none.
    pub leader: BrokerId,
    /// Counts changes of leader or in-sync set by the controller, from 0.
    pub leader_epoch: i32,
    /// In-sync replicas.
    pub isr: Vec<BrokerId>,
    /// The leader was elected uncleanly and has not yet said that it has recovered (KIP-704).
    pub recovering: bool,
}

impl PartitionState {
    /// JSON of version 1; `leader_recovery_state` only while recovering.
    pub fn encode(&self) -> Bytes {
        let mut object = Object::new()
            .number("controller_epoch", self.controller_epoch)
            .number("leader", self.leader)
            .number("version", 1);
        if self.recovering {
            object = object.number("leader_recovery_state", 1);
        }
        object.number("leader_epoch", self.leader_epoch).raw("isr", &json::numbers(&self.isr)).end()
    }

    /// Reads version 1.
    pub fn decode(data: &[u8]) -> Result<PartitionState, RecordError> {
        let wire: WireState = json::read("partition state", data)?;
        Ok(PartitionState {
            controller_epoch: wire.controller_epoch,
            leader: wire.leader,
            leader_epoch: wire.leader_epoch,
            isr: wire.isr,
            recovering: wire.leader_recovery_state == 1,
        })
    }
}

#[derive(Deserialize)]
struct WireState {
    controller_epoch: i32,
    leader: BrokerId,
    leader_epoch: i32,
    isr: Vec<BrokerId>,
    #[serde(default)]
    leader_recovery_state: i8,
}
