//! ConsumerGroupDescribe (69), v0-1: KIP-848 groups with their members.
//!
//! v1 (Kafka 4.0) tells members of the classic protocol apart. Kafka 3.9 lists v0 in ZooKeeper
//! mode and answers UNSUPPORTED_VERSION for every group, as this broker does with
//! `ottla.consumer.groups.enable=false`; clients then ask DescribeGroups.

use super::RequestContext;
use super::convert::wire;
use super::error::ToErrorCode;
use super::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse};
use crate::broker::Broker;
use crate::coordinator::group::consumer::{Assignment, TopicCatalog};
use crate::coordinator::group::{ConsumerDescription, ConsumerMember, HeartbeatError};
use crate::types::ErrorCode;
use kafka_protocol::messages::GroupId;
use kafka_protocol::messages::consumer_group_describe_response::{
    Assignment as WireAssignment, DescribedGroup, Member, TopicPartitions,
};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Bits of the operations on a group, as in DescribeGroups.
const ALL_OPERATIONS: i32 = (1 << 3) | (1 << 6) | (1 << 8);

/// Describes each group; one that is not of KIP-848 is GROUP_ID_NOT_FOUND.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: ConsumerGroupDescribeRequest,
) -> ConsumerGroupDescribeResponse {
    let shows_operations = request.0.include_authorized_operations;
    let mut response = ConsumerGroupDescribeResponse::default();
    for group_id in request.0.group_ids {
        let (mut group, types) = describe(broker, group_id);
        if shows_operations && group.error_code == 0 {
            group.authorized_operations = ALL_OPERATIONS;
        }
        response.base.groups.push(group);
        response.member_types.push(types);
    }
    response
}

fn describe(broker: &Broker, group_id: GroupId) -> (DescribedGroup, Vec<i8>) {
    let group = DescribedGroup::default().with_group_id(group_id.clone());
    if !broker.groups.config().consumer.is_enabled {
        return (group.with_error_code(ErrorCode::UNSUPPORTED_VERSION.0), Vec::new());
    }
    match broker.groups.describe_consumer(&group_id) {
        Ok((description, topics)) => described(group, description, &topics),
        Err(HeartbeatError::Group(error)) => {
            (group.with_error_code(error.error_code().0), Vec::new())
        }
        Err(HeartbeatError::Refused(refusal)) => {
            let message = Some(wire(&refusal.to_string()));
            let code = refusal.error_code().0;
            (group.with_error_code(code).with_error_message(message), Vec::new())
        }
    }
}

fn described(
    group: DescribedGroup,
    description: ConsumerDescription,
    topics: &TopicCatalog,
) -> (DescribedGroup, Vec<i8>) {
    let types = description.members.iter().map(|m| i8::from(m.member.classic.is_none())).collect();
    let members = description.members.into_iter().map(|m| wire_member(m, topics)).collect();
    let group = group
        .with_group_state(StrBytes::from_static_str(description.state))
        .with_group_epoch(description.epoch)
        .with_assignment_epoch(description.target_epoch)
        .with_assignor_name(StrBytes::from_static_str(description.assignor))
        .with_members(members);
    (group, types)
}

fn wire_member(described: ConsumerMember, topics: &TopicCatalog) -> Member {
    let member = described.member;
    Member::default()
        .with_member_id(wire(&described.id))
        .with_instance_id(member.instance_id.as_deref().map(wire))
        .with_rack_id(member.rack_id.as_deref().map(wire))
        .with_member_epoch(described.epoch)
        .with_client_id(wire(&member.client_id))
        .with_client_host(wire(&member.client_host))
        .with_subscribed_topic_names(member.topics.iter().map(|t| wire(t).into()).collect())
        .with_subscribed_topic_regex(Some(wire(member.topic_regex.as_deref().unwrap_or_default())))
        .with_assignment(wire_assignment(&described.assigned, topics))
        .with_target_assignment(wire_assignment(&described.target, topics))
}

/// With the topics' names; topics that are gone are left out.
fn wire_assignment(assignment: &Assignment, topics: &TopicCatalog) -> WireAssignment {
    let partitions = assignment.iter().filter_map(|(id, partitions)| {
        let topic = TopicPartitions::default()
            .with_topic_id(*id)
            .with_topic_name(wire(&topics.get(*id)?.name).into())
            .with_partitions(partitions.iter().copied().collect());
        Some(topic)
    });
    WireAssignment::default().with_topic_partitions(partitions.collect())
}
