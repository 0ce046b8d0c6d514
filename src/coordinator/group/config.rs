//! The broker settings that groups obey, as plain numbers. Defaults are Kafka 3.9's.

use super::consumer::assignor::Assignor;
use super::consumer::plan::Settings;
use crate::config::{BrokerConfig, key};

/// Settings of the group coordinator.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`, members.
    pub max_size: usize,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub retention_check_interval_ms: i64,
    /// `offsets.commit.timeout.ms`.
    pub commit_timeout_ms: i32,
    /// `offsets.commit.required.acks`: -1 waits for all in-sync replicas.
    pub required_acks: i16,
    /// `offsets.topic.compression.codec`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub compression: i8,
    /// `offsets.load.buffer.size`, bytes.
    pub load_buffer_bytes: usize,
    /// Of KIP-848 groups.
    pub consumer: ConsumerConfig,
}

/// Settings of KIP-848 groups.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// `ottla.consumer.groups.enable`.
    pub is_enabled: bool,
    /// `group.consumer.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `group.consumer.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `group.consumer.max.size` and `group.consumer.assignors`.
    pub plan: Settings,
    /// `group.consumer.migration.policy`.
    pub migration: Migration,
}

/// Which way a group may change its protocol while it has members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Migration {
    /// From the classic protocol to KIP-848.
    pub upgrade: bool,
    /// And back.
    pub downgrade: bool,
}

impl Migration {
    fn named(policy: &str) -> Migration {
        let is = |name: &str| policy.eq_ignore_ascii_case(name);
        let is_both = is("bidirectional");
        Migration { upgrade: is("upgrade") || is_both, downgrade: is("downgrade") || is_both }
    }
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        ConsumerConfig {
            is_enabled: true,
            heartbeat_interval_ms: 5_000,
            session_timeout_ms: 45_000,
            plan: Settings { max_size: i32::MAX as usize, assignors: Assignor::ALL.to_vec() },
            migration: Migration::default(),
        }
    }
}

impl ConsumerConfig {
    fn of(broker: &BrokerConfig) -> Self {
        let max_size = broker.get(key::GROUP_CONSUMER_MAX_SIZE);
        let assignors = broker.get(key::GROUP_CONSUMER_ASSIGNORS);
        ConsumerConfig {
            is_enabled: broker.get(key::OTTLA_CONSUMER_GROUPS_ENABLE),
            heartbeat_interval_ms: broker.get(key::GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS),
            session_timeout_ms: broker.get(key::GROUP_CONSUMER_SESSION_TIMEOUT_MS),
            plan: Settings {
                max_size: usize::try_from(max_size).unwrap_or(0),
                assignors: assignors.iter().filter_map(|name| Assignor::of_class(name)).collect(),
            },
            migration: Migration::named(&broker.get(key::GROUP_CONSUMER_MIGRATION_POLICY)),
        }
    }
}

impl Default for GroupConfig {
    fn default() -> Self {
        GroupConfig {
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            max_size: i32::MAX as usize,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_ms: 7 * 24 * 3_600_000,
            retention_check_interval_ms: 600_000,
            commit_timeout_ms: 5_000,
            required_acks: -1,
            compression: 0,
            load_buffer_bytes: 5 * 1024 * 1024,
            consumer: ConsumerConfig::default(),
        }
    }
}

impl GroupConfig {
    /// The settings in a broker's configuration.
    pub fn of(broker: &BrokerConfig) -> Self {
        let positive = |value: i32| usize::try_from(value).unwrap_or(0);
        GroupConfig {
            min_session_timeout_ms: broker.get(key::GROUP_MIN_SESSION_TIMEOUT_MS),
            max_session_timeout_ms: broker.get(key::GROUP_MAX_SESSION_TIMEOUT_MS),
            initial_rebalance_delay_ms: broker.get(key::GROUP_INITIAL_REBALANCE_DELAY_MS),
            max_size: positive(broker.get(key::GROUP_MAX_SIZE)),
            offset_metadata_max_bytes: positive(broker.get(key::OFFSET_METADATA_MAX_BYTES)),
            offsets_retention_ms: broker.offsets_retention_ms(),
            retention_check_interval_ms: broker.get(key::OFFSETS_RETENTION_CHECK_INTERVAL_MS),
            commit_timeout_ms: broker.get(key::OFFSETS_COMMIT_TIMEOUT_MS),
            required_acks: broker.get(key::OFFSETS_COMMIT_REQUIRED_ACKS),
            compression: i8::try_from(broker.get(key::OFFSETS_TOPIC_COMPRESSION_CODEC))
                .unwrap_or(0),
            load_buffer_bytes: positive(broker.get(key::OFFSETS_LOAD_BUFFER_SIZE)),
            consumer: ConsumerConfig::of(broker),
        }
    }
}
