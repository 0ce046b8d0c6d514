//! Broker keys of classic consumer groups and committed offsets; names, types and defaults are
//! those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::cleaner;

    /// Milliseconds the coordinator gathers records before it writes them.
    GROUP_COORDINATOR_APPEND_LINGER_MS: Int = "group.coordinator.append.linger.ms", "10",
        AtLeast(0), Medium, ReadOnly, no_effect "the coordinator writes at once";
    /// Whether Kafka's rewritten group coordinator is used.
    GROUP_COORDINATOR_NEW_ENABLE: Boolean = "group.coordinator.new.enable", "false", Any, Medium,
        ReadOnly(internal), no_effect "there is one group coordinator";
    /// Rebalance protocols that groups may use; classic must be among them.
    GROUP_COORDINATOR_REBALANCE_PROTOCOLS: List = "group.coordinator.rebalance.protocols",
        "classic", ListOf(&["consumer", "classic", "share", "unknown"]), Medium, ReadOnly,
        no_effect
        "classic groups are always served; for KIP-848 see ottla.consumer.groups.enable";
    /// Threads of the rewritten group coordinator.
    GROUP_COORDINATOR_THREADS: Int = "group.coordinator.threads", "1", AtLeast(1), Medium, ReadOnly,
        no_effect "a group is served by the thread of each connection";
    /// Milliseconds that the first rebalance of an empty group waits for more members.
    GROUP_INITIAL_REBALANCE_DELAY_MS: Int = "group.initial.rebalance.delay.ms", "3000", Any, Medium,
        ReadOnly;
    /// Longest session timeout in milliseconds that a classic member may ask for.
    GROUP_MAX_SESSION_TIMEOUT_MS: Int = "group.max.session.timeout.ms", "1800000", Any, Medium,
        ReadOnly;
    /// Most members of a classic group.
    GROUP_MAX_SIZE: Int = "group.max.size", "2147483647", AtLeast(1), Medium, ReadOnly;
    /// Shortest session timeout in milliseconds that a classic member may ask for.
    GROUP_MIN_SESSION_TIMEOUT_MS: Int = "group.min.session.timeout.ms", "6000", Any, Medium,
        ReadOnly;
    /// Largest text in bytes that a consumer may commit along with an offset.
    OFFSET_METADATA_MAX_BYTES: Int = "offset.metadata.max.bytes", "4096", Any, High, ReadOnly;
    /// Acknowledgements that an offset commit needs from its partition's replicas; -1 means all in
    /// sync.
    OFFSETS_COMMIT_REQUIRED_ACKS: Short = "offsets.commit.required.acks", "-1", Any, High, ReadOnly;
    /// Milliseconds that an offset commit waits for its replicas.
    OFFSETS_COMMIT_TIMEOUT_MS: Int = "offsets.commit.timeout.ms", "5000", AtLeast(1), High,
        ReadOnly;
    /// Bytes read at once while committed offsets are loaded.
    OFFSETS_LOAD_BUFFER_SIZE: Int = "offsets.load.buffer.size", "5242880", AtLeast(1), High,
        ReadOnly;
    /// Milliseconds between searches for committed offsets that have expired.
    OFFSETS_RETENTION_CHECK_INTERVAL_MS: Long = "offsets.retention.check.interval.ms", "600000",
        AtLeast(1), High, ReadOnly;
    /// Minutes for which committed offsets outlive their group's last member (KIP-211).
    OFFSETS_RETENTION_MINUTES: Int = "offsets.retention.minutes", "10080", AtLeast(1), High,
        ReadOnly;
    /// Codec of the topic of committed offsets: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    OFFSETS_TOPIC_COMPRESSION_CODEC: Int = "offsets.topic.compression.codec", "0", Any, High,
        ReadOnly;
    /// Partitions of the topic of committed offsets; it cannot be changed once the topic exists.
    OFFSETS_TOPIC_NUM_PARTITIONS: Int = "offsets.topic.num.partitions", "50", AtLeast(1), High,
        ReadOnly;
    /// Replicas of the topic of committed offsets. With the embedded metadata store it is 1 unless
    /// set, as there is one broker.
    OFFSETS_TOPIC_REPLICATION_FACTOR: Short = "offsets.topic.replication.factor", "3", AtLeast(1),
        High, ReadOnly;
    /// Segment size in bytes of the topic of committed offsets, small so that it compacts and loads
    /// fast.
    OFFSETS_TOPIC_SEGMENT_BYTES: Int = "offsets.topic.segment.bytes", "104857600", AtLeast(1), High,
        ReadOnly;
}
