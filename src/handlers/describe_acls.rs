//! DescribeAcls (29), v0-3: without an authorizer there is nothing to describe.
//!
//! v1 pattern types; v2 flexible; v3 user resources. As `AclApis.handleDescribeAcls`.

use super::RequestContext;
use super::convert::wire;
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};
use std::sync::Arc;

/// A filter must not be for what is unknown. v0 has no pattern types.
pub fn check(_context: &RequestContext, request: &DescribeAclsRequest) -> Result<(), &'static str> {
    let pattern = request.pattern_type_filter;
    none_unknown([
        request.resource_type_filter,
        pattern,
        request.operation,
        request.permission_type,
    ])
}

/// Whether none of these types is UNKNOWN, which Kafka does not read; it does read numbers that it
/// does not know.
pub(super) fn none_unknown(types: [i8; 4]) -> Result<(), &'static str> {
    if types.contains(&0) { Err("a type is UNKNOWN") } else { Ok(()) }
}

/// Refuses: security is disabled.
pub async fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    _request: DescribeAclsRequest,
) -> DescribeAclsResponse {
    DescribeAclsResponse::default()
        .with_error_code(ErrorCode::SECURITY_DISABLED.0)
        .with_error_message(Some(wire("No Authorizer is configured on the broker")))
}
