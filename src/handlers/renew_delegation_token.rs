//! RenewDelegationToken (39), v0-2: refused, since listeners have no SASL (KIP-48).
//!
//! v2 flexible.
//! As `KafkaApis.handleRenewTokenRequest`: the listener is looked at before the secret key.

use super::RequestContext;
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::{RenewDelegationTokenRequest, RenewDelegationTokenResponse};
use std::sync::Arc;

/// Refuses: no connection is authenticated.
pub async fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    _request: RenewDelegationTokenRequest,
) -> RenewDelegationTokenResponse {
    RenewDelegationTokenResponse::default()
        .with_error_code(ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.0)
        .with_expiry_timestamp_ms(-1)
}
