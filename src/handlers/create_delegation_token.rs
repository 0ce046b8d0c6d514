//! CreateDelegationToken (38), v0-3: refused, since listeners have no SASL (KIP-48).
//!
//! v2 flexible; v3 owners other than the requester (KIP-373).
//! As `KafkaApis.handleCreateTokenRequest`: the listener is looked at before the secret key.

use super::RequestContext;
use super::convert::wire;
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::{CreateDelegationTokenRequest, CreateDelegationTokenResponse};
use std::sync::Arc;

/// Refuses: no connection is authenticated.
pub async fn handle(
    _broker: &Arc<Broker>,
    context: &RequestContext,
    _request: CreateDelegationTokenRequest,
) -> CreateDelegationTokenResponse {
    let requester = &context.principal;
    let mut response = CreateDelegationTokenResponse::default()
        .with_error_code(ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.0)
        .with_principal_type(wire(&requester.kind))
        .with_principal_name(wire(&requester.name))
        .with_issue_timestamp_ms(-1)
        .with_expiry_timestamp_ms(-1)
        .with_max_timestamp_ms(-1);
    if context.api_version >= 3 {
        response.token_requester_principal_type = wire(&requester.kind);
        response.token_requester_principal_name = wire(&requester.name);
    }
    response
}
