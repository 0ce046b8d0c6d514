//! Metadata (3), v0-12: brokers, topics, leaders, as the image has them.
//!
//! v1 null = all topics, controller id, racks, internal flag; v2 cluster id; v4 auto-creation can
//! be forbidden; v5 offline replicas; v6 LISTENER_NOT_FOUND; v7 leader epochs; v8 authorized
//! operations; v9 flexible; v10 topic ids returned; v12 topics by id. As
//! `KafkaApis.handleTopicMetadataRequest` and `ZkMetadataCache`.

use super::RequestContext;
use super::cluster_view::{endpoint, racks, text};
use super::describe_cluster::CLUSTER_OPERATIONS;
use crate::broker::Broker;
use crate::config::key;
use crate::controller::{ControllerError, is_internal, validate_topic_name};
use crate::metadata::image::{Image, PartitionImage, TopicImage};
use crate::types::{ErrorCode, NO_BROKER, TopicId};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Operations on a topic, as bits of `AclOperation`: without an authorizer, all of them.
const TOPIC_OPERATIONS: i32 = 3576;

/// A null list of topics is for v1, a null name for v10.
pub fn check(context: &RequestContext, request: &MetadataRequest) -> Result<(), &'static str> {
    let version = context.api_version;
    let Some(topics) = &request.topics else {
        return if version == 0 { Err("topics is null") } else { Ok(()) };
    };
    if version < 10 && topics.iter().any(|topic| topic.name.is_none()) {
        return Err("the name of a topic is null");
    }
    Ok(())
}

/// Describes topics; creates missing ones where that is allowed.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: MetadataRequest,
) -> MetadataResponse {
    let version = context.api_version;
    if let Some(refused) = refuse_whole(version, &request) {
        return refused;
    }
    broker.introduced().await;
    let view = View { version, listener: &context.listener_name };
    let mut topics = match &request.topics {
        None => all_topics(broker, view),
        Some(asked) if asked.is_empty() && version == 0 => all_topics(broker, view),
        Some(asked) => some_topics(broker, view, asked, may_create(broker, &request)).await,
    };
    if request.include_topic_authorized_operations {
        for topic in &mut topics {
            topic.topic_authorized_operations = TOPIC_OPERATIONS;
        }
    }
    let cluster = if request.include_cluster_authorized_operations && version <= 10 {
        CLUSTER_OPERATIONS
    } else {
        i32::MIN
    };
    let image = broker.image.load();
    MetadataResponse::default()
        .with_brokers(brokers(&image, view))
        .with_cluster_id(Some(text(&broker.cluster_id)))
        .with_controller_id(BrokerId(image.controller))
        .with_topics(topics)
        .with_cluster_authorized_operations(cluster)
}

/// How the asking client sees the cluster.
#[derive(Clone, Copy)]
struct View<'a> {
    version: i16,
    listener: &'a str,
}

fn may_create(broker: &Broker, request: &MetadataRequest) -> bool {
    request.allow_auto_topic_creation && broker.config.load().get(key::AUTO_CREATE_TOPICS_ENABLE)
}

/// Topics by id, and without a name, are for v12; and there each needs one of both.
fn refuse_whole(version: i16, request: &MetadataRequest) -> Option<MetadataResponse> {
    let topics = request.topics.as_deref()?;
    let no_name = topics.iter().any(|topic| topic.name.is_none());
    let by_id = topics.iter().any(|topic| !topic.topic_id.is_nil());
    let error = match version {
        12.. if no_name && !by_id => ErrorCode::UNKNOWN_SERVER_ERROR,
        ..12 if no_name || by_id => ErrorCode::INVALID_REQUEST,
        _ => return None,
    };
    let refused = topics.iter().map(|topic| {
        MetadataResponseTopic::default()
            .with_error_code(error.0)
            .with_name(Some(topic.name.clone().unwrap_or_default()))
            .with_topic_id(topic.topic_id)
    });
    let response = MetadataResponse::default()
        .with_controller_id(BrokerId(NO_BROKER))
        .with_topics(refused.collect());
    Some(response)
}

fn brokers(image: &Image, view: View<'_>) -> Vec<MetadataResponseBroker> {
    let nodes = image.brokers.values().filter_map(|node| {
        let endpoint = endpoint(image, node.id, view.listener)?;
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(node.id))
            .with_host(text(&endpoint.host))
            .with_port(i32::from(endpoint.port))
            .with_rack(node.rack.as_deref().map(text));
        Some(broker)
    });
    nodes.collect()
}

fn all_topics(broker: &Broker, view: View<'_>) -> Vec<MetadataResponseTopic> {
    let image = broker.image.load();
    image.topics.values().map(|topic| known(&image, topic, view)).collect()
}

async fn some_topics(
    broker: &Arc<Broker>,
    view: View<'_>,
    asked: &[MetadataRequestTopic],
    may_create: bool,
) -> Vec<MetadataResponseTopic> {
    let image = broker.image.snapshot();
    let by_id = asked.iter().any(|topic| !topic.topic_id.is_nil());
    let mut found = Vec::with_capacity(asked.len());
    let mut missing = Vec::new();
    let mut seen: BTreeSet<(Option<&str>, TopicId)> = BTreeSet::new();
    // With one id, ids alone are looked at: a topic that has only a name is left out.
    for topic in asked.iter().filter(|topic| !by_id || !topic.topic_id.is_nil()) {
        let name = topic.name.as_ref().filter(|_| !by_id);
        if !seen.insert((name.map(|name| name.as_str()), topic.topic_id)) {
            continue;
        }
        let name = if by_id {
            image.names.get(&topic.topic_id).map(|name| name.as_ref())
        } else {
            topic.name.as_ref().map(|name| name.as_str())
        };
        let Some(name) = name else {
            let unknown = MetadataResponseTopic::default()
                .with_error_code(ErrorCode::UNKNOWN_TOPIC_ID.0)
                .with_name(None)
                .with_topic_id(topic.topic_id);
            found.push(unknown);
            continue;
        };
        match image.topics.get(name) {
            Some(topic) => found.push(known(&image, topic, view)),
            None => missing.push((name.to_string(), topic.topic_id)),
        }
    }
    for (name, id) in missing {
        let code = if by_id {
            ErrorCode::UNKNOWN_TOPIC_ID
        } else if may_create {
            create(broker, &name).await
        } else if validate_topic_name(&name).is_err() {
            ErrorCode::INVALID_TOPIC_EXCEPTION
        } else {
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        };
        found.push(
            MetadataResponseTopic::default()
                .with_error_code(code.0)
                .with_is_internal(view.version >= 1 && is_internal(&name))
                .with_name(Some(TopicName(text(&name))))
                .with_topic_id(id),
        );
    }
    found
}

/// Creates a topic that a client has asked about; it is to ask again.
async fn create(broker: &Broker, name: &str) -> ErrorCode {
    if validate_topic_name(name).is_err() {
        return ErrorCode::INVALID_TOPIC_EXCEPTION;
    }
    let config = broker.config.load_full();
    match broker.controller.auto_create(&config, &racks(broker), name).await {
        Ok(()) => ErrorCode::LEADER_NOT_AVAILABLE,
        Err(ControllerError::InvalidReplicationFactor(_)) => ErrorCode::INVALID_REPLICATION_FACTOR,
        Err(ControllerError::InvalidTopic(_)) => ErrorCode::INVALID_TOPIC_EXCEPTION,
        Err(error) => {
            tracing::warn!(topic = name, %error, "topic was not created automatically");
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        }
    }
}

fn known(image: &Image, topic: &TopicImage, view: View<'_>) -> MetadataResponseTopic {
    let partitions =
        topic.partitions.iter().map(|(index, state)| partition(image, *index, state, view));
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(text(&topic.name))))
        .with_topic_id(topic.id)
        .with_is_internal(is_internal(&topic.name))
        .with_partitions(partitions.collect())
}

fn ids(ids: impl IntoIterator<Item = i32>) -> Vec<BrokerId> {
    ids.into_iter().map(BrokerId).collect()
}

fn partition(
    image: &Image,
    index: i32,
    state: &PartitionImage,
    view: View<'_>,
) -> MetadataResponsePartition {
    let has_endpoint = |id: &i32| endpoint(image, *id, view.listener).is_some();
    // v0 clients cannot do with a replica whose address they are not told.
    let shown = |all: &[i32]| -> Vec<i32> {
        all.iter().copied().filter(|id| view.version > 0 || has_endpoint(id)).collect()
    };
    let (replicas, isr) = (shown(&state.replicas), shown(&state.isr));
    let (code, leader) = if has_endpoint(&state.leader) {
        let is_whole = replicas.len() == state.replicas.len() && isr.len() == state.isr.len();
        let code = if is_whole { ErrorCode::NONE } else { ErrorCode::REPLICA_NOT_AVAILABLE };
        (code, state.leader)
    } else if image.brokers.contains_key(&state.leader) && view.version >= 6 {
        (ErrorCode::LISTENER_NOT_FOUND, NO_BROKER)
    } else {
        (ErrorCode::LEADER_NOT_AVAILABLE, NO_BROKER)
    };
    MetadataResponsePartition::default()
        .with_error_code(code.0)
        .with_partition_index(index)
        .with_leader_id(BrokerId(leader))
        .with_leader_epoch(state.leader_epoch)
        .with_replica_nodes(ids(replicas))
        .with_isr_nodes(ids(isr))
        .with_offline_replicas(ids(state.offline_replicas.iter().copied()))
}
