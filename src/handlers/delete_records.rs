//! DeleteRecords (21), v0-2: moves the start of logs forward (KIP-107).
//!
//! v1 none; v2 flexible. Answers when every in-sync replica has done it, or at the timeout. Rules:
//! `KafkaApis.handleDeleteRecordsRequest`, `ReplicaManager.deleteRecords`.

use super::error::ToErrorCode;
use super::{RequestContext, lookup};
use crate::broker::Broker;
use crate::partition::{Partition, PartitionError, Waiter};
use crate::types::ErrorCode;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse, TopicName};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Deletes on each partition, then waits for the followers.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let deadline = Instant::now() + timeout;
    // A map, as in Kafka: of a partition that comes twice the last counts.
    let mut topics: BTreeMap<&TopicName, BTreeMap<i32, i64>> = BTreeMap::new();
    for topic in request.topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        let asked = topic.partitions.iter().map(|asked| (asked.partition_index, asked.offset));
        topics.entry(&topic.name).or_default().extend(asked);
    }
    let mut response = DeleteRecordsResponse::default();
    for (name, asked) in topics {
        let mut partitions = Vec::with_capacity(asked.len());
        for (index, offset) in asked {
            let done = delete(broker, name, index, offset);
            let outcome = match done {
                Ok((partition, to)) => followed(&partition, to, deadline).await,
                Err(code) => Err(code),
            };
            let (code, low_watermark) = match outcome {
                Ok(low_watermark) => (ErrorCode::NONE, low_watermark),
                Err(code) => (code, -1),
            };
            partitions.push(
                DeleteRecordsPartitionResult::default()
                    .with_partition_index(index)
                    .with_low_watermark(low_watermark)
                    .with_error_code(code.0),
            );
        }
        response.topics.push(
            DeleteRecordsTopicResult::default().with_name(name.clone()).with_partitions(partitions),
        );
    }
    response
}

/// Deletes on this leader; the partition, and the log start that its followers have to reach.
fn delete(
    broker: &Broker,
    topic: &str,
    index: i32,
    offset: i64,
) -> Result<(Arc<Partition>, i64), ErrorCode> {
    if !lookup::is_known(broker, topic, index) {
        return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    }
    if topic == "__consumer_offsets" || topic == "__transaction_state" {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    let partition = lookup::replica(broker, topic, index)?;
    let to = partition.delete_records(offset).map_err(|error| error.error_code())?;
    Ok((partition, to))
}

async fn followed(partition: &Partition, to: i64, deadline: Instant) -> Result<i64, ErrorCode> {
    let reached = || -> Result<Option<i64>, PartitionError> {
        let low_watermark = partition.current_low_watermark()?;
        Ok((low_watermark >= to).then_some(low_watermark))
    };
    let waiter = Waiter::new();
    partition.register(&waiter);
    loop {
        if let Some(low_watermark) = reached().map_err(|error| error.error_code())? {
            return Ok(low_watermark);
        }
        if !waiter.wait_until(deadline).await {
            return Err(ErrorCode::REQUEST_TIMED_OUT);
        }
    }
}
