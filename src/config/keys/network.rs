//! Broker keys of listeners, sockets, connections and request queues; names, types and defaults
//! are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::first;

    /// To come.
    ADVERTISED_LISTENERS: Optional<Text> = "advertised.listeners", null, Any, High, PerBroker;
    /// To come.
    CONNECTIONS_MAX_IDLE_MS: Long = "connections.max.idle.ms", "600000", Any, Medium, ReadOnly;
    /// To come.
    DELETE_RECORDS_PURGATORY_PURGE_INTERVAL_REQUESTS: Int = "delete.records.purgatory.purge.interval.requests",
        "1", Any, Medium, ReadOnly;
    /// To come.
    FETCH_MAX_BYTES: Int = "fetch.max.bytes", "57671680", AtLeast(1024), Medium, ReadOnly;
    /// To come.
    FETCH_PURGATORY_PURGE_INTERVAL_REQUESTS: Int = "fetch.purgatory.purge.interval.requests",
        "1000", Any, Medium, ReadOnly;
    /// To come.
    INTER_BROKER_LISTENER_NAME: Optional<Text> = "inter.broker.listener.name", null, Any, Medium,
        ReadOnly;
    /// To come.
    LISTENER_SECURITY_PROTOCOL_MAP: Text = "listener.security.protocol.map",
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", Any, Low,
        PerBroker;
    /// To come.
    LISTENERS: Text = "listeners", "PLAINTEXT://:9092", Any, High, PerBroker;
    /// To come.
    MAX_CONNECTION_CREATION_RATE: Int = "max.connection.creation.rate", "2147483647", AtLeast(0),
        Medium, ClusterWide;
    /// To come.
    MAX_CONNECTIONS: Int = "max.connections", "2147483647", AtLeast(0), Medium, ClusterWide;
    /// To come.
    MAX_CONNECTIONS_PER_IP: Int = "max.connections.per.ip", "2147483647", AtLeast(0), Medium,
        ClusterWide;
    /// To come.
    MAX_CONNECTIONS_PER_IP_OVERRIDES: Text = "max.connections.per.ip.overrides", "", Any, Medium,
        ClusterWide;
    /// To come.
    MAX_INCREMENTAL_FETCH_SESSION_CACHE_SLOTS: Int = "max.incremental.fetch.session.cache.slots",
        "1000", AtLeast(0), Medium, ReadOnly;
    /// To come.
    NUM_IO_THREADS: Int = "num.io.threads", "8", AtLeast(1), High, ClusterWide;
    /// To come.
    NUM_NETWORK_THREADS: Int = "num.network.threads", "3", AtLeast(1), High, ClusterWide;
    /// To come.
    PRODUCER_PURGATORY_PURGE_INTERVAL_REQUESTS: Int = "producer.purgatory.purge.interval.requests",
        "1000", Any, Medium, ReadOnly;
    /// To come.
    QUEUED_MAX_REQUEST_BYTES: Long = "queued.max.request.bytes", "-1", Any, Medium, ReadOnly;
    /// To come.
    QUEUED_MAX_REQUESTS: Int = "queued.max.requests", "500", AtLeast(1), High, ReadOnly;
    /// To come.
    SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS: Long = "socket.connection.setup.timeout.max.ms",
        "30000", Any, Medium, ReadOnly;
    /// To come.
    SOCKET_CONNECTION_SETUP_TIMEOUT_MS: Long = "socket.connection.setup.timeout.ms", "10000", Any,
        Medium, ReadOnly;
    /// To come.
    SOCKET_LISTEN_BACKLOG_SIZE: Int = "socket.listen.backlog.size", "50", AtLeast(1), Medium,
        ReadOnly;
    /// To come.
    SOCKET_RECEIVE_BUFFER_BYTES: Int = "socket.receive.buffer.bytes", "102400", Any, High, ReadOnly;
    /// To come.
    SOCKET_REQUEST_MAX_BYTES: Int = "socket.request.max.bytes", "104857600", AtLeast(1), High,
        ReadOnly;
    /// To come.
    SOCKET_SEND_BUFFER_BYTES: Int = "socket.send.buffer.bytes", "102400", Any, High, ReadOnly;
}
