//! UpdateMetadata (6), v0-8: the controller says which brokers live and who leads what.
//!
//! v1 endpoints; v2 rack; v3 listener names; v4 offline replicas; v5 broker epoch, grouped by
//! topic; v6 flexible; v7 topic ids; v8 KRaft controller and type. Publishes the image. Rules:
//! `KafkaApis.handleUpdateMetadataRequest`, `ZkMetadataCache.updateMetadata`.

use super::RequestContext;
use crate::broker::Broker;
use crate::metadata::image::{BrokerNode, Endpoint, Image, PartitionImage, TopicImage};
use crate::types::{ErrorCode, NO_BROKER, TopicId, TopicPartition};
use kafka_protocol::messages::update_metadata_request::{
    UpdateMetadataBroker, UpdateMetadataPartitionState,
};
use kafka_protocol::messages::{UpdateMetadataRequest, UpdateMetadataResponse};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The leader of a partition whose topic is being deleted.
const LEADER_DURING_DELETE: i32 = -2;

/// Publishes a new image.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: UpdateMetadataRequest,
) -> UpdateMetadataResponse {
    let response = UpdateMetadataResponse::default();
    if broker.is_stale_epoch(request.broker_epoch) {
        return response.with_error_code(ErrorCode::STALE_BROKER_EPOCH.0);
    }
    if broker.replicas.accept_controller_epoch(request.controller_epoch).is_err() {
        return response.with_error_code(ErrorCode::STALE_CONTROLLER_EPOCH.0);
    }
    let deleted = broker.image.update(|image| apply(image, context.api_version, &request));
    broker.partitions_deleted(&deleted);
    response
}

/// Changes the image; which partitions are gone.
fn apply(image: &mut Image, version: i16, request: &UpdateMetadataRequest) -> Vec<TopicPartition> {
    image.controller = request.controller_id.0.max(NO_BROKER);
    image.controller_epoch = request.controller_epoch;
    let live = request.live_brokers.iter().map(|live| {
        let epoch = image.brokers.get(&live.id.0).map_or(-1, |known| known.epoch);
        (live.id.0, Arc::new(broker_node(version, live, epoch)))
    });
    let live: BTreeMap<_, _> = live.collect();
    image.brokers = live;
    let mut deleted = Vec::new();
    for state in &request.ungrouped_partition_states {
        let name = state.topic_name.to_string();
        apply_topic(image, &name, TopicId::nil(), std::slice::from_ref(state), &mut deleted);
    }
    for topic in &request.topic_states {
        let states = &topic.partition_states;
        apply_topic(image, &topic.topic_name, topic.topic_id, states, &mut deleted);
    }
    deleted
}

fn apply_topic(
    image: &mut Image,
    name: &str,
    id: TopicId,
    states: &[UpdateMetadataPartitionState],
    deleted: &mut Vec<TopicPartition>,
) {
    let known = image.topics.get_key_value(name);
    let shared: Arc<str> = known.map_or_else(|| Arc::from(name), |(name, _)| name.clone());
    let mut topic = known.map_or_else(
        || TopicImage { name: shared.clone(), id, partitions: BTreeMap::new() },
        |(_, topic)| TopicImage::clone(topic),
    );
    if topic.id != id && !id.is_nil() {
        image.names.remove(&topic.id);
        topic.id = id;
    }
    for state in states {
        if state.leader.0 == LEADER_DURING_DELETE {
            topic.partitions.remove(&state.partition_index);
            deleted.push(TopicPartition::new(shared.clone(), state.partition_index));
        } else {
            topic.partitions.insert(state.partition_index, partition_image(state));
        }
    }
    if topic.partitions.is_empty() {
        image.topics.remove(name);
        image.topic_configs.remove(name);
        image.names.remove(&topic.id);
        return;
    }
    if !topic.id.is_nil() {
        image.names.insert(topic.id, shared.clone());
    }
    image.topics.insert(shared, Arc::new(topic));
}

fn partition_image(state: &UpdateMetadataPartitionState) -> PartitionImage {
    let ids = |list: &[kafka_protocol::messages::BrokerId]| list.iter().map(|id| id.0).collect();
    PartitionImage {
        leader: state.leader.0,
        leader_epoch: state.leader_epoch,
        isr: ids(&state.isr),
        partition_epoch: state.zk_version,
        replicas: ids(&state.replicas),
        offline_replicas: ids(&state.offline_replicas),
    }
}

fn broker_node(version: i16, live: &UpdateMetadataBroker, epoch: i64) -> BrokerNode {
    let port = |port: i32| u16::try_from(port).unwrap_or(0);
    let mut endpoints: Vec<Endpoint> = live
        .endpoints
        .iter()
        .map(|endpoint| Endpoint {
            listener: listener(version, &endpoint.listener, endpoint.security_protocol),
            security_protocol: endpoint.security_protocol,
            host: endpoint.host.to_string(),
            port: port(endpoint.port),
        })
        .collect();
    if version == 0 {
        endpoints.push(Endpoint {
            listener: "PLAINTEXT".into(),
            security_protocol: 0,
            host: live.v0_host.to_string(),
            port: port(live.v0_port),
        });
    }
    let rack = live.rack.as_ref().map(|rack| rack.to_string());
    BrokerNode { id: live.id.0, epoch, endpoints, rack }
}

/// Below v3 a listener has the name of its security protocol.
fn listener(version: i16, name: &str, security_protocol: i16) -> String {
    match security_protocol {
        _ if version >= 3 => name.to_owned(),
        1 => "SSL".to_owned(),
        2 => "SASL_PLAINTEXT".to_owned(),
        3 => "SASL_SSL".to_owned(),
        _ => "PLAINTEXT".to_owned(),
    }
}

#[cfg(test)]
mod tests;
