//! ListOffsets (2), v0-9: the offset for a time, or a special point of the log.
//!
//! v0 an array of segment starts; v1 one offset with its timestamp (KIP-79); v2 isolation
//! (KIP-98); v4 leader epoch (KIP-320); v5 OFFSET_NOT_AVAILABLE (KIP-207); v6 flexible; v7 -3, the
//! greatest timestamp (KIP-734); v8 -4, the earliest local (KIP-405); v9 -5, the last tiered
//! (KIP-1005). Rules: `KafkaApis.handleListOffsetRequest`.

use super::error::ToErrorCode;
use super::{RequestContext, lookup};
use crate::broker::Broker;
use crate::log::Query;
use crate::partition::{Bound, PartitionError};
use crate::types::ErrorCode;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse, TopicName};
use std::collections::HashMap;
use std::sync::Arc;

/// A debugging consumer: it may ask a follower.
const DEBUGGING: i32 = -2;

/// Answers each partition.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let mut seen: HashMap<(TopicName, i32), u32> = HashMap::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            *seen.entry((topic.name.clone(), partition.partition_index)).or_default() += 1;
        }
    }
    let is_duplicate = |topic: &TopicName, index| {
        context.api_version > 0 && seen.get(&(topic.clone(), index)).is_some_and(|count| *count > 1)
    };
    let answer = |topic: &TopicName, asked: &ListOffsetsPartition| {
        let mut response =
            ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index);
        let code = if is_duplicate(topic, asked.partition_index) {
            ErrorCode::INVALID_REQUEST
        } else {
            find(broker, context, &request, topic, asked, &mut response)
                .err()
                .unwrap_or(ErrorCode::NONE)
        };
        response.with_error_code(code.0)
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| answer(&topic.name, asked)).collect();
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions)
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

/// The query for a timestamp, if this version has it.
fn query(version: i16, timestamp: i64, bound: Bound) -> Result<Query, ErrorCode> {
    match timestamp {
        -1 => Ok(Query::Latest(bound)),
        -2 => Ok(Query::Earliest),
        -3 if version >= 7 => Ok(Query::MaxTimestamp),
        -4 if version >= 8 => Ok(Query::EarliestLocal),
        -5 if version >= 9 => Ok(Query::LatestTiered),
        0.. => Ok(Query::At(timestamp)),
        _ => Err(ErrorCode::UNSUPPORTED_VERSION),
    }
}

fn find(
    broker: &Broker,
    context: &RequestContext,
    request: &ListOffsetsRequest,
    topic: &TopicName,
    asked: &ListOffsetsPartition,
    response: &mut ListOffsetsPartitionResponse,
) -> Result<(), ErrorCode> {
    let version = context.api_version;
    let replica = request.replica_id.0;
    let bound = match (replica, request.isolation_level) {
        (-1, 0) => Bound::HighWatermark,
        (-1, 1) => Bound::LastStable,
        (-1, _) => return Err(ErrorCode::UNKNOWN_SERVER_ERROR),
        _ => Bound::LogEnd,
    };
    if version == 0 {
        return find_array(broker, topic, asked, bound, response);
    }
    let query = query(version, asked.timestamp, bound)?;
    let partition = lookup::replica(broker, topic, asked.partition_index)?;
    let epoch = (asked.current_leader_epoch >= 0).then_some(asked.current_leader_epoch);
    let found = partition
        .offset_for(query, bound, epoch, replica != DEBUGGING)
        .map_err(|error| code(version, &error))?;
    if let Some(found) = found {
        response.timestamp = found.timestamp;
        response.offset = found.offset;
        if version >= 4 {
            response.leader_epoch = found.leader_epoch;
        }
    }
    Ok(())
}

/// Below v5 there was another code for a leader that has not caught up.
fn code(version: i16, error: &PartitionError) -> ErrorCode {
    match error {
        PartitionError::OffsetNotAvailable if version < 5 => ErrorCode::LEADER_NOT_AVAILABLE,
        other => other.error_code(),
    }
}

/// v0: up to `max_num_offsets` starts of segments written before a time, newest first, and for
/// "latest" the end before them.
fn find_array(
    broker: &Broker,
    topic: &TopicName,
    asked: &ListOffsetsPartition,
    bound: Bound,
    response: &mut ListOffsetsPartitionResponse,
) -> Result<(), ErrorCode> {
    // The special points of later versions are unknown here, before anything is looked up.
    if asked.timestamp < -2 {
        return Err(ErrorCode::UNSUPPORTED_VERSION);
    }
    let partition = lookup::replica(broker, topic, asked.partition_index)?;
    if !partition.is_leader() {
        return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    }
    let log = partition.log();
    let end = match bound {
        Bound::LogEnd => log.log_end_offset(),
        Bound::HighWatermark | Bound::LastStable => log.high_watermark(),
    };
    let limit = usize::try_from(asked.max_num_offsets).unwrap_or(0);
    let mut offsets = log.offsets_before(asked.timestamp, limit);
    // Nothing uncommitted is shown to a consumer.
    if offsets.iter().any(|offset| *offset > end) {
        offsets.retain(|offset| *offset < end);
        offsets.insert(0, end);
        offsets.truncate(limit);
    }
    response.old_style_offsets = offsets;
    Ok(())
}
