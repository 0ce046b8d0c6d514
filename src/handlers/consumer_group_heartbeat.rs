//! ConsumerGroupHeartbeat (68), v0-1: a member of a KIP-848 group speaks, and hears what it may
//! use.
//!
//! v1 (Kafka 4.0) subscription by regular expression, and the client makes up the member id.
//! Kafka 3.9 lists v0 in ZooKeeper mode and answers UNSUPPORTED_VERSION, as this broker does with
//! `ottla.consumer.groups.enable=false`. Rules: `GroupCoordinatorService.consumerGroupHeartbeat`.

use super::RequestContext;
use super::convert::wire;
use super::error::ToErrorCode;
use super::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use crate::broker::Broker;
use crate::coordinator::group::consumer::Assignment;
use crate::coordinator::group::consumer::plan::Heartbeat;
use crate::coordinator::group::{HeartbeatError, HeartbeatReply};
use crate::types::{ErrorCode, TopicId};
use kafka_protocol::messages::ConsumerGroupHeartbeatResponse as Response;
use kafka_protocol::messages::consumer_group_heartbeat_response::{
    Assignment as WireAssignment, TopicPartitions,
};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Answers when what the heartbeat changed is replicated.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ConsumerGroupHeartbeatRequest,
) -> ConsumerGroupHeartbeatResponse {
    let response = Response::default().with_assignment(None);
    if !broker.groups.config().consumer.is_enabled {
        let code = ErrorCode::UNSUPPORTED_VERSION.0;
        return ConsumerGroupHeartbeatResponse(response.with_error_code(code));
    }
    let group_id = request.base.group_id.to_string();
    let reply = broker.groups.consumer_heartbeat(&group_id, convert(context, request)).await;
    ConsumerGroupHeartbeatResponse(match reply {
        Ok(reply) => answer(response, reply),
        Err(HeartbeatError::Group(error)) => response.with_error_code(error.error_code().0),
        Err(HeartbeatError::Refused(refusal)) => response
            .with_error_code(refusal.error_code().0)
            .with_error_message(Some(wire(&refusal.to_string()))),
    })
}

fn convert(context: &RequestContext, request: ConsumerGroupHeartbeatRequest) -> Heartbeat {
    let text = |text: &Option<StrBytes>| text.as_ref().map(StrBytes::to_string);
    let base = request.base;
    let joins_without_id =
        context.api_version == 0 && base.member_epoch == 0 && base.member_id.is_empty();
    Heartbeat {
        member_id: match joins_without_id {
            true => crate::types::id_to_base64(uuid::Uuid::new_v4()),
            false => base.member_id.to_string(),
        },
        epoch: base.member_epoch,
        instance_id: text(&base.instance_id),
        rack_id: text(&base.rack_id),
        client_id: context.client_id().to_owned(),
        client_host: format!("/{}", context.client_ip()),
        rebalance_timeout_ms: base.rebalance_timeout_ms,
        topics: base
            .subscribed_topic_names
            .map(|names| names.iter().map(|name| name.to_string()).collect()),
        topic_regex: text(&request.subscribed_topic_regex),
        assignor: text(&base.server_assignor),
        owned: base.topic_partitions.map(|topics| {
            let mut owned = Assignment::new();
            for topic in topics.into_iter().filter(|topic| !topic.partitions.is_empty()) {
                owned.entry(topic.topic_id).or_default().extend(topic.partitions);
            }
            owned
        }),
        classic: None,
    }
}

fn answer(response: Response, reply: HeartbeatReply) -> Response {
    let assignment = reply.assignment.map(|assignment| {
        let topics =
            assignment.into_iter().map(|(topic, partitions)| wire_topic(topic, partitions));
        WireAssignment::default().with_topic_partitions(topics.collect())
    });
    response
        .with_member_id(Some(wire(&reply.member_id)))
        .with_member_epoch(reply.epoch)
        .with_heartbeat_interval_ms(reply.interval_ms)
        .with_assignment(assignment)
}

fn wire_topic(topic: TopicId, partitions: impl IntoIterator<Item = i32>) -> TopicPartitions {
    TopicPartitions::default()
        .with_topic_id(topic)
        .with_partitions(partitions.into_iter().collect())
}
