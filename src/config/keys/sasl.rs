//! Broker keys of SASL; names, types and defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::tiered;

    /// To come.
    SASL_CLIENT_CALLBACK_HANDLER_CLASS: Optional<Class> = "sasl.client.callback.handler.class",
        null, Any, Medium, ReadOnly;
    /// To come.
    SASL_ENABLED_MECHANISMS: List = "sasl.enabled.mechanisms", "GSSAPI", Any, Medium, PerBroker;
    /// To come.
    SASL_JAAS_CONFIG: Optional<Password> = "sasl.jaas.config", null, Any, Medium, PerBroker;
    /// To come.
    SASL_KERBEROS_KINIT_CMD: Text = "sasl.kerberos.kinit.cmd", "/usr/bin/kinit", Any, Medium,
        PerBroker;
    /// To come.
    SASL_KERBEROS_MIN_TIME_BEFORE_RELOGIN: Long = "sasl.kerberos.min.time.before.relogin", "60000",
        Any, Medium, PerBroker;
    /// To come.
    SASL_KERBEROS_PRINCIPAL_TO_LOCAL_RULES: List = "sasl.kerberos.principal.to.local.rules",
        "DEFAULT", Any, Medium, PerBroker;
    /// To come.
    SASL_KERBEROS_SERVICE_NAME: Optional<Text> = "sasl.kerberos.service.name", null, Any, Medium,
        PerBroker;
    /// To come.
    SASL_KERBEROS_TICKET_RENEW_JITTER: Double = "sasl.kerberos.ticket.renew.jitter", "0.05", Any,
        Medium, PerBroker;
    /// To come.
    SASL_KERBEROS_TICKET_RENEW_WINDOW_FACTOR: Double = "sasl.kerberos.ticket.renew.window.factor",
        "0.8", Any, Medium, PerBroker;
    /// To come.
    SASL_LOGIN_CALLBACK_HANDLER_CLASS: Optional<Class> = "sasl.login.callback.handler.class", null,
        Any, Medium, ReadOnly;
    /// To come.
    SASL_LOGIN_CLASS: Optional<Class> = "sasl.login.class", null, Any, Medium, ReadOnly;
    /// To come.
    SASL_LOGIN_CONNECT_TIMEOUT_MS: Optional<Int> = "sasl.login.connect.timeout.ms", null, Any, Low,
        ReadOnly;
    /// To come.
    SASL_LOGIN_READ_TIMEOUT_MS: Optional<Int> = "sasl.login.read.timeout.ms", null, Any, Low,
        ReadOnly;
    /// To come.
    SASL_LOGIN_REFRESH_BUFFER_SECONDS: Short = "sasl.login.refresh.buffer.seconds", "300", Any,
        Medium, PerBroker;
    /// To come.
    SASL_LOGIN_REFRESH_MIN_PERIOD_SECONDS: Short = "sasl.login.refresh.min.period.seconds", "60",
        Any, Medium, PerBroker;
    /// To come.
    SASL_LOGIN_REFRESH_WINDOW_FACTOR: Double = "sasl.login.refresh.window.factor", "0.8", Any,
        Medium, PerBroker;
    /// To come.
    SASL_LOGIN_REFRESH_WINDOW_JITTER: Double = "sasl.login.refresh.window.jitter", "0.05", Any,
        Medium, PerBroker;
    /// To come.
    SASL_LOGIN_RETRY_BACKOFF_MAX_MS: Long = "sasl.login.retry.backoff.max.ms", "10000", Any, Low,
        ReadOnly;
    /// To come.
    SASL_LOGIN_RETRY_BACKOFF_MS: Long = "sasl.login.retry.backoff.ms", "100", Any, Low, ReadOnly;
    /// To come.
    SASL_MECHANISM_CONTROLLER_PROTOCOL: Text = "sasl.mechanism.controller.protocol", "GSSAPI", Any,
        High, ReadOnly;
    /// To come.
    SASL_MECHANISM_INTER_BROKER_PROTOCOL: Text = "sasl.mechanism.inter.broker.protocol", "GSSAPI",
        Any, Medium, PerBroker;
    /// To come.
    SASL_OAUTHBEARER_CLOCK_SKEW_SECONDS: Int = "sasl.oauthbearer.clock.skew.seconds", "30", Any,
        Low, ReadOnly;
    /// To come.
    SASL_OAUTHBEARER_EXPECTED_AUDIENCE: Optional<List> = "sasl.oauthbearer.expected.audience", null,
        Any, Low, ReadOnly;
    /// To come.
    SASL_OAUTHBEARER_EXPECTED_ISSUER: Optional<Text> = "sasl.oauthbearer.expected.issuer", null,
        Any, Low, ReadOnly;
    /// To come.
    SASL_OAUTHBEARER_JWKS_ENDPOINT_REFRESH_MS: Long = "sasl.oauthbearer.jwks.endpoint.refresh.ms",
        "3600000", Any, Low, ReadOnly;
    /// To come.
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MAX_MS: Long = "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
        "10000", Any, Low, ReadOnly;
    /// To come.
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MS: Long = "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms",
        "100", Any, Low, ReadOnly;
    /// To come.
    SASL_OAUTHBEARER_JWKS_ENDPOINT_URL: Optional<Text> = "sasl.oauthbearer.jwks.endpoint.url", null,
        Any, Medium, ReadOnly;
    /// To come.
    SASL_OAUTHBEARER_SCOPE_CLAIM_NAME: Text = "sasl.oauthbearer.scope.claim.name", "scope", Any,
        Low, ReadOnly;
    /// To come.
    SASL_OAUTHBEARER_SUB_CLAIM_NAME: Text = "sasl.oauthbearer.sub.claim.name", "sub", Any, Low,
        ReadOnly;
    /// To come.
    SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: Optional<Text> = "sasl.oauthbearer.token.endpoint.url",
        null, Any, Medium, ReadOnly;
    /// To come.
    SASL_SERVER_CALLBACK_HANDLER_CLASS: Optional<Class> = "sasl.server.callback.handler.class",
        null, Any, Medium, ReadOnly;
    /// To come.
    SASL_SERVER_MAX_RECEIVE_SIZE: Int = "sasl.server.max.receive.size", "524288", Any, Medium,
        ReadOnly;
}
