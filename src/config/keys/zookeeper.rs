//! Broker keys of the ZooKeeper client; names, types and defaults are those of Kafka 3.9's
//! `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::transactions;

    /// Java class of the ZooKeeper client's connection.
    ZOOKEEPER_CLIENTCNXNSOCKET: Optional<Text> = "zookeeper.clientCnxnSocket", null, Any, Medium,
        ReadOnly, no_effect "zookeeper.ssl.client.enable is refused";
    /// Hosts of the ZooKeeper ensemble as host:port, separated by commas, with a chroot path at the
    /// end if the cluster has one. Not set: metadata is kept in an embedded store, for this broker
    /// alone.
    ZOOKEEPER_CONNECT: Optional<Text> = "zookeeper.connect", null, Any, High, ReadOnly;
    /// Milliseconds to wait for ZooKeeper at start. Not set: zookeeper.session.timeout.ms.
    ZOOKEEPER_CONNECTION_TIMEOUT_MS: Optional<Int> = "zookeeper.connection.timeout.ms", null, Any,
        High, ReadOnly;
    /// Requests to ZooKeeper that may be unanswered before the next one waits.
    ZOOKEEPER_MAX_IN_FLIGHT_REQUESTS: Int = "zookeeper.max.in.flight.requests", "10", AtLeast(1),
        High, ReadOnly,
        no_effect "the controller sends up to 128 transactions ahead";
    /// Whether the cluster is being migrated from ZooKeeper to KRaft.
    ZOOKEEPER_METADATA_MIGRATION_ENABLE: Boolean = "zookeeper.metadata.migration.enable", "false",
        Any, High, ReadOnly, no_effect "this broker stays with ZooKeeper";
    /// Smallest batch of records of such a migration.
    ZOOKEEPER_METADATA_MIGRATION_MIN_BATCH_SIZE: Int =
        "zookeeper.metadata.migration.min.batch.size", "200", AtLeast(1), Medium,
        ReadOnly(internal), no_effect "this broker stays with ZooKeeper";
    /// Milliseconds without contact after which ZooKeeper declares this broker dead.
    ZOOKEEPER_SESSION_TIMEOUT_MS: Int = "zookeeper.session.timeout.ms", "18000", Any, High,
        ReadOnly;
    /// Whether znodes are created so that only the brokers may change them.
    ZOOKEEPER_SET_ACL: Boolean = "zookeeper.set.acl", "false", Any, High, ReadOnly;
    /// Cipher suites that may be negotiated with ZooKeeper.
    ZOOKEEPER_SSL_CIPHER_SUITES: Optional<List> = "zookeeper.ssl.cipher.suites", null, Any, Low,
        ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// Whether ZooKeeper is spoken to over TLS.
    ZOOKEEPER_SSL_CLIENT_ENABLE: Boolean = "zookeeper.ssl.client.enable", "false", Any, Medium,
        ReadOnly;
    /// Whether ZooKeeper's certificate is looked up in revocation lists.
    ZOOKEEPER_SSL_CRL_ENABLE: Boolean = "zookeeper.ssl.crl.enable", "false", Any, Low, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// TLS versions that may be negotiated with ZooKeeper.
    ZOOKEEPER_SSL_ENABLED_PROTOCOLS: Optional<List> = "zookeeper.ssl.enabled.protocols", null, Any,
        Low, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// How ZooKeeper's certificate is matched with its host; empty does not.
    ZOOKEEPER_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM: Text =
        "zookeeper.ssl.endpoint.identification.algorithm", "HTTPS", Any, Low, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// File with the private key and certificate shown to ZooKeeper.
    ZOOKEEPER_SSL_KEYSTORE_LOCATION: Optional<Text> = "zookeeper.ssl.keystore.location", null, Any,
        Medium, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// Password of that file.
    ZOOKEEPER_SSL_KEYSTORE_PASSWORD: Optional<Password> = "zookeeper.ssl.keystore.password", null,
        Any, Medium, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// Format of that file; told from its ending when not set.
    ZOOKEEPER_SSL_KEYSTORE_TYPE: Optional<Text> = "zookeeper.ssl.keystore.type", null, Any, Medium,
        ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// Whether ZooKeeper's certificate is checked by OCSP.
    ZOOKEEPER_SSL_OCSP_ENABLE: Boolean = "zookeeper.ssl.ocsp.enable", "false", Any, Low, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// TLS version preferred by Java towards ZooKeeper.
    ZOOKEEPER_SSL_PROTOCOL: Text = "zookeeper.ssl.protocol", "TLSv1.2", Any, Low, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// File with the certificates trusted for ZooKeeper.
    ZOOKEEPER_SSL_TRUSTSTORE_LOCATION: Optional<Text> = "zookeeper.ssl.truststore.location", null,
        Any, Medium, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// Password of that file.
    ZOOKEEPER_SSL_TRUSTSTORE_PASSWORD: Optional<Password> = "zookeeper.ssl.truststore.password",
        null, Any, Medium, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
    /// Format of that file; told from its ending when not set.
    ZOOKEEPER_SSL_TRUSTSTORE_TYPE: Optional<Text> = "zookeeper.ssl.truststore.type", null, Any,
        Medium, ReadOnly,
        no_effect "zookeeper.ssl.client.enable is refused";
}
