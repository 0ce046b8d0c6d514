//! The coordinators' topics: with which partitions, replicas and configs they are created.
//!
//! As Kafka's `DefaultAutoTopicCreationManager`.

use super::admin::NewTopic;
use super::assignment::BrokerRack;
use super::error::ControllerError;
use super::handle::ControllerHandle;
use crate::config::{BrokerConfig, key};

/// Topic of groups and their offsets.
pub const GROUPS_TOPIC: &str = "__consumer_offsets";
/// Topic of transactions.
pub const TRANSACTIONS_TOPIC: &str = "__transaction_state";

/// Whether Metadata marks the topic as internal.
pub fn is_internal(topic: &str) -> bool {
    topic == GROUPS_TOPIC || topic == TRANSACTIONS_TOPIC
}

/// How a topic is created automatically: with defaults, unless it is internal.
pub fn automatic_topic(config: &BrokerConfig, name: &str) -> NewTopic {
    let configs = |pairs: &[(&str, String)]| {
        pairs.iter().map(|(key, value)| ((*key).to_string(), Some(value.clone()))).collect()
    };
    let (partitions, replication_factor, configs) = match name {
        GROUPS_TOPIC => (
            config.get(key::OFFSETS_TOPIC_NUM_PARTITIONS),
            config.get(key::OFFSETS_TOPIC_REPLICATION_FACTOR),
            configs(&[
                ("compression.type", "producer".into()),
                ("cleanup.policy", "compact".into()),
                ("segment.bytes", config.get(key::OFFSETS_TOPIC_SEGMENT_BYTES).to_string()),
            ]),
        ),
        TRANSACTIONS_TOPIC => (
            config.get(key::TRANSACTION_STATE_LOG_NUM_PARTITIONS),
            config.get(key::TRANSACTION_STATE_LOG_REPLICATION_FACTOR),
            configs(&[
                ("unclean.leader.election.enable", "false".into()),
                ("compression.type", "uncompressed".into()),
                ("cleanup.policy", "compact".into()),
                ("min.insync.replicas", config.get(key::TRANSACTION_STATE_LOG_MIN_ISR).to_string()),
                ("segment.bytes", config.get(key::TRANSACTION_STATE_LOG_SEGMENT_BYTES).to_string()),
            ]),
        ),
        _ => (-1, -1, Vec::new()),
    };
    NewTopic { name: name.into(), partitions, replication_factor, assignments: Vec::new(), configs }
}

impl ControllerHandle {
    /// Creates a topic automatically, from any broker; that it exists is no error. It is not led
    /// yet when this returns.
    ///
    /// # Errors
    /// As CreateTopics; [`ControllerError::InvalidReplicationFactor`] while too few brokers live.
    pub async fn auto_create(
        &self,
        config: &BrokerConfig,
        brokers: &[BrokerRack],
        name: &str,
    ) -> Result<(), ControllerError> {
        let topic = automatic_topic(config, name);
        match self.create_topic_from_anywhere(config, brokers, topic, false).await {
            Ok(_) | Err(ControllerError::TopicExists(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Creates `__consumer_offsets` or `__transaction_state` where it does not exist.
    ///
    /// # Errors
    /// As [`ControllerHandle::auto_create`].
    pub async fn ensure_internal_topic(
        &self,
        config: &BrokerConfig,
        brokers: &[BrokerRack],
        name: &str,
    ) -> Result<(), ControllerError> {
        self.auto_create(config, brokers, name).await
    }
}
