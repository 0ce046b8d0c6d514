//! OffsetDelete (47), v0: removes committed offsets of topics without subscription (KIP-496).

use std::sync::Arc;

use kafka_protocol::messages::offset_delete_request::OffsetDeleteRequestTopic;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::RequestContext;
use super::convert::text;
use super::error::code_of;
use super::lookup;
use crate::broker::Broker;
use crate::types::{ErrorCode, TopicPartition};

/// Deletes; partitions that do not exist are UNKNOWN_TOPIC_OR_PARTITION.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let known: Vec<TopicPartition> = partitions(&request.topics)
        .filter(|partition| lookup::is_known(broker, &partition.topic, partition.partition))
        .collect();
    let response = OffsetDeleteResponse::default();
    let results = match broker.groups.delete_offsets(&request.group_id, &known) {
        Ok(results) => results,
        Err(error) => return response.with_error_code(code_of(Some(&error))),
    };
    let code = |topic: &str, index: i32| {
        let at = known.iter().position(|p| &*p.topic == topic && p.partition == index);
        match at.and_then(|at| results.get(at)) {
            Some(result) => code_of(result.as_ref().err()),
            None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0,
        }
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            OffsetDeleteResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code(&topic.name, partition.partition_index))
        });
        OffsetDeleteResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    response.with_topics(topics.collect())
}

fn partitions(topics: &[OffsetDeleteRequestTopic]) -> impl Iterator<Item = TopicPartition> {
    topics.iter().flat_map(|topic| {
        let name = text(&topic.name);
        let indexes = topic.partitions.iter().map(|p| p.partition_index);
        indexes.map(move |index| TopicPartition::new(name.clone(), index))
    })
}
