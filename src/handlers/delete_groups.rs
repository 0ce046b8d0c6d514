//! DeleteGroups (42), v0-2: removes groups without members, and their offsets (KIP-229).
//!
//! v1 throttle time; v2 flexible.

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::RequestContext;
use super::error::code_of;
use crate::broker::Broker;

/// Deletes each group once, however often it is named.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let mut seen = HashSet::new();
    let results = request.groups_names.into_iter().filter(|id| seen.insert(id.clone())).map(|id| {
        let result = broker.groups.delete_group(&id);
        let code = code_of(result.as_ref().err());
        DeletableGroupResult::default().with_group_id(id).with_error_code(code)
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}
