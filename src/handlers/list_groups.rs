//! ListGroups (16), v0-5: the groups that this broker coordinates.
//!
//! v1 throttle time; v3 flexible; v4 states, as answer and filter (KIP-518); v5 types, likewise
//! (KIP-848). Filters ignore case.

use std::sync::Arc;

use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;

use super::RequestContext;
use super::convert::wire;
use super::error::code_of;
use crate::broker::Broker;
use crate::coordinator::group::{GroupError, Overview};

/// Lists what is loaded; COORDINATOR_LOAD_IN_PROGRESS says that there may be more.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ListGroupsRequest,
) -> ListGroupsResponse {
    let response = ListGroupsResponse::default();
    let (overviews, is_loading) = match broker.groups.list() {
        Ok(list) => list,
        Err(error) => return response.with_error_code(code_of(Some(&error))),
    };
    let loading = is_loading.then_some(GroupError::CoordinatorLoadInProgress);
    let groups = overviews
        .iter()
        .filter(|group| is_wanted(&request.states_filter, group.state))
        .filter(|group| is_wanted(&request.types_filter, group.kind))
        .map(|group| listed(context.api_version, group));
    response.with_error_code(code_of(loading.as_ref())).with_groups(groups.collect())
}

fn is_wanted(filter: &[StrBytes], value: &str) -> bool {
    filter.is_empty() || filter.iter().any(|wanted| wanted.as_str().eq_ignore_ascii_case(value))
}

fn listed(version: i16, group: &Overview) -> ListedGroup {
    let mut listed = ListedGroup::default()
        .with_group_id(wire(&group.group_id).into())
        .with_protocol_type(wire(&group.protocol_type));
    if version >= 4 {
        listed.group_state = StrBytes::from_static_str(group.state);
    }
    if version >= 5 {
        listed.group_type = StrBytes::from_static_str(group.kind);
    }
    listed
}
