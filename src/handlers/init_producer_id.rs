//! InitProducerId (22), v0-5: an id for an idempotent or transactional producer (KIP-98).
//!
//! v1 none; v2 flexible; v3 the producer's present id and epoch (KIP-360); v4 PRODUCER_FENCED; v5
//! none. Without a transactional id every call gives a new id. Rules: `KafkaApis.
//! handleInitProducerIdRequest`, `TransactionCoordinator.handleInitProducerId`.

use super::RequestContext;
use super::convert::text;
use super::error::transaction_code;
use crate::broker::Broker;
use crate::coordinator::transaction::InitRequest;
use crate::coordinator::transaction::machine::Producer;
use crate::types::ErrorCode;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};
use std::sync::Arc;

/// The first version that knows PRODUCER_FENCED.
const FENCED_SINCE: i16 = 4;

/// Gives an id.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    // Either both or neither: an id without an epoch means nothing.
    let is_half = (request.producer_id.0 == -1) != (request.producer_epoch == -1);
    let given = match &request.transactional_id {
        _ if is_half => Err(ErrorCode::INVALID_REQUEST),
        Some(id) => {
            let init = InitRequest {
                transactional_id: text(&id.0),
                timeout_ms: request.transaction_timeout_ms,
                expected: (request.producer_id.0 != -1).then_some(Producer {
                    id: request.producer_id.0,
                    epoch: request.producer_epoch,
                }),
            };
            let given = broker.transactions.init(init).await;
            given.map_err(|e| transaction_code(Err(&e), context.api_version, FENCED_SINCE))
        }
        None => {
            let id = broker.producer_ids.next(&broker.controller_client).await;
            id.map(|id| Producer { id, epoch: 0 })
        }
    };
    let response = InitProducerIdResponse::default();
    match given {
        Ok(given) => response.with_producer_id(given.id.into()).with_producer_epoch(given.epoch),
        Err(code) => {
            response.with_error_code(code.0).with_producer_id((-1).into()).with_producer_epoch(-1)
        }
    }
}
