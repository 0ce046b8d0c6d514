//! DescribeGroups (15), v0-5: state, protocol and members of groups.
//!
//! v1 throttle time; v3 authorized operations (KIP-430); v4 group instance ids; v5 flexible. A
//! group that does not exist is `Dead`, without error.

use std::sync::Arc;

use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use kafka_protocol::protocol::StrBytes;

use super::RequestContext;
use super::convert::{nullable_wire, wire};
use super::error::code_of;
use crate::broker::Broker;
use crate::coordinator::group::DescribedMember;

/// Bits of the operations on a group: read 3, delete 6, describe 8. Everybody may do all of
/// them while there is no authorizer.
const ALL_OPERATIONS: i32 = (1 << 3) | (1 << 6) | (1 << 8);

/// Describes each group.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let shows_operations = context.api_version >= 3 && request.include_authorized_operations;
    let groups = request.groups.into_iter().map(|group_id| {
        let mut group = describe(broker, context.api_version, group_id);
        if shows_operations && group.error_code == 0 {
            group.authorized_operations = ALL_OPERATIONS;
        }
        group
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn describe(broker: &Broker, version: i16, group_id: GroupId) -> DescribedGroup {
    let described = broker.groups.describe(&group_id);
    let group = DescribedGroup::default().with_group_id(group_id);
    match described {
        Err(error) => group.with_error_code(code_of(Some(&error))),
        Ok(description) => group
            .with_group_state(StrBytes::from_static_str(description.state))
            .with_protocol_type(wire(&description.protocol_type))
            .with_protocol_data(wire(&description.protocol))
            .with_members(description.members.into_iter().map(|m| member(version, m)).collect()),
    }
}

fn member(version: i16, member: DescribedMember) -> DescribedGroupMember {
    DescribedGroupMember::default()
        .with_member_id(wire(&member.member_id))
        .with_group_instance_id(nullable_wire(member.instance_id.as_ref()).filter(|_| version >= 4))
        .with_client_id(wire(&member.client_id))
        .with_client_host(wire(&member.client_host))
        .with_member_metadata(member.metadata)
        .with_member_assignment(member.assignment)
}
