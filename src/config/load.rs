//! From a file and arguments to a checked configuration, before anything is touched.
//!
//! The file is a `server.properties` or YAML with Kafka's own key names (nested maps are joined by
//! dots, lists by commas). It does not know what the keys do.

use super::declare::Effect;
use super::error::ConfigError;
use super::names::{self, Known};
use super::{BrokerConfig, Properties, key};
use std::path::Path;

/// A configuration, and what its user should know about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: BrokerConfig,
    /// Keys that were set and do nothing, one line each.
    pub warnings: Vec<String>,
}

/// Listener of a broker started without a file.
const LONE_LISTENER: &str = "PLAINTEXT://127.0.0.1:9092";
/// Data directory of a broker started without a file.
const LONE_DIRECTORY: &str = "./data";
/// Keys whose defaults need more brokers than there are with the embedded metadata store.
const LONE_DEFAULTS: &[(&str, &str)] = &[
    ("offsets.topic.replication.factor", "1"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
];

/// Reads `file` (none: all defaults, a listener on 127.0.0.1:9092, data in `./data`), then
/// applies `overrides` of the form `key=value` in order.
pub fn load(file: Option<&Path>, overrides: &[String]) -> Result<Loaded, ConfigError> {
    let mut properties = match file {
        Some(path) => read_file(path)?,
        None => Properties::new(),
    };
    for argument in overrides {
        let Some((name, value)) = argument.split_once('=') else {
            let why = format!("--override {argument}: expected key=value");
            return Err(ConfigError::Unreadable(why));
        };
        properties.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    if file.is_none() {
        lone_broker(&mut properties);
    }
    from_properties(properties)
}

fn lone_broker(properties: &mut Properties) {
    properties.entry("listeners".into()).or_insert_with(|| LONE_LISTENER.into());
    if !properties.contains_key("log.dir") {
        properties.entry("log.dirs".into()).or_insert_with(|| LONE_DIRECTORY.into());
    }
}

/// Refuses a `zookeeper.connect` that names no server: not set it means the embedded store, so an
/// empty one would make a cluster of its own where the user believes to join one.
fn check_connect(properties: &Properties) -> Result<(), ConfigError> {
    let key = key::ZOOKEEPER_CONNECT.declaration();
    let Some(connect) = properties.get(key.name) else { return Ok(()) };
    let hosts = connect.split('/').next().unwrap_or_default();
    if hosts.split(',').all(|host| !host.trim().is_empty()) {
        return Ok(());
    }
    let why = "expected host:port, separated by commas, and a chroot like /kafka where there is \
               one; to keep metadata in the embedded store leave the key out";
    Err(ConfigError::invalid(key, connect, why))
}

/// Checks properties, adds what the embedded metadata store needs, and collects warnings.
pub fn from_properties(mut properties: Properties) -> Result<Loaded, ConfigError> {
    super::provider::resolve(&mut properties)?;
    check_connect(&properties)?;
    let mut warnings = Vec::new();
    for name in properties.keys() {
        warnings.extend(check_name(name)?);
    }
    if !properties.contains_key(key::ZOOKEEPER_CONNECT.name()) {
        for (name, value) in LONE_DEFAULTS {
            properties.entry((*name).into()).or_insert_with(|| (*value).into());
        }
    }
    let config = BrokerConfig::from_properties(properties)?;
    super::refuse::check(&config)?;
    warnings.extend(ineffective_value(&config));
    Ok(Loaded { config, warnings })
}

/// A value that does nothing although its key does.
fn ineffective_value(config: &BrokerConfig) -> Option<String> {
    let class = config.get(key::REPLICA_SELECTOR_CLASS)?;
    let leader = "org.apache.kafka.common.replica.LeaderSelector";
    if config.selects_by_rack() || class.trim().is_empty() || &*class == leader {
        return None;
    }
    let name = key::REPLICA_SELECTOR_CLASS.name();
    Some(format!("{name}={class} has no effect: a Java class cannot be loaded"))
}

/// Refuses a misspelt name; a warning for one that does nothing.
fn check_name(name: &str) -> Result<Option<String>, ConfigError> {
    match names::look_up(name) {
        Known::Declared => Ok(key::find(name).and_then(|key| match key.effect {
            Effect::Honoured => None,
            Effect::None(why) => Some(format!("{name} has no effect: {why}")),
        })),
        Known::Outside => Ok(None),
        Known::Misspelt(nearest) => Err(ConfigError::UnknownKey { key: name.to_owned(), nearest }),
        Known::Unknown => Ok(Some(format!("{name} has no effect: no such key is known"))),
    }
}

fn read_file(path: &Path) -> Result<Properties, ConfigError> {
    let unreadable =
        |why: String| ConfigError::Unreadable(format!("cannot read {}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let yaml = path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml");
    let parsed = if yaml { parse_yaml(&bytes) } else { parse_properties(&bytes) };
    parsed.map_err(unreadable)
}

/// Reads Java properties (ISO 8859-1, with `\` escapes and continued lines).
pub fn parse_properties(bytes: &[u8]) -> Result<Properties, String> {
    let properties = java_properties::read(bytes).map_err(|error| error.to_string())?;
    Ok(properties.into_iter().collect())
}

/// Reads YAML: `log: {dirs: [/a, /b]}` is `log.dirs=/a,/b`. A null leaves the key unset.
pub fn parse_yaml(bytes: &[u8]) -> Result<Properties, String> {
    let document: serde_yaml::Value =
        serde_yaml::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut properties = Properties::new();
    match &document {
        serde_yaml::Value::Null => {}
        serde_yaml::Value::Mapping(_) => flatten("", &document, &mut properties)?,
        _ => return Err("expected a map of keys to values".to_owned()),
    }
    Ok(properties)
}

fn flatten(name: &str, value: &serde_yaml::Value, into: &mut Properties) -> Result<(), String> {
    let text = match value {
        serde_yaml::Value::Mapping(entries) => {
            for (key, value) in entries {
                let key = scalar(key).ok_or_else(|| format!("a key below {name:?} is no name"))?;
                let name = if name.is_empty() { key } else { format!("{name}.{key}") };
                flatten(&name, value, into)?;
            }
            return Ok(());
        }
        serde_yaml::Value::Sequence(items) => {
            let items: Option<Vec<_>> = items.iter().map(scalar).collect();
            Some(
                items
                    .ok_or_else(|| format!("{name}: a list may hold only plain values"))?
                    .join(","),
            )
        }
        serde_yaml::Value::Null => None,
        value => Some(scalar(value).ok_or_else(|| format!("{name}: not a plain value"))?),
    };
    match text.map(|text| into.insert(name.to_owned(), text)) {
        Some(Some(_)) => Err(format!("{name} is set twice")),
        _ => Ok(()),
    }
}

fn scalar(value: &serde_yaml::Value) -> Option<String> {
    match value {
        serde_yaml::Value::Bool(value) => Some(value.to_string()),
        serde_yaml::Value::Number(value) => Some(value.to_string()),
        serde_yaml::Value::String(value) => Some(value.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_maps_are_joined_by_dots_and_lists_by_commas() {
        let text = b"log:\n  dirs: [/a, /b]\n  retention.hours: 24\nbroker.id: 1\nbroker.rack: ~\n";
        let properties = parse_yaml(text).unwrap();
        assert_eq!(properties["log.dirs"], "/a,/b");
        assert_eq!(properties["log.retention.hours"], "24");
        assert_eq!(properties["broker.id"], "1");
        assert!(!properties.contains_key("broker.rack"));
        assert!(parse_yaml(b"a.b: 1\na: {b: 2}").unwrap_err().contains("a.b is set twice"));
        assert!(parse_yaml(b"- a").is_err());
    }

    #[test]
    fn properties_have_escapes_and_continued_lines() {
        let properties = parse_properties(b"# c\na.b = x\\\n  y\nlisteners=A\\://h:1\n").unwrap();
        assert_eq!(properties["a.b"], "xy");
        assert_eq!(properties["listeners"], "A://h:1");
    }

    #[test]
    fn without_a_file_the_broker_stands_alone() {
        let config = load(None, &["num.partitions=3".into()]).unwrap().config;
        assert_eq!(config.listeners()[0].to_string(), "PLAINTEXT://127.0.0.1:9092");
        assert_eq!(config.log_dirs(), [std::path::PathBuf::from("./data")]);
        assert_eq!(config.get(key::OFFSETS_TOPIC_REPLICATION_FACTOR), 1);
        assert_eq!(config.get(key::TRANSACTION_STATE_LOG_MIN_ISR), 1);
        assert_eq!(config.get(key::NUM_PARTITIONS), 3);
        assert!(!config.uses_zookeeper());
    }

    #[test]
    fn what_was_set_wins_over_what_a_lone_broker_gets() {
        let set = ["offsets.topic.replication.factor=2".into(), "log.dir=/x".into()];
        let config = load(None, &set).unwrap().config;
        assert_eq!(config.get(key::OFFSETS_TOPIC_REPLICATION_FACTOR), 2);
        assert_eq!(config.log_dirs(), [std::path::PathBuf::from("/x")]);
        let config = load(None, &["zookeeper.connect=zk:2181".into()]).unwrap().config;
        assert_eq!(config.get(key::OFFSETS_TOPIC_REPLICATION_FACTOR), 3);
    }

    #[test]
    fn a_misspelt_key_is_refused_with_the_right_one() {
        let error = load(None, &["num.partition=3".into()]).unwrap_err();
        let text = "unknown configuration key num.partition: did you mean num.partitions?";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn an_invalid_value_is_refused_with_key_value_and_range() {
        let error = load(None, &["num.partitions=0".into()]).unwrap_err();
        let text = "Invalid value 0 for configuration num.partitions: Value must be at least 1";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_connect_string_without_a_server_is_refused() {
        for connect in ["", " ", "zk1:2181,", "/kafka"] {
            let error = load(None, &[format!("zookeeper.connect={connect}")]).unwrap_err();
            assert!(error.to_string().contains("zookeeper.connect: expected host:port"), "{error}");
        }
        assert!(load(None, &["zookeeper.connect=zk1,zk2:2182/a".into()]).is_ok());
    }

    #[test]
    fn a_replica_selector_that_is_javas_is_warned_about() {
        let warnings = |class: &str| {
            load(None, &[format!("replica.selector.class={class}")]).unwrap().warnings
        };
        assert_eq!(warnings("a.B").len(), 1);
        let own = "org.apache.kafka.common.replica.";
        assert!(warnings(&format!("{own}RackAwareReplicaSelector")).is_empty());
        assert!(warnings(&format!("{own}LeaderSelector")).is_empty());
    }

    #[test]
    fn unknown_and_ineffective_keys_are_warned_about() {
        let set = ["my.plugin=1".into(), "super.users=User:a".into()];
        let loaded = load(None, &set).unwrap();
        assert_eq!(loaded.warnings, ["my.plugin has no effect: no such key is known"]);
        assert_eq!(loaded.config.text("super.users"), Some("User:a"));
    }
}
