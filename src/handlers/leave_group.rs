//! LeaveGroup (13), v0-5: members leave, or an administrator removes static ones.
//!
//! v1 throttle time; v3 several members, each by member id or group instance id (KIP-345);
//! v4 flexible; v5 reason (KIP-800). Before v3 the only member's error is the response's.

use std::sync::Arc;

use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::RequestContext;
use super::convert::{nullable, nullable_wire, text, wire};
use super::error::code_of;
use crate::broker::Broker;
use crate::coordinator::group::classic::{Identity, LeavingMember};

/// Answers at once.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    let response = LeaveGroupResponse::default();
    let members = leaving(context.api_version, &request);
    let results = match broker.groups.leave(&request.group_id, &members) {
        Ok(results) => results,
        Err(error) => return response.with_error_code(code_of(Some(&error))),
    };
    if context.api_version < 3 {
        let error = results.first().and_then(|result| result.as_ref().err());
        return response.with_error_code(code_of(error));
    }
    let members = members.iter().zip(&results).map(|(member, result)| {
        MemberResponse::default()
            .with_member_id(wire(&member.identity.member_id))
            .with_group_instance_id(nullable_wire(member.identity.instance_id.as_ref()))
            .with_error_code(code_of(result.as_ref().err()))
    });
    response.with_members(members.collect())
}

fn leaving(version: i16, request: &LeaveGroupRequest) -> Vec<LeavingMember> {
    if version < 3 {
        let identity = Identity { member_id: text(&request.member_id), instance_id: None };
        return vec![LeavingMember { identity, reason: None }];
    }
    request
        .members
        .iter()
        .map(|member| LeavingMember {
            identity: Identity {
                member_id: text(&member.member_id),
                instance_id: nullable(&member.group_instance_id),
            },
            reason: nullable(&member.reason),
        })
        .collect()
}
