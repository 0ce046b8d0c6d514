//! Changes of configuration at run time, checked before they are stored: pure functions from what
//! is stored and what is asked to what shall be stored (KIP-226, KIP-339; Kafka's
//! `ZkAdminManager`, `ConfigAdminManager` and `DynamicBrokerConfig`).

use super::declare::{Declaration, Key, Type, Update};
use super::error::ConfigError;
use super::topic::find_topic_key;
use super::{BrokerConfig, Properties, TopicConfig, describe, key, names, value};
use std::collections::BTreeSet;

/// What to do to a key (the `configOperation` byte).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Sets it.
    Set = 0,
    /// Takes the override away.
    Delete = 1,
    /// Adds items to a list.
    Append = 2,
    /// Takes items out of a list.
    Subtract = 3,
}

impl Operation {
    /// The operation with this byte.
    pub fn from_byte(byte: i8) -> Option<Operation> {
        let all = [Operation::Set, Operation::Delete, Operation::Append, Operation::Subtract];
        all.into_iter().find(|operation| *operation as i8 == byte)
    }
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Key.
    pub name: String,
    /// What to do.
    pub operation: Operation,
    /// Value or items; `None` where the request had null.
    pub value: Option<String>,
}

/// Why changes are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// INVALID_REQUEST.
    #[error("{0}")]
    Request(String),
    /// INVALID_CONFIG.
    #[error("{0}")]
    Config(String),
    /// UNKNOWN_SERVER_ERROR: Kafka itself stumbles over this.
    #[error("{0} is not a known list")]
    Unknown(String),
}

/// Which broker configuration is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This broker's own.
    Broker,
    /// The one of all brokers.
    Cluster,
}

/// Checks what must hold for changes to any resource: no key twice, no null set.
pub fn check_changes(changes: &[Change]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    if !changes.iter().all(|change| seen.insert(&change.name)) {
        return Err(Refusal::Request("Error due to duplicate config keys".to_owned()));
    }
    let null = |change: &&Change| change.value.is_none() && change.operation != Operation::Delete;
    let nulls: Vec<_> = changes.iter().filter(null).map(|change| &*change.name).collect();
    if nulls.is_empty() {
        return Ok(());
    }
    Err(Refusal::Request(format!("Null value not supported for : {}", nulls.join(","))))
}

/// The overrides of a topic after these changes. They are not yet checked: see [`check_topic`].
pub fn change_topic(stored: &Properties, changes: &[Change]) -> Result<Properties, Refusal> {
    let declared = |name: &str| find_topic_key(name).map(|key| &key.declaration);
    change(stored, changes, &declared)
}

/// The overrides of a broker, or of all brokers, after these changes; unchecked: see
/// [`check_broker`].
pub fn change_broker(stored: &Properties, changes: &[Change]) -> Result<Properties, Refusal> {
    change(stored, changes, &key::find)
}

fn change(
    stored: &Properties,
    changes: &[Change],
    declared: &dyn Fn(&str) -> Option<&'static Declaration>,
) -> Result<Properties, Refusal> {
    let mut next = stored.clone();
    for Change { name, operation, value } in changes {
        let value = value.as_deref().unwrap_or_default();
        match operation {
            Operation::Set => {
                next.insert(name.clone(), value.to_owned());
            }
            Operation::Delete => {
                next.remove(name);
            }
            Operation::Append | Operation::Subtract => {
                let key = list_key(declared(name), name, *operation)?;
                let old = next.get(name).map(String::as_str).or(key.default).unwrap_or_default();
                let items = changed_list(old, value, *operation == Operation::Append);
                next.insert(name.clone(), items);
            }
        }
    }
    Ok(next)
}

fn list_key(
    key: Option<&'static Declaration>,
    name: &str,
    operation: Operation,
) -> Result<&'static Declaration, Refusal> {
    let Some(key) = key else {
        return Err(Refusal::Unknown(name.to_owned()));
    };
    if key.kind == Type::List {
        return Ok(key);
    }
    let verb = if operation == Operation::Append { "append" } else { "subtract" };
    Err(Refusal::Config(format!("Config value {verb} is not allowed for config key: {name}")))
}

/// The list with what it does not have yet, or without as many of each item as are named
/// (`ConfigAdminManager.prepareIncrementalConfigs`).
fn changed_list(old: &str, items: &str, append: bool) -> String {
    let mut list = if old.is_empty() { Vec::new() } else { split(old) };
    let items = split(items);
    if append {
        let new: Vec<_> = items.into_iter().filter(|item| !list.contains(item)).collect();
        list.extend(new);
    } else {
        for item in items {
            if let Some(at) = list.iter().position(|other| *other == item) {
                list.remove(at);
            }
        }
    }
    list.join(",")
}

/// Splits as Java does: without empty items at the end, but nothing is one empty item.
fn split(text: &str) -> Vec<&str> {
    match text.trim_end_matches(',') {
        "" if !text.is_empty() => Vec::new(),
        kept => kept.split(',').collect(),
    }
}

/// Checks the overrides of a topic and gives its configuration (`LogConfig.validate`).
pub fn check_topic(
    broker: &BrokerConfig,
    overrides: &Properties,
) -> Result<TopicConfig, ConfigError> {
    let config = TopicConfig::resolve(broker, overrides)?;
    if config.min_compaction_lag_ms > config.max_compaction_lag_ms {
        return Err(ConfigError::Conflict(format!(
            "conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})",
            config.min_compaction_lag_ms, config.max_compaction_lag_ms
        )));
    }
    if config.remote_log_copy_disable || config.remote_log_delete_on_disable {
        return Err(ConfigError::Conflict(
            "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` \
             under Zookeeper's mode."
                .to_owned(),
        ));
    }
    if config.remote_storage_enable {
        return Err(ConfigError::Tiered);
    }
    Ok(config)
}

/// As [`check_topic`], with the refusal that altering an existing topic answers.
pub fn check_topic_change(
    broker: &BrokerConfig,
    topic: &str,
    overrides: &Properties,
) -> Result<TopicConfig, Refusal> {
    check_topic(broker, overrides).map_err(|error| match error {
        ConfigError::Invalid { .. } | ConfigError::Tiered => Refusal::Config(format!(
            "Invalid config value for resource ConfigResource(type=TOPIC, name='{topic}'): {error}"
        )),
        error => Refusal::Config(error.to_string()),
    })
}

/// Checks new overrides against the running configuration and gives the configuration that they
/// would make.
pub fn check_broker(
    current: &BrokerConfig,
    scope: Scope,
    overrides: &Properties,
) -> Result<BrokerConfig, Refusal> {
    check_update_modes(overrides)?;
    check_types(overrides).map_err(|error| Refusal::Request(error.to_string()))?;
    if scope == Scope::Cluster {
        check_cluster_wide(overrides)?;
    }
    let (all, own) = current.dynamic();
    let next = match scope {
        Scope::Broker => current.with_dynamic(all.clone(), overrides.clone()),
        Scope::Cluster => current.with_dynamic(overrides.clone(), own.clone()),
    };
    let next = next.map_err(|error| match error {
        ConfigError::Requirement(why) => Refusal::Request(format!("requirement failed: {why}")),
        ConfigError::Malformed { why, .. } => Refusal::Request(why),
        error => Refusal::Request(error.to_string()),
    })?;
    check_listeners(current, &next)?;
    check_threads(current, &next)?;
    check_local_retention(&next)?;
    check_reporters(current, &next)?;
    Ok(next)
}

/// As Kafka wraps what its reconfigurable parts refuse.
fn invalid(class: &str, why: &str) -> Refusal {
    Refusal::Request(format!(
        "Invalid value {class}: {why} for configuration Invalid dynamic configuration"
    ))
}

/// Refuses the overrides with these names, if there are any, as Kafka prints a `kind` of set.
fn refuse_all(
    overrides: &Properties,
    why: &str,
    kind: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    let names: Vec<_> = overrides.keys().map(|name| &**name).filter(|name| wanted(name)).collect();
    match names.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Request(format!("{why}: {kind}({})", names.join(", ")))),
    }
}

fn is_updated(name: &str, update: Update) -> bool {
    key::find(name).is_some_and(|key| key.update == update)
}

fn check_update_modes(overrides: &Properties) -> Result<(), Refusal> {
    refuse_all(overrides, "Cannot update these configs dynamically", "Set", |name| {
        is_updated(name, Update::ReadOnly)
    })?;
    refuse_all(
        overrides,
        "These security configs can be dynamically updated only per-listener using the listener \
         prefix",
        "HashSet",
        |name| KEY_STORES.contains(&name),
    )
}

fn check_cluster_wide(overrides: &Properties) -> Result<(), Refusal> {
    refuse_all(
        overrides,
        "Cannot update these configs at default cluster level, broker id must be specified",
        "Set",
        |name| match names::without_listener(name) {
            Some(base) => !LISTENER_LIMITS.contains(&base),
            None => is_updated(name, Update::PerBroker),
        },
    )
}

/// Keys that name key and trust stores (`SslConfigs.RECONFIGURABLE_CONFIGS`).
const KEY_STORES: &[&str] = &[
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// Keys of a listener that may be changed for all brokers.
const LISTENER_LIMITS: &[&str] =
    &["max.connection.creation.rate", "max.connections", "num.network.threads"];

/// Checks values of keys under a listener's prefix, and of the dynamic rates, too.
fn check_types(overrides: &Properties) -> Result<(), ConfigError> {
    for (name, text) in overrides {
        let base = names::without_listener(name).unwrap_or(name);
        if let Some(key) = key::find(base) {
            // No class but Kafka's own can be loaded.
            let is_other = key.default.is_some_and(|default| default != text);
            if key.kind == Type::Class && is_other {
                let why = format!("Class {text} could not be found.");
                return Err(ConfigError::invalid(key, text, why));
            }
            value::parse(key, text)?;
        } else if describe::DYNAMIC_RATES.contains(&base) {
            check_rate(base, text)?;
        }
    }
    Ok(())
}

fn check_rate(name: &str, text: &str) -> Result<(), ConfigError> {
    let why = match text.trim().parse::<i64>() {
        Ok(rate) if rate >= 0 => return Ok(()),
        Ok(_) => "Value must be at least 0",
        Err(_) => "Not a number of type LONG",
    };
    let (key, value, why) = (name.to_owned(), text.to_owned(), why.to_owned());
    Err(ConfigError::Invalid { key, value, why })
}

/// No reporter can be loaded; Kafka refuses in these words what it cannot load.
fn check_reporters(current: &BrokerConfig, next: &BrokerConfig) -> Result<(), Refusal> {
    let reporters = next.get(key::METRIC_REPORTERS);
    if reporters.is_empty() || reporters == current.get(key::METRIC_REPORTERS) {
        return Ok(());
    }
    Err(invalid(
        CONFIG_EXCEPTION,
        "Validation of dynamic config update of Set(metric.reporters) failed with class class \
         kafka.server.DynamicMetricsReporters",
    ))
}

/// The class of most refusals that [`invalid`] wraps.
const CONFIG_EXCEPTION: &str = "org.apache.kafka.common.config.ConfigException";

/// What each listener has, its own value or the broker's: a listener must let somebody in
/// (`ConnectionQuotas.ListenerConnectionQuota`), and its threads change as others do
/// (`DataPlaneAcceptor`).
fn check_listeners(current: &BrokerConfig, next: &BrokerConfig) -> Result<(), Refusal> {
    let value = |config: &BrokerConfig, listener: &str, key: Key<i32>| {
        let text = config.listener_value(listener, key.name());
        text.and_then(|text| text.trim().parse().ok()).unwrap_or_else(|| config.get(key))
    };
    for listener in next.listeners() {
        for key in [key::MAX_CONNECTIONS, key::MAX_CONNECTION_CREATION_RATE] {
            let (old, new) =
                (value(current, &listener.name, key), value(next, &listener.name, key));
            if new != old && new <= 0 {
                let why = format!("Invalid {} {new}", key.name());
                return Err(invalid(CONFIG_EXCEPTION, &why));
            }
        }
        let threads = |config| value(config, &listener.name, key::NUM_NETWORK_THREADS);
        check_thread_count(key::NUM_NETWORK_THREADS, threads(current), threads(next))?;
    }
    Ok(())
}

fn check_thread_count(key: Key<i32>, old: i32, new: i32) -> Result<(), Refusal> {
    let why = match new {
        new if new == old => return Ok(()),
        new if new <= 0 => "value should be at least 1".to_owned(),
        new if new < old / 2 => format!("value should be at least half the current value {old}"),
        new if i64::from(new) > i64::from(old) * 2 => {
            format!("value should not be greater than double the current value {old}")
        }
        _ => return Ok(()),
    };
    let what = format!("Dynamic thread count update validation failed for {}={new}", key.name());
    Err(invalid(CONFIG_EXCEPTION, &format!("{what}, {why}")))
}

/// Threads may at most be doubled or halved by one change.
fn check_threads(current: &BrokerConfig, next: &BrokerConfig) -> Result<(), Refusal> {
    let counts = |key: Key<i32>| (current.get(key), next.get(key));
    for key in [
        key::NUM_IO_THREADS,
        key::NUM_REPLICA_FETCHERS,
        key::NUM_RECOVERY_THREADS_PER_DATA_DIR,
        key::BACKGROUND_THREADS,
    ] {
        let (old, new) = counts(key);
        check_thread_count(key, old, new)?;
    }
    let (old, new) = counts(key::LOG_CLEANER_THREADS);
    let why = match new {
        // Kafka shares the cleaner's memory among its threads before it counts them.
        0 => return Err(Refusal::Request("/ by zero".to_owned())),
        new if new < old / 2 => format!(
            "Log cleaner threads cannot be reduced to less than half the current value {old}"
        ),
        new if i64::from(new) > i64::from(old) * 2 => format!(
            "Log cleaner threads cannot be increased to more than double the current value {old}"
        ),
        _ => return Ok(()),
    };
    if new == old { Ok(()) } else { Err(invalid(CONFIG_EXCEPTION, &why)) }
}

/// What is kept here of a tiered log is not more than what is kept at all, also where nothing is
/// tiered (`DynamicLogConfig.validateReconfiguration`). -1 is without a limit, -2 as for all.
fn check_local_retention(next: &BrokerConfig) -> Result<(), Refusal> {
    let bytes = next.get(key::LOG_RETENTION_BYTES);
    for (local, name, all) in [
        (key::LOG_LOCAL_RETENTION_MS, "log.retention.ms", next.log_retention_ms()),
        (key::LOG_LOCAL_RETENTION_BYTES, "log.retention.bytes", bytes),
    ] {
        let kept = next.get(local);
        let why = match kept {
            _ if all == -1 => continue,
            -1 => format!("Value must not be -1 as {name} value is set as {all}."),
            kept if kept > all => {
                format!("Value must not be more than {name} property value: {all}")
            }
            _ => continue,
        };
        let error = format!("Invalid value {kept} for configuration {}: {why}", local.name());
        return Err(invalid(CONFIG_EXCEPTION, &error));
    }
    Ok(())
}

/// Whether overrides hold a password, which Kafka stores encrypted only.
pub fn has_password(overrides: &Properties) -> bool {
    let base = |name: &'_ String| names::without_listener(name).unwrap_or(name).to_owned();
    let password = |key: &Declaration| key.kind == Type::Password;
    overrides.keys().any(|name| key::find(&base(name)).is_some_and(password))
}

/// The stored overrides of a broker that it can use: what is not valid must not stop a broker that
/// starts. Passwords are left out too: Kafka stores them encrypted.
pub fn usable(overrides: &Properties) -> (Properties, Vec<ConfigError>) {
    let mut errors = Vec::new();
    let mut kept = Properties::new();
    for (name, text) in overrides {
        let one = Properties::from([(name.clone(), text.clone())]);
        if has_password(&one) {
            errors.push(ConfigError::Conflict(format!("{name}: an encrypted password")));
            continue;
        }
        match check_types(&one) {
            Ok(()) => drop(kept.insert(name.clone(), text.clone())),
            Err(error) => errors.push(error),
        }
    }
    (kept, errors)
}

#[cfg(test)]
mod tests;
