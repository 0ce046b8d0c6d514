//! OffsetFetch (9), v0-9: what a group has committed.
//!
//! v0 reads the store (see `offset_commit`); v1 the group; v2 all topics by null, an error of the
//! whole; v3 throttle time; v5 leader epoch; v6 flexible; v7 require stable (KIP-447); v8 several
//! groups (KIP-709); v9 member id and epoch (KIP-848), which classic groups do not look at.
//! Rules: `KafkaApis.handleOffsetFetchRequest`, `OffsetFetchResponse`.

use std::sync::Arc;

use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};

use super::RequestContext;
use super::convert::{text, wire};
use super::error::code_of;
use super::old_offsets;
use crate::broker::Broker;
use crate::coordinator::group::{Fetched, GroupError};
use crate::types::TopicPartition;

type Found = Vec<(TopicPartition, Fetched)>;

/// Topics, each with its partitions.
type ByTopic = Vec<(Arc<str>, Vec<(i32, Fetched)>)>;

/// A null list of topics is for v2.
pub fn check(context: &RequestContext, request: &OffsetFetchRequest) -> Result<(), &'static str> {
    match (context.api_version, &request.topics) {
        (..2, None) => Err("topics is null"),
        _ => Ok(()),
    }
}

/// Looks offsets up; -1 where there is none.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    if context.api_version >= 8 {
        let stable = request.require_stable;
        let groups = request.groups.into_iter().map(|group| fetch_group(broker, stable, group));
        return OffsetFetchResponse::default().with_groups(groups.collect());
    }
    let version = context.api_version;
    let wanted = request.topics.as_deref().map(partitions);
    let found = if version == 0 {
        Ok(old_offsets::fetch(broker, &request.group_id, &wanted.clone().unwrap_or_default()).await)
    } else {
        let stable = request.require_stable;
        broker.groups.fetch_offsets(&request.group_id, wanted.as_deref(), stable)
    };
    answer(version, wanted.unwrap_or_default(), found)
}

/// v0-7: one group.
fn answer(
    version: i16,
    wanted: Vec<TopicPartition>,
    found: Result<Found, GroupError>,
) -> OffsetFetchResponse {
    let response = OffsetFetchResponse::default();
    let found: Found = match found {
        Ok(found) => found,
        Err(error) if version >= 2 => return response.with_error_code(code_of(Some(&error))),
        // There is no error of the whole yet: every partition has it.
        Err(error) => wanted.into_iter().map(|id| (id, Err(error.clone()))).collect(),
    };
    let topics = by_topic(found).into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(index, fetched)| {
            let (offset, epoch, metadata, code) = fields(fetched);
            OffsetFetchResponsePartition::default()
                .with_partition_index(index)
                .with_committed_offset(offset)
                .with_committed_leader_epoch(if version >= 5 { epoch } else { -1 })
                .with_metadata(Some(wire(&metadata)))
                .with_error_code(code)
        });
        OffsetFetchResponseTopic::default()
            .with_name(wire(&name).into())
            .with_partitions(partitions.collect())
    });
    response.with_topics(topics.collect())
}

fn fetch_group(
    broker: &Broker,
    require_stable: bool,
    group: OffsetFetchRequestGroup,
) -> OffsetFetchResponseGroup {
    let wanted = group.topics.as_deref().map(group_partitions);
    let member_id = group.member_id.as_deref();
    let found =
        broker.groups.check_fetch(&group.group_id, member_id, group.member_epoch).and_then(|()| {
            broker.groups.fetch_offsets(&group.group_id, wanted.as_deref(), require_stable)
        });
    let response = OffsetFetchResponseGroup::default().with_group_id(group.group_id);
    let found = match found {
        Ok(found) => found,
        Err(error) => return response.with_error_code(code_of(Some(&error))),
    };
    let topics = by_topic(found).into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(index, fetched)| {
            let (offset, epoch, metadata, code) = fields(fetched);
            OffsetFetchResponsePartitions::default()
                .with_partition_index(index)
                .with_committed_offset(offset)
                .with_committed_leader_epoch(epoch)
                .with_metadata(Some(wire(&metadata)))
                .with_error_code(code)
        });
        OffsetFetchResponseTopics::default()
            .with_name(wire(&name).into())
            .with_partitions(partitions.collect())
    });
    response.with_topics(topics.collect())
}

fn partitions(topics: &[OffsetFetchRequestTopic]) -> Vec<TopicPartition> {
    let all = topics.iter().flat_map(|topic| {
        let name = text(&topic.name);
        topic.partition_indexes.iter().map(move |index| TopicPartition::new(name.clone(), *index))
    });
    all.collect()
}

fn group_partitions(topics: &[OffsetFetchRequestTopics]) -> Vec<TopicPartition> {
    let all = topics.iter().flat_map(|topic| {
        let name = text(&topic.name);
        topic.partition_indexes.iter().map(move |index| TopicPartition::new(name.clone(), *index))
    });
    all.collect()
}

/// Consecutive partitions of a topic together, in their order.
fn by_topic(found: Found) -> ByTopic {
    let mut topics = ByTopic::new();
    for (id, fetched) in found {
        match topics.last_mut() {
            Some((name, partitions)) if *name == id.topic => {
                partitions.push((id.partition, fetched));
            }
            _ => topics.push((id.topic, vec![(id.partition, fetched)])),
        }
    }
    topics
}

/// Offset, leader epoch, metadata and error code.
fn fields(fetched: Fetched) -> (i64, i32, Arc<str>, i16) {
    match fetched {
        Ok(Some(value)) => (value.offset, value.leader_epoch, value.metadata, 0),
        Ok(None) => (-1, -1, "".into(), 0),
        Err(error) => (-1, -1, "".into(), code_of(Some(&error))),
    }
}
