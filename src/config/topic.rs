//! The configuration of a topic: Kafka's 36 topic keys as plain fields (`LogConfig`).
//!
//! A key not overridden for the topic takes the broker's value of its server key (or of that key's
//! synonyms). It does not know where overrides are stored.

use super::BrokerConfig;
use super::declare::{Check::*, Declaration, Effect, Importance, Key, Type, Update};
use super::error::ConfigError;
use super::key::*;
use super::topic_values::{CleanupPolicy, CompressionType, ThrottledReplicas, TimestampType};
use super::value::{self, FromValue, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A topic key: what is declared about it, and where its value comes from when not overridden.
pub struct TopicKey {
    /// Declaration.
    pub declaration: Declaration,
    /// Indexes of broker keys in order of precedence, each with the factor that makes its unit
    /// that of the topic key (`log.retention.hours` * 3600000).
    pub server: &'static [(u16, i64)],
}

macro_rules! topic_keys {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $type:ty = $kind:ident, $name:literal, $default:literal, $check:expr,
            $importance:ident, [$($server:ident $(* $factor:literal)?),*];
    )+) => {
        /// The configuration of a topic.
        #[derive(Clone, Debug, PartialEq)]
        pub struct TopicConfig {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        /// All topic keys, by name.
        pub const TOPIC_KEYS: &[TopicKey] = &[$(
            TopicKey {
                declaration: Declaration {
                    name: $name,
                    kind: Type::$kind,
                    default: Some($default),
                    check: $check,
                    importance: Importance::$importance,
                    update: Update::ClusterWide,
                    internal: false,
                    effect: Effect::Honoured,
                    doc: concat!($($doc),+),
                },
                server: &[$((index($server), 1 $(* $factor)?)),*],
            },
        )+];

        impl TopicConfig {
            fn from_values(next: &mut dyn Iterator<Item = Value>) -> Option<TopicConfig> {
                $(let $field = FromValue::from_value(&next.next()?)?;)+
                Some(TopicConfig { $($field),+ })
            }
        }
    };
}

const fn index<T>(key: Key<T>) -> u16 {
    key.index
}

topic_keys! {
    /// What becomes of old records: deleted by age and size, compacted by key, or both.
    cleanup_policy: CleanupPolicy = List, "cleanup.policy", "delete",
        ListOf(&["compact", "delete"]), Medium, [LOG_CLEANUP_POLICY];
    /// Level at which the broker compresses with gzip; -1 is the library's own choice.
    compression_gzip_level: i32 = Int, "compression.gzip.level", "-1",
        GzipLevel, Medium, [COMPRESSION_GZIP_LEVEL];
    /// Level at which the broker compresses with LZ4.
    compression_lz4_level: i32 = Int, "compression.lz4.level", "9",
        Between(1, 17), Medium, [COMPRESSION_LZ4_LEVEL];
    /// How batches are stored: as the producer compressed them, uncompressed, or with this codec.
    compression_type: CompressionType = Text, "compression.type", "producer",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        Medium, [COMPRESSION_TYPE];
    /// Level at which the broker compresses with Zstandard.
    compression_zstd_level: i32 = Int, "compression.zstd.level", "3",
        Between(-131072, 22), Medium, [COMPRESSION_ZSTD_LEVEL];
    /// Milliseconds for which a tombstone is kept after compaction.
    delete_retention_ms: i64 = Long, "delete.retention.ms", "86400000",
        AtLeast(0), Medium, [LOG_CLEANER_DELETE_RETENTION_MS];
    /// Milliseconds between taking a segment out of the log and removing its files.
    file_delete_delay_ms: i64 = Long, "file.delete.delay.ms", "60000",
        AtLeast(0), Medium, [LOG_SEGMENT_DELETE_DELAY_MS];
    /// Messages after which the log is forced to disk.
    flush_messages: i64 = Long, "flush.messages", "9223372036854775807",
        AtLeast(1), Medium, [LOG_FLUSH_INTERVAL_MESSAGES];
    /// Milliseconds after which the log is forced to disk.
    flush_ms: i64 = Long, "flush.ms", "9223372036854775807",
        AtLeast(0), Medium, [LOG_FLUSH_INTERVAL_MS, LOG_FLUSH_SCHEDULER_INTERVAL_MS];
    /// Replicas whose replication is throttled at the follower: partition:broker pairs, or * for
    /// all.
    follower_replication_throttled_replicas: ThrottledReplicas = List,
        "follower.replication.throttled.replicas", "",
        ThrottledReplicas, Medium, [];
    /// Bytes of log between two entries of its offset index.
    index_interval_bytes: i32 = Int, "index.interval.bytes", "4096",
        AtLeast(0), Medium, [LOG_INDEX_INTERVAL_BYTES];
    /// Replicas whose replication is throttled at the leader: partition:broker pairs, or * for all.
    leader_replication_throttled_replicas: ThrottledReplicas = List,
        "leader.replication.throttled.replicas", "",
        ThrottledReplicas, Medium, [];
    /// Bytes kept locally when the topic is tiered; -2 is retention.bytes. Tiering is not
    /// available.
    local_retention_bytes: i64 = Long, "local.retention.bytes", "-2",
        AtLeast(-2), Medium, [LOG_LOCAL_RETENTION_BYTES];
    /// Milliseconds for which segments are kept locally when the topic is tiered; -2 is
    /// retention.ms. Tiering is not available.
    local_retention_ms: i64 = Long, "local.retention.ms", "-2",
        AtLeast(-2), Medium, [LOG_LOCAL_RETENTION_MS];
    /// Milliseconds after which a record must be open to compaction.
    max_compaction_lag_ms: i64 = Long, "max.compaction.lag.ms", "9223372036854775807",
        AtLeast(1), Medium, [LOG_CLEANER_MAX_COMPACTION_LAG_MS];
    /// Largest record batch in bytes that may be appended.
    max_message_bytes: i32 = Int, "max.message.bytes", "1048588",
        AtLeast(0), Medium, [MESSAGE_MAX_BYTES];
    /// Whether records are converted for consumers that know older message formats only.
    message_downconversion_enable: bool = Boolean, "message.downconversion.enable", "true",
        Any, Low, [LOG_MESSAGE_DOWNCONVERSION_ENABLE];
    /// Message format of records before 3.0; it is accepted, and format 2 is always used.
    message_format_version: Arc<str> = Text, "message.format.version", "3.0-IV1",
        Release, Medium, [LOG_MESSAGE_FORMAT_VERSION];
    /// Milliseconds by which a record's timestamp may lie in the future.
    message_timestamp_after_max_ms: i64 =
        Long, "message.timestamp.after.max.ms", "9223372036854775807",
        AtLeast(0), Medium, [LOG_MESSAGE_TIMESTAMP_AFTER_MAX_MS];
    /// Milliseconds by which a record's timestamp may lie in the past.
    message_timestamp_before_max_ms: i64 =
        Long, "message.timestamp.before.max.ms", "9223372036854775807",
        AtLeast(0), Medium, [LOG_MESSAGE_TIMESTAMP_BEFORE_MAX_MS];
    /// Both of these limits at once, where they are not set themselves.
    message_timestamp_difference_max_ms: i64 =
        Long, "message.timestamp.difference.max.ms", "9223372036854775807",
        AtLeast(0), Medium, [LOG_MESSAGE_TIMESTAMP_DIFFERENCE_MAX_MS];
    /// Whether a record keeps its producer's timestamp or gets the time of its append.
    message_timestamp_type: TimestampType = Text, "message.timestamp.type", "CreateTime",
        OneOf(&["CreateTime", "LogAppendTime"]), Medium, [LOG_MESSAGE_TIMESTAMP_TYPE];
    /// Share of the log that must be dirty before it is compacted.
    min_cleanable_dirty_ratio: f64 = Double, "min.cleanable.dirty.ratio", "0.5",
        Fraction(0.0, 1.0), Medium, [LOG_CLEANER_MIN_CLEANABLE_RATIO];
    /// Milliseconds for which a record is safe from compaction.
    min_compaction_lag_ms: i64 = Long, "min.compaction.lag.ms", "0",
        AtLeast(0), Medium, [LOG_CLEANER_MIN_COMPACTION_LAG_MS];
    /// In-sync replicas that a produce with acks=all needs.
    min_insync_replicas: i32 = Int, "min.insync.replicas", "1",
        AtLeast(1), Medium, [MIN_INSYNC_REPLICAS];
    /// Whether a new segment's file is given its full size at once.
    preallocate: bool = Boolean, "preallocate", "false", Any, Medium, [LOG_PREALLOCATE];
    /// Whether no more segments are copied to the remote tier. Tiering is not available.
    remote_log_copy_disable: bool = Boolean, "remote.log.copy.disable", "false", Any, Medium, [];
    /// Whether tiered data is deleted when tiering is turned off. Tiering is not available.
    remote_log_delete_on_disable: bool = Boolean, "remote.log.delete.on.disable", "false",
        Any, Medium, [];
    /// Whether the topic is tiered; only false is accepted.
    remote_storage_enable: bool = Boolean, "remote.storage.enable", "false", Any, Medium, [];
    /// Bytes of a partition beyond which its oldest segments are deleted; -1 for no limit.
    retention_bytes: i64 = Long, "retention.bytes", "-1", Any, Medium, [LOG_RETENTION_BYTES];
    /// Milliseconds for which segments are kept; -1 for ever.
    retention_ms: i64 = Long, "retention.ms", "604800000",
        AtLeast(-1),
        Medium, [LOG_RETENTION_MS, LOG_RETENTION_MINUTES * 60000, LOG_RETENTION_HOURS * 3600000];
    /// Size in bytes at which a segment is full.
    segment_bytes: i32 = Int, "segment.bytes", "1073741824",
        AtLeast(14), Medium, [LOG_SEGMENT_BYTES];
    /// Largest size in bytes of a segment's indexes.
    segment_index_bytes: i32 = Int, "segment.index.bytes", "10485760",
        AtLeast(4), Medium, [LOG_INDEX_SIZE_MAX_BYTES];
    /// Most milliseconds by which a segment may be rolled earlier, at random.
    segment_jitter_ms: i64 = Long, "segment.jitter.ms", "0",
        AtLeast(0), Medium, [LOG_ROLL_JITTER_MS, LOG_ROLL_JITTER_HOURS * 3600000];
    /// Milliseconds after which a new segment is begun even if the last is not full.
    segment_ms: i64 = Long, "segment.ms", "604800000",
        AtLeast(1), Medium, [LOG_ROLL_MS, LOG_ROLL_HOURS * 3600000];
    /// Whether a replica outside the in-sync set may become leader as a last resort.
    unclean_leader_election_enable: bool = Boolean, "unclean.leader.election.enable", "false",
        Any, Medium, [UNCLEAN_LEADER_ELECTION_ENABLE];
}

impl Default for TopicConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        let mut values = TOPIC_KEYS.iter().map(|key| value::default(&key.declaration));
        TopicConfig::from_values(&mut values).expect("every default has its key's type")
    }
}

impl TopicConfig {
    /// The configuration of a topic with these overrides on a broker with this configuration.
    /// Fails on an unknown key or an invalid value.
    pub fn resolve(
        broker: &BrokerConfig,
        overrides: &BTreeMap<String, String>,
    ) -> Result<TopicConfig, ConfigError> {
        if let Some(unknown) = overrides.keys().find(|name| find_topic_key(name).is_none()) {
            return Err(ConfigError::UnknownTopicKey(unknown.clone()));
        }
        let mut values = Vec::with_capacity(TOPIC_KEYS.len());
        for key in TOPIC_KEYS {
            values.push(match overrides.get(key.declaration.name) {
                Some(text) => value::parse(&key.declaration, text)?,
                None => inherited(broker, key),
            });
        }
        let config = TopicConfig::from_values(&mut values.into_iter());
        Ok(config.expect("a parsed value has its key's type"))
    }
}

impl TopicConfig {
    /// As [`resolve`](Self::resolve) for overrides that are already stored: those that are not
    /// valid are left out and returned, since a topic must not stop for them.
    pub fn resolve_stored(
        broker: &BrokerConfig,
        overrides: &BTreeMap<String, String>,
    ) -> (TopicConfig, Vec<ConfigError>) {
        let (mut usable, mut errors) = (BTreeMap::new(), Vec::new());
        for (name, text) in overrides {
            let Some(key) = find_topic_key(name) else {
                errors.push(ConfigError::UnknownTopicKey(name.clone()));
                continue;
            };
            match value::parse(&key.declaration, text) {
                Ok(_) => drop(usable.insert(name.clone(), text.clone())),
                Err(error) => errors.push(error),
            }
        }
        (TopicConfig::resolve(broker, &usable).unwrap_or_default(), errors)
    }
}

/// The topic key with this name.
pub fn find_topic_key(name: &str) -> Option<&'static TopicKey> {
    TOPIC_KEYS.iter().find(|key| key.declaration.name == name)
}

/// The value that a topic has without an override.
pub(super) fn inherited(broker: &BrokerConfig, key: &TopicKey) -> Value {
    let set = key.server.iter().find_map(|(index, factor)| match broker.value(*index) {
        Value::Null => None,
        value => Some(scaled(key, value, *factor)),
    });
    set.unwrap_or_else(|| value::default(&key.declaration))
}

/// A broker value in the topic key's type and unit. Any negative retention means unlimited.
fn scaled(key: &TopicKey, value: &Value, factor: i64) -> Value {
    let number = match value {
        Value::Int(n) if key.declaration.kind == Type::Long => i64::from(*n),
        Value::Long(n) => *n,
        other => return other.clone(),
    };
    match key.declaration.name {
        "retention.ms" if number < 0 => Value::Long(-1),
        _ => Value::Long(number.saturating_mul(factor)),
    }
}
