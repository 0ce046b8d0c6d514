//! Requests and notifications that live for milliseconds: reassignment and preferred election the
//! old way, in-sync set changes of an IBP below 2.7, failed log directories.

use super::RecordError;
use super::json::{self, Object};
use crate::types::BrokerId;
use bytes::Bytes;
use serde::Deserialize;

/// A partition by name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PartitionRef {
    /// Topic.
    pub topic: String,
    /// Index.
    pub partition: i32,
}

impl PartitionRef {
    fn object(&self) -> Object {
        Object::new().text("topic", &self.topic).number("partition", self.partition)
    }
}

fn encode_refs(partitions: &[PartitionRef]) -> Bytes {
    let list = json::array(partitions.iter().map(|p| p.object().finish()));
    Object::new().number("version", 1).raw("partitions", &list).end()
}

#[derive(Deserialize)]
struct WireRefs {
    partitions: Vec<PartitionRef>,
}

/// `/admin/preferred_replica_election`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectionRequest(pub Vec<PartitionRef>);

impl ElectionRequest {
    /// JSON of version 1.
    pub fn encode(&self) -> Bytes {
        encode_refs(&self.0)
    }

    /// Reads version 1.
    pub fn decode(data: &[u8]) -> Result<Self, RecordError> {
        let wire: WireRefs = json::read("preferred replica election", data)?;
        Ok(ElectionRequest(wire.partitions))
    }
}

/// `/isr_change_notification/isr_change_N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsrChange(pub Vec<PartitionRef>);

impl IsrChange {
    /// JSON of version 1.
    pub fn encode(&self) -> Bytes {
        encode_refs(&self.0)
    }

    /// Reads version 1.
    pub fn decode(data: &[u8]) -> Result<Self, RecordError> {
        let wire: WireRefs = json::read("in-sync set change", data)?;
        Ok(IsrChange(wire.partitions))
    }
}

/// `/admin/reassign_partitions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReassignmentRequest(pub Vec<(PartitionRef, Vec<BrokerId>)>);

impl ReassignmentRequest {
    /// JSON of version 1.
    pub fn encode(&self) -> Bytes {
        let list = json::array(self.0.iter().map(|(partition, replicas)| {
            partition.object().raw("replicas", &json::numbers(replicas)).finish()
        }));
        Object::new().number("version", 1).raw("partitions", &list).end()
    }

    /// Reads version 1.
    pub fn decode(data: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Entry {
            topic: String,
            partition: i32,
            replicas: Vec<BrokerId>,
        }
        #[derive(Deserialize)]
        struct Wire {
            partitions: Vec<Entry>,
        }
        let wire: Wire = json::read("reassignment", data)?;
        let entries = wire.partitions.into_iter().map(|Entry { topic, partition, replicas }| {
            (PartitionRef { topic, partition }, replicas)
        });
        Ok(ReassignmentRequest(entries.collect()))
    }
}

/// The only event there is: a log directory failed.
pub const LOG_DIR_FAILURE: i32 = 1;

/// `/log_dir_event_notification/log_dir_event_N`: a log directory of this broker failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDirEvent {
    /// Whose.
    pub broker: BrokerId,
}

impl LogDirEvent {
    /// JSON of version 1.
    pub fn encode(&self) -> Bytes {
        Object::new()
            .number("version", 1)
            .number("broker", self.broker)
            .number("event", LOG_DIR_FAILURE)
            .end()
    }

    /// Reads version 1.
    pub fn decode(data: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Wire {
            broker: BrokerId,
        }
        let wire: Wire = json::read("log directory event", data)?;
        Ok(LogDirEvent { broker: wire.broker })
    }
}
