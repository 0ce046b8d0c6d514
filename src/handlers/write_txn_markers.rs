//! WriteTxnMarkers (27), v0-1: a transaction coordinator ends transactions in partitions that this
//! broker leads (KIP-98).
//!
//! v1 flexible. Also what `kafka-transactions.sh abort` sends. Rules: `KafkaApis.
//! handleWriteTxnMarkersRequest`.

use super::error::ToErrorCode;
use super::{RequestContext, lookup};
use crate::broker::Broker;
use crate::config::key;
use crate::coordinator::transaction::machine::Producer;
use crate::coordinator::transaction::markers::{self, Marker};
use crate::types::ErrorCode;
use futures_util::future::join_all;
use kafka_protocol::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic,
};
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};
use std::sync::Arc;
use std::time::Duration;

/// Answers when the markers are replicated.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: WriteTxnMarkersRequest,
) -> WriteTxnMarkersResponse {
    let markers = join_all(request.markers.iter().map(|marker| one(broker, marker))).await;
    WriteTxnMarkersResponse::default().with_markers(markers)
}

async fn one(broker: &Arc<Broker>, request: &WritableTxnMarker) -> WritableTxnMarkerResult {
    let marker = Marker {
        producer: Producer { id: request.producer_id.0, epoch: request.producer_epoch },
        is_commit: request.transaction_result,
        coordinator_epoch: request.coordinator_epoch,
    };
    let topics = join_all(request.topics.iter().map(|topic| in_topic(broker, &marker, topic)));
    WritableTxnMarkerResult::default()
        .with_producer_id(request.producer_id)
        .with_topics(topics.await)
}

async fn in_topic(
    broker: &Arc<Broker>,
    marker: &Marker,
    topic: &WritableTxnMarkerTopic,
) -> WritableTxnMarkerTopicResult {
    let partitions = topic.partition_indexes.iter().map(|index| async {
        let code = in_partition(broker, marker, &topic.name, *index).await;
        WritableTxnMarkerPartitionResult::default()
            .with_partition_index(*index)
            .with_error_code(code.0)
    });
    WritableTxnMarkerTopicResult::default()
        .with_partitions(join_all(partitions).await)
        .with_name(topic.name.clone())
}

async fn in_partition(broker: &Arc<Broker>, marker: &Marker, topic: &str, index: i32) -> ErrorCode {
    let partition = match lookup::replica(broker, topic, index) {
        Ok(partition) => partition,
        // Kafka cannot tell the format of what it does not have.
        Err(_) => return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    };
    let timeout = broker.config.load().get(key::REQUEST_TIMEOUT_MS);
    let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(0));
    match markers::write_here(&partition, &broker.groups, marker, timeout).await {
        Ok(()) => ErrorCode::NONE,
        Err(error) => error.error_code(),
    }
}
