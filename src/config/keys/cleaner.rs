//! Broker keys of the log cleaner (compaction); names, types and defaults are those of Kafka
//! 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::log;

    /// Milliseconds the cleaner sleeps when no log needs compaction.
    LOG_CLEANER_BACKOFF_MS: Long = "log.cleaner.backoff.ms", "15000", AtLeast(0), Medium,
        ClusterWide;
    /// Bytes for the cleaner's map from key to last offset, shared among its threads; at least 1
    /// MiB for each.
    LOG_CLEANER_DEDUPE_BUFFER_SIZE: Long = "log.cleaner.dedupe.buffer.size", "134217728", Any,
        Medium, ClusterWide;
    /// Milliseconds for which a tombstone is kept in a compacted log, so that slow readers see the
    /// deletion.
    LOG_CLEANER_DELETE_RETENTION_MS: Long = "log.cleaner.delete.retention.ms", "86400000",
        AtLeast(0), Medium, ClusterWide;
    /// Whether compacted topics are compacted; without it they grow for ever, the committed offsets
    /// too.
    LOG_CLEANER_ENABLE: Boolean = "log.cleaner.enable", "true", Any, Medium, ReadOnly;
    /// How full the cleaner's map may get before it starts on the segments it has.
    LOG_CLEANER_IO_BUFFER_LOAD_FACTOR: Double = "log.cleaner.io.buffer.load.factor", "0.9", Any,
        Medium, ClusterWide;
    /// Bytes of buffer with which the cleaner reads and writes, shared among its threads.
    LOG_CLEANER_IO_BUFFER_SIZE: Int = "log.cleaner.io.buffer.size", "524288", AtLeast(0), Medium,
        ClusterWide,
        no_effect "whole batches are read, of any size";
    /// Most bytes a second that the cleaner reads and writes.
    LOG_CLEANER_IO_MAX_BYTES_PER_SECOND: Double = "log.cleaner.io.max.bytes.per.second",
        "1.7976931348623157E308", Any, Medium, ClusterWide;
    /// Milliseconds after which a record must be open to compaction, however small the dirty part
    /// is.
    LOG_CLEANER_MAX_COMPACTION_LAG_MS: Long = "log.cleaner.max.compaction.lag.ms",
        "9223372036854775807", AtLeast(1), Medium, ClusterWide;
    /// Share of a log that must be dirty before it is compacted.
    LOG_CLEANER_MIN_CLEANABLE_RATIO: Double = "log.cleaner.min.cleanable.ratio", "0.5",
        Fraction(0.0, 1.0), Medium, ClusterWide;
    /// Milliseconds for which a record is safe from compaction.
    LOG_CLEANER_MIN_COMPACTION_LAG_MS: Long = "log.cleaner.min.compaction.lag.ms", "0", AtLeast(0),
        Medium, ClusterWide;
    /// Threads that compact logs.
    LOG_CLEANER_THREADS: Int = "log.cleaner.threads", "1", AtLeast(0), Medium, ClusterWide;
    /// What becomes of old records: deleted by age and size, compacted by key, or both.
    LOG_CLEANUP_POLICY: List = "log.cleanup.policy", "delete", ListOf(&["compact", "delete"]),
        Medium, ClusterWide;
}
