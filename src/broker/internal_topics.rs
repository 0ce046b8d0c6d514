//! Creating `__consumer_offsets` and `__transaction_state` when somebody first asks for them.
//!
//! As Kafka's `AutoTopicCreationManager` in ZooKeeper mode.

use super::Broker;
use crate::config::{BrokerConfig, key};
use crate::controller::{BrokerRack, ControllerError, NewTopic};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;

/// A topic that a coordinator keeps its state in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InternalTopic {
    /// Groups.
    ConsumerOffsets,
    /// Transactions.
    TransactionState,
}

/// Topics that are being created, so that each is asked for once.
#[derive(Default)]
pub struct InternalTopics {
    in_flight: Mutex<HashSet<InternalTopic>>,
}

impl InternalTopic {
    /// The topic's name.
    pub fn name(self) -> &'static str {
        match self {
            InternalTopic::ConsumerOffsets => "__consumer_offsets",
            InternalTopic::TransactionState => "__transaction_state",
        }
    }

    fn to_create(self, config: &BrokerConfig) -> NewTopic {
        let (partitions, replication_factor, configs) = match self {
            InternalTopic::ConsumerOffsets => (
                config.get(key::OFFSETS_TOPIC_NUM_PARTITIONS),
                config.get(key::OFFSETS_TOPIC_REPLICATION_FACTOR),
                vec![
                    ("cleanup.policy", "compact".to_owned()),
                    ("segment.bytes", config.get(key::OFFSETS_TOPIC_SEGMENT_BYTES).to_string()),
                    ("compression.type", "producer".to_owned()),
                ],
            ),
            InternalTopic::TransactionState => (
                config.get(key::TRANSACTION_STATE_LOG_NUM_PARTITIONS),
                config.get(key::TRANSACTION_STATE_LOG_REPLICATION_FACTOR),
                vec![
                    ("unclean.leader.election.enable", "false".to_owned()),
                    ("compression.type", "uncompressed".to_owned()),
                    ("cleanup.policy", "compact".to_owned()),
                    (
                        "min.insync.replicas",
                        config.get(key::TRANSACTION_STATE_LOG_MIN_ISR).to_string(),
                    ),
                    (
                        "segment.bytes",
                        config.get(key::TRANSACTION_STATE_LOG_SEGMENT_BYTES).to_string(),
                    ),
                ],
            ),
        };
        let configs = configs.into_iter().map(|(name, value)| (name.to_owned(), Some(value)));
        NewTopic {
            name: self.name().to_owned(),
            partitions,
            replication_factor,
            assignments: Vec::new(),
            configs: configs.collect(),
        }
    }
}

impl Broker {
    /// Creates an internal topic in the background, unless that is under way.
    pub fn create_internal_topic(self: &Arc<Self>, topic: InternalTopic) {
        if !self.internal_topics.in_flight.lock().insert(topic) {
            return;
        }
        let broker = self.clone();
        self.control.spawn(async move {
            let config = broker.config.load_full();
            let brokers: Vec<BrokerRack> = {
                let image = broker.image.load();
                let live = image.brokers.values();
                live.map(|node| BrokerRack { id: node.id, rack: node.rack.clone() }).collect()
            };
            let new = topic.to_create(&config);
            let created =
                broker.controller.create_topic_from_anywhere(&config, &brokers, new, false).await;
            match created {
                Ok(_) => tracing::info!(topic = topic.name(), "created"),
                // The metadata of this broker does not show it yet.
                Err(ControllerError::TopicExists(_)) => {}
                Err(error) => tracing::warn!(topic = topic.name(), %error, "not created"),
            }
            broker.internal_topics.in_flight.lock().remove(&topic);
        });
    }
}
