//! Broker keys of authorization, delegation tokens, password encoding and policies; names, types
//! and defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::ssl;

    /// Java class that may veto changes of topic configs.
    ALTER_CONFIG_POLICY_CLASS_NAME: Optional<Class> = "alter.config.policy.class.name", null, Any,
        Low, ReadOnly, no_effect "it is refused, since a Java class cannot be loaded";
    /// Whether such a policy is shown the complete new config, as in KRaft mode.
    ALTER_CONFIG_POLICY_KRAFT_COMPATIBILITY_ENABLE: Boolean =
        "alter.config.policy.kraft.compatibility.enable", "false", Any, Low, ReadOnly,
        no_effect "there are no Java policies";
    /// Authorizer to ask about each request; kafka.security.authorizer.AclAuthorizer turns on ACLs
    /// kept in ZooKeeper, empty allows everything.
    AUTHORIZER_CLASS_NAME: Text = "authorizer.class.name", "", NonNullText, Low, ReadOnly;
    /// Milliseconds by which the close of a connection that failed to authenticate is put off, to
    /// slow down guessing.
    CONNECTION_FAILED_AUTHENTICATION_DELAY_MS: Int = "connection.failed.authentication.delay.ms",
        "100", AtLeast(0), Low, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Longest life in milliseconds of a SASL session before the client must authenticate again
    /// (KIP-368); 0 never asks for it.
    CONNECTIONS_MAX_REAUTH_MS: Long = "connections.max.reauth.ms", "0", Any, Medium, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Java class that may veto new topics.
    CREATE_TOPIC_POLICY_CLASS_NAME: Optional<Class> = "create.topic.policy.class.name", null, Any,
        Low, ReadOnly, no_effect "it is refused, since a Java class cannot be loaded";
    /// Milliseconds between searches for expired delegation tokens.
    DELEGATION_TOKEN_EXPIRY_CHECK_INTERVAL_MS: Long = "delegation.token.expiry.check.interval.ms",
        "3600000", AtLeast(1), Low, ReadOnly,
        no_effect "tokens need listeners with SASL, which are refused";
    /// Milliseconds that a delegation token is valid before it must be renewed.
    DELEGATION_TOKEN_EXPIRY_TIME_MS: Long = "delegation.token.expiry.time.ms", "86400000",
        AtLeast(1), Medium, ReadOnly,
        no_effect "tokens need listeners with SASL, which are refused";
    /// Older name of delegation.token.secret.key.
    DELEGATION_TOKEN_MASTER_KEY: Optional<Password> = "delegation.token.master.key", null, Any,
        Medium, ReadOnly,
        no_effect "tokens need listeners with SASL, which are refused";
    /// Milliseconds after which a delegation token cannot be renewed any more.
    DELEGATION_TOKEN_MAX_LIFETIME_MS: Long = "delegation.token.max.lifetime.ms", "604800000",
        AtLeast(1), Medium, ReadOnly,
        no_effect "tokens need listeners with SASL, which are refused";
    /// Secret that signs delegation tokens, the same on all brokers; without it there are no
    /// tokens.
    DELEGATION_TOKEN_SECRET_KEY: Optional<Password> = "delegation.token.secret.key", null, Any,
        Medium, ReadOnly,
        no_effect "tokens need listeners with SASL, which are refused";
    /// Cipher for passwords among dynamic configs.
    PASSWORD_ENCODER_CIPHER_ALGORITHM: Text = "password.encoder.cipher.algorithm",
        "AES/CBC/PKCS5Padding", Any, Low, ReadOnly,
        no_effect "passwords are not accepted as dynamic configs";
    /// Iterations that derive the key of this cipher.
    PASSWORD_ENCODER_ITERATIONS: Int = "password.encoder.iterations", "4096", AtLeast(1024), Low,
        ReadOnly, no_effect "passwords are not accepted as dynamic configs";
    /// Bits of the key of this cipher.
    PASSWORD_ENCODER_KEY_LENGTH: Int = "password.encoder.key.length", "128", AtLeast(8), Low,
        ReadOnly, no_effect "passwords are not accepted as dynamic configs";
    /// Function that derives the key of this cipher.
    PASSWORD_ENCODER_KEYFACTORY_ALGORITHM: Optional<Text> = "password.encoder.keyfactory.algorithm",
        null, Any, Low, ReadOnly, no_effect "passwords are not accepted as dynamic configs";
    /// Former secret of this cipher, while it is being replaced.
    PASSWORD_ENCODER_OLD_SECRET: Optional<Password> = "password.encoder.old.secret", null, Any,
        Medium, ReadOnly, no_effect "passwords are not accepted as dynamic configs";
    /// Secret of this cipher.
    PASSWORD_ENCODER_SECRET: Optional<Password> = "password.encoder.secret", null, Any, Medium,
        ReadOnly, no_effect "passwords are not accepted as dynamic configs";
    /// Java class that makes a principal from a connection.
    PRINCIPAL_BUILDER_CLASS: Class = "principal.builder.class",
        "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Any, Medium,
        PerBroker, no_effect "the principal is built as by Kafka's default class";
    /// Security protocol among brokers, where inter.broker.listener.name does not say it; only one
    /// of them may be set.
    SECURITY_INTER_BROKER_PROTOCOL: Text = "security.inter.broker.protocol", "PLAINTEXT",
        OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Medium, ReadOnly;
    /// Java classes that provide cryptography.
    SECURITY_PROVIDERS: Optional<Text> = "security.providers", null, Any, Low, ReadOnly,
        no_effect "a Java class cannot be loaded";
}
