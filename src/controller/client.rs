//! A broker's side of the channel to the active controller, whoever that is, itself included.
//!
//! As Kafka's `BrokerToControllerChannelManager`: the controller is looked up in the image for each
//! request, and an answer NOT_CONTROLLER means asking again later. Changes nothing by itself.

use crate::metadata::image::Published;
use crate::partition::isr::{AlterPartition, IsrAnswer, IsrChange};
use crate::peer::{Peer, PeerError, PeerOptions};
use crate::types::{BrokerId, ErrorCode, TopicPartition};
use async_trait::async_trait;
use kafka_protocol::messages::alter_partition_request::{BrokerState, PartitionData, TopicData};
use kafka_protocol::messages::{
    AllocateProducerIdsRequest, AlterPartitionRequest, AlterPartitionResponse,
    ControlledShutdownRequest,
};
use kafka_protocol::protocol::{Request, StrBytes};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Why the controller did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nobody is known to be the controller, or its address is not.
    #[error("no controller is known")]
    NoController,
    /// No answer.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// An answer, with an error code.
    #[error("the controller answered {}", .0.name())]
    Refused(ErrorCode),
}

/// The channel.
pub struct ControllerClient {
    broker: BrokerId,
    epoch: Arc<AtomicI64>,
    image: Arc<Published>,
    listener: Arc<str>,
    options: PeerOptions,
    /// The last controller's address and the connection to it.
    peer: Mutex<Option<(BrokerId, Arc<Peer>)>>,
}

impl ControllerClient {
    /// A channel of this broker, by the listener named. `epoch` is the broker's.
    pub fn new(
        broker: BrokerId,
        epoch: Arc<AtomicI64>,
        image: Arc<Published>,
        listener: Arc<str>,
        options: PeerOptions,
    ) -> ControllerClient {
        ControllerClient { broker, epoch, image, listener, options, peer: Mutex::new(None) }
    }

    fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn peer(&self) -> Result<Arc<Peer>, ClientError> {
        let image = self.image.load();
        let id = image.controller;
        let live = image.brokers.get(&id).ok_or(ClientError::NoController)?;
        let endpoint = live
            .endpoints
            .iter()
            .find(|endpoint| *endpoint.listener == *self.listener)
            .ok_or(ClientError::NoController)?;
        let address = format!("{}:{}", endpoint.host, endpoint.port);
        let mut known = self.peer.lock();
        match known.as_ref() {
            Some((known_id, peer)) if *known_id == id && peer.address() == address => {
                Ok(peer.clone())
            }
            _ => {
                let peer = Peer::new(&*endpoint.host, endpoint.port, self.options.clone());
                let peer = Arc::new(peer);
                *known = Some((id, peer.clone()));
                Ok(peer)
            }
        }
    }

    async fn send<R: Request>(&self, version: i16, request: R) -> Result<R::Response, ClientError> {
        Ok(self.peer()?.send(version, request).await?)
    }

    /// A block of producer ids: the first and how many.
    pub async fn allocate_producer_ids(&self) -> Result<(i64, i32), ClientError> {
        let request = AllocateProducerIdsRequest::default()
            .with_broker_id(self.broker.into())
            .with_broker_epoch(self.epoch());
        let response = self.send(0, request).await?;
        match response.error_code {
            0 => Ok((response.producer_id_start.0, response.producer_id_len)),
            code => Err(ClientError::Refused(ErrorCode(code))),
        }
    }

    /// Asks that this broker's leaderships move away; how many did not.
    pub async fn controlled_shutdown(&self, timeout: Duration) -> Result<usize, ClientError> {
        let request = ControlledShutdownRequest::default()
            .with_broker_id(self.broker.into())
            .with_broker_epoch(self.epoch());
        let response = self.peer()?.send_within(timeout, 3, request).await?;
        match response.error_code {
            0 => Ok(response.remaining_partitions.len()),
            code => Err(ClientError::Refused(ErrorCode(code))),
        }
    }

    fn alter_request(&self, changes: &[IsrChange]) -> AlterPartitionRequest {
        // Topics of before KIP-516 have no id; then version 1, which has names, is used for all.
        let has_ids = has_ids(changes);
        let mut topics: Vec<TopicData> = Vec::new();
        for change in changes {
            let data = partition_data(change, has_ids);
            let name = StrBytes::from_string(change.partition.topic.to_string());
            let is_same = |topic: &TopicData| {
                if has_ids {
                    topic.topic_id == change.topic_id
                } else {
                    *topic.topic_name.0 == *change.partition.topic
                }
            };
            match topics.iter_mut().find(|topic| is_same(topic)) {
                Some(topic) => topic.partitions.push(data),
                None if has_ids => topics.push(
                    TopicData::default().with_topic_id(change.topic_id).with_partitions(vec![data]),
                ),
                None => topics.push(
                    TopicData::default().with_topic_name(name.into()).with_partitions(vec![data]),
                ),
            }
        }
        AlterPartitionRequest::default()
            .with_broker_id(self.broker.into())
            .with_broker_epoch(self.epoch())
            .with_topics(topics)
    }
}

fn has_ids(changes: &[IsrChange]) -> bool {
    changes.iter().all(|change| !change.topic_id.is_nil())
}

fn partition_data(change: &IsrChange, with_epochs: bool) -> PartitionData {
    let data = PartitionData::default()
        .with_partition_index(change.partition.partition)
        .with_leader_epoch(change.leader_epoch)
        .with_partition_epoch(change.partition_epoch);
    if !with_epochs {
        return data.with_new_isr(change.isr.iter().map(|(id, _)| (*id).into()).collect());
    }
    let states = change.isr.iter().map(|(id, epoch)| {
        BrokerState::default().with_broker_id((*id).into()).with_broker_epoch(*epoch)
    });
    data.with_new_isr_with_epochs(states.collect())
}

/// Answers by partition: code, set and partition epoch.
type Answers = HashMap<TopicPartition, (ErrorCode, Vec<BrokerId>, i32)>;

fn answers(response: AlterPartitionResponse, changes: &[IsrChange]) -> Answers {
    let mut all = Answers::new();
    for topic in response.topics {
        let name = changes
            .iter()
            .find(|change| !topic.topic_id.is_nil() && change.topic_id == topic.topic_id)
            .map_or_else(|| Arc::from(&*topic.topic_name.0), |c| c.partition.topic.clone());
        for data in topic.partitions {
            let id = TopicPartition::new(name.clone(), data.partition_index);
            let isr = data.isr.iter().map(|id| id.0).collect();
            all.insert(id, (ErrorCode(data.error_code), isr, data.partition_epoch));
        }
    }
    all
}

#[async_trait]
impl AlterPartition for ControllerClient {
    async fn alter_partition(&self, changes: &[IsrChange]) -> Vec<IsrAnswer> {
        let version = if has_ids(changes) { 3 } else { 1 };
        let response = match self.send(version, self.alter_request(changes)).await {
            Ok(response) if response.error_code == 0 => response,
            Ok(response) => {
                let code = ErrorCode(response.error_code).name();
                tracing::info!(code, "the controller took no change of in-sync sets");
                return vec![IsrAnswer::Retry; changes.len()];
            }
            Err(error) => {
                tracing::info!(%error, "cannot ask the controller for changed in-sync sets");
                return vec![IsrAnswer::Retry; changes.len()];
            }
        };
        let answers = answers(response, changes);
        let answer = |change: &IsrChange| match answers.get(&change.partition) {
            Some((ErrorCode::NONE, isr, partition_epoch)) => {
                IsrAnswer::Done { isr: isr.clone(), partition_epoch: *partition_epoch }
            }
            // These cannot be cured by asking again: a LeaderAndIsr will come, or never will.
            Some((
                ErrorCode::INVALID_UPDATE_VERSION
                | ErrorCode::FENCED_LEADER_EPOCH
                | ErrorCode::INVALID_REQUEST
                | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
                | ErrorCode::UNKNOWN_TOPIC_ID
                | ErrorCode::INELIGIBLE_REPLICA
                | ErrorCode::OPERATION_NOT_ATTEMPTED
                | ErrorCode::NEW_LEADER_ELECTED,
                ..,
            )) => IsrAnswer::Refused,
            Some(_) | None => IsrAnswer::Retry,
        };
        changes.iter().map(answer).collect()
    }
}
