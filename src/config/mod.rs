//! Placeholder for the configuration crate side: the fields and keys that the log needs.

use std::path::PathBuf;

/// What becomes of old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Old segments are deleted.
    pub delete: bool,
    /// Only the last record of a key is kept.
    pub compact: bool,
}

/// How batches are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent it.
    Producer,
    /// Stored uncompressed.
    Uncompressed,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// Whose time a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's time.
    CreateTime,
    /// The broker's time of appending.
    LogAppendTime,
}

/// The topic keys that the log reads.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct TopicConfig {
    pub cleanup_policy: CleanupPolicy,
    pub compression_type: CompressionType,
    pub compression_gzip_level: i32,
    pub compression_lz4_level: i32,
    pub compression_zstd_level: i32,
    pub file_delete_delay_ms: i64,
    pub flush_messages: i64,
    pub flush_ms: i64,
    pub index_interval_bytes: i32,
    pub max_message_bytes: i32,
    pub message_timestamp_after_max_ms: i64,
    pub message_timestamp_before_max_ms: i64,
    pub message_timestamp_difference_max_ms: i64,
    pub message_timestamp_type: TimestampType,
    pub min_insync_replicas: i32,
    pub retention_bytes: i64,
    pub retention_ms: i64,
    pub segment_bytes: i32,
    pub segment_index_bytes: i32,
    pub segment_jitter_ms: i64,
    pub segment_ms: i64,
}

impl Default for TopicConfig {
    fn default() -> Self {
        TopicConfig {
            cleanup_policy: CleanupPolicy { delete: true, compact: false },
            compression_type: CompressionType::Producer,
            compression_gzip_level: -1,
            compression_lz4_level: 9,
            compression_zstd_level: 3,
            file_delete_delay_ms: 60_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            index_interval_bytes: 4096,
            max_message_bytes: 1_048_588,
            message_timestamp_after_max_ms: i64::MAX,
            message_timestamp_before_max_ms: i64::MAX,
            message_timestamp_difference_max_ms: i64::MAX,
            message_timestamp_type: TimestampType::CreateTime,
            min_insync_replicas: 1,
            retention_bytes: -1,
            retention_ms: 604_800_000,
            segment_bytes: 1_073_741_824,
            segment_index_bytes: 10_485_760,
            segment_jitter_ms: 0,
            segment_ms: 604_800_000,
        }
    }
}

/// The broker's configuration, as far as the log asks.
#[derive(Clone, Debug, Default)]
pub struct BrokerConfig;

impl BrokerConfig {
    /// Value of a key.
    pub fn get<T: Copy>(&self, key: key::Key<T>) -> T {
        key.default
    }

    /// `log.dirs`.
    pub fn log_dirs(&self) -> Vec<PathBuf> {
        vec![PathBuf::from("/tmp/kafka-logs")]
    }
}

/// Keys.
pub mod key {
    /// A key with its default.
    #[derive(Clone, Copy, Debug)]
    pub struct Key<T> {
        pub(super) default: T,
    }
    /// `num.recovery.threads.per.data.dir`.
    pub const NUM_RECOVERY_THREADS_PER_DATA_DIR: Key<i32> = Key { default: 1 };
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub const LOG_FLUSH_OFFSET_CHECKPOINT_INTERVAL_MS: Key<i32> = Key { default: 60_000 };
    /// `log.retention.check.interval.ms`.
    pub const LOG_RETENTION_CHECK_INTERVAL_MS: Key<i64> = Key { default: 300_000 };
    /// `producer.id.expiration.ms`.
    pub const PRODUCER_ID_EXPIRATION_MS: Key<i32> = Key { default: 86_400_000 };
}
