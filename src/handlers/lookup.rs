//! What several handlers look up: a replica or why there is none, a leader, its address.
//!
//! As `ReplicaManager.getPartitionOrError` and `KafkaApis.getCurrentLeader`.

use crate::broker::Broker;
use crate::partition::Partition;
use crate::types::{BrokerId, ErrorCode, NO_BROKER, TopicId, TopicName};
use std::sync::Arc;

/// The replica on this broker. Where there is none: its disk has failed, not the leader if the
/// partition exists somewhere, else unknown.
pub fn replica(broker: &Broker, topic: &str, index: i32) -> Result<Arc<Partition>, ErrorCode> {
    match broker.replicas.get(topic, index) {
        // Whoever leads it by now.
        Some(partition) if partition.log().check_online().is_err() => {
            Err(ErrorCode::KAFKA_STORAGE_ERROR)
        }
        Some(partition) => Ok(partition),
        None if is_known(broker, topic, index) => Err(not_here(broker, topic, index)),
        None => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
    }
}

/// Why this broker has no replica of a partition that exists.
pub fn not_here(broker: &Broker, topic: &str, index: i32) -> ErrorCode {
    match broker.replicas.is_offline(topic, index) {
        true => ErrorCode::KAFKA_STORAGE_ERROR,
        false => ErrorCode::NOT_LEADER_OR_FOLLOWER,
    }
}

/// Whether the metadata image has the partition.
pub fn is_known(broker: &Broker, topic: &str, index: i32) -> bool {
    broker.image.load().partition(topic, index).is_some()
}

/// The name of a topic id.
pub fn topic_name(broker: &Broker, id: TopicId) -> Option<TopicName> {
    broker.image.load().names.get(&id).cloned()
}

/// Leader and leader epoch as this broker knows them, by its replica or else by the image;
/// (-1, -1) for an unknown partition.
pub fn leader(broker: &Broker, topic: &str, index: i32) -> (BrokerId, i32) {
    if let Some(partition) = broker.replicas.get(topic, index) {
        return (partition.leader(), partition.leader_epoch());
    }
    let image = broker.image.load();
    image
        .partition(topic, index)
        .map_or((NO_BROKER, -1), |partition| (partition.leader, partition.leader_epoch))
}

/// Where a client of `listener` reaches a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Broker id.
    pub id: BrokerId,
    /// Advertised host.
    pub host: String,
    /// Advertised port.
    pub port: u16,
    /// Rack.
    pub rack: Option<String>,
}

/// The address of a live broker at a listener.
pub fn node(broker: &Broker, id: BrokerId, listener: &str) -> Option<Node> {
    let image = broker.image.load();
    let live = image.brokers.get(&id)?;
    let endpoint = live.endpoints.iter().find(|endpoint| endpoint.listener == listener)?;
    let (host, port) = (endpoint.host.clone(), endpoint.port);
    Some(Node { id, host, port, rack: live.rack.clone() })
}
