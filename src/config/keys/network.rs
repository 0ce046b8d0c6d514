//! Broker keys of listeners, sockets, connections and request queues; names, types and defaults
//! are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::first;

    /// Addresses that clients and other brokers are told to connect to, when they differ from those
    /// that are bound. Not set: the same as listeners. The meta-address 0.0.0.0 is refused.
    ADVERTISED_LISTENERS: Optional<Text> = "advertised.listeners", null, Any, High, PerBroker;
    /// Milliseconds without traffic after which a connection is closed; negative keeps idle ones
    /// open.
    CONNECTIONS_MAX_IDLE_MS: Long = "connections.max.idle.ms", "600000", Any, Medium, ReadOnly;
    /// How many finished DeleteRecords requests gather before they are purged.
    DELETE_RECORDS_PURGATORY_PURGE_INTERVAL_REQUESTS: Int =
        "delete.records.purgatory.purge.interval.requests", "1", Any, Medium, ReadOnly,
        no_effect "waiting requests are freed at once";
    /// Most bytes that one Fetch is answered with, whatever the client asks for; a first batch
    /// larger than this is still sent.
    FETCH_MAX_BYTES: Int = "fetch.max.bytes", "57671680", AtLeast(1024), Medium, ReadOnly;
    /// How many finished Fetch requests gather before they are purged.
    FETCH_PURGATORY_PURGE_INTERVAL_REQUESTS: Int = "fetch.purgatory.purge.interval.requests",
        "1000", Any, Medium, ReadOnly, no_effect "waiting requests are freed at once";
    /// Listener over which brokers talk to each other; it must be advertised. Not set: the one
    /// named like security.inter.broker.protocol.
    INTER_BROKER_LISTENER_NAME: Optional<Text> = "inter.broker.listener.name", null, Any, Medium,
        ReadOnly;
    /// Security protocol of each listener name, as NAME:PROTOCOL pairs; a name that is used must be
    /// in it.
    LISTENER_SECURITY_PROTOCOL_MAP: Text = "listener.security.protocol.map",
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", Any, Low,
        PerBroker;
    /// Addresses to bind, as NAME://host:port; an empty host means all interfaces.
    LISTENERS: Text = "listeners", "PLAINTEXT://:9092", Any, High, PerBroker;
    /// Most new connections a second, for the broker or, with a listener's prefix, for one
    /// listener.
    MAX_CONNECTION_CREATION_RATE: Int = "max.connection.creation.rate", "2147483647", AtLeast(0),
        Medium, ClusterWide;
    /// Most open connections of the broker or, with a listener's prefix, of one listener.
    MAX_CONNECTIONS: Int = "max.connections", "2147483647", AtLeast(0), Medium, ClusterWide;
    /// Most open connections from one address.
    MAX_CONNECTIONS_PER_IP: Int = "max.connections.per.ip", "2147483647", AtLeast(0), Medium,
        ClusterWide;
    /// Other limits for named hosts or addresses, as host:limit pairs.
    MAX_CONNECTIONS_PER_IP_OVERRIDES: Text = "max.connections.per.ip.overrides", "", Any, Medium,
        ClusterWide;
    /// Most incremental fetch sessions (KIP-227) remembered at once.
    MAX_INCREMENTAL_FETCH_SESSION_CACHE_SLOTS: Int = "max.incremental.fetch.session.cache.slots",
        "1000", AtLeast(0), Medium, ReadOnly;
    /// Threads that handle requests.
    NUM_IO_THREADS: Int = "num.io.threads", "8", AtLeast(1), High, ClusterWide,
        no_effect "requests are handled by the threads of num.network.threads";
    /// Threads that serve connections and handle their requests. Not set: one for each core,
    /// whatever the default says.
    NUM_NETWORK_THREADS: Int = "num.network.threads", "3", AtLeast(1), High, ClusterWide;
    /// How many finished Produce requests gather before they are purged.
    PRODUCER_PURGATORY_PURGE_INTERVAL_REQUESTS: Int = "producer.purgatory.purge.interval.requests",
        "1000", Any, Medium, ReadOnly, no_effect "waiting requests are freed at once";
    /// Bytes of requests that may wait; when there are more, connections are not read. Not positive
    /// for no limit.
    QUEUED_MAX_REQUEST_BYTES: Long = "queued.max.request.bytes", "-1", Any, Medium, ReadOnly;
    /// Requests that may wait; when there are more, connections are not read.
    QUEUED_MAX_REQUESTS: Int = "queued.max.requests", "500", AtLeast(1), High, ReadOnly,
        no_effect "requests are handled where they are read, without a queue";
    /// Longest time in milliseconds to open a connection to another broker, after repeated
    /// failures.
    SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS: Long = "socket.connection.setup.timeout.max.ms",
        "30000", Any, Medium, ReadOnly,
        no_effect "every attempt has socket.connection.setup.timeout.ms";
    /// First time limit in milliseconds to open a connection to another broker; it grows with each
    /// failure.
    SOCKET_CONNECTION_SETUP_TIMEOUT_MS: Long = "socket.connection.setup.timeout.ms", "10000", Any,
        Medium, ReadOnly;
    /// Connections that may wait to be accepted by a listener.
    SOCKET_LISTEN_BACKLOG_SIZE: Int = "socket.listen.backlog.size", "50", AtLeast(1), Medium,
        ReadOnly;
    /// Receive buffer in bytes of a client's connection; -1 leaves it to the system, as does not
    /// setting it, because a fixed one stops the system from growing it.
    SOCKET_RECEIVE_BUFFER_BYTES: Int = "socket.receive.buffer.bytes", "102400", Any, High, ReadOnly;
    /// Largest request in bytes; a connection that announces a larger one is closed.
    SOCKET_REQUEST_MAX_BYTES: Int = "socket.request.max.bytes", "104857600", AtLeast(1), High,
        ReadOnly;
    /// Send buffer in bytes of a client's connection; -1 leaves it to the system, as does not
    /// setting it.
    SOCKET_SEND_BUFFER_BYTES: Int = "socket.send.buffer.bytes", "102400", Any, High, ReadOnly;
}
