//! AlterPartitionReassignments (45), v0: starts and cancels moves of partitions (KIP-455).

use super::RequestContext;
use super::cluster_view::text;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::controller::ControllerError;
use crate::types::{ErrorCode, TopicPartition};
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
};
use std::sync::Arc;

/// Starts or cancels moves, if this broker is the controller; does not wait for them.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let mut asked = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let replicas = partition.replicas.as_ref();
            let targets = replicas.map(|ids| ids.iter().map(|id| id.0).collect());
            let id = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            asked.push((id, targets));
        }
    }
    let results = match broker.controller.reassign(asked).await {
        Ok(results) => results,
        Err(error) => {
            return AlterPartitionReassignmentsResponse::default()
                .with_error_code(error.error_code().0)
                .with_error_message(Some(text(error.error_code().message())));
        }
    };
    let answer = |index: i32, result: Option<&Result<(), ControllerError>>| {
        let (code, message) = match result {
            Some(Err(error)) => (error.error_code(), Some(text(&error.to_string()))),
            Some(Ok(())) | None => (ErrorCode::NONE, None),
        };
        ReassignablePartitionResponse::default()
            .with_partition_index(index)
            .with_error_code(code.0)
            .with_error_message(message)
    };
    let responses = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let index = partition.partition_index;
            answer(index, results.get(&TopicPartition::new(topic.name.as_str(), index)))
        });
        ReassignableTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    AlterPartitionReassignmentsResponse::default()
        .with_error_message(Some(text("")))
        .with_responses(responses.collect())
}
