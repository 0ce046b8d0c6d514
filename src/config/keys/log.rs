//! Broker keys of the partition log: segments, retention, flushing, compression; names, types and
//! defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::cluster;

    /// To come.
    COMPRESSION_GZIP_LEVEL: Int = "compression.gzip.level", "-1", GzipLevel, Medium, ClusterWide;
    /// To come.
    COMPRESSION_LZ4_LEVEL: Int = "compression.lz4.level", "9", Between(1, 17), Medium, ClusterWide;
    /// To come.
    COMPRESSION_TYPE: Text = "compression.type", "producer",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), High, ClusterWide;
    /// To come.
    COMPRESSION_ZSTD_LEVEL: Int = "compression.zstd.level", "3", Between(-131072, 22), Medium,
        ClusterWide;
    /// To come.
    LOG_DIR: Text = "log.dir", "/tmp/kafka-logs", Any, High, ReadOnly;
    /// To come.
    LOG_DIRS: Optional<Text> = "log.dirs", null, Any, High, ReadOnly;
    /// To come.
    LOG_FLUSH_INTERVAL_MESSAGES: Long = "log.flush.interval.messages", "9223372036854775807",
        AtLeast(1), High, ClusterWide;
    /// To come.
    LOG_FLUSH_INTERVAL_MS: Optional<Long> = "log.flush.interval.ms", null, Any, High, ClusterWide;
    /// To come.
    LOG_FLUSH_OFFSET_CHECKPOINT_INTERVAL_MS: Int = "log.flush.offset.checkpoint.interval.ms",
        "60000", AtLeast(0), High, ReadOnly;
    /// To come.
    LOG_FLUSH_SCHEDULER_INTERVAL_MS: Long = "log.flush.scheduler.interval.ms",
        "9223372036854775807", Any, High, ReadOnly;
    /// To come.
    LOG_FLUSH_START_OFFSET_CHECKPOINT_INTERVAL_MS: Int = "log.flush.start.offset.checkpoint.interval.ms",
        "60000", AtLeast(0), High, ReadOnly;
    /// To come.
    LOG_INDEX_INTERVAL_BYTES: Int = "log.index.interval.bytes", "4096", AtLeast(0), Medium,
        ClusterWide;
    /// To come.
    LOG_INDEX_SIZE_MAX_BYTES: Int = "log.index.size.max.bytes", "10485760", AtLeast(4), Medium,
        ClusterWide;
    /// To come.
    LOG_INITIAL_TASK_DELAY_MS: Long = "log.initial.task.delay.ms", "30000", AtLeast(0), Low,
        ReadOnly(internal);
    /// To come.
    LOG_LOCAL_RETENTION_BYTES: Long = "log.local.retention.bytes", "-2", AtLeast(-2), Medium,
        ClusterWide;
    /// To come.
    LOG_LOCAL_RETENTION_MS: Long = "log.local.retention.ms", "-2", AtLeast(-2), Medium, ClusterWide;
    /// To come.
    LOG_MESSAGE_DOWNCONVERSION_ENABLE: Boolean = "log.message.downconversion.enable", "true", Any,
        Low, ClusterWide;
    /// To come.
    LOG_MESSAGE_FORMAT_VERSION: Text = "log.message.format.version", "3.0-IV1", Release, Medium,
        ReadOnly;
    /// To come.
    LOG_MESSAGE_TIMESTAMP_AFTER_MAX_MS: Long = "log.message.timestamp.after.max.ms",
        "9223372036854775807", AtLeast(0), Medium, ClusterWide;
    /// To come.
    LOG_MESSAGE_TIMESTAMP_BEFORE_MAX_MS: Long = "log.message.timestamp.before.max.ms",
        "9223372036854775807", AtLeast(0), Medium, ClusterWide;
    /// To come.
    LOG_MESSAGE_TIMESTAMP_DIFFERENCE_MAX_MS: Long = "log.message.timestamp.difference.max.ms",
        "9223372036854775807", AtLeast(0), Medium, ClusterWide;
    /// To come.
    LOG_MESSAGE_TIMESTAMP_TYPE: Text = "log.message.timestamp.type", "CreateTime",
        OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide;
    /// To come.
    LOG_PREALLOCATE: Boolean = "log.preallocate", "false", Any, Medium, ClusterWide;
    /// To come.
    LOG_RETENTION_BYTES: Long = "log.retention.bytes", "-1", Any, High, ClusterWide;
    /// To come.
    LOG_RETENTION_CHECK_INTERVAL_MS: Long = "log.retention.check.interval.ms", "300000", AtLeast(1),
        Medium, ReadOnly;
    /// To come.
    LOG_RETENTION_HOURS: Int = "log.retention.hours", "168", Any, High, ReadOnly;
    /// To come.
    LOG_RETENTION_MINUTES: Optional<Int> = "log.retention.minutes", null, Any, High, ReadOnly;
    /// To come.
    LOG_RETENTION_MS: Optional<Long> = "log.retention.ms", null, Any, High, ClusterWide;
    /// To come.
    LOG_ROLL_HOURS: Int = "log.roll.hours", "168", AtLeast(1), High, ReadOnly;
    /// To come.
    LOG_ROLL_JITTER_HOURS: Int = "log.roll.jitter.hours", "0", AtLeast(0), High, ReadOnly;
    /// To come.
    LOG_ROLL_JITTER_MS: Optional<Long> = "log.roll.jitter.ms", null, Any, High, ClusterWide;
    /// To come.
    LOG_ROLL_MS: Optional<Long> = "log.roll.ms", null, Any, High, ClusterWide;
    /// To come.
    LOG_SEGMENT_BYTES: Int = "log.segment.bytes", "1073741824", AtLeast(14), High, ClusterWide;
    /// To come.
    LOG_SEGMENT_DELETE_DELAY_MS: Long = "log.segment.delete.delay.ms", "60000", AtLeast(0), High,
        ClusterWide;
    /// To come.
    MESSAGE_MAX_BYTES: Int = "message.max.bytes", "1048588", AtLeast(0), High, ClusterWide;
    /// To come.
    NUM_RECOVERY_THREADS_PER_DATA_DIR: Int = "num.recovery.threads.per.data.dir", "1", AtLeast(1),
        High, ClusterWide;
}
