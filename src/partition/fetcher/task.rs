//! Fetching from one leader.

use super::FetcherSettings;
use crate::metadata::image::Published;
use crate::partition::follow::Position;
use crate::partition::{Partition, PartitionError, Replicas};
use crate::peer::{Peer, PeerError};
use crate::telemetry::counters::REPLICATION_BYTES_IN;
use crate::types::{BrokerId, ErrorCode, TopicId};
use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{
    FetchPartition, FetchRequest, FetchTopic, ReplicaState,
};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{FetchResponse, ListOffsetsRequest};
use kafka_protocol::protocol::StrBytes;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::time::Instant;

const FETCH: i16 = 17;
const LIST_OFFSETS: i16 = 9;
/// ListOffsets: the log end, and the earliest record that is not only in tiered storage.
const LATEST: i64 = -1;
const EARLIEST_LOCAL: i64 = -4;

/// Why an answer could not be taken over.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("the leader answered {}", .0.name())]
    Leader(ErrorCode),
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Partition(#[from] PartitionError),
}

/// Replicas that had all that their leader had committed, as of its last answer.
#[derive(Default)]
struct CaughtUp(HashSet<(TopicId, i32)>);

impl CaughtUp {
    fn contains(&self, key: &(TopicId, i32)) -> bool {
        self.0.contains(key)
    }

    fn note(&mut self, key: (TopicId, i32), is_caught_up: bool) {
        match is_caught_up {
            true => drop(self.0.insert(key)),
            false => drop(self.0.remove(&key)),
        }
    }
}

type Followed = HashMap<(TopicId, i32), (Arc<Partition>, Position)>;

pub(super) struct Task {
    pub leader: BrokerId,
    pub replicas: Arc<Replicas>,
    pub image: Arc<Published>,
    pub broker_epoch: Arc<AtomicI64>,
    pub settings: FetcherSettings,
}

impl Task {
    /// Fetches for ever; dropped when nothing is followed any more.
    pub async fn run(self) {
        let mut peer: Option<Peer> = None;
        let mut paused: HashMap<(TopicId, i32), Instant> = HashMap::new();
        let mut caught_up = CaughtUp::default();
        loop {
            if !self.connect(&mut peer) {
                tokio::time::sleep(self.settings.backoff).await;
                continue;
            }
            let Some(peer) = &peer else { continue };
            paused.retain(|_, until| *until > Instant::now());
            let followed = self.followed(&paused, &caught_up);
            if followed.is_empty() {
                tokio::time::sleep(self.settings.backoff).await;
                continue;
            }
            let timeout = self.settings.request_timeout;
            match peer.send_within(timeout, FETCH, self.request(&followed)).await {
                Ok(response) => {
                    self.take(peer, response, &followed, &mut paused, &mut caught_up).await
                }
                Err(error) => {
                    tracing::info!(leader = self.leader, %error, "fetch failed");
                    tokio::time::sleep(self.settings.backoff).await;
                }
            }
        }
    }

    /// Makes the peer for where the leader is now. False while that is unknown.
    fn connect(&self, peer: &mut Option<Peer>) -> bool {
        let image = self.image.load();
        let broker = image.brokers.get(&self.leader);
        let endpoint = broker.and_then(|broker| {
            broker.endpoints.iter().find(|e| *e.listener == *self.settings.listener)
        });
        let Some(endpoint) = endpoint else { return false };
        let address = format!("{}:{}", endpoint.host, endpoint.port);
        if peer.as_ref().is_none_or(|peer| peer.address() != address) {
            let options = self.settings.options.clone();
            *peer = Some(Peer::new(&*endpoint.host, endpoint.port, options));
        }
        true
    }

    /// Whether the quota of moved replicas holds this one back (`shouldFollowerThrottle`).
    fn is_held_back(
        &self,
        partition: &Partition,
        key: &(TopicId, i32),
        caught_up: &CaughtUp,
    ) -> bool {
        self.is_throttled(partition)
            && !caught_up.contains(key)
            && self.settings.quota.is_exceeded()
    }

    fn is_throttled(&self, partition: &Partition) -> bool {
        let throttled = &partition.log().config().follower_replication_throttled_replicas;
        throttled.contains(partition.id().partition, self.replicas.local())
    }

    fn followed(
        &self,
        paused: &HashMap<(TopicId, i32), Instant>,
        caught_up: &CaughtUp,
    ) -> Followed {
        let all = self.replicas.all().into_iter().filter_map(|partition| {
            let position = partition.follow_position(self.leader)?;
            let key = (partition.topic_id()?, partition.id().partition);
            let is_free =
                !paused.contains_key(&key) && !self.is_held_back(&partition, &key, caught_up);
            is_free.then_some((key, (partition, position)))
        });
        all.collect()
    }

    fn request(&self, followed: &Followed) -> FetchRequest {
        let mut topics: HashMap<TopicId, Vec<FetchPartition>> = HashMap::new();
        for ((topic_id, index), (_, position)) in followed {
            topics.entry(*topic_id).or_default().push(
                FetchPartition::default()
                    .with_partition(*index)
                    .with_current_leader_epoch(position.leader_epoch)
                    .with_fetch_offset(position.offset)
                    .with_last_fetched_epoch(position.last_epoch.unwrap_or(-1))
                    .with_log_start_offset(position.log_start)
                    .with_partition_max_bytes(self.settings.partition_max_bytes),
            );
        }
        let topics = topics.into_iter().map(|(topic_id, partitions)| {
            FetchTopic::default().with_topic_id(topic_id).with_partitions(partitions)
        });
        let replica = ReplicaState::default()
            .with_replica_id(self.replicas.local().into())
            .with_replica_epoch(self.broker_epoch.load(Ordering::Acquire));
        FetchRequest::default()
            .with_replica_state(replica)
            .with_max_wait_ms(self.settings.max_wait_ms)
            .with_min_bytes(self.settings.min_bytes)
            .with_max_bytes(self.settings.max_bytes)
            .with_topics(topics.collect())
    }

    async fn take(
        &self,
        peer: &Peer,
        response: FetchResponse,
        followed: &Followed,
        paused: &mut HashMap<(TopicId, i32), Instant>,
        caught_up: &mut CaughtUp,
    ) {
        if response.error_code != 0 {
            let code = ErrorCode(response.error_code).name();
            tracing::warn!(leader = self.leader, code, "fetch refused");
            tokio::time::sleep(self.settings.backoff).await;
            return;
        }
        for topic in response.responses {
            for data in topic.partitions {
                let key = (topic.topic_id, data.partition_index);
                let Some((partition, position)) = followed.get(&key) else { continue };
                let (high_watermark, is_good) = (data.high_watermark, data.error_code == 0);
                let len = data.records.as_ref().map_or(0, Bytes::len);
                REPLICATION_BYTES_IN.add(len as u64);
                if self.is_throttled(partition) {
                    self.settings.quota.record(len);
                }
                if let Err(error) = self.take_one(peer, partition, position, data).await {
                    tracing::info!(partition = %partition.id(), %error, "not followed for now");
                    paused.insert(key, Instant::now() + self.settings.backoff);
                }
                let is_caught_up = partition.log().log_end_offset() >= high_watermark;
                caught_up.note(key, is_good && is_caught_up);
            }
        }
    }

    async fn take_one(
        &self,
        peer: &Peer,
        partition: &Partition,
        position: &Position,
        data: PartitionData,
    ) -> Result<(), FollowError> {
        match ErrorCode(data.error_code) {
            ErrorCode::NONE if data.diverging_epoch.end_offset >= 0 => {
                let diverging = data.diverging_epoch;
                let (epoch, end) = (diverging.epoch, diverging.end_offset);
                Ok(partition.truncate_after_divergence(position, epoch, end)?)
            }
            ErrorCode::NONE => {
                let records = data.records.unwrap_or_default();
                let (high_watermark, log_start) = (data.high_watermark, data.log_start_offset);
                Ok(partition.follow(position, &records, high_watermark, log_start)?)
            }
            ErrorCode::OFFSET_OUT_OF_RANGE => {
                let start = self.offset(peer, partition, position, EARLIEST_LOCAL).await?;
                let end = self.offset(peer, partition, position, LATEST).await?;
                Ok(partition.follow_range(position, start, end)?)
            }
            code => Err(FollowError::Leader(code)),
        }
    }

    async fn offset(
        &self,
        peer: &Peer,
        partition: &Partition,
        position: &Position,
        timestamp: i64,
    ) -> Result<i64, FollowError> {
        let asked = ListOffsetsPartition::default()
            .with_partition_index(partition.id().partition)
            .with_current_leader_epoch(position.leader_epoch)
            .with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(StrBytes::from_string(partition.id().topic.to_string()).into())
            .with_partitions(vec![asked]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(self.replicas.local().into())
            .with_topics(vec![topic]);
        let response = peer.send(LIST_OFFSETS, request).await?;
        let answer = response.topics.first().and_then(|topic| topic.partitions.first());
        match answer {
            Some(answer) if answer.error_code == 0 => Ok(answer.offset),
            Some(answer) => Err(FollowError::Leader(ErrorCode(answer.error_code))),
            None => Err(FollowError::Leader(ErrorCode::UNKNOWN_SERVER_ERROR)),
        }
    }
}
