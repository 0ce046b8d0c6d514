//! The declarations against tables taken from Kafka 3.9 itself (`testdata/`), and the manual.

use super::declare::Update;
use super::value::{self, Value};
use super::*;

const BROKER: &str = include_str!("testdata/broker-configs.tsv");
const TOPIC: &str = include_str!("testdata/topic-configs.tsv");

fn rows(table: &str) -> Vec<Vec<&str>> {
    table.lines().skip(1).map(|line| line.split('\t').collect()).collect()
}

fn default_text(key: &Declaration) -> String {
    match key.default {
        None => "null".into(),
        Some("") => "\"\"".into(),
        Some(text) => text.into(),
    }
}

#[test]
fn broker_keys_are_those_of_kafka() {
    let rows = rows(BROKER);
    assert_eq!(rows.len(), 329);
    for row in &rows {
        let key = key::find(row[0]).unwrap_or_else(|| panic!("{} is not declared", row[0]));
        let update = match key.update {
            Update::ReadOnly => "read-only",
            Update::ClusterWide => "cluster-wide",
            Update::PerBroker => "per-broker",
        };
        let importance = format!("{:?}", key.importance).to_uppercase();
        let declared = [
            key.kind.name(),
            &default_text(key),
            &key.check.to_string(),
            &importance,
            update,
            &key.internal.to_string(),
        ]
        .map(str::to_owned);
        assert_eq!(declared, [row[1], row[2], row[3], row[4], row[5], row[6]], "{}", row[0]);
    }
    let own = key::all().iter().filter(|key| key.name.starts_with("ottla."));
    assert_eq!(key::all().len(), rows.len() + own.count());
}

#[test]
fn topic_keys_are_those_of_kafka() {
    let rows = rows(TOPIC);
    assert_eq!(rows.len(), 36);
    assert_eq!(TOPIC_KEYS.len(), rows.len());
    for (row, topic_key) in rows.iter().zip(TOPIC_KEYS) {
        let key = &topic_key.declaration;
        assert_eq!(key.name, row[0]);
        assert_eq!((key.kind.name(), &*default_text(key)), (row[1], row[2]), "{}", row[0]);
        assert_eq!(key.check.to_string(), row[3], "{}", row[0]);
        let server: Vec<String> = topic_key.server.iter().map(server_text).collect();
        assert_eq!(server.join(" > "), row[6], "{}", row[0]);
    }
}

fn server_text((index, factor): &(u16, i64)) -> String {
    match factor {
        1 => key::declaration(*index).name.to_owned(),
        factor => format!("{} (x{factor})", key::declaration(*index).name),
    }
}

#[test]
fn every_default_is_a_value_of_its_key() {
    for key in key::all().iter().copied().chain(TOPIC_KEYS.iter().map(|key| &key.declaration)) {
        let Some(text) = key.default else { continue };
        let value = value::parse(key, text).unwrap();
        assert_eq!(value.to_string(), text, "{}", key.name);
        assert_ne!(value, Value::Null);
    }
}

#[test]
fn every_key_has_a_sentence_of_documentation() {
    for key in key::all().iter().copied().chain(TOPIC_KEYS.iter().map(|key| &key.declaration)) {
        let doc = key.doc.trim();
        assert!(doc.len() > 10 && doc.ends_with('.'), "{}: {doc:?}", key.name);
    }
}

#[test]
fn a_topic_inherits_its_defaults_from_the_broker() {
    let inherited = TopicConfig::resolve(&BrokerConfig::default(), &Properties::new());
    assert_eq!(inherited, Ok(TopicConfig::default()));
    let config = TopicConfig::default();
    assert_eq!((config.retention_ms, config.segment_bytes), (604_800_000, 1 << 30));
    assert_eq!(config.cleanup_policy, CleanupPolicy { delete: true, compact: false });
}

#[test]
fn hours_minutes_and_milliseconds_have_their_order() {
    let config = |pairs: &[(&str, &str)]| {
        let set = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        BrokerConfig::from_properties(set.collect()).unwrap()
    };
    let hours = config(&[("log.retention.hours", "2"), ("log.roll.jitter.hours", "1")]);
    assert_eq!(hours.log_retention_ms(), 7_200_000);
    let minutes = config(&[("log.retention.hours", "2"), ("log.retention.minutes", "3")]);
    assert_eq!(minutes.log_retention_ms(), 180_000);
    let ms = config(&[("log.retention.ms", "5"), ("log.retention.minutes", "3")]);
    assert_eq!(ms.log_retention_ms(), 5);
    let forever = config(&[("log.retention.hours", "-1")]);
    let topic = |config| TopicConfig::resolve(config, &Properties::new()).unwrap();
    assert_eq!(topic(&forever).retention_ms, -1);
    assert_eq!(topic(&minutes).retention_ms, 180_000);
    assert_eq!(topic(&hours).segment_jitter_ms, 3_600_000);
    let flush = config(&[("log.flush.scheduler.interval.ms", "9")]);
    assert_eq!(topic(&flush).flush_ms, 9);
}

#[test]
fn values_are_trimmed_and_read_as_kafka_reads_them() {
    let parse = |name: &str, text: &str| value::parse(key::find(name).unwrap(), text);
    assert_eq!(parse("num.io.threads", " 8 "), Ok(Value::Int(8)));
    assert_eq!(parse("log.preallocate", "TRUE"), Ok(Value::Boolean(true)));
    let error = parse("log.preallocate", "yes").unwrap_err().to_string();
    let text = "Invalid value yes for configuration log.preallocate: Expected value to be either \
                true or false";
    assert_eq!(error, text);
    let error = parse("num.io.threads", "1e3").unwrap_err().to_string();
    let text = "Invalid value 1e3 for configuration num.io.threads: Not a number of type INT";
    assert_eq!(error, text);
    assert_eq!(parse("log.cleanup.policy", ""), Ok(Value::List([].into())));
    for release in ["3.9", "3.9-IV0", "4.0-IV1", "0.11.0", "2.6", "0.8.2", "1.0"] {
        assert!(parse("inter.broker.protocol.version", release).is_ok(), "{release}");
    }
    assert!(parse("inter.broker.protocol.version", "9.9").is_err());
    assert!(parse("compression.gzip.level", "0").is_err());
    assert!(parse("remote.log.manager.copier.thread.pool.size", "0").is_err());
}

#[test]
fn a_password_is_not_shown_in_an_error() {
    let key = Declaration { kind: Type::Password, ..*key::find("broker.rack").unwrap() };
    let error = ConfigError::invalid(&key, "secret", "why");
    assert!(!error.to_string().contains("secret"));
}

/// Settings that Kafka refuses at start, and its words.
#[test]
fn keys_that_do_not_go_together_are_refused() {
    for (set, text) in [
        (
            "broker.id=1001",
            "broker.id must be greater than or equal to -1 and not greater than \
             reserved.broker.max.id",
        ),
        ("broker.id=1 node.id=2", "You must set `node.id` to the same value as `broker.id`."),
        ("listeners=", "There must be at least one broker advertised listener."),
        (
            "listeners=FOO://:9092",
            "listeners: Error creating broker listeners from 'FOO://:9092': No security protocol \
             defined for listener FOO",
        ),
        (
            "max.connections.per.ip.overrides=127.0.0.1:x",
            "max.connections.per.ip.overrides: For input string: \"x\"",
        ),
        (
            "listeners=PLAINTEXT://:1,PLAINTEXT://:2",
            "Each listener must have a different name, listeners: PLAINTEXT://:1,PLAINTEXT://:2",
        ),
        (
            "advertised.listeners=PLAINTEXT://0.0.0.0:9092",
            "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable \
             IP address.",
        ),
        (
            "inter.broker.listener.name=SSL",
            "inter.broker.listener.name must be a listener name defined in advertised.listeners. \
             The valid options based on currently configured listeners are PLAINTEXT",
        ),
        (
            "control.plane.listener.name=CTRL",
            "Listener with CTRL defined in control.plane.listener.name not found in \
             listener.security.protocol.map.",
        ),
        ("log.dirs=", "At least one log directory must be defined via log.dirs or log.dir."),
        ("log.roll.ms=0", "log.roll.ms must be greater than or equal to 1"),
        (
            "log.retention.hours=0",
            "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
        ),
        (
            "log.cleaner.dedupe.buffer.size=1048576",
            "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.",
        ),
        (
            "queued.max.request.bytes=5",
            "queued.max.request.bytes must be larger or equal to socket.request.max.bytes",
        ),
        (
            "offsets.commit.required.acks=5",
            "offsets.commit.required.acks must be greater or equal to -1 and less or equal to \
             offsets.topic.replication.factor",
        ),
        ("offsets.topic.compression.codec=9", "Unknown compression type id: 9"),
        (
            "group.coordinator.rebalance.protocols=consumer",
            "Disabling the 'classic' protocol is not supported.",
        ),
        (
            "group.consumer.session.timeout.ms=1",
            "group.consumer.session.timeout.ms must be greater than or equal to \
             group.consumer.min.session.timeout.ms",
        ),
    ] {
        let pairs = set.split(' ').map(|pair| pair.split_once('=').unwrap());
        let properties = pairs.map(|(name, value)| (name.into(), value.into())).collect();
        let error = BrokerConfig::from_properties(properties).unwrap_err();
        assert_eq!(error.to_string(), text, "{set}");
    }
}

#[test]
fn listeners_have_names_hosts_and_protocols() {
    let set = [
        ("listeners", "internal://[::1]:19092,EXTERNAL://:9092"),
        ("listener.security.protocol.map", "INTERNAL:SASL_SSL,external:plaintext"),
        ("inter.broker.listener.name", "Internal"),
        ("sasl.mechanism.inter.broker.protocol", "PLAIN"),
        ("listener.name.internal.sasl.enabled.mechanisms", "SCRAM-SHA-256, PLAIN"),
        ("listener.name.internal.plain.sasl.jaas.config", "login"),
    ];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = BrokerConfig::from_properties(set.into()).unwrap();
    let listeners = config.listeners();
    assert_eq!(listeners[0].to_string(), "INTERNAL://[::1]:19092");
    assert_eq!(listeners[0].protocol, SecurityProtocol::SaslSsl);
    assert_eq!((listeners[1].host.as_str(), listeners[1].port), ("", 9092));
    assert!(!config.advertised_listeners()[1].host.is_empty());
    assert_eq!(&*config.inter_broker_listener_name(), "INTERNAL");
    let jaas = config.mechanism_value("INTERNAL", "PLAIN", "sasl.jaas.config");
    assert_eq!(jaas.as_deref(), Some("login"));
    assert_eq!(config.listener_value("EXTERNAL", "ssl.client.auth").as_deref(), Some("none"));
}

#[test]
fn the_sample_files_are_valid() {
    for (name, zookeeper) in [("server.yaml", false), ("zookeeper.yaml", true)] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
        let loaded = load::load(Some(&path), &[]).unwrap();
        assert_eq!(loaded.warnings, [""; 0], "{name}");
        assert_eq!(loaded.config.uses_zookeeper(), zookeeper, "{name}");
    }
}

/// Run with `OTTLA_WRITE_MANUAL=1` to write it anew.
#[test]
fn the_manual_is_that_of_the_declarations() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/keys.md");
    let manual = manual::manual();
    if std::env::var_os("OTTLA_WRITE_MANUAL").is_some() {
        std::fs::write(&path, &manual).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == manual, "config/keys.md is stale: run this test with OTTLA_WRITE_MANUAL=1");
}
