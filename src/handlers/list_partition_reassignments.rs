//! ListPartitionReassignments (46), v0: moves under way (KIP-455).

use super::RequestContext;
use super::cluster_view::text;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::types::TopicPartition;
use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::{
    BrokerId, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, TopicName,
};
use std::sync::Arc;

/// Lists the moves of these partitions, or all, if this broker is the controller.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let of = request.topics.as_ref().map(|topics| {
        let mut of = Vec::new();
        for topic in topics {
            let partitions = topic.partition_indexes.iter();
            of.extend(partitions.map(|p| TopicPartition::new(topic.name.as_str(), *p)));
        }
        of
    });
    let moving = match broker.controller.reassignments(of).await {
        Ok(moving) => moving,
        Err(error) => {
            return ListPartitionReassignmentsResponse::default()
                .with_error_code(error.error_code().0)
                .with_error_message(Some(text(error.error_code().message())));
        }
    };
    let ids = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect::<Vec<_>>();
    let mut topics: Vec<OngoingTopicReassignment> = Vec::new();
    for (partition, assignment) in moving {
        let ongoing = OngoingPartitionReassignment::default()
            .with_partition_index(partition.partition)
            .with_replicas(ids(&assignment.replicas))
            .with_adding_replicas(ids(&assignment.adding))
            .with_removing_replicas(ids(&assignment.removing));
        match topics.iter_mut().find(|t| t.name.as_str() == &*partition.topic) {
            Some(topic) => topic.partitions.push(ongoing),
            None => topics.push(
                OngoingTopicReassignment::default()
                    .with_name(TopicName(text(&partition.topic)))
                    .with_partitions(vec![ongoing]),
            ),
        }
    }
    ListPartitionReassignmentsResponse::default()
        .with_error_message(Some(text("")))
        .with_topics(topics)
}
