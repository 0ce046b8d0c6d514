//! DescribeAcls (29), v0-3: without an authorizer there is nothing to describe.
//!
//! v1 pattern types; v2 flexible; v3 user resources. As `AclApis.handleDescribeAcls`.

use super::RequestContext;
use super::convert::wire;
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};
use std::sync::Arc;

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
