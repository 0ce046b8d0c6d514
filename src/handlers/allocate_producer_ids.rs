//! AllocateProducerIds (67), v0: a block of producer ids for a broker (KIP-730).

use super::RequestContext;
use super::error::ToErrorCode;
use crate::broker::Broker;
use kafka_protocol::messages::{
    AllocateProducerIdsRequest, AllocateProducerIdsResponse, ProducerId,
};
use std::sync::Arc;

/// Gives the next block, if this broker is the controller.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: AllocateProducerIdsRequest,
) -> AllocateProducerIdsResponse {
    let block =
        broker.controller.allocate_producer_ids(request.broker_id.0, request.broker_epoch).await;
    match block {
        Ok(block) => AllocateProducerIdsResponse::default()
            .with_producer_id_start(ProducerId(block.start))
            .with_producer_id_len((block.end - block.start + 1) as i32),
        Err(error) => AllocateProducerIdsResponse::default().with_error_code(error.error_code().0),
    }
}
