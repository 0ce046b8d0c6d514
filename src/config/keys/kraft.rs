//! Broker keys of KRaft (accepted; this broker runs in ZooKeeper mode); names, types and defaults
//! are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::zookeeper;

    /// To come.
    BROKER_HEARTBEAT_INTERVAL_MS: Int = "broker.heartbeat.interval.ms", "2000", Any, Medium,
        ReadOnly;
    /// To come.
    BROKER_SESSION_TIMEOUT_MS: Int = "broker.session.timeout.ms", "9000", Any, Medium, ReadOnly;
    /// To come.
    CONTROLLER_LISTENER_NAMES: Optional<Text> = "controller.listener.names", null, Any, High,
        ReadOnly;
    /// To come.
    CONTROLLER_QUORUM_APPEND_LINGER_MS: Int = "controller.quorum.append.linger.ms", "25", Any,
        Medium, ReadOnly;
    /// To come.
    CONTROLLER_QUORUM_BOOTSTRAP_SERVERS: List = "controller.quorum.bootstrap.servers", "",
        NonEmptyList, High, ReadOnly;
    /// To come.
    CONTROLLER_QUORUM_ELECTION_BACKOFF_MAX_MS: Int = "controller.quorum.election.backoff.max.ms",
        "1000", Any, High, ReadOnly;
    /// To come.
    CONTROLLER_QUORUM_ELECTION_TIMEOUT_MS: Int = "controller.quorum.election.timeout.ms", "1000",
        Any, High, ReadOnly;
    /// To come.
    CONTROLLER_QUORUM_FETCH_TIMEOUT_MS: Int = "controller.quorum.fetch.timeout.ms", "2000", Any,
        High, ReadOnly;
    /// To come.
    CONTROLLER_QUORUM_REQUEST_TIMEOUT_MS: Int = "controller.quorum.request.timeout.ms", "2000", Any,
        Medium, ReadOnly;
    /// To come.
    CONTROLLER_QUORUM_RETRY_BACKOFF_MS: Int = "controller.quorum.retry.backoff.ms", "20", Any, Low,
        ReadOnly;
    /// To come.
    CONTROLLER_QUORUM_VOTERS: List = "controller.quorum.voters", "", NonEmptyList, High, ReadOnly;
    /// To come.
    EARLY_START_LISTENERS: Optional<Text> = "early.start.listeners", null, Any, High, ReadOnly;
    /// To come.
    ELIGIBLE_LEADER_REPLICAS_ENABLE: Boolean = "eligible.leader.replicas.enable", "false", Any,
        High, ReadOnly;
    /// To come.
    INITIAL_BROKER_REGISTRATION_TIMEOUT_MS: Int = "initial.broker.registration.timeout.ms", "60000",
        Any, Medium, ReadOnly;
    /// To come.
    LOG_DIR_FAILURE_TIMEOUT_MS: Long = "log.dir.failure.timeout.ms", "30000", AtLeast(1), Low,
        ReadOnly;
    /// To come.
    METADATA_LOG_DIR: Optional<Text> = "metadata.log.dir", null, Any, High, ReadOnly;
    /// To come.
    METADATA_LOG_MAX_RECORD_BYTES_BETWEEN_SNAPSHOTS: Long = "metadata.log.max.record.bytes.between.snapshots",
        "20971520", AtLeast(1), High, ReadOnly;
    /// To come.
    METADATA_LOG_MAX_SNAPSHOT_INTERVAL_MS: Long = "metadata.log.max.snapshot.interval.ms",
        "3600000", AtLeast(0), High, ReadOnly;
    /// To come.
    METADATA_LOG_SEGMENT_BYTES: Int = "metadata.log.segment.bytes", "1073741824", AtLeast(12), High,
        ReadOnly;
    /// To come.
    METADATA_LOG_SEGMENT_MIN_BYTES: Int = "metadata.log.segment.min.bytes", "8388608", AtLeast(12),
        High, ReadOnly(internal);
    /// To come.
    METADATA_LOG_SEGMENT_MS: Long = "metadata.log.segment.ms", "604800000", Any, High, ReadOnly;
    /// To come.
    METADATA_MAX_IDLE_INTERVAL_MS: Int = "metadata.max.idle.interval.ms", "500", AtLeast(0), Low,
        ReadOnly;
    /// To come.
    METADATA_MAX_RETENTION_BYTES: Long = "metadata.max.retention.bytes", "104857600", Any, High,
        ReadOnly;
    /// To come.
    METADATA_MAX_RETENTION_MS: Long = "metadata.max.retention.ms", "604800000", Any, High, ReadOnly;
    /// To come.
    NODE_ID: Int = "node.id", "-1", Any, High, ReadOnly;
    /// To come.
    PROCESS_ROLES: List = "process.roles", "", ListOf(&["broker", "controller"]), High, ReadOnly;
    /// To come.
    SERVER_MAX_STARTUP_TIME_MS: Long = "server.max.startup.time.ms", "9223372036854775807",
        AtLeast(0), Medium, ReadOnly(internal);
    /// To come.
    TELEMETRY_MAX_BYTES: Int = "telemetry.max.bytes", "1048576", AtLeast(1), Low, ReadOnly;
    /// To come.
    UNSTABLE_API_VERSIONS_ENABLE: Boolean = "unstable.api.versions.enable", "false", Any, High,
        ReadOnly(internal);
    /// To come.
    UNSTABLE_FEATURE_VERSIONS_ENABLE: Boolean = "unstable.feature.versions.enable", "false", Any,
        High, ReadOnly(internal);
}
