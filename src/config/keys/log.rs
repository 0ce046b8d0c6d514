//! Broker keys of the partition log: segments, retention, flushing, compression; names, types and
//! defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::cluster;

    /// Level at which the broker compresses with gzip, where it has to compress; -1 is the
    /// library's own choice.
    COMPRESSION_GZIP_LEVEL: Int = "compression.gzip.level", "-1", GzipLevel, Medium, ClusterWide;
    /// Level at which the broker compresses with LZ4, where it has to compress.
    COMPRESSION_LZ4_LEVEL: Int = "compression.lz4.level", "9", Between(1, 17), Medium, ClusterWide;
    /// How batches are stored: as the producer compressed them, uncompressed, or with a codec of
    /// the broker's choosing.
    COMPRESSION_TYPE: Text = "compression.type", "producer",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), High, ClusterWide;
    /// Level at which the broker compresses with Zstandard, where it has to compress.
    COMPRESSION_ZSTD_LEVEL: Int = "compression.zstd.level", "3", Between(-131072, 22), Medium,
        ClusterWide;
    /// A data directory, used when log.dirs is not set.
    LOG_DIR: Text = "log.dir", "/tmp/kafka-logs", Any, High, ReadOnly;
    /// Data directories, separated by commas; each partition lives in one of them.
    LOG_DIRS: Optional<Text> = "log.dirs", null, Any, High, ReadOnly;
    /// Messages written to a partition before it is forced to disk.
    LOG_FLUSH_INTERVAL_MESSAGES: Long = "log.flush.interval.messages", "9223372036854775807",
        AtLeast(1), High, ClusterWide;
    /// Milliseconds that a message may stay in memory before it is forced to disk. Not set:
    /// log.flush.scheduler.interval.ms.
    LOG_FLUSH_INTERVAL_MS: Optional<Long> = "log.flush.interval.ms", null, Any, High, ClusterWide;
    /// Milliseconds between writes of the recovery-point checkpoint, which bounds recovery after a
    /// crash.
    LOG_FLUSH_OFFSET_CHECKPOINT_INTERVAL_MS: Int = "log.flush.offset.checkpoint.interval.ms",
        "60000", AtLeast(0), High, ReadOnly;
    /// Milliseconds between checks whether a log is due to be forced to disk.
    LOG_FLUSH_SCHEDULER_INTERVAL_MS: Long = "log.flush.scheduler.interval.ms",
        "9223372036854775807", Any, High, ReadOnly;
    /// Milliseconds between writes of the log-start-offset checkpoint.
    LOG_FLUSH_START_OFFSET_CHECKPOINT_INTERVAL_MS: Int =
        "log.flush.start.offset.checkpoint.interval.ms", "60000", AtLeast(0), High, ReadOnly,
        no_effect "start offsets are written with the recovery points";
    /// Bytes of log between two entries of its offset index.
    LOG_INDEX_INTERVAL_BYTES: Int = "log.index.interval.bytes", "4096", AtLeast(0), Medium,
        ClusterWide;
    /// Largest size in bytes of an index file; a full index rolls the segment.
    LOG_INDEX_SIZE_MAX_BYTES: Int = "log.index.size.max.bytes", "10485760", AtLeast(4), Medium,
        ClusterWide;
    /// Milliseconds after start until the log's periodic tasks first run.
    LOG_INITIAL_TASK_DELAY_MS: Long = "log.initial.task.delay.ms", "30000", AtLeast(0), Low,
        ReadOnly(internal),
        no_effect "tasks begin one interval after the start";
    /// Bytes of a partition kept locally when it is tiered.
    LOG_LOCAL_RETENTION_BYTES: Long = "log.local.retention.bytes", "-2", AtLeast(-2), Medium,
        ClusterWide, no_effect "tiered storage is not available";
    /// Milliseconds for which segments are kept locally when they are tiered.
    LOG_LOCAL_RETENTION_MS: Long = "log.local.retention.ms", "-2", AtLeast(-2), Medium, ClusterWide,
        no_effect "tiered storage is not available";
    /// Whether records are converted for consumers that know older message formats only; if not,
    /// these are refused.
    LOG_MESSAGE_DOWNCONVERSION_ENABLE: Boolean = "log.message.downconversion.enable", "true", Any,
        Low, ClusterWide;
    /// Message format in which records were stored before 3.0.
    LOG_MESSAGE_FORMAT_VERSION: Text = "log.message.format.version", "3.0-IV1", Release, Medium,
        ReadOnly, no_effect "records are always stored in format 2, as by Kafka since 3.0";
    /// Milliseconds by which a record's timestamp may lie in the broker's future before it is
    /// refused.
    LOG_MESSAGE_TIMESTAMP_AFTER_MAX_MS: Long = "log.message.timestamp.after.max.ms",
        "9223372036854775807", AtLeast(0), Medium, ClusterWide;
    /// Milliseconds by which a record's timestamp may lie in the broker's past before it is
    /// refused.
    LOG_MESSAGE_TIMESTAMP_BEFORE_MAX_MS: Long = "log.message.timestamp.before.max.ms",
        "9223372036854775807", AtLeast(0), Medium, ClusterWide;
    /// Both of these limits at once, where they are not set themselves.
    LOG_MESSAGE_TIMESTAMP_DIFFERENCE_MAX_MS: Long = "log.message.timestamp.difference.max.ms",
        "9223372036854775807", AtLeast(0), Medium, ClusterWide;
    /// Whether a record keeps its producer's timestamp or gets the time at which it was appended.
    LOG_MESSAGE_TIMESTAMP_TYPE: Text = "log.message.timestamp.type", "CreateTime",
        OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide;
    /// Whether a new segment's file is given its full size at once.
    LOG_PREALLOCATE: Boolean = "log.preallocate", "false", Any, Medium, ClusterWide;
    /// Bytes of a partition beyond which its oldest segments are deleted; -1 for no limit.
    LOG_RETENTION_BYTES: Long = "log.retention.bytes", "-1", Any, High, ClusterWide;
    /// Milliseconds between searches for segments to delete.
    LOG_RETENTION_CHECK_INTERVAL_MS: Long = "log.retention.check.interval.ms", "300000", AtLeast(1),
        Medium, ReadOnly;
    /// Hours for which segments are kept, unless log.retention.minutes or log.retention.ms say
    /// otherwise.
    LOG_RETENTION_HOURS: Int = "log.retention.hours", "168", Any, High, ReadOnly;
    /// Minutes for which segments are kept, unless log.retention.ms says otherwise.
    LOG_RETENTION_MINUTES: Optional<Int> = "log.retention.minutes", null, Any, High, ReadOnly;
    /// Milliseconds for which segments are kept; -1 for ever. Not set: log.retention.minutes, then
    /// log.retention.hours.
    LOG_RETENTION_MS: Optional<Long> = "log.retention.ms", null, Any, High, ClusterWide;
    /// Hours after which a new segment is begun, unless log.roll.ms says otherwise.
    LOG_ROLL_HOURS: Int = "log.roll.hours", "168", AtLeast(1), High, ReadOnly;
    /// Most hours by which that may happen earlier, at random, unless log.roll.jitter.ms says
    /// otherwise.
    LOG_ROLL_JITTER_HOURS: Int = "log.roll.jitter.hours", "0", AtLeast(0), High, ReadOnly;
    /// Most milliseconds by which a segment may be rolled earlier, at random, so that not all roll
    /// at once.
    LOG_ROLL_JITTER_MS: Optional<Long> = "log.roll.jitter.ms", null, Any, High, ClusterWide;
    /// Milliseconds after which a new segment is begun even if the last is not full.
    LOG_ROLL_MS: Optional<Long> = "log.roll.ms", null, Any, High, ClusterWide;
    /// Size in bytes at which a segment is full and a new one is begun.
    LOG_SEGMENT_BYTES: Int = "log.segment.bytes", "1073741824", AtLeast(14), High, ClusterWide;
    /// Milliseconds between taking a segment out of its log and removing its files.
    LOG_SEGMENT_DELETE_DELAY_MS: Long = "log.segment.delete.delay.ms", "60000", AtLeast(0), High,
        ClusterWide;
    /// Largest record batch in bytes that may be appended, after compression.
    MESSAGE_MAX_BYTES: Int = "message.max.bytes", "1048588", AtLeast(0), High, ClusterWide;
    /// Threads for each data directory that load logs at start and flush them at the end.
    NUM_RECOVERY_THREADS_PER_DATA_DIR: Int = "num.recovery.threads.per.data.dir", "1", AtLeast(1),
        High, ClusterWide;
}
