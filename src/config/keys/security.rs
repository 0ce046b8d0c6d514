//! Broker keys of authorization, delegation tokens, password encoding and policies; names, types
//! and defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::ssl;

    /// To come.
    ALTER_CONFIG_POLICY_CLASS_NAME: Optional<Class> = "alter.config.policy.class.name", null, Any,
        Low, ReadOnly;
    /// To come.
    ALTER_CONFIG_POLICY_KRAFT_COMPATIBILITY_ENABLE: Boolean = "alter.config.policy.kraft.compatibility.enable",
        "false", Any, Low, ReadOnly;
    /// To come.
    AUTHORIZER_CLASS_NAME: Text = "authorizer.class.name", "", NonNullText, Low, ReadOnly;
    /// To come.
    CONNECTION_FAILED_AUTHENTICATION_DELAY_MS: Int = "connection.failed.authentication.delay.ms",
        "100", AtLeast(0), Low, ReadOnly;
    /// To come.
    CONNECTIONS_MAX_REAUTH_MS: Long = "connections.max.reauth.ms", "0", Any, Medium, ReadOnly;
    /// To come.
    CREATE_TOPIC_POLICY_CLASS_NAME: Optional<Class> = "create.topic.policy.class.name", null, Any,
        Low, ReadOnly;
    /// To come.
    DELEGATION_TOKEN_EXPIRY_CHECK_INTERVAL_MS: Long = "delegation.token.expiry.check.interval.ms",
        "3600000", AtLeast(1), Low, ReadOnly;
    /// To come.
    DELEGATION_TOKEN_EXPIRY_TIME_MS: Long = "delegation.token.expiry.time.ms", "86400000",
        AtLeast(1), Medium, ReadOnly;
    /// To come.
    DELEGATION_TOKEN_MASTER_KEY: Optional<Password> = "delegation.token.master.key", null, Any,
        Medium, ReadOnly;
    /// To come.
    DELEGATION_TOKEN_MAX_LIFETIME_MS: Long = "delegation.token.max.lifetime.ms", "604800000",
        AtLeast(1), Medium, ReadOnly;
    /// To come.
    DELEGATION_TOKEN_SECRET_KEY: Optional<Password> = "delegation.token.secret.key", null, Any,
        Medium, ReadOnly;
    /// To come.
    PASSWORD_ENCODER_CIPHER_ALGORITHM: Text = "password.encoder.cipher.algorithm",
        "AES/CBC/PKCS5Padding", Any, Low, ReadOnly;
    /// To come.
    PASSWORD_ENCODER_ITERATIONS: Int = "password.encoder.iterations", "4096", AtLeast(1024), Low,
        ReadOnly;
    /// To come.
    PASSWORD_ENCODER_KEY_LENGTH: Int = "password.encoder.key.length", "128", AtLeast(8), Low,
        ReadOnly;
    /// To come.
    PASSWORD_ENCODER_KEYFACTORY_ALGORITHM: Optional<Text> = "password.encoder.keyfactory.algorithm",
        null, Any, Low, ReadOnly;
    /// To come.
    PASSWORD_ENCODER_OLD_SECRET: Optional<Password> = "password.encoder.old.secret", null, Any,
        Medium, ReadOnly;
    /// To come.
    PASSWORD_ENCODER_SECRET: Optional<Password> = "password.encoder.secret", null, Any, Medium,
        ReadOnly;
    /// To come.
    PRINCIPAL_BUILDER_CLASS: Class = "principal.builder.class",
        "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Any, Medium,
        PerBroker;
    /// To come.
    SECURITY_INTER_BROKER_PROTOCOL: Text = "security.inter.broker.protocol", "PLAINTEXT",
        OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Medium, ReadOnly;
    /// To come.
    SECURITY_PROVIDERS: Optional<Text> = "security.providers", null, Any, Low, ReadOnly;
}
