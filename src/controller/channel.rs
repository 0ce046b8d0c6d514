//! The controller's channel to each broker: a bounded queue and a task that sends in order.
//!
//! As Kafka's `RequestSendThread`: one request in flight, tried again every 100 ms until it is
//! answered or the broker is gone. A queue that overflows is dropped whole, and the controller is
//! told to send that broker everything anew.

use crate::metadata::image::BrokerNode;
use crate::types::{BrokerId, TopicPartition};
use async_trait::async_trait;
use kafka_protocol::messages::{
    LeaderAndIsrRequest, LeaderAndIsrResponse, StopReplicaRequest, StopReplicaResponse,
    UpdateMetadataRequest,
};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// Requests that may wait for one broker.
const QUEUE_LIMIT: usize = 4096;
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// A request that the controller pushes.
#[derive(Clone, Debug, PartialEq)]
pub enum Push {
    /// LeaderAndIsr v7.
    LeaderAndIsr(LeaderAndIsrRequest),
    /// UpdateMetadata v8.
    UpdateMetadata(UpdateMetadataRequest),
    /// StopReplica v4.
    StopReplica(StopReplicaRequest),
}

/// What a broker answered.
#[derive(Clone, Debug, PartialEq)]
pub enum PushReply {
    /// To LeaderAndIsr.
    LeaderAndIsr(LeaderAndIsrResponse),
    /// To UpdateMetadata: its error code.
    UpdateMetadata(i16),
    /// To StopReplica.
    StopReplica(StopReplicaResponse),
}

/// Sends to one broker.
#[async_trait]
pub trait BrokerChannel: Send + Sync + 'static {
    /// Sends and awaits the answer; an error says that there was none.
    async fn push(&self, request: Push) -> Result<PushReply, String>;
}

/// Makes channels to brokers.
pub trait Channels: Send + Sync + 'static {
    /// A channel to this broker; connecting is its own affair.
    fn open(&self, broker: &BrokerNode) -> Arc<dyn BrokerChannel>;
}

/// What a channel tells the controller.
#[derive(Debug)]
pub(super) enum Answer {
    /// Answer to LeaderAndIsr.
    LeaderAndIsr(LeaderAndIsrResponse),
    /// Answer to a StopReplica, with the replicas that were to be deleted.
    StopReplica(StopReplicaResponse, Vec<TopicPartition>),
    /// Requests were dropped.
    Overflow,
}

/// An answer from a broker, in the term of this controller epoch.
#[derive(Debug)]
pub(super) struct Answered {
    pub epoch: i32,
    pub broker: BrokerId,
    pub answer: Answer,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<(VecDeque<Push>, bool)>,
    arrived: Notify,
}

struct Line {
    queue: Arc<Queue>,
    task: tokio::task::JoinHandle<()>,
}

/// The channels of one term.
pub(super) struct Lines {
    epoch: i32,
    channels: Arc<dyn Channels>,
    answers: mpsc::Sender<Answered>,
    lines: BTreeMap<BrokerId, Line>,
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.lines.values().for_each(|line| line.task.abort());
    }
}

impl Lines {
    /// No channels yet; answers go to `answers`.
    pub fn new(epoch: i32, channels: Arc<dyn Channels>, answers: mpsc::Sender<Answered>) -> Self {
        Lines { epoch, channels, answers, lines: BTreeMap::new() }
    }

    /// Opens a channel, in place of an older one.
    pub fn add(&mut self, broker: &BrokerNode) {
        self.remove(broker.id);
        let queue = Arc::new(Queue::default());
        let sender = Sender {
            epoch: self.epoch,
            broker: broker.id,
            channel: self.channels.open(broker),
            queue: queue.clone(),
            answers: self.answers.clone(),
        };
        let task = tokio::spawn(sender.run());
        self.lines.insert(broker.id, Line { queue, task });
    }

    /// Closes a channel; what waits there is dropped.
    pub fn remove(&mut self, broker: BrokerId) {
        if let Some(line) = self.lines.remove(&broker) {
            line.task.abort();
        }
    }

    /// Queues a request; nothing happens when there is no channel.
    pub fn send(&self, broker: BrokerId, push: Push) {
        let Some(line) = self.lines.get(&broker) else { return };
        let mut waiting = line.queue.waiting.lock();
        if waiting.0.len() >= QUEUE_LIMIT {
            waiting.0.clear();
            waiting.1 = true;
        }
        if !waiting.1 {
            waiting.0.push_back(push);
        }
        drop(waiting);
        line.queue.arrived.notify_one();
    }
}

struct Sender {
    epoch: i32,
    broker: BrokerId,
    channel: Arc<dyn BrokerChannel>,
    queue: Arc<Queue>,
    answers: mpsc::Sender<Answered>,
}

impl Sender {
    async fn run(self) {
        loop {
            let (next, overflowed) = {
                let mut waiting = self.queue.waiting.lock();
                (waiting.0.pop_front(), std::mem::take(&mut waiting.1))
            };
            if overflowed {
                tracing::warn!(broker = self.broker, "requests to broker dropped: too many wait");
                self.answer(Answer::Overflow).await;
            }
            match next {
                Some(push) => self.deliver(push).await,
                None => self.queue.arrived.notified().await,
            }
        }
    }

    async fn deliver(&self, push: Push) {
        let deleted = match &push {
            Push::StopReplica(request) => deleted(request),
            Push::LeaderAndIsr(_) | Push::UpdateMetadata(_) => Vec::new(),
        };
        loop {
            match self.channel.push(push.clone()).await {
                Ok(PushReply::LeaderAndIsr(response)) => {
                    return self.answer(Answer::LeaderAndIsr(response)).await;
                }
                Ok(PushReply::StopReplica(response)) => {
                    return self.answer(Answer::StopReplica(response, deleted)).await;
                }
                Ok(PushReply::UpdateMetadata(0)) => return,
                Ok(PushReply::UpdateMetadata(code)) => {
                    tracing::warn!(broker = self.broker, code, "UpdateMetadata was refused");
                    return;
                }
                Err(error) => {
                    tracing::debug!(broker = self.broker, %error, "broker cannot be reached");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    async fn answer(&self, answer: Answer) {
        let answered = Answered { epoch: self.epoch, broker: self.broker, answer };
        // The controller has gone: so will this task.
        let _ = self.answers.send(answered).await;
    }
}

fn deleted(request: &StopReplicaRequest) -> Vec<TopicPartition> {
    let topics = request.topic_states.iter();
    let found = topics.flat_map(|topic| {
        let partitions = topic.partition_states.iter().filter(|p| p.delete_partition);
        partitions.map(|p| TopicPartition::new(topic.topic_name.as_str(), p.partition_index))
    });
    found.collect()
}
