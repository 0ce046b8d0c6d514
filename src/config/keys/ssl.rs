//! Broker keys of TLS; names, types and defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::sasl;

    /// Whether a new certificate of a running listener may have another distinguished name.
    SSL_ALLOW_DN_CHANGES: Boolean = "ssl.allow.dn.changes", "false", Any, Low, ReadOnly,
        no_effect "listeners with TLS are refused";
    /// Whether a new certificate of a running listener may lack alternative names of the old one.
    SSL_ALLOW_SAN_CHANGES: Boolean = "ssl.allow.san.changes", "false", Any, Low, ReadOnly,
        no_effect "listeners with TLS are refused";
    /// Cipher suites that may be negotiated; empty allows all that the TLS library thinks safe.
    SSL_CIPHER_SUITES: List = "ssl.cipher.suites", "", Any, Medium, PerBroker,
        no_effect "listeners with TLS are refused";
    /// Whether clients must (required), may (requested) or need not (none) show a certificate.
    SSL_CLIENT_AUTH: Text = "ssl.client.auth", "none", OneOf(&["required", "requested", "none"]),
        Medium, PerBroker;
    /// TLS versions that may be negotiated.
    SSL_ENABLED_PROTOCOLS: List = "ssl.enabled.protocols", "TLSv1.2,TLSv1.3", Any, Medium,
        PerBroker,
        no_effect "listeners with TLS are refused";
    /// How a server's certificate is matched with its host when this broker connects to another;
    /// empty does not.
    SSL_ENDPOINT_IDENTIFICATION_ALGORITHM: Text = "ssl.endpoint.identification.algorithm", "https",
        Any, Low, PerBroker,
        no_effect "listeners with TLS are refused";
    /// Java class that makes TLS engines.
    SSL_ENGINE_FACTORY_CLASS: Optional<Class> = "ssl.engine.factory.class", null, Any, Low,
        PerBroker, no_effect "a Java class cannot be loaded";
    /// Password of the private key.
    SSL_KEY_PASSWORD: Optional<Password> = "ssl.key.password", null, Any, Medium, PerBroker,
        no_effect "listeners with TLS are refused";
    /// Java's algorithm for key managers.
    SSL_KEYMANAGER_ALGORITHM: Text = "ssl.keymanager.algorithm", "SunX509", Any, Medium, PerBroker,
        no_effect "there is no Java virtual machine";
    /// Certificate chain of the private key, in PEM.
    SSL_KEYSTORE_CERTIFICATE_CHAIN: Optional<Password> = "ssl.keystore.certificate.chain", null,
        Any, Medium, PerBroker,
        no_effect "listeners with TLS are refused";
    /// Private key, in PEM.
    SSL_KEYSTORE_KEY: Optional<Password> = "ssl.keystore.key", null, Any, Medium, PerBroker,
        no_effect "listeners with TLS are refused";
    /// File with the private key and its certificates.
    SSL_KEYSTORE_LOCATION: Optional<Text> = "ssl.keystore.location", null, Any, Medium, PerBroker,
        no_effect "listeners with TLS are refused";
    /// Password of that file.
    SSL_KEYSTORE_PASSWORD: Optional<Password> = "ssl.keystore.password", null, Any, Medium,
        PerBroker,
        no_effect "listeners with TLS are refused";
    /// Format of that file: JKS, PKCS12 or PEM.
    SSL_KEYSTORE_TYPE: Text = "ssl.keystore.type", "JKS", Any, Medium, PerBroker,
        no_effect "listeners with TLS are refused";
    /// Rules from a certificate's distinguished name to a user name; the first that matches is
    /// used.
    SSL_PRINCIPAL_MAPPING_RULES: Text = "ssl.principal.mapping.rules", "DEFAULT", Any, Low,
        ReadOnly,
        no_effect "listeners with TLS are refused";
    /// TLS version preferred by Java.
    SSL_PROTOCOL: Text = "ssl.protocol", "TLSv1.3", Any, Medium, PerBroker,
        no_effect "listeners with TLS are refused";
    /// Java's provider of TLS.
    SSL_PROVIDER: Optional<Text> = "ssl.provider", null, Any, Medium, PerBroker,
        no_effect "there is no Java virtual machine";
    /// Java's source of random numbers.
    SSL_SECURE_RANDOM_IMPLEMENTATION: Optional<Text> = "ssl.secure.random.implementation", null,
        Any, Low, PerBroker, no_effect "there is no Java virtual machine";
    /// Java's algorithm for trust managers.
    SSL_TRUSTMANAGER_ALGORITHM: Text = "ssl.trustmanager.algorithm", "PKIX", Any, Medium, PerBroker,
        no_effect "there is no Java virtual machine";
    /// Trusted certificates, in PEM.
    SSL_TRUSTSTORE_CERTIFICATES: Optional<Password> = "ssl.truststore.certificates", null, Any,
        Medium, PerBroker,
        no_effect "listeners with TLS are refused";
    /// File with the trusted certificates.
    SSL_TRUSTSTORE_LOCATION: Optional<Text> = "ssl.truststore.location", null, Any, Medium,
        PerBroker,
        no_effect "listeners with TLS are refused";
    /// Password of that file.
    SSL_TRUSTSTORE_PASSWORD: Optional<Password> = "ssl.truststore.password", null, Any, Medium,
        PerBroker,
        no_effect "listeners with TLS are refused";
    /// Format of that file: JKS, PKCS12 or PEM.
    SSL_TRUSTSTORE_TYPE: Text = "ssl.truststore.type", "JKS", Any, Medium, PerBroker,
        no_effect "listeners with TLS are refused";
}
