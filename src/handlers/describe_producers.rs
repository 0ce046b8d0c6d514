//! DescribeProducers (61), v0: the producers that a partition remembers (KIP-664).
//!
//! Rules: `KafkaApis.handleDescribeProducersRequest`, `ReplicaManager.activeProducerState`.

use super::cluster_view::message;
use super::error::ToErrorCode;
use super::{RequestContext, lookup};
use crate::broker::Broker;
use crate::controller::validate_topic_name;
use crate::log::ProducerStateEntry;
use kafka_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Lists each partition's producers.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partition_indexes.iter();
        let partitions = partitions.map(|index| partition(broker, &topic.name, *index)).collect();
        TopicResponse::default().with_name(topic.name).with_partitions(partitions)
    });
    DescribeProducersResponse::default().with_topics(topics.collect())
}

fn partition(broker: &Broker, topic: &str, index: i32) -> PartitionResponse {
    let response = PartitionResponse::default().with_partition_index(index);
    if let Err(invalid) = validate_topic_name(topic) {
        let code = invalid.error_code().0;
        return response.with_error_code(code).with_error_message(message(&invalid));
    }
    match lookup::replica(broker, topic, index) {
        Ok(partition) => {
            let producers = partition.log().active_producers().into_iter().map(producer);
            response.with_active_producers(producers.collect())
        }
        Err(code) => {
            // Only a topic that does not exist has a message.
            let is_topic = broker.image.load().topics.contains_key(topic);
            let message = (!is_topic).then(|| StrBytes::from_static_str(code.message()));
            response.with_error_code(code.0).with_error_message(message)
        }
    }
}

fn producer(entry: ProducerStateEntry) -> ProducerState {
    ProducerState::default()
        .with_producer_id(entry.producer_id.into())
        .with_producer_epoch(i32::from(entry.producer_epoch))
        .with_last_sequence(entry.last_sequence)
        .with_last_timestamp(entry.last_timestamp)
        .with_coordinator_epoch(entry.coordinator_epoch)
        .with_current_txn_start_offset(entry.current_txn_first_offset.unwrap_or(-1))
}
