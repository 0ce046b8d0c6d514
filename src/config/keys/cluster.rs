//! Broker keys of broker identity, topics, replication and the controller; names, types and
//! defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::network;

    /// Whether a Metadata request that allows it creates a topic that does not exist yet.
    AUTO_CREATE_TOPICS_ENABLE: Boolean = "auto.create.topics.enable", "true", Any, High, ReadOnly;
    /// Whether the controller moves leadership back to preferred replicas in the background.
    AUTO_LEADER_REBALANCE_ENABLE: Boolean = "auto.leader.rebalance.enable", "true", Any, High,
        ReadOnly;
    /// Threads for background work such as flushing and rolling.
    BACKGROUND_THREADS: Int = "background.threads", "10", AtLeast(1), High, ClusterWide,
        no_effect "background work runs on its own fixed threads";
    /// Number of this broker in the cluster; -1 has one generated and remembered in
    /// meta.properties.
    BROKER_ID: Int = "broker.id", "-1", Any, High, ReadOnly;
    /// Whether an id above reserved.broker.max.id may be generated when none is set.
    BROKER_ID_GENERATION_ENABLE: Boolean = "broker.id.generation.enable", "true", Any, Medium,
        ReadOnly;
    /// Name of the rack or zone this broker stands in, used to spread replicas and to fetch from
    /// near ones.
    BROKER_RACK: Optional<Text> = "broker.rack", null, Any, Medium, ReadOnly;
    /// Listener reserved for the controller's requests, so that clients' traffic cannot hold them
    /// up.
    CONTROL_PLANE_LISTENER_NAME: Optional<Text> = "control.plane.listener.name", null, Any, High,
        ReadOnly;
    /// Whether a stopping broker first asks the controller to move its leaderships away.
    CONTROLLED_SHUTDOWN_ENABLE: Boolean = "controlled.shutdown.enable", "true", Any, Medium,
        ReadOnly;
    /// How often that request is repeated before the broker stops anyway.
    CONTROLLED_SHUTDOWN_MAX_RETRIES: Int = "controlled.shutdown.max.retries", "3", Any, Medium,
        ReadOnly;
    /// Milliseconds between these repetitions.
    CONTROLLED_SHUTDOWN_RETRY_BACKOFF_MS: Long = "controlled.shutdown.retry.backoff.ms", "5000",
        Any, Medium, ReadOnly;
    /// Milliseconds the controller waits for a broker's answer on its channel.
    CONTROLLER_SOCKET_TIMEOUT_MS: Int = "controller.socket.timeout.ms", "30000", Any, Medium,
        ReadOnly;
    /// Replicas of a topic whose creator did not say how many.
    DEFAULT_REPLICATION_FACTOR: Int = "default.replication.factor", "1", Any, Medium, ReadOnly;
    /// Whether topics may be deleted at all.
    DELETE_TOPIC_ENABLE: Boolean = "delete.topic.enable", "true", Any, High, ReadOnly;
    /// Release whose requests and metadata formats this broker uses towards others; lower it while
    /// older brokers are in the cluster.
    INTER_BROKER_PROTOCOL_VERSION: Text = "inter.broker.protocol.version", "3.9-IV0", Release,
        Medium, ReadOnly,
        no_effect "requests to brokers have the versions of 3.9";
    /// Seconds between the controller's checks whether leadership is out of balance.
    LEADER_IMBALANCE_CHECK_INTERVAL_SECONDS: Long = "leader.imbalance.check.interval.seconds",
        "300", AtLeast(1), High, ReadOnly;
    /// Percentage of partitions not led by their preferred replica up to which a broker counts as
    /// balanced.
    LEADER_IMBALANCE_PER_BROKER_PERCENTAGE: Int = "leader.imbalance.per.broker.percentage", "10",
        Any, High, ReadOnly;
    /// Most partitions that one DescribeTopicPartitions answers.
    MAX_REQUEST_PARTITION_SIZE_LIMIT: Int = "max.request.partition.size.limit", "2000", AtLeast(1),
        Medium, ReadOnly,
        no_effect "KRaft only";
    /// In-sync replicas that a partition must have for a produce with acks=all to be accepted.
    MIN_INSYNC_REPLICAS: Int = "min.insync.replicas", "1", AtLeast(1), High, ClusterWide;
    /// Partitions of a topic whose creator did not say how many.
    NUM_PARTITIONS: Int = "num.partitions", "1", AtLeast(1), Medium, ReadOnly;
    /// Threads that move replicas between data directories. Not set: one for each directory.
    NUM_REPLICA_ALTER_LOG_DIRS_THREADS: Optional<Int> = "num.replica.alter.log.dirs.threads", null,
        Any, High, ReadOnly;
    /// Fetchers for each source broker that copy partitions from their leaders.
    NUM_REPLICA_FETCHERS: Int = "num.replica.fetchers", "1", Any, High, ClusterWide,
        no_effect "one connection a leader carries all its partitions";
    /// Milliseconds a follower pauses after a failed fetch.
    REPLICA_FETCH_BACKOFF_MS: Int = "replica.fetch.backoff.ms", "1000", AtLeast(0), Medium,
        ReadOnly;
    /// Bytes that a follower asks for from each partition; a larger first batch is still sent.
    REPLICA_FETCH_MAX_BYTES: Int = "replica.fetch.max.bytes", "1048576", AtLeast(0), Medium,
        ReadOnly;
    /// Bytes for which a leader waits before it answers a follower, up to
    /// replica.fetch.wait.max.ms.
    REPLICA_FETCH_MIN_BYTES: Int = "replica.fetch.min.bytes", "1", Any, High, ReadOnly;
    /// Bytes that a follower asks for in one answer, over all partitions.
    REPLICA_FETCH_RESPONSE_MAX_BYTES: Int = "replica.fetch.response.max.bytes", "10485760",
        AtLeast(0), Medium, ReadOnly;
    /// Milliseconds that a follower's fetch waits at the leader for new records.
    REPLICA_FETCH_WAIT_MAX_MS: Int = "replica.fetch.wait.max.ms", "500", Any, High, ReadOnly;
    /// Milliseconds between writes of the high-watermark checkpoint.
    REPLICA_HIGH_WATERMARK_CHECKPOINT_INTERVAL_MS: Long =
        "replica.high.watermark.checkpoint.interval.ms", "5000", Any, High, ReadOnly;
    /// Milliseconds without having caught up after which a follower leaves the in-sync set.
    REPLICA_LAG_TIME_MAX_MS: Long = "replica.lag.time.max.ms", "30000", Any, High, ReadOnly;
    /// How a replica near a consumer is chosen (KIP-392):
    /// org.apache.kafka.common.replica.RackAwareReplicaSelector, or none for always the leader.
    /// Other classes are Java's, and have no effect.
    REPLICA_SELECTOR_CLASS: Optional<Text> = "replica.selector.class", null, Any, Medium, ReadOnly;
    /// Receive buffer in bytes of a follower's connection to a leader.
    REPLICA_SOCKET_RECEIVE_BUFFER_BYTES: Int = "replica.socket.receive.buffer.bytes", "65536", Any,
        High, ReadOnly,
        no_effect "the system grows the buffer of a follower's connection as it needs";
    /// Milliseconds a follower waits for the answer to a request; at least
    /// replica.fetch.wait.max.ms.
    REPLICA_SOCKET_TIMEOUT_MS: Int = "replica.socket.timeout.ms", "30000", Any, High, ReadOnly;
    /// Milliseconds this broker waits for the answer to a request that it sends to another.
    REQUEST_TIMEOUT_MS: Int = "request.timeout.ms", "30000", Any, High, ReadOnly;
    /// Largest id that a user may give; generated ids start above it.
    RESERVED_BROKER_MAX_ID: Int = "reserved.broker.max.id", "1000", AtLeast(0), Medium, ReadOnly;
    /// Whether a replica outside the in-sync set may become leader as a last resort, at the price
    /// of lost records.
    UNCLEAN_LEADER_ELECTION_ENABLE: Boolean = "unclean.leader.election.enable", "false", Any, High,
        ClusterWide;
    /// Milliseconds between a KRaft controller's searches for partitions that need such an
    /// election.
    UNCLEAN_LEADER_ELECTION_INTERVAL_MS: Long = "unclean.leader.election.interval.ms", "300000",
        AtLeast(1), Medium, ReadOnly(internal), no_effect "KRaft only";
}
