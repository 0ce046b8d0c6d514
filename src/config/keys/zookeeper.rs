//! Broker keys of the ZooKeeper client; names, types and defaults are those of Kafka 3.9's
//! `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::transactions;

    /// To come.
    ZOOKEEPER_CLIENTCNXNSOCKET: Optional<Text> = "zookeeper.clientCnxnSocket", null, Any, Medium,
        ReadOnly;
    /// To come.
    ZOOKEEPER_CONNECT: Optional<Text> = "zookeeper.connect", null, Any, High, ReadOnly;
    /// To come.
    ZOOKEEPER_CONNECTION_TIMEOUT_MS: Optional<Int> = "zookeeper.connection.timeout.ms", null, Any,
        High, ReadOnly;
    /// To come.
    ZOOKEEPER_MAX_IN_FLIGHT_REQUESTS: Int = "zookeeper.max.in.flight.requests", "10", AtLeast(1),
        High, ReadOnly;
    /// To come.
    ZOOKEEPER_METADATA_MIGRATION_ENABLE: Boolean = "zookeeper.metadata.migration.enable", "false",
        Any, High, ReadOnly;
    /// To come.
    ZOOKEEPER_METADATA_MIGRATION_MIN_BATCH_SIZE: Int = "zookeeper.metadata.migration.min.batch.size",
        "200", AtLeast(1), Medium, ReadOnly(internal);
    /// To come.
    ZOOKEEPER_SESSION_TIMEOUT_MS: Int = "zookeeper.session.timeout.ms", "18000", Any, High,
        ReadOnly;
    /// To come.
    ZOOKEEPER_SET_ACL: Boolean = "zookeeper.set.acl", "false", Any, High, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_CIPHER_SUITES: Optional<List> = "zookeeper.ssl.cipher.suites", null, Any, Low,
        ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_CLIENT_ENABLE: Boolean = "zookeeper.ssl.client.enable", "false", Any, Medium,
        ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_CRL_ENABLE: Boolean = "zookeeper.ssl.crl.enable", "false", Any, Low, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_ENABLED_PROTOCOLS: Optional<List> = "zookeeper.ssl.enabled.protocols", null, Any,
        Low, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM: Text = "zookeeper.ssl.endpoint.identification.algorithm",
        "HTTPS", Any, Low, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_KEYSTORE_LOCATION: Optional<Text> = "zookeeper.ssl.keystore.location", null, Any,
        Medium, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_KEYSTORE_PASSWORD: Optional<Password> = "zookeeper.ssl.keystore.password", null,
        Any, Medium, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_KEYSTORE_TYPE: Optional<Text> = "zookeeper.ssl.keystore.type", null, Any, Medium,
        ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_OCSP_ENABLE: Boolean = "zookeeper.ssl.ocsp.enable", "false", Any, Low, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_PROTOCOL: Text = "zookeeper.ssl.protocol", "TLSv1.2", Any, Low, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_TRUSTSTORE_LOCATION: Optional<Text> = "zookeeper.ssl.truststore.location", null,
        Any, Medium, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_TRUSTSTORE_PASSWORD: Optional<Password> = "zookeeper.ssl.truststore.password",
        null, Any, Medium, ReadOnly;
    /// To come.
    ZOOKEEPER_SSL_TRUSTSTORE_TYPE: Optional<Text> = "zookeeper.ssl.truststore.type", null, Any,
        Medium, ReadOnly;
}
