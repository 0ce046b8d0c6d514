//! OffsetCommit (8), v0-9: a consumer remembers how far it came.
//!
//! v0 commits to the store, under `/consumers/<group>/offsets`, as consumers of before 0.9 did;
//! v1 to the group, with generation and member, and a timestamp each (v1 only); v2-4 retention
//! time; v3 throttle time; v6 leader epoch (KIP-320); v7 group instance id (KIP-345); v8 flexible;
//! v9 member epoch (KIP-848). Rules: `KafkaApis.handleOffsetCommitRequest`.

use std::collections::HashMap;
use std::sync::Arc;

use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::RequestContext;
use super::convert::{nullable, text};
use super::error::code_of;
use super::lookup;
use super::old_offsets;
use crate::broker::Broker;
use crate::coordinator::group::CommitRequest;
use crate::coordinator::group::classic::Identity;
use crate::coordinator::group::records::OffsetValue;
use crate::types::{ErrorCode, TopicPartition, now_ms};

/// Answers when the commit is replicated. Partitions that do not exist come first in the answer.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let mut outcomes: Vec<(TopicPartition, i16)> = Vec::new();
    let mut offsets = Vec::new();
    let now = now_ms();
    let retention_ms = request.retention_time_ms;
    let expiry = (retention_ms != -1).then(|| now.saturating_add(retention_ms));
    for topic in &request.topics {
        let name = text(&topic.name);
        for partition in &topic.partitions {
            let id = TopicPartition::new(name.clone(), partition.partition_index);
            if lookup::is_known(broker, &name, partition.partition_index) {
                offsets.push((id, value(partition, now, expiry)));
            } else {
                outcomes.push((id, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0));
            }
        }
    }
    let ids: Vec<TopicPartition> = offsets.iter().map(|(id, _)| id.clone()).collect();
    let codes = if ids.is_empty() {
        Vec::new()
    } else if context.api_version == 0 {
        old_offsets::commit(broker, &request.group_id, &offsets).await
    } else {
        let results =
            broker.groups.commit_offsets(convert(context.api_version, &request, offsets)).await;
        results.iter().map(|result| code_of(result.as_ref().err())).collect()
    };
    outcomes.extend(ids.into_iter().zip(codes));
    answer(&request, outcomes)
}

fn value(
    partition: &OffsetCommitRequestPartition,
    now: i64,
    expire_timestamp: Option<i64>,
) -> OffsetValue {
    OffsetValue {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: nullable(&partition.committed_metadata).unwrap_or_else(|| "".into()),
        commit_timestamp: match partition.commit_timestamp {
            -1 => now,
            timestamp => timestamp,
        },
        expire_timestamp,
    }
}

fn convert(
    version: i16,
    request: &OffsetCommitRequest,
    offsets: Vec<(TopicPartition, OffsetValue)>,
) -> CommitRequest {
    CommitRequest {
        group_id: text(&request.group_id),
        identity: Identity {
            member_id: text(&request.member_id),
            instance_id: nullable(&request.group_instance_id),
        },
        generation: request.generation_id_or_member_epoch,
        knows_epochs: version >= 9,
        offsets,
        producer: None,
    }
}

fn answer(
    request: &OffsetCommitRequest,
    outcomes: Vec<(TopicPartition, i16)>,
) -> OffsetCommitResponse {
    let names: HashMap<&str, _> =
        request.topics.iter().map(|topic| (topic.name.as_str(), &topic.name)).collect();
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    let mut response = OffsetCommitResponse::default();
    for (id, code) in outcomes {
        let place = *places.entry(id.topic.clone()).or_insert_with(|| {
            let name = names.get(&*id.topic).map(|name| (*name).clone()).unwrap_or_default();
            response.topics.push(OffsetCommitResponseTopic::default().with_name(name));
            response.topics.len() - 1
        });
        if let Some(topic) = response.topics.get_mut(place) {
            topic.partitions.push(
                OffsetCommitResponsePartition::default()
                    .with_partition_index(id.partition)
                    .with_error_code(code),
            );
        }
    }
    response
}
