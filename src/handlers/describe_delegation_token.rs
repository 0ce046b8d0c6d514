//! DescribeDelegationToken (41), v0-3: refused, since listeners have no SASL (KIP-48).
//!
//! v2 flexible; v3 requesters (KIP-373).
//! As `KafkaApis.handleDescribeTokensRequest`: the listener is looked at before the secret key.

use super::RequestContext;
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::{DescribeDelegationTokenRequest, DescribeDelegationTokenResponse};
use std::sync::Arc;

/// Refuses: no connection is authenticated.
pub async fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    _request: DescribeDelegationTokenRequest,
) -> DescribeDelegationTokenResponse {
    DescribeDelegationTokenResponse::default()
        .with_error_code(ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.0)
}
