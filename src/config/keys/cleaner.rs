//! Broker keys of the log cleaner (compaction); names, types and defaults are those of Kafka
//! 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::log;

    /// To come.
    LOG_CLEANER_BACKOFF_MS: Long = "log.cleaner.backoff.ms", "15000", AtLeast(0), Medium,
        ClusterWide;
    /// To come.
    LOG_CLEANER_DEDUPE_BUFFER_SIZE: Long = "log.cleaner.dedupe.buffer.size", "134217728", Any,
        Medium, ClusterWide;
    /// To come.
    LOG_CLEANER_DELETE_RETENTION_MS: Long = "log.cleaner.delete.retention.ms", "86400000",
        AtLeast(0), Medium, ClusterWide;
    /// To come.
    LOG_CLEANER_ENABLE: Boolean = "log.cleaner.enable", "true", Any, Medium, ReadOnly;
    /// To come.
    LOG_CLEANER_IO_BUFFER_LOAD_FACTOR: Double = "log.cleaner.io.buffer.load.factor", "0.9", Any,
        Medium, ClusterWide;
    /// To come.
    LOG_CLEANER_IO_BUFFER_SIZE: Int = "log.cleaner.io.buffer.size", "524288", AtLeast(0), Medium,
        ClusterWide;
    /// To come.
    LOG_CLEANER_IO_MAX_BYTES_PER_SECOND: Double = "log.cleaner.io.max.bytes.per.second",
        "1.7976931348623157E308", Any, Medium, ClusterWide;
    /// To come.
    LOG_CLEANER_MAX_COMPACTION_LAG_MS: Long = "log.cleaner.max.compaction.lag.ms",
        "9223372036854775807", AtLeast(1), Medium, ClusterWide;
    /// To come.
    LOG_CLEANER_MIN_CLEANABLE_RATIO: Double = "log.cleaner.min.cleanable.ratio", "0.5",
        Fraction(0.0, 1.0), Medium, ClusterWide;
    /// To come.
    LOG_CLEANER_MIN_COMPACTION_LAG_MS: Long = "log.cleaner.min.compaction.lag.ms", "0", AtLeast(0),
        Medium, ClusterWide;
    /// To come.
    LOG_CLEANER_THREADS: Int = "log.cleaner.threads", "1", AtLeast(0), Medium, ClusterWide;
    /// To come.
    LOG_CLEANUP_POLICY: List = "log.cleanup.policy", "delete", ListOf(&["compact", "delete"]),
        Medium, ClusterWide;
}
