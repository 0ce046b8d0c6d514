//! InitProducerId (22), v0-5: an id for an idempotent or transactional producer (KIP-98).
//!
//! v1 none; v2 flexible; v3 the producer's present id and epoch (KIP-360); v4 PRODUCER_FENCED; v5
//! none. Without a transactional id every call gives a new id. Rules: `KafkaApis.
//! handleInitProducerIdRequest`, `TransactionCoordinator.handleInitProducerId`.

use super::RequestContext;
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};
use std::sync::Arc;

/// Gives an id.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    // Either both or neither: an id without an epoch means nothing.
    let is_half = (request.producer_id.0 == -1) != (request.producer_epoch == -1);
    let given = match &request.transactional_id {
        _ if is_half => Err(ErrorCode::INVALID_REQUEST),
        Some(id) if id.is_empty() => Err(ErrorCode::INVALID_REQUEST),
        Some(_) => Err(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        None => broker.producer_ids.next(&broker.controller_client).await,
    };
    let response = InitProducerIdResponse::default();
    match given {
        Ok(id) => response.with_producer_id(id.into()).with_producer_epoch(0),
        Err(code) => {
            response.with_error_code(code.0).with_producer_id((-1).into()).with_producer_epoch(-1)
        }
    }
}
