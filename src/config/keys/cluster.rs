//! Broker keys of broker identity, topics, replication and the controller; names, types and
//! defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::network;

    /// To come.
    AUTO_CREATE_TOPICS_ENABLE: Boolean = "auto.create.topics.enable", "true", Any, High, ReadOnly;
    /// To come.
    AUTO_LEADER_REBALANCE_ENABLE: Boolean = "auto.leader.rebalance.enable", "true", Any, High,
        ReadOnly;
    /// To come.
    BACKGROUND_THREADS: Int = "background.threads", "10", AtLeast(1), High, ClusterWide;
    /// To come.
    BROKER_ID: Int = "broker.id", "-1", Any, High, ReadOnly;
    /// To come.
    BROKER_ID_GENERATION_ENABLE: Boolean = "broker.id.generation.enable", "true", Any, Medium,
        ReadOnly;
    /// To come.
    BROKER_RACK: Optional<Text> = "broker.rack", null, Any, Medium, ReadOnly;
    /// To come.
    CONTROL_PLANE_LISTENER_NAME: Optional<Text> = "control.plane.listener.name", null, Any, High,
        ReadOnly;
    /// To come.
    CONTROLLED_SHUTDOWN_ENABLE: Boolean = "controlled.shutdown.enable", "true", Any, Medium,
        ReadOnly;
    /// To come.
    CONTROLLED_SHUTDOWN_MAX_RETRIES: Int = "controlled.shutdown.max.retries", "3", Any, Medium,
        ReadOnly;
    /// To come.
    CONTROLLED_SHUTDOWN_RETRY_BACKOFF_MS: Long = "controlled.shutdown.retry.backoff.ms", "5000",
        Any, Medium, ReadOnly;
    /// To come.
    CONTROLLER_SOCKET_TIMEOUT_MS: Int = "controller.socket.timeout.ms", "30000", Any, Medium,
        ReadOnly;
    /// To come.
    DEFAULT_REPLICATION_FACTOR: Int = "default.replication.factor", "1", Any, Medium, ReadOnly;
    /// To come.
    DELETE_TOPIC_ENABLE: Boolean = "delete.topic.enable", "true", Any, High, ReadOnly;
    /// To come.
    INTER_BROKER_PROTOCOL_VERSION: Text = "inter.broker.protocol.version", "3.9-IV0", Release,
        Medium, ReadOnly;
    /// To come.
    LEADER_IMBALANCE_CHECK_INTERVAL_SECONDS: Long = "leader.imbalance.check.interval.seconds",
        "300", AtLeast(1), High, ReadOnly;
    /// To come.
    LEADER_IMBALANCE_PER_BROKER_PERCENTAGE: Int = "leader.imbalance.per.broker.percentage", "10",
        Any, High, ReadOnly;
    /// To come.
    MAX_REQUEST_PARTITION_SIZE_LIMIT: Int = "max.request.partition.size.limit", "2000", AtLeast(1),
        Medium, ReadOnly;
    /// To come.
    MIN_INSYNC_REPLICAS: Int = "min.insync.replicas", "1", AtLeast(1), High, ClusterWide;
    /// To come.
    NUM_PARTITIONS: Int = "num.partitions", "1", AtLeast(1), Medium, ReadOnly;
    /// To come.
    NUM_REPLICA_ALTER_LOG_DIRS_THREADS: Optional<Int> = "num.replica.alter.log.dirs.threads", null,
        Any, High, ReadOnly;
    /// To come.
    NUM_REPLICA_FETCHERS: Int = "num.replica.fetchers", "1", Any, High, ClusterWide;
    /// To come.
    REPLICA_FETCH_BACKOFF_MS: Int = "replica.fetch.backoff.ms", "1000", AtLeast(0), Medium,
        ReadOnly;
    /// To come.
    REPLICA_FETCH_MAX_BYTES: Int = "replica.fetch.max.bytes", "1048576", AtLeast(0), Medium,
        ReadOnly;
    /// To come.
    REPLICA_FETCH_MIN_BYTES: Int = "replica.fetch.min.bytes", "1", Any, High, ReadOnly;
    /// To come.
    REPLICA_FETCH_RESPONSE_MAX_BYTES: Int = "replica.fetch.response.max.bytes", "10485760",
        AtLeast(0), Medium, ReadOnly;
    /// To come.
    REPLICA_FETCH_WAIT_MAX_MS: Int = "replica.fetch.wait.max.ms", "500", Any, High, ReadOnly;
    /// To come.
    REPLICA_HIGH_WATERMARK_CHECKPOINT_INTERVAL_MS: Long = "replica.high.watermark.checkpoint.interval.ms",
        "5000", Any, High, ReadOnly;
    /// To come.
    REPLICA_LAG_TIME_MAX_MS: Long = "replica.lag.time.max.ms", "30000", Any, High, ReadOnly;
    /// To come.
    REPLICA_SELECTOR_CLASS: Optional<Text> = "replica.selector.class", null, Any, Medium, ReadOnly;
    /// To come.
    REPLICA_SOCKET_RECEIVE_BUFFER_BYTES: Int = "replica.socket.receive.buffer.bytes", "65536", Any,
        High, ReadOnly;
    /// To come.
    REPLICA_SOCKET_TIMEOUT_MS: Int = "replica.socket.timeout.ms", "30000", Any, High, ReadOnly;
    /// To come.
    REQUEST_TIMEOUT_MS: Int = "request.timeout.ms", "30000", Any, High, ReadOnly;
    /// To come.
    RESERVED_BROKER_MAX_ID: Int = "reserved.broker.max.id", "1000", AtLeast(0), Medium, ReadOnly;
    /// To come.
    UNCLEAN_LEADER_ELECTION_ENABLE: Boolean = "unclean.leader.election.enable", "false", Any, High,
        ClusterWide;
    /// To come.
    UNCLEAN_LEADER_ELECTION_INTERVAL_MS: Long = "unclean.leader.election.interval.ms", "300000",
        AtLeast(1), Medium, ReadOnly(internal);
}
