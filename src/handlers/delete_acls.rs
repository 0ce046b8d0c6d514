//! DeleteAcls (31), v0-3: without an authorizer no rule can be taken away.
//!
//! v1 pattern types; v2 flexible; v3 user resources. As `AclApis.handleDeleteAcls`.

use super::RequestContext;
use super::convert::wire;
use super::describe_acls::none_unknown;
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{DeleteAclsRequest, DeleteAclsResponse};
use std::sync::Arc;

/// A filter must not be for what is unknown. v0 has no pattern types.
pub fn check(_context: &RequestContext, request: &DeleteAclsRequest) -> Result<(), &'static str> {
    request.filters.iter().try_for_each(|filter| {
        let pattern = filter.pattern_type_filter;
        none_unknown([
            filter.resource_type_filter,
            pattern,
            filter.operation,
            filter.permission_type,
        ])
    })
}

/// Refuses each filter: security is disabled.
pub async fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DeleteAclsRequest,
) -> DeleteAclsResponse {
    let refused = DeleteAclsFilterResult::default()
        .with_error_code(ErrorCode::SECURITY_DISABLED.0)
        .with_error_message(Some(wire("No Authorizer is configured.")));
    DeleteAclsResponse::default().with_filter_results(vec![refused; request.filters.len()])
}
