//! FindCoordinator (10), v0-6: which broker coordinates a group or a transactional id.
//!
//! v1 key type, throttle time, message; v3 flexible; v4 several keys (KIP-699); v5 none (KIP-890);
//! v6 share groups (KIP-932), which 3.9 in ZooKeeper mode refuses. A missing internal topic is
//! created meanwhile. Rules: `KafkaApis.getCoordinator`.

use std::sync::Arc;

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use super::RequestContext;
use super::convert::wire;
use super::lookup::{self, Node};
use crate::broker::{Broker, InternalTopic};
use crate::coordinator::state_log::partition_of;
use crate::types::ErrorCode;

/// Answers by the image at once.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    broker.introduced().await;
    if context.api_version < 4 {
        return one(broker, context, &request);
    }
    let kind = request.key_type;
    let coordinators = request.coordinator_keys.into_iter().map(|key| {
        let found = find(broker, context, kind, &key);
        let coordinator = Coordinator::default().with_key(key);
        match found {
            Ok(node) => coordinator
                .with_node_id(node.id.into())
                .with_host(wire(&node.host))
                .with_port(i32::from(node.port)),
            Err(code) => {
                // Kafka has a message only where it fails as a whole.
                let text = if is_unknown(kind) { code.message() } else { "" };
                coordinator
                    .with_error_code(code.0)
                    .with_error_message(Some(StrBytes::from_static_str(text)))
                    .with_node_id((-1).into())
                    .with_port(-1)
            }
        }
    });
    FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
}

/// Share groups' type of key.
const SHARE: i8 = 2;

fn is_unknown(kind: i8) -> bool {
    !(0..=SHARE).contains(&kind)
}

fn one(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: &FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let found = find(broker, context, request.key_type, &request.key);
    let code = found.as_ref().err().copied().unwrap_or(ErrorCode::NONE);
    let mut response = FindCoordinatorResponse::default().with_error_code(code.0);
    if context.api_version >= 1 {
        // Kafka says "NONE" where there is no error.
        response.error_message = Some(StrBytes::from_static_str(code.message()));
    }
    match found {
        Ok(node) => response
            .with_node_id(node.id.into())
            .with_host(wire(&node.host))
            .with_port(i32::from(node.port)),
        Err(_) => response.with_node_id((-1).into()).with_port(-1),
    }
}

fn find(
    broker: &Arc<Broker>,
    context: &RequestContext,
    kind: i8,
    key: &str,
) -> Result<Node, ErrorCode> {
    let topic = match kind {
        0 => InternalTopic::ConsumerOffsets,
        1 => InternalTopic::TransactionState,
        // Their topic would have to be created first, which ZooKeeper mode never does.
        SHARE if context.api_version >= 6 => return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        _ => return Err(ErrorCode::INVALID_REQUEST),
    };
    let image = broker.image.load();
    let Some(partitions) = image.topics.get(topic.name()).map(|t| t.partitions.len()) else {
        broker.create_internal_topic(topic);
        return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
    };
    let index = partition_of(key, i32::try_from(partitions).unwrap_or(i32::MAX));
    image
        .partition(topic.name(), index)
        .and_then(|partition| lookup::node(broker, partition.leader, &context.listener_name))
        .ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)
}
