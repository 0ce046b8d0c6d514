//! CreateAcls (30), v0-3: without an authorizer no rule can be added.
//!
//! v1 pattern types; v2 flexible; v3 user resources. As `AclApis.handleCreateAcls`.

use super::RequestContext;
use super::convert::wire;
use super::describe_acls::none_unknown;
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::{CreateAclsRequest, CreateAclsResponse};
use std::sync::Arc;

/// A rule must not be for what is unknown. v0 has no pattern types.
pub fn check(_context: &RequestContext, request: &CreateAclsRequest) -> Result<(), &'static str> {
    request.creations.iter().try_for_each(|rule| {
        let pattern = rule.resource_pattern_type;
        none_unknown([rule.resource_type, pattern, rule.operation, rule.permission_type])
    })
}

/// Refuses each rule: security is disabled.
pub async fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    request: CreateAclsRequest,
) -> CreateAclsResponse {
    let refused = AclCreationResult::default()
        .with_error_code(ErrorCode::SECURITY_DISABLED.0)
        .with_error_message(Some(wire("No Authorizer is configured.")));
    CreateAclsResponse::default().with_results(vec![refused; request.creations.len()])
}
