//! Broker keys of TLS; names, types and defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::sasl;

    /// To come.
    SSL_ALLOW_DN_CHANGES: Boolean = "ssl.allow.dn.changes", "false", Any, Low, ReadOnly;
    /// To come.
    SSL_ALLOW_SAN_CHANGES: Boolean = "ssl.allow.san.changes", "false", Any, Low, ReadOnly;
    /// To come.
    SSL_CIPHER_SUITES: List = "ssl.cipher.suites", "", Any, Medium, PerBroker;
    /// To come.
    SSL_CLIENT_AUTH: Text = "ssl.client.auth", "none", OneOf(&["required", "requested", "none"]),
        Medium, PerBroker;
    /// To come.
    SSL_ENABLED_PROTOCOLS: List = "ssl.enabled.protocols", "TLSv1.2,TLSv1.3", Any, Medium,
        PerBroker;
    /// To come.
    SSL_ENDPOINT_IDENTIFICATION_ALGORITHM: Text = "ssl.endpoint.identification.algorithm", "https",
        Any, Low, PerBroker;
    /// To come.
    SSL_ENGINE_FACTORY_CLASS: Optional<Class> = "ssl.engine.factory.class", null, Any, Low,
        PerBroker;
    /// To come.
    SSL_KEY_PASSWORD: Optional<Password> = "ssl.key.password", null, Any, Medium, PerBroker;
    /// To come.
    SSL_KEYMANAGER_ALGORITHM: Text = "ssl.keymanager.algorithm", "SunX509", Any, Medium, PerBroker;
    /// To come.
    SSL_KEYSTORE_CERTIFICATE_CHAIN: Optional<Password> = "ssl.keystore.certificate.chain", null,
        Any, Medium, PerBroker;
    /// To come.
    SSL_KEYSTORE_KEY: Optional<Password> = "ssl.keystore.key", null, Any, Medium, PerBroker;
    /// To come.
    SSL_KEYSTORE_LOCATION: Optional<Text> = "ssl.keystore.location", null, Any, Medium, PerBroker;
    /// To come.
    SSL_KEYSTORE_PASSWORD: Optional<Password> = "ssl.keystore.password", null, Any, Medium,
        PerBroker;
    /// To come.
    SSL_KEYSTORE_TYPE: Text = "ssl.keystore.type", "JKS", Any, Medium, PerBroker;
    /// To come.
    SSL_PRINCIPAL_MAPPING_RULES: Text = "ssl.principal.mapping.rules", "DEFAULT", Any, Low,
        ReadOnly;
    /// To come.
    SSL_PROTOCOL: Text = "ssl.protocol", "TLSv1.3", Any, Medium, PerBroker;
    /// To come.
    SSL_PROVIDER: Optional<Text> = "ssl.provider", null, Any, Medium, PerBroker;
    /// To come.
    SSL_SECURE_RANDOM_IMPLEMENTATION: Optional<Text> = "ssl.secure.random.implementation", null,
        Any, Low, PerBroker;
    /// To come.
    SSL_TRUSTMANAGER_ALGORITHM: Text = "ssl.trustmanager.algorithm", "PKIX", Any, Medium, PerBroker;
    /// To come.
    SSL_TRUSTSTORE_CERTIFICATES: Optional<Password> = "ssl.truststore.certificates", null, Any,
        Medium, PerBroker;
    /// To come.
    SSL_TRUSTSTORE_LOCATION: Optional<Text> = "ssl.truststore.location", null, Any, Medium,
        PerBroker;
    /// To come.
    SSL_TRUSTSTORE_PASSWORD: Optional<Password> = "ssl.truststore.password", null, Any, Medium,
        PerBroker;
    /// To come.
    SSL_TRUSTSTORE_TYPE: Text = "ssl.truststore.type", "JKS", Any, Medium, PerBroker;
}
