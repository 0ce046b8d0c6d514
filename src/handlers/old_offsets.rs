//! Offsets of consumers of before 0.9: `/consumers/<group>/offsets/<topic>/<partition>`, a decimal
//! number. As `KafkaZkClient.setOrCreateConsumerOffset` and `getConsumerOffset`.

use crate::broker::Broker;
use crate::config::key;
use crate::coordinator::group::records::OffsetValue;
use crate::coordinator::group::{Fetched, GroupError};
use crate::metadata::store::{Life, Op, Store, StoreError};
use crate::types::{ErrorCode, TopicPartition};

use super::error::ToErrorCode;
use super::lookup;

/// Writes offsets; a code for each.
pub async fn commit(
    broker: &Broker,
    group_id: &str,
    offsets: &[(TopicPartition, OffsetValue)],
) -> Vec<i16> {
    let max = broker.config.load().get(key::OFFSET_METADATA_MAX_BYTES);
    let mut codes = Vec::with_capacity(offsets.len());
    for (id, value) in offsets {
        if i32::try_from(value.metadata.len()).unwrap_or(i32::MAX) > max {
            codes.push(ErrorCode::OFFSET_METADATA_TOO_LARGE.0);
            continue;
        }
        let data = value.offset.to_string().into_bytes();
        let result = write(&*broker.store, &path(group_id, id), data).await;
        codes.push(result.err().map_or(0, |error| error.error_code().0));
    }
    codes
}

/// Reads offsets. Unlike later versions, a partition that does not exist, or has no offset, is
/// UNKNOWN_TOPIC_OR_PARTITION.
pub async fn fetch(
    broker: &Broker,
    group_id: &str,
    partitions: &[TopicPartition],
) -> Vec<(TopicPartition, Fetched)> {
    let mut found = Vec::with_capacity(partitions.len());
    for id in partitions {
        let fetched = if lookup::is_known(broker, &id.topic, id.partition) {
            read(broker, &path(group_id, id)).await
        } else {
            Err(GroupError::UnknownTopicOrPartition)
        };
        found.push((id.clone(), fetched));
    }
    found
}

async fn read(broker: &Broker, path: &str) -> Fetched {
    let node = broker.store.get(path).await;
    let node = node.map_err(|error| GroupError::Unexpected(error.to_string()))?;
    let text = node.and_then(|n| n.data).and_then(|data| String::from_utf8(data.to_vec()).ok());
    let offset = text.and_then(|text| text.parse().ok());
    let offset = offset.ok_or(GroupError::UnknownTopicOrPartition)?;
    Ok(Some(OffsetValue {
        offset,
        leader_epoch: -1,
        metadata: "".into(),
        commit_timestamp: -1,
        expire_timestamp: None,
    }))
}

fn path(group_id: &str, id: &TopicPartition) -> String {
    format!("/consumers/{group_id}/offsets/{}/{}", id.topic, id.partition)
}

async fn write(store: &dyn Store, path: &str, data: Vec<u8>) -> Result<(), StoreError> {
    let set = Op::Set { path: path.to_owned(), data: Some(data.clone().into()), version: None };
    match store.commit(vec![set]).await {
        Err(StoreError::NoNode(_)) => {}
        other => return other.map(|_| ()),
    }
    let ends = path.match_indices('/').skip(1).map(|(at, _)| at);
    for parent in ends.filter_map(|end| path.get(..end)) {
        ignore_existing(store.commit(vec![create(parent, None)]).await.map(|_| ()))?;
    }
    ignore_existing(store.commit(vec![create(path, Some(data))]).await.map(|_| ()))
}

fn create(path: &str, data: Option<Vec<u8>>) -> Op {
    Op::Create { path: path.to_owned(), data: data.map(Into::into), life: Life::Persistent }
}

fn ignore_existing(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::NodeExists(_)) => Ok(()),
        other => other,
    }
}
