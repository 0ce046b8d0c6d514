//! JoinGroup (11), v0-9: a member joins its group, and waits for the others.
//!
//! v1 rebalance timeout; v2 throttle time; v4 MEMBER_ID_REQUIRED (KIP-394); v5 group instance id
//! (KIP-345); v6 flexible; v7 protocol type in the answer; v8 reason (KIP-800); v9 skip assignment
//! (KIP-814). Rules: `GroupCoordinator.handleJoinGroup`.

use std::sync::Arc;

use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};

use super::RequestContext;
use super::convert::{nullable, nullable_wire, text, wire};
use super::error::code_of;
use crate::broker::Broker;
use crate::coordinator::group::classic::{Identity, JoinReply, JoinRequest, Protocol};

/// Answers when the join phase ends, or at once with an error.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: JoinGroupRequest,
) -> JoinGroupResponse {
    let version = context.api_version;
    let group_id = text(&request.group_id);
    let reply = broker.groups.join(&group_id, convert(context, request)).await;
    answer(version, reply)
}

fn convert(context: &RequestContext, request: JoinGroupRequest) -> JoinRequest {
    let version = context.api_version;
    let instance_id = nullable(&request.group_instance_id);
    JoinRequest {
        client_id: context.client_id().into(),
        client_host: format!("/{}", context.client_ip()).into(),
        require_known_member_id: version >= 4 && instance_id.is_none(),
        can_skip_assignment: version >= 9,
        identity: Identity { member_id: text(&request.member_id), instance_id },
        rebalance_timeout_ms: match version {
            0 => request.session_timeout_ms,
            _ => request.rebalance_timeout_ms,
        },
        session_timeout_ms: request.session_timeout_ms,
        protocol_type: text(&request.protocol_type),
        protocols: request
            .protocols
            .into_iter()
            .map(|protocol| Protocol { name: text(&protocol.name), metadata: protocol.metadata })
            .collect(),
        reason: nullable(&request.reason),
        unique: uuid::Uuid::new_v4(),
    }
}

fn answer(version: i16, reply: JoinReply) -> JoinGroupResponse {
    let protocol = nullable_wire(reply.protocol.as_ref());
    let mut response = JoinGroupResponse::default()
        .with_error_code(code_of(reply.error.as_ref()))
        .with_generation_id(reply.generation)
        // Null only since v7.
        .with_protocol_name(if version < 7 { Some(protocol.unwrap_or_default()) } else { protocol })
        .with_leader(wire(&reply.leader))
        .with_skip_assignment(reply.skip_assignment && version >= 9)
        .with_member_id(wire(&reply.member_id));
    if version >= 7 {
        response.protocol_type = nullable_wire(reply.protocol_type.as_ref());
    }
    response.members = reply
        .members
        .into_iter()
        .map(|member| {
            JoinGroupResponseMember::default()
                .with_member_id(wire(&member.member_id))
                .with_group_instance_id(
                    nullable_wire(member.instance_id.as_ref()).filter(|_| version >= 5),
                )
                .with_metadata(member.metadata)
        })
        .collect();
    response
}
