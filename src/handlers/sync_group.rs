//! SyncGroup (14), v0-5: the leader brings the assignment, everybody gets its part.
//!
//! v1 throttle time; v3 group instance id (KIP-345); v4 flexible; v5 protocol type and name, which
//! must be there (KIP-559). Rules: `KafkaApis.handleSyncGroupRequest` and
//! `GroupCoordinator.doSyncGroup`.

use std::sync::Arc;

use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};

use super::RequestContext;
use super::convert::{nullable, nullable_wire, text};
use super::error::code_of;
use crate::broker::Broker;
use crate::coordinator::group::GroupError;
use crate::coordinator::group::classic::{Identity, SyncReply, SyncRequest};

/// Answers when the assignment is stored, or at once with an error.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: SyncGroupRequest,
) -> SyncGroupResponse {
    let version = context.api_version;
    let lacks_protocol = request.protocol_type.is_none() || request.protocol_name.is_none();
    if version >= 5 && lacks_protocol {
        return answer(version, SyncReply::failed(GroupError::InconsistentGroupProtocol));
    }
    let group_id = text(&request.group_id);
    answer(version, broker.groups.sync(&group_id, convert(request)).await)
}

fn convert(request: SyncGroupRequest) -> SyncRequest {
    SyncRequest {
        identity: Identity {
            member_id: text(&request.member_id),
            instance_id: nullable(&request.group_instance_id),
        },
        generation: request.generation_id,
        protocol_type: nullable(&request.protocol_type),
        protocol: nullable(&request.protocol_name),
        assignments: request
            .assignments
            .into_iter()
            .map(|assignment| (text(&assignment.member_id), assignment.assignment))
            .collect(),
    }
}

fn answer(version: i16, reply: SyncReply) -> SyncGroupResponse {
    let mut response = SyncGroupResponse::default()
        .with_error_code(code_of(reply.error.as_ref()))
        .with_assignment(reply.assignment);
    if version >= 5 {
        response.protocol_type = nullable_wire(reply.protocol_type.as_ref());
        response.protocol_name = nullable_wire(reply.protocol.as_ref());
    }
    response
}
