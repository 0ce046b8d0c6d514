//! Broker keys of classic consumer groups and committed offsets; names, types and defaults are
//! those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::cleaner;

    /// To come.
    GROUP_COORDINATOR_APPEND_LINGER_MS: Int = "group.coordinator.append.linger.ms", "10",
        AtLeast(0), Medium, ReadOnly;
    /// To come.
    GROUP_COORDINATOR_NEW_ENABLE: Boolean = "group.coordinator.new.enable", "false", Any, Medium,
        ReadOnly(internal);
    /// To come.
    GROUP_COORDINATOR_REBALANCE_PROTOCOLS: List = "group.coordinator.rebalance.protocols",
        "classic", ListOf(&["consumer", "classic", "share", "unknown"]), Medium, ReadOnly;
    /// To come.
    GROUP_COORDINATOR_THREADS: Int = "group.coordinator.threads", "1", AtLeast(1), Medium, ReadOnly;
    /// To come.
    GROUP_INITIAL_REBALANCE_DELAY_MS: Int = "group.initial.rebalance.delay.ms", "3000", Any, Medium,
        ReadOnly;
    /// To come.
    GROUP_MAX_SESSION_TIMEOUT_MS: Int = "group.max.session.timeout.ms", "1800000", Any, Medium,
        ReadOnly;
    /// To come.
    GROUP_MAX_SIZE: Int = "group.max.size", "2147483647", AtLeast(1), Medium, ReadOnly;
    /// To come.
    GROUP_MIN_SESSION_TIMEOUT_MS: Int = "group.min.session.timeout.ms", "6000", Any, Medium,
        ReadOnly;
    /// To come.
    OFFSET_METADATA_MAX_BYTES: Int = "offset.metadata.max.bytes", "4096", Any, High, ReadOnly;
    /// To come.
    OFFSETS_COMMIT_REQUIRED_ACKS: Short = "offsets.commit.required.acks", "-1", Any, High, ReadOnly;
    /// To come.
    OFFSETS_COMMIT_TIMEOUT_MS: Int = "offsets.commit.timeout.ms", "5000", AtLeast(1), High,
        ReadOnly;
    /// To come.
    OFFSETS_LOAD_BUFFER_SIZE: Int = "offsets.load.buffer.size", "5242880", AtLeast(1), High,
        ReadOnly;
    /// To come.
    OFFSETS_RETENTION_CHECK_INTERVAL_MS: Long = "offsets.retention.check.interval.ms", "600000",
        AtLeast(1), High, ReadOnly;
    /// To come.
    OFFSETS_RETENTION_MINUTES: Int = "offsets.retention.minutes", "10080", AtLeast(1), High,
        ReadOnly;
    /// To come.
    OFFSETS_TOPIC_COMPRESSION_CODEC: Int = "offsets.topic.compression.codec", "0", Any, High,
        ReadOnly;
    /// To come.
    OFFSETS_TOPIC_NUM_PARTITIONS: Int = "offsets.topic.num.partitions", "50", AtLeast(1), High,
        ReadOnly;
    /// To come.
    OFFSETS_TOPIC_REPLICATION_FACTOR: Short = "offsets.topic.replication.factor", "3", AtLeast(1),
        High, ReadOnly;
    /// To come.
    OFFSETS_TOPIC_SEGMENT_BYTES: Int = "offsets.topic.segment.bytes", "104857600", AtLeast(1), High,
        ReadOnly;
}
