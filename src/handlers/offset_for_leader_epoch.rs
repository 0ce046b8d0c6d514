//! OffsetForLeaderEpoch (23), v0-4: where a leader epoch ends in the leader's log (KIP-101).
//!
//! v1 the epoch found; v2 current leader epoch and throttle time (KIP-320); v3 replica id; v4
//! flexible. Rules: `ReplicaManager.lastOffsetForLeaderEpoch`.

use super::error::ToErrorCode;
use super::{RequestContext, lookup};
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use std::sync::Arc;

/// Answers each partition.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let answer = |asked| partition(broker, context.api_version, &topic.topic, asked);
        let partitions = topic.partitions.iter().map(answer).collect();
        OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(partitions)
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}

fn partition(
    broker: &Broker,
    version: i16,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> EpochEndOffset {
    let current = (asked.current_leader_epoch >= 0).then_some(asked.current_leader_epoch);
    let found = lookup::replica(broker, topic, asked.partition).and_then(|partition| {
        partition
            .end_offset_for_epoch(current, asked.leader_epoch)
            .map_err(|error| error.error_code())
    });
    let (code, epoch, end) = match found {
        Ok((epoch, end)) => (ErrorCode::NONE, epoch, end),
        Err(code) => (code, -1, -1),
    };
    let answer = EpochEndOffset::default()
        .with_partition(asked.partition)
        .with_error_code(code.0)
        .with_end_offset(end);
    if version >= 1 { answer.with_leader_epoch(epoch) } else { answer }
}
