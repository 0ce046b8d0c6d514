//! SaslAuthenticate (36), v0-2 (v1 session lifetime, v2 flexible), after authentication.
//!
//! As with [`sasl_handshake`](super::sasl_handshake), what comes before authentication does not
//! reach this handler (`KafkaApis.handleSaslAuthenticateRequest`).

use std::sync::Arc;

use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use kafka_protocol::protocol::StrBytes;

use super::RequestContext;
use crate::broker::Broker;
use crate::types::ErrorCode;

const TOO_LATE: &str = "SaslAuthenticate request received after successful authentication";

/// Refuses; the connection stays.
pub async fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    _request: SaslAuthenticateRequest,
) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default()
        .with_error_code(ErrorCode::ILLEGAL_SASL_STATE.0)
        .with_error_message(Some(StrBytes::from_static_str(TOO_LATE)))
}
