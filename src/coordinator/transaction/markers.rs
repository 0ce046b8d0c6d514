//! Writing transaction markers: here, where this broker leads, and by WriteTxnMarkers elsewhere.
//!
//! As `TransactionMarkerChannelManager` and `KafkaApis.handleWriteTxnMarkersRequest`. A marker is a
//! control batch of one record; in `__consumer_offsets` it also makes pending offsets count. One
//! attempt a call: who asks again, and when, is the caller's affair.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kafka_protocol::messages::WriteTxnMarkersRequest;
use kafka_protocol::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic,
};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;
use tracing::info;

use super::machine::Producer;
use super::peers::BrokerPeers;
use crate::coordinator::group::{GROUP_TOPIC, GroupCoordinator};
use crate::coordinator::state_log::{ControlMarker, format};
use crate::log::{Origin, RecordSet};
use crate::metadata::image::Published;
use crate::partition::{Partition, PartitionError, Replicas};
use crate::types::{BrokerId, ErrorCode, TopicPartition, now_ms};

const LOADING_PAUSE: Duration = Duration::from_millis(10);

/// The end of a transaction, as partitions are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Whose transaction.
    pub producer: Producer,
    /// Commit, else abort.
    pub is_commit: bool,
    /// Leader epoch of the coordinator's partition.
    pub coordinator_epoch: i32,
}

/// What became of a marker at one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerOutcome {
    /// Written and replicated, or never needed (message format without transactions).
    Written,
    /// The partition has seen a newer epoch of the producer: this transaction is over there.
    ProducerFenced,
    /// The partition has seen a newer coordinator.
    CoordinatorFenced,
    /// Nobody knows such a partition: its topic was deleted, or was not told of yet.
    Unknown,
    /// Not now.
    Retry,
}

/// Writes markers.
#[async_trait]
pub trait MarkerWriter: Send + Sync + 'static {
    /// Tries once to write `marker` to each of the partitions; an outcome for each of them.
    async fn write(
        &self,
        marker: &Marker,
        partitions: &[TopicPartition],
    ) -> Vec<(TopicPartition, MarkerOutcome)>;
}

/// Appends a marker to a partition that this broker leads and waits until it is replicated.
pub async fn write_here(
    partition: &Partition,
    groups: &GroupCoordinator,
    marker: &Marker,
    timeout: Duration,
) -> Result<(), PartitionError> {
    let kind = if marker.is_commit { ControlMarker::Commit } else { ControlMarker::Abort };
    let Producer { id, epoch } = marker.producer;
    let records = format::encode_marker(id, epoch, kind, marker.coordinator_epoch, now_ms());
    let mut results = partition.append(&[RecordSet { records }], Origin::Coordinator, -1);
    let appended = results.pop().unwrap_or(Err(PartitionError::NotLeader))?;
    partition.committed(appended.last_offset + 1, Instant::now() + timeout).await?;
    if &*partition.id().topic == GROUP_TOPIC {
        while groups.is_loading(partition.id().partition) {
            tokio::time::sleep(LOADING_PAUSE).await;
        }
        let at = appended.last_offset;
        groups.on_transaction_end(id, partition.id().partition, at, marker.is_commit);
    }
    Ok(())
}

/// Markers for the partitions of this cluster.
pub struct BrokerMarkers {
    id: BrokerId,
    image: Arc<Published>,
    replicas: Arc<Replicas>,
    groups: Arc<GroupCoordinator>,
    peers: Arc<BrokerPeers>,
    timeout: Duration,
}

impl BrokerMarkers {
    /// For broker `id`; `timeout` (`request.timeout.ms`) is for the replicas of one partition.
    pub fn new(
        id: BrokerId,
        image: Arc<Published>,
        replicas: Arc<Replicas>,
        groups: Arc<GroupCoordinator>,
        peers: Arc<BrokerPeers>,
        timeout: Duration,
    ) -> Self {
        BrokerMarkers { id, image, replicas, groups, peers, timeout }
    }

    async fn here(&self, marker: &Marker, id: &TopicPartition) -> MarkerOutcome {
        let Some(partition) = self.replicas.get(&id.topic, id.partition) else {
            return MarkerOutcome::Retry;
        };
        match write_here(&partition, &self.groups, marker, self.timeout).await {
            Ok(()) => MarkerOutcome::Written,
            Err(error) => {
                let outcome = MarkerOutcome::of_local(&error);
                info!(partition = %id, %error, "marker not written");
                outcome
            }
        }
    }

    async fn there(
        &self,
        leader: BrokerId,
        marker: &Marker,
        ids: Vec<TopicPartition>,
    ) -> Vec<(TopicPartition, MarkerOutcome)> {
        let retry = |ids: Vec<TopicPartition>| {
            ids.into_iter().map(|id| (id, MarkerOutcome::Retry)).collect()
        };
        let Some(peer) = self.peers.get(leader) else {
            return retry(ids);
        };
        let response = match peer.send(1, request(marker, &ids)).await {
            Ok(response) => response,
            Err(error) => {
                info!(leader, %error, "markers not sent");
                return retry(ids);
            }
        };
        let topics = response.markers.iter().flat_map(|marker| &marker.topics);
        let codes: BTreeMap<(&str, i32), i16> = topics
            .flat_map(|topic| {
                topic
                    .partitions
                    .iter()
                    .map(|p| ((topic.name.0.as_str(), p.partition_index), p.error_code))
            })
            .collect();
        let outcome = |id: TopicPartition| {
            let code = codes.get(&(&*id.topic, id.partition)).copied();
            let outcome =
                code.map_or(MarkerOutcome::Retry, |c| MarkerOutcome::of_code(ErrorCode(c)));
            (id, outcome)
        };
        ids.into_iter().map(outcome).collect()
    }
}

#[async_trait]
impl MarkerWriter for BrokerMarkers {
    async fn write(
        &self,
        marker: &Marker,
        partitions: &[TopicPartition],
    ) -> Vec<(TopicPartition, MarkerOutcome)> {
        let mut outcomes = Vec::with_capacity(partitions.len());
        let mut by_leader: BTreeMap<BrokerId, Vec<TopicPartition>> = BTreeMap::new();
        {
            let image = self.image.load();
            for id in partitions {
                match image.partition(&id.topic, id.partition) {
                    // A controller tells of leaderships before it tells of the cluster.
                    None if image.brokers.is_empty() => {
                        outcomes.push((id.clone(), MarkerOutcome::Retry));
                    }
                    None => outcomes.push((id.clone(), MarkerOutcome::Unknown)),
                    Some(p) => by_leader.entry(p.leader).or_default().push(id.clone()),
                }
            }
        }
        let here = by_leader.remove(&self.id).unwrap_or_default();
        let here = futures_util::future::join_all(here.into_iter().map(|id| async move {
            let outcome = self.here(marker, &id).await;
            (id, outcome)
        }));
        let there = futures_util::future::join_all(
            by_leader.into_iter().map(|(leader, ids)| self.there(leader, marker, ids)),
        );
        let (here, there) = futures_util::future::join(here, there).await;
        outcomes.extend(here);
        outcomes.extend(there.into_iter().flatten());
        outcomes
    }
}

fn request(marker: &Marker, ids: &[TopicPartition]) -> WriteTxnMarkersRequest {
    let mut topics: Vec<WritableTxnMarkerTopic> = Vec::new();
    for id in ids {
        match topics.iter_mut().find(|topic| *topic.name.0 == *id.topic) {
            Some(topic) => topic.partition_indexes.push(id.partition),
            None => topics.push(
                WritableTxnMarkerTopic::default()
                    .with_name(StrBytes::from_string(id.topic.to_string()).into())
                    .with_partition_indexes(vec![id.partition]),
            ),
        }
    }
    let marker = WritableTxnMarker::default()
        .with_producer_id(marker.producer.id.into())
        .with_producer_epoch(marker.producer.epoch)
        .with_transaction_result(marker.is_commit)
        .with_coordinator_epoch(marker.coordinator_epoch)
        .with_topics(topics);
    WriteTxnMarkersRequest::default().with_markers(vec![marker])
}

impl MarkerOutcome {
    fn of_local(error: &PartitionError) -> MarkerOutcome {
        use crate::log::AppendError;
        match error {
            PartitionError::Append(AppendError::InvalidProducerEpoch { .. }) => {
                MarkerOutcome::ProducerFenced
            }
            PartitionError::Append(AppendError::CoordinatorFenced) => {
                MarkerOutcome::CoordinatorFenced
            }
            _ => MarkerOutcome::Retry,
        }
    }

    /// From the answer of another broker. Unlike Kafka, which gives the whole transaction up,
    /// a fenced producer epoch ends it at that partition only: nothing is left open there.
    fn of_code(code: ErrorCode) -> MarkerOutcome {
        match code {
            ErrorCode::NONE
            | ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT
            | ErrorCode::UNSUPPORTED_VERSION => MarkerOutcome::Written,
            ErrorCode::INVALID_PRODUCER_EPOCH => MarkerOutcome::ProducerFenced,
            ErrorCode::TRANSACTION_COORDINATOR_FENCED => MarkerOutcome::CoordinatorFenced,
            _ => MarkerOutcome::Retry,
        }
    }
}
