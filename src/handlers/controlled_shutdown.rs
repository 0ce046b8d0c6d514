//! ControlledShutdown (7), v0-3: a broker asks to be relieved of its leaderships.
//!
//! v2 broker epoch (KIP-380); v3 flexible. As `KafkaApis.handleControlledShutdownRequest`: a broker
//! that is not the controller answers STALE_CONTROLLER_EPOCH.

use super::RequestContext;
use super::cluster_view::text;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::controller::ControllerError;
use crate::types::ErrorCode;
use kafka_protocol::messages::controlled_shutdown_response::RemainingPartition;
use kafka_protocol::messages::{ControlledShutdownRequest, ControlledShutdownResponse, TopicName};
use std::sync::Arc;

/// Moves leaderships away; tells which could not be.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ControlledShutdownRequest,
) -> ControlledShutdownResponse {
    let epoch =
        (context.api_version >= 2 && request.broker_epoch != -1).then_some(request.broker_epoch);
    match broker.controller.controlled_shutdown(request.broker_id.0, epoch).await {
        Ok(left) => {
            let left = left.iter().map(|partition| {
                RemainingPartition::default()
                    .with_topic_name(TopicName(text(&partition.topic)))
                    .with_partition_index(partition.partition)
            });
            ControlledShutdownResponse::default().with_remaining_partitions(left.collect())
        }
        Err(error) => {
            let code = match error {
                ControllerError::NotController => ErrorCode::STALE_CONTROLLER_EPOCH,
                error => error.error_code(),
            };
            ControlledShutdownResponse::default().with_error_code(code.0)
        }
    }
}
