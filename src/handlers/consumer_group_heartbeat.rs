//! ConsumerGroupHeartbeat (68), v0: a member of a KIP-848 group speaks.
//!
//! Kafka 3.9 lists it in ZooKeeper mode and answers UNSUPPORTED_VERSION, as
//! `KafkaApis.handleConsumerGroupHeartbeat` does while the new coordinator is off.

use crate::broker::Broker;
use crate::handlers::RequestContext;
use crate::types::ErrorCode;
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use std::sync::Arc;

/// Answers.
pub async fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    _request: ConsumerGroupHeartbeatRequest,
) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse::default()
        .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
        .with_assignment(None)
}
