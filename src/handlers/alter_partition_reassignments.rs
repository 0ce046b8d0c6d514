//! AlterPartitionReassignments (45), v0: starts and cancels moves of partitions (KIP-455).
//!
//! As `KafkaApis.handleAlterPartitionReassignmentsRequest`, which makes a map of what is asked: of
//! a partition named twice the last counts, and a topic without partitions is not answered.

use super::RequestContext;
use super::cluster_view::text;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::types::{ErrorCode, TopicPartition};
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, TopicName,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Starts or cancels moves, if this broker is the controller; does not wait for them.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let mut asked = BTreeMap::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let replicas = partition.replicas.as_ref();
            let targets = replicas.map(|ids| ids.iter().map(|id| id.0).collect());
            let id = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            asked.insert(id, targets);
        }
    }
    let results = match broker.controller.reassign(asked.into_iter().collect()).await {
        Ok(results) => results,
        Err(error) => {
            return AlterPartitionReassignmentsResponse::default()
                .with_error_code(error.error_code().0)
                .with_error_message(Some(text(error.error_code().message())));
        }
    };
    let mut responses: Vec<ReassignableTopicResponse> = Vec::new();
    for (id, result) in results {
        let (code, message) = match result {
            Ok(()) => (ErrorCode::NONE, None),
            Err(error) => (error.error_code(), Some(text(&error.to_string()))),
        };
        let partition = ReassignablePartitionResponse::default()
            .with_partition_index(id.partition)
            .with_error_code(code.0)
            .with_error_message(message);
        // The partitions of a topic follow each other.
        match responses.last_mut().filter(|topic| topic.name.as_str() == &*id.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => responses.push(
                ReassignableTopicResponse::default()
                    .with_name(TopicName(text(&id.topic)))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    AlterPartitionReassignmentsResponse::default()
        .with_error_message(Some(text("")))
        .with_responses(responses)
}
