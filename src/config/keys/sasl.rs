//! Broker keys of SASL; names, types and defaults are those of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::tiered;

    /// Java class that answers callbacks of a SASL client.
    SASL_CLIENT_CALLBACK_HANDLER_CLASS: Optional<Class> = "sasl.client.callback.handler.class",
        null, Any, Medium, ReadOnly, no_effect "a Java class cannot be loaded";
    /// SASL mechanisms that clients may choose from; usually set for each listener.
    SASL_ENABLED_MECHANISMS: List = "sasl.enabled.mechanisms", "GSSAPI", Any, Medium, PerBroker;
    /// Login of a SASL listener in JAAS syntax, with its users or credentials; set it with a
    /// listener's and mechanism's prefix.
    SASL_JAAS_CONFIG: Optional<Password> = "sasl.jaas.config", null, Any, Medium, PerBroker,
        no_effect "listeners with SASL are refused";
    /// Path of kinit.
    SASL_KERBEROS_KINIT_CMD: Text = "sasl.kerberos.kinit.cmd", "/usr/bin/kinit", Any, Medium,
        PerBroker, no_effect "Kerberos (GSSAPI) is not available";
    /// Milliseconds between attempts to log in to Kerberos again.
    SASL_KERBEROS_MIN_TIME_BEFORE_RELOGIN: Long = "sasl.kerberos.min.time.before.relogin", "60000",
        Any, Medium, PerBroker, no_effect "Kerberos (GSSAPI) is not available";
    /// Rules from Kerberos principals to user names.
    SASL_KERBEROS_PRINCIPAL_TO_LOCAL_RULES: List = "sasl.kerberos.principal.to.local.rules",
        "DEFAULT", Any, Medium, PerBroker, no_effect "Kerberos (GSSAPI) is not available";
    /// Kerberos service name of the brokers.
    SASL_KERBEROS_SERVICE_NAME: Optional<Text> = "sasl.kerberos.service.name", null, Any, Medium,
        PerBroker, no_effect "Kerberos (GSSAPI) is not available";
    /// Share by which the renewal of tickets varies at random.
    SASL_KERBEROS_TICKET_RENEW_JITTER: Double = "sasl.kerberos.ticket.renew.jitter", "0.05", Any,
        Medium, PerBroker, no_effect "Kerberos (GSSAPI) is not available";
    /// Share of a ticket's life after which it is renewed.
    SASL_KERBEROS_TICKET_RENEW_WINDOW_FACTOR: Double = "sasl.kerberos.ticket.renew.window.factor",
        "0.8", Any, Medium, PerBroker, no_effect "Kerberos (GSSAPI) is not available";
    /// Java class that answers callbacks of the broker's login.
    SASL_LOGIN_CALLBACK_HANDLER_CLASS: Optional<Class> = "sasl.login.callback.handler.class", null,
        Any, Medium, ReadOnly, no_effect "a Java class cannot be loaded";
    /// Java class that logs the broker in.
    SASL_LOGIN_CLASS: Optional<Class> = "sasl.login.class", null, Any, Medium, ReadOnly,
        no_effect "a Java class cannot be loaded";
    /// Milliseconds to connect to the OAuth token endpoint.
    SASL_LOGIN_CONNECT_TIMEOUT_MS: Optional<Int> = "sasl.login.connect.timeout.ms", null, Any, Low,
        ReadOnly, no_effect "the broker itself does not log in by OAUTHBEARER";
    /// Milliseconds to read from the OAuth token endpoint.
    SASL_LOGIN_READ_TIMEOUT_MS: Optional<Int> = "sasl.login.read.timeout.ms", null, Any, Low,
        ReadOnly, no_effect "the broker itself does not log in by OAUTHBEARER";
    /// Seconds that must remain of a token when it is refreshed.
    SASL_LOGIN_REFRESH_BUFFER_SECONDS: Short = "sasl.login.refresh.buffer.seconds", "300", Any,
        Medium, PerBroker, no_effect "the broker itself does not log in by OAUTHBEARER";
    /// Seconds that must lie between refreshes of a token.
    SASL_LOGIN_REFRESH_MIN_PERIOD_SECONDS: Short = "sasl.login.refresh.min.period.seconds", "60",
        Any, Medium, PerBroker, no_effect "the broker itself does not log in by OAUTHBEARER";
    /// Share of a token's life after which it is refreshed.
    SASL_LOGIN_REFRESH_WINDOW_FACTOR: Double = "sasl.login.refresh.window.factor", "0.8", Any,
        Medium, PerBroker, no_effect "the broker itself does not log in by OAUTHBEARER";
    /// Share by which that varies at random.
    SASL_LOGIN_REFRESH_WINDOW_JITTER: Double = "sasl.login.refresh.window.jitter", "0.05", Any,
        Medium, PerBroker, no_effect "the broker itself does not log in by OAUTHBEARER";
    /// Longest pause in milliseconds before a failed call of the token endpoint is repeated.
    SASL_LOGIN_RETRY_BACKOFF_MAX_MS: Long = "sasl.login.retry.backoff.max.ms", "10000", Any, Low,
        ReadOnly, no_effect "the broker itself does not log in by OAUTHBEARER";
    /// First pause in milliseconds before a failed call of the token endpoint is repeated.
    SASL_LOGIN_RETRY_BACKOFF_MS: Long = "sasl.login.retry.backoff.ms", "100", Any, Low, ReadOnly,
        no_effect "the broker itself does not log in by OAUTHBEARER";
    /// SASL mechanism towards KRaft controllers.
    SASL_MECHANISM_CONTROLLER_PROTOCOL: Text = "sasl.mechanism.controller.protocol", "GSSAPI", Any,
        High, ReadOnly, no_effect "KRaft only";
    /// SASL mechanism with which brokers log in to each other; it must be an enabled one.
    SASL_MECHANISM_INTER_BROKER_PROTOCOL: Text = "sasl.mechanism.inter.broker.protocol", "GSSAPI",
        Any, Medium, PerBroker;
    /// Seconds by which the clocks of a token's issuer and of this broker may differ.
    SASL_OAUTHBEARER_CLOCK_SKEW_SECONDS: Int = "sasl.oauthbearer.clock.skew.seconds", "30", Any,
        Low, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Audiences of which a token must name one.
    SASL_OAUTHBEARER_EXPECTED_AUDIENCE: Optional<List> = "sasl.oauthbearer.expected.audience", null,
        Any, Low, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Issuer that a token must name.
    SASL_OAUTHBEARER_EXPECTED_ISSUER: Optional<Text> = "sasl.oauthbearer.expected.issuer", null,
        Any, Low, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Milliseconds between fetches of the keys that verify tokens.
    SASL_OAUTHBEARER_JWKS_ENDPOINT_REFRESH_MS: Long = "sasl.oauthbearer.jwks.endpoint.refresh.ms",
        "3600000", Any, Low, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Longest pause in milliseconds before a failed fetch of these keys is repeated.
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MAX_MS: Long =
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "10000", Any, Low, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// First pause in milliseconds before a failed fetch of these keys is repeated.
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MS: Long =
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "100", Any, Low, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Where the keys that verify tokens are found: an HTTP address or a file.
    SASL_OAUTHBEARER_JWKS_ENDPOINT_URL: Optional<Text> = "sasl.oauthbearer.jwks.endpoint.url", null,
        Any, Medium, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Claim of a token that lists its scopes.
    SASL_OAUTHBEARER_SCOPE_CLAIM_NAME: Text = "sasl.oauthbearer.scope.claim.name", "scope", Any,
        Low, ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Claim of a token that names the user.
    SASL_OAUTHBEARER_SUB_CLAIM_NAME: Text = "sasl.oauthbearer.sub.claim.name", "sub", Any, Low,
        ReadOnly,
        no_effect "listeners with SASL are refused";
    /// Where a client gets a token.
    SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: Optional<Text> = "sasl.oauthbearer.token.endpoint.url",
        null, Any, Medium, ReadOnly, no_effect "the broker itself does not log in by OAUTHBEARER";
    /// Java class that answers callbacks of a SASL mechanism on the server.
    SASL_SERVER_CALLBACK_HANDLER_CLASS: Optional<Class> = "sasl.server.callback.handler.class",
        null, Any, Medium, ReadOnly, no_effect "a Java class cannot be loaded";
    /// Largest request in bytes that is read before a connection has authenticated.
    SASL_SERVER_MAX_RECEIVE_SIZE: Int = "sasl.server.max.receive.size", "524288", Any, Medium,
        ReadOnly,
        no_effect "listeners with SASL are refused";
}
