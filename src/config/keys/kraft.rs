//! Broker keys of KRaft (accepted; this broker runs in ZooKeeper mode); names, types and defaults
//! are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::zookeeper;

    /// Milliseconds between heartbeats of a KRaft broker.
    BROKER_HEARTBEAT_INTERVAL_MS: Int = "broker.heartbeat.interval.ms", "2000", Any, Medium,
        ReadOnly, no_effect "KRaft only";
    /// Milliseconds without a heartbeat after which a KRaft broker counts as dead.
    BROKER_SESSION_TIMEOUT_MS: Int = "broker.session.timeout.ms", "9000", Any, Medium, ReadOnly,
        no_effect "KRaft only";
    /// Listeners of the KRaft controller; must be empty in ZooKeeper mode.
    CONTROLLER_LISTENER_NAMES: Optional<Text> = "controller.listener.names", null, Any, High,
        ReadOnly;
    /// Milliseconds a KRaft leader gathers records before writing them.
    CONTROLLER_QUORUM_APPEND_LINGER_MS: Int = "controller.quorum.append.linger.ms", "25", Any,
        Medium, ReadOnly, no_effect "KRaft only";
    /// Addresses at which a KRaft node finds the quorum.
    CONTROLLER_QUORUM_BOOTSTRAP_SERVERS: List = "controller.quorum.bootstrap.servers", "",
        NonEmptyList, High, ReadOnly, no_effect "KRaft only";
    /// Longest pause in milliseconds before a KRaft candidate tries again.
    CONTROLLER_QUORUM_ELECTION_BACKOFF_MAX_MS: Int = "controller.quorum.election.backoff.max.ms",
        "1000", Any, High, ReadOnly, no_effect "KRaft only";
    /// Milliseconds a KRaft candidate waits for votes.
    CONTROLLER_QUORUM_ELECTION_TIMEOUT_MS: Int = "controller.quorum.election.timeout.ms", "1000",
        Any, High, ReadOnly, no_effect "KRaft only";
    /// Milliseconds without a fetch from its leader after which a KRaft voter stands for election.
    CONTROLLER_QUORUM_FETCH_TIMEOUT_MS: Int = "controller.quorum.fetch.timeout.ms", "2000", Any,
        High, ReadOnly, no_effect "KRaft only";
    /// Milliseconds a KRaft node waits for the answer to a request.
    CONTROLLER_QUORUM_REQUEST_TIMEOUT_MS: Int = "controller.quorum.request.timeout.ms", "2000", Any,
        Medium, ReadOnly, no_effect "KRaft only";
    /// Milliseconds a KRaft node pauses before it repeats a request.
    CONTROLLER_QUORUM_RETRY_BACKOFF_MS: Int = "controller.quorum.retry.backoff.ms", "20", Any, Low,
        ReadOnly, no_effect "KRaft only";
    /// Ids and addresses of the KRaft quorum's voters.
    CONTROLLER_QUORUM_VOTERS: List = "controller.quorum.voters", "", NonEmptyList, High, ReadOnly,
        no_effect "KRaft only";
    /// Listeners a KRaft node opens before it has joined.
    EARLY_START_LISTENERS: Optional<Text> = "early.start.listeners", null, Any, High, ReadOnly,
        no_effect "KRaft only";
    /// Whether the controller tracks eligible leader replicas (KIP-966).
    ELIGIBLE_LEADER_REPLICAS_ENABLE: Boolean = "eligible.leader.replicas.enable", "false", Any,
        High, ReadOnly, no_effect "KRaft only";
    /// Milliseconds a KRaft broker waits to be registered at start.
    INITIAL_BROKER_REGISTRATION_TIMEOUT_MS: Int = "initial.broker.registration.timeout.ms", "60000",
        Any, Medium, ReadOnly, no_effect "KRaft only";
    /// Milliseconds a KRaft broker may fail to tell the controller of a failed log directory before
    /// it stops.
    LOG_DIR_FAILURE_TIMEOUT_MS: Long = "log.dir.failure.timeout.ms", "30000", AtLeast(1), Low,
        ReadOnly, no_effect "KRaft only";
    /// Directory of a KRaft node's metadata log.
    METADATA_LOG_DIR: Optional<Text> = "metadata.log.dir", null, Any, High, ReadOnly,
        no_effect "KRaft only";
    /// Bytes of metadata records after which a KRaft node makes a snapshot.
    METADATA_LOG_MAX_RECORD_BYTES_BETWEEN_SNAPSHOTS: Long =
        "metadata.log.max.record.bytes.between.snapshots", "20971520", AtLeast(1), High, ReadOnly,
        no_effect "KRaft only";
    /// Milliseconds after which a KRaft node makes a snapshot.
    METADATA_LOG_MAX_SNAPSHOT_INTERVAL_MS: Long = "metadata.log.max.snapshot.interval.ms",
        "3600000", AtLeast(0), High, ReadOnly, no_effect "KRaft only";
    /// Segment size in bytes of the KRaft metadata log.
    METADATA_LOG_SEGMENT_BYTES: Int = "metadata.log.segment.bytes", "1073741824", AtLeast(12), High,
        ReadOnly, no_effect "KRaft only";
    /// Smallest segment size in bytes of the KRaft metadata log.
    METADATA_LOG_SEGMENT_MIN_BYTES: Int = "metadata.log.segment.min.bytes", "8388608", AtLeast(12),
        High, ReadOnly(internal), no_effect "KRaft only";
    /// Milliseconds after which a segment of the KRaft metadata log is rolled.
    METADATA_LOG_SEGMENT_MS: Long = "metadata.log.segment.ms", "604800000", Any, High, ReadOnly,
        no_effect "KRaft only";
    /// Milliseconds without a record after which a KRaft controller writes an empty one.
    METADATA_MAX_IDLE_INTERVAL_MS: Int = "metadata.max.idle.interval.ms", "500", AtLeast(0), Low,
        ReadOnly, no_effect "KRaft only";
    /// Bytes of KRaft metadata log and snapshots that are kept.
    METADATA_MAX_RETENTION_BYTES: Long = "metadata.max.retention.bytes", "104857600", Any, High,
        ReadOnly, no_effect "KRaft only";
    /// Milliseconds for which KRaft metadata log and snapshots are kept.
    METADATA_MAX_RETENTION_MS: Long = "metadata.max.retention.ms", "604800000", Any, High, ReadOnly,
        no_effect "KRaft only";
    /// KRaft's name for broker.id; where both are set they must be equal.
    NODE_ID: Int = "node.id", "-1", Any, High, ReadOnly;
    /// Roles of a KRaft node; must be empty in ZooKeeper mode.
    PROCESS_ROLES: List = "process.roles", "", ListOf(&["broker", "controller"]), High, ReadOnly;
    /// Milliseconds after which a KRaft server that has not started gives up.
    SERVER_MAX_STARTUP_TIME_MS: Long = "server.max.startup.time.ms", "9223372036854775807",
        AtLeast(0), Medium, ReadOnly(internal), no_effect "KRaft only";
    /// Largest metrics payload in bytes that a client may push.
    TELEMETRY_MAX_BYTES: Int = "telemetry.max.bytes", "1048576", AtLeast(1), Low, ReadOnly,
        no_effect "client telemetry is KRaft only";
    /// Whether API versions that are still changing are served.
    UNSTABLE_API_VERSIONS_ENABLE: Boolean = "unstable.api.versions.enable", "false", Any, High,
        ReadOnly(internal), no_effect "only stable versions are served";
    /// Whether feature versions that are still changing are allowed.
    UNSTABLE_FEATURE_VERSIONS_ENABLE: Boolean = "unstable.feature.versions.enable", "false", Any,
        High, ReadOnly(internal), no_effect "KRaft only";
}
