//! Checks of keys against each other, with Kafka's messages (`KafkaConfig.validateValues`).
//!
//! Where Ottla goes beyond Kafka the check is left out: `zookeeper.connect` may be missing (the
//! embedded store is used), and the consumer rebalance protocol works in ZooKeeper mode.

use super::BrokerConfig;
use super::error::ConfigError;
use super::key;
use super::listener::{Listener, Listeners};

type Check = Result<(), ConfigError>;

/// Checks everything that a single key's declaration cannot say.
pub(super) fn validate(config: &BrokerConfig) -> Check {
    identity(config)?;
    log(config)?;
    replication(config)?;
    listeners(config)?;
    connections(config)?;
    groups(config)
}

fn require(holds: bool, message: impl Into<String>) -> Check {
    if holds { Ok(()) } else { Err(ConfigError::Requirement(message.into())) }
}

fn identity(config: &BrokerConfig) -> Check {
    let (broker, node) = (config.get(key::BROKER_ID), config.get(key::NODE_ID));
    require(broker == node, "You must set `node.id` to the same value as `broker.id`.")?;
    if !config.get(key::BROKER_ID_GENERATION_ENABLE) {
        return require(broker >= 0, "broker.id must be greater than or equal to 0");
    }
    require(
        (-1..=config.get(key::RESERVED_BROKER_MAX_ID)).contains(&broker),
        "broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id",
    )?;
    require(
        config.get(key::PROCESS_ROLES).is_empty(),
        "process.roles must be empty: this broker runs in ZooKeeper mode only, not in KRaft mode",
    )
}

fn log(config: &BrokerConfig) -> Check {
    require(config.log_roll_ms() >= 1, "log.roll.ms must be greater than or equal to 1")?;
    require(
        config.log_roll_jitter_ms() >= 0,
        "log.roll.jitter.ms must be greater than or equal to 0",
    )?;
    require(
        config.log_retention_ms() >= 1 || config.log_retention_ms() == -1,
        "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
    )?;
    require(
        !config.log_dirs().is_empty(),
        "At least one log directory must be defined via log.dirs or log.dir.",
    )?;
    let threads = i64::from(config.get(key::LOG_CLEANER_THREADS)).max(1);
    require(
        config.get(key::LOG_CLEANER_DEDUPE_BUFFER_SIZE) / threads > 1024 * 1024,
        "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.",
    )?;
    let codec = config.get(key::OFFSETS_TOPIC_COMPRESSION_CODEC);
    require((0..=4).contains(&codec), format!("Unknown compression type id: {codec}"))?;
    require(
        !config.get(key::REMOTE_LOG_STORAGE_SYSTEM_ENABLE),
        "remote.log.storage.system.enable must be false: tiered storage is not available",
    )
}

fn replication(config: &BrokerConfig) -> Check {
    let wait = i64::from(config.get(key::REPLICA_FETCH_WAIT_MAX_MS));
    require(
        wait <= i64::from(config.get(key::REPLICA_SOCKET_TIMEOUT_MS)),
        "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent \
         unnecessary socket timeouts",
    )?;
    require(
        wait <= config.get(key::REPLICA_LAG_TIME_MAX_MS),
        "replica.fetch.wait.max.ms should always be less than or equal to \
         replica.lag.time.max.ms to prevent frequent changes in ISR",
    )?;
    let acks = config.get(key::OFFSETS_COMMIT_REQUIRED_ACKS);
    require(
        (-1..=config.get(key::OFFSETS_TOPIC_REPLICATION_FACTOR)).contains(&acks),
        "offsets.commit.required.acks must be greater or equal to -1 and less or equal to \
         offsets.topic.replication.factor",
    )
}

fn names(listeners: &[Listener]) -> String {
    listeners.iter().map(|listener| &*listener.name).collect::<Vec<_>>().join(",")
}

fn has(listeners: &[Listener], name: &str) -> bool {
    listeners.iter().any(|listener| &*listener.name == name)
}

fn listeners(config: &BrokerConfig) -> Check {
    let Listeners { bound, advertised, inter_broker, .. } = config.parsed_listeners();
    require(
        config.get(key::CONTROLLER_LISTENER_NAMES).is_none_or(|names| names.is_empty()),
        "controller.listener.names must be empty when not running in KRaft mode",
    )?;
    require(!advertised.is_empty(), "There must be at least one broker advertised listener.")?;
    require(
        has(advertised, inter_broker),
        format!(
            "inter.broker.listener.name must be a listener name defined in advertised.listeners. \
             The valid options based on currently configured listeners are {}",
            names(advertised)
        ),
    )?;
    require(
        advertised.iter().all(|listener| has(bound, &listener.name)),
        format!(
            "advertised.listeners listener names must be equal to or a subset of the ones defined \
             in listeners. Found {}. The valid options based on the current configuration are {}",
            names(advertised),
            names(bound)
        ),
    )?;
    require(
        advertised.iter().all(|listener| listener.host != "0.0.0.0"),
        "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP \
         address.",
    )?;
    control_plane(config, advertised, inter_broker)?;
    sasl(config, inter_broker)
}

fn control_plane(config: &BrokerConfig, advertised: &[Listener], inter_broker: &str) -> Check {
    let Some(name) = config.control_plane_listener_name() else { return Ok(()) };
    require(
        config.listener_protocol(&name).is_some(),
        format!(
            "Listener with {name} defined in control.plane.listener.name not found in \
             listener.security.protocol.map."
        ),
    )?;
    require(
        has(advertised, &name),
        format!(
            "control.plane.listener.name must be a listener name defined in \
             advertised.listeners. The valid options based on currently configured listeners are \
             {}",
            names(advertised)
        ),
    )?;
    require(
        &*name != inter_broker,
        format!(
            "control.plane.listener.name, when defined, should have a different value from the \
             inter broker listener name. Currently they both have the value {name}"
        ),
    )
}

fn sasl(config: &BrokerConfig, inter_broker: &str) -> Check {
    let uses_sasl = config.listener_protocol(inter_broker).is_some_and(|p| p.uses_sasl());
    let enabled = config.listener_value(inter_broker, "sasl.enabled.mechanisms");
    let mechanism = config.get(key::SASL_MECHANISM_INTER_BROKER_PROTOCOL);
    let listed = enabled.is_some_and(|list| list.split(',').any(|one| one.trim() == &*mechanism));
    require(
        !uses_sasl || listed,
        "sasl.mechanism.inter.broker.protocol must be included in sasl.enabled.mechanisms when \
         SASL is used for inter-broker communication",
    )
}

fn connections(config: &BrokerConfig) -> Check {
    let queued = config.get(key::QUEUED_MAX_REQUEST_BYTES);
    require(
        queued <= 0 || queued >= i64::from(config.get(key::SOCKET_REQUEST_MAX_BYTES)),
        "queued.max.request.bytes must be larger or equal to socket.request.max.bytes",
    )?;
    let overrides = parse_limits(&config.get(key::MAX_CONNECTIONS_PER_IP_OVERRIDES))?;
    require(
        config.get(key::MAX_CONNECTIONS_PER_IP) != 0 || !overrides.is_empty(),
        "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides \
         property is set.",
    )?;
    let valid = |host: &str| host.chars().all(|c| c.is_ascii_alphanumeric() || "-%._:".contains(c));
    let invalid: Vec<_> =
        overrides.iter().filter(|(host, _)| !valid(host)).map(|(host, _)| &**host).collect();
    require(
        invalid.is_empty(),
        format!(
            "max.connections.per.ip.overrides contains invalid addresses : {}",
            invalid.join(",")
        ),
    )?;
    let delay = config.get(key::CONNECTION_FAILED_AUTHENTICATION_DELAY_MS);
    let idle = config.get(key::CONNECTIONS_MAX_IDLE_MS);
    require(
        idle < 0 || i64::from(delay) < idle,
        format!(
            "connection.failed.authentication.delay.ms={delay} should always be less than \
             connections.max.idle.ms={idle} to prevent failed authentication responses from \
             timing out"
        ),
    )
}

/// Reads `hostName:100,127.0.0.1:200`, or refuses as Java does, first entries without a colon
/// (`Csv.parseCsvMap`).
pub(super) fn parse_limits(text: &str) -> Result<Vec<(String, i32)>, ConfigError> {
    let key = key::MAX_CONNECTIONS_PER_IP_OVERRIDES.name();
    let refuse = |why| ConfigError::Malformed { key: key.to_owned(), why };
    // Only what is empty at the end is left out.
    let text = text.trim_end_matches(|c: char| c == ',' || c.is_whitespace());
    let entries = text.split(',').map(str::trim).filter(|_| !text.is_empty());
    let pairs = entries.map(|entry| {
        entry.rsplit_once(':').ok_or_else(|| {
            let count = entry.chars().count();
            refuse(format!(
                "Error parsing configuration property '{key}': begin 0, end -1, length {count}"
            ))
        })
    });
    let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
    let limits = pairs.into_iter().map(|(host, limit)| {
        let limit = limit.trim();
        let number = limit.parse().map_err(|_| refuse(format!("For input string: \"{limit}\"")));
        Ok((host.trim().to_owned(), number?))
    });
    limits.collect()
}

fn groups(config: &BrokerConfig) -> Check {
    let protocols = config.get(key::GROUP_COORDINATOR_REBALANCE_PROTOCOLS);
    require(
        protocols.iter().any(|protocol| &**protocol == "classic"),
        "Disabling the 'classic' protocol is not supported.",
    )?;
    within(
        config,
        key::GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS,
        key::GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS,
        key::GROUP_CONSUMER_MAX_HEARTBEAT_INTERVAL_MS,
    )?;
    within(
        config,
        key::GROUP_CONSUMER_SESSION_TIMEOUT_MS,
        key::GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS,
        key::GROUP_CONSUMER_MAX_SESSION_TIMEOUT_MS,
    )?;
    within(
        config,
        key::GROUP_SHARE_HEARTBEAT_INTERVAL_MS,
        key::GROUP_SHARE_MIN_HEARTBEAT_INTERVAL_MS,
        key::GROUP_SHARE_MAX_HEARTBEAT_INTERVAL_MS,
    )?;
    within(
        config,
        key::GROUP_SHARE_SESSION_TIMEOUT_MS,
        key::GROUP_SHARE_MIN_SESSION_TIMEOUT_MS,
        key::GROUP_SHARE_MAX_SESSION_TIMEOUT_MS,
    )?;
    within(
        config,
        key::GROUP_SHARE_RECORD_LOCK_DURATION_MS,
        key::GROUP_SHARE_MIN_RECORD_LOCK_DURATION_MS,
        key::GROUP_SHARE_MAX_RECORD_LOCK_DURATION_MS,
    )
}

/// A value between its own minimum and maximum keys.
fn within(
    config: &BrokerConfig,
    value: super::Key<i32>,
    least: super::Key<i32>,
    most: super::Key<i32>,
) -> Check {
    let at_least = |one: super::Key<i32>, other: super::Key<i32>| {
        require(
            config.get(one) >= config.get(other),
            format!("{} must be greater than or equal to {}", one.name(), other.name()),
        )
    };
    at_least(most, least)?;
    at_least(value, least)?;
    require(
        config.get(value) <= config.get(most),
        format!("{} must be less than or equal to {}", value.name(), most.name()),
    )
}
