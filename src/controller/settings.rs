//! What the controller takes from the broker's configuration, as of now.

use crate::config::{BrokerConfig, key};
use crate::types::BrokerId;
use std::sync::Arc;
use std::time::Duration;

/// Settings; read anew for each use, since some are dynamic.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This broker.
    pub broker: BrokerId,
    /// Listener by which the controller reaches brokers.
    pub listener: Arc<str>,
    /// `unclean.leader.election.enable`: the default for topics without an override.
    pub unclean_election: bool,
    /// `delete.topic.enable`.
    pub delete_topics: bool,
    /// `auto.leader.rebalance.enable`.
    pub rebalance: bool,
    /// `leader.imbalance.check.interval.seconds`.
    pub rebalance_interval: Duration,
    /// `leader.imbalance.per.broker.percentage`, 0 to 100.
    pub imbalance_percentage: i32,
    /// `num.partitions`.
    pub partitions: i32,
    /// `default.replication.factor`.
    pub replication_factor: i16,
}

impl Settings {
    /// From the broker's configuration. `broker` is its id, also when it was generated.
    pub fn of(config: &BrokerConfig, broker: BrokerId) -> Self {
        let interval = config.get(key::LEADER_IMBALANCE_CHECK_INTERVAL_SECONDS);
        Settings {
            broker,
            listener: config
                .control_plane_listener_name()
                .unwrap_or_else(|| config.inter_broker_listener_name()),
            unclean_election: config.get(key::UNCLEAN_LEADER_ELECTION_ENABLE),
            delete_topics: config.get(key::DELETE_TOPIC_ENABLE),
            rebalance: config.get(key::AUTO_LEADER_REBALANCE_ENABLE),
            rebalance_interval: Duration::from_secs(interval.max(1) as u64),
            imbalance_percentage: config.get(key::LEADER_IMBALANCE_PER_BROKER_PERCENTAGE),
            partitions: config.get(key::NUM_PARTITIONS),
            replication_factor: config.get(key::DEFAULT_REPLICATION_FACTOR) as i16,
        }
    }
}

/// Gives the settings as of now.
pub type SettingsSource = Arc<dyn Fn() -> Settings + Send + Sync>;
