//! SaslHandshake (17), v0-1, on a connection that has nothing to authenticate any more.
//!
//! A handshake before authentication is the network layer's; what reaches this handler comes on a
//! listener without SASL or too late, and is refused (`KafkaApis.handleSaslHandshakeRequest`).

use std::sync::Arc;

use kafka_protocol::messages::{SaslHandshakeRequest, SaslHandshakeResponse};

use super::RequestContext;
use crate::broker::Broker;
use crate::types::ErrorCode;

/// Refuses; the connection stays.
pub async fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    _request: SaslHandshakeRequest,
) -> SaslHandshakeResponse {
    SaslHandshakeResponse::default().with_error_code(ErrorCode::ILLEGAL_SASL_STATE.0)
}
