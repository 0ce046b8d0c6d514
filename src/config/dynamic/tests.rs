//! Answers of Kafka 3.9.2 to changes of configuration, as recorded.

use super::*;

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn change_of(name: &str, operation: Operation, value: Option<&str>) -> Change {
    Change { name: name.into(), operation, value: value.map(str::to_owned) }
}

fn refused(scope: Scope, pairs: &[(&str, &str)]) -> String {
    let refusal = check_broker(&BrokerConfig::default(), scope, &properties(pairs)).unwrap_err();
    let Refusal::Request(text) = refusal else { panic!("{refusal:?} is not INVALID_REQUEST") };
    text
}

#[test]
fn a_key_may_be_named_once_and_not_set_to_null() {
    let set = |value| change_of("retention.ms", Operation::Set, value);
    let refusal = check_changes(&[set(Some("1")), set(Some("2"))]).unwrap_err();
    assert_eq!(refusal, Refusal::Request("Error due to duplicate config keys".into()));
    let refusal = check_changes(&[set(None)]).unwrap_err();
    assert_eq!(refusal, Refusal::Request("Null value not supported for : retention.ms".into()));
    let delete = change_of("retention.ms", Operation::Delete, None);
    assert_eq!(check_changes(&[delete]), Ok(()));
}

#[test]
fn items_are_appended_once_and_subtracted() {
    let append = change_of("cleanup.policy", Operation::Append, Some("compact,delete"));
    let next = change_topic(&Properties::new(), &[append]).unwrap();
    assert_eq!(next["cleanup.policy"], "delete,compact");
    let subtract = change_of("cleanup.policy", Operation::Subtract, Some("delete"));
    assert_eq!(change_topic(&next, &[subtract]).unwrap()["cleanup.policy"], "compact");
    let append = change_of("retention.ms", Operation::Append, Some("1"));
    let text = "Config value append is not allowed for config key: retention.ms";
    let refusal = change_topic(&Properties::new(), &[append]).unwrap_err();
    assert_eq!(refusal, Refusal::Config(text.into()));
}

#[test]
fn lists_are_split_as_java_does() {
    for (old, items, appended, subtracted) in [
        ("", "", "", ""),
        ("", "a", "a", ""),
        ("a", "", "a,", "a"),
        ("a", "b,b", "a,b,b", "a"),
        ("a,a,b", "a,", "a,a,b", "a,b"),
        ("a", ",a", "a,", ""),
        ("a", ",", "a", "a"),
    ] {
        assert_eq!(changed_list(old, items, true), appended, "{old} and {items}");
        assert_eq!(changed_list(old, items, false), subtracted, "{old} without {items}");
    }
}

/// As `LogConfig.validate` of Kafka 3.9.2 answered, without tiered storage and with ZooKeeper.
#[test]
fn keys_of_tiered_storage_are_taken_and_refused_as_kafka_without_it_does() {
    let broker = BrokerConfig::default();
    for taken in [
        &[("local.retention.ms", "-2")][..],
        &[("local.retention.ms", "1000"), ("retention.ms", "100")],
        &[("local.retention.ms", "-1"), ("retention.ms", "100")],
        &[("local.retention.bytes", "1000"), ("retention.bytes", "100")],
        &[("remote.storage.enable", "false")],
    ] {
        assert!(check_topic(&broker, &properties(taken)).is_ok(), "{taken:?}");
    }
    for refused in [
        ("local.retention.ms", "-3"),
        ("local.retention.bytes", "-3"),
        ("remote.storage.enable", "true"),
        ("remote.log.copy.disable", "true"),
        ("remote.log.delete.on.disable", "true"),
    ] {
        assert!(check_topic(&broker, &properties(&[refused])).is_err(), "{refused:?}");
    }
}

#[test]
fn a_topics_values_are_checked_with_kafkas_words() {
    let broker = BrokerConfig::default();
    for (name, value, text) in [
        ("nokey", "1", "Unknown topic config name: nokey"),
        (
            "retention.ms",
            "x",
            "Invalid value x for configuration retention.ms: Not a number of type LONG",
        ),
        (
            "retention.ms",
            "-2",
            "Invalid value -2 for configuration retention.ms: Value must be at least -1",
        ),
        (
            "cleanup.policy",
            "x",
            "Invalid value x for configuration cleanup.policy: String must be one of: compact, \
             delete",
        ),
        (
            "remote.storage.enable",
            "true",
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured \
             with remote log storage.",
        ),
    ] {
        let error = check_topic(&broker, &properties(&[(name, value)])).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_read_only_key_is_not_changed() {
    let text = "Cannot update these configs dynamically: Set(broker.id)";
    assert_eq!(refused(Scope::Broker, &[("broker.id", "5")]), text);
}

#[test]
fn a_per_broker_key_is_not_changed_for_all() {
    let text = "Cannot update these configs at default cluster level, broker id must be \
                specified: Set(listeners)";
    assert_eq!(refused(Scope::Cluster, &[("listeners", "PLAINTEXT://:1")]), text);
    let all = properties(&[("listener.name.l.max.connections", "1")]);
    assert!(check_broker(&BrokerConfig::default(), Scope::Cluster, &all).is_ok());
}

#[test]
fn a_key_store_is_changed_for_one_listener_only() {
    let text = "These security configs can be dynamically updated only per-listener using the \
                listener prefix: HashSet(ssl.keystore.password)";
    assert_eq!(refused(Scope::Broker, &[("ssl.keystore.password", "x")]), text);
    let own = properties(&[("listener.name.l.ssl.keystore.password", "x")]);
    assert!(has_password(&own));
    assert!(!has_password(&properties(&[("log.retention.ms", "1")])));
}

#[test]
fn threads_are_at_most_doubled() {
    let text = "Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread \
                count update validation failed for num.io.threads=100, value should not be \
                greater than double the current value 8 for configuration Invalid dynamic \
                configuration";
    assert_eq!(refused(Scope::Broker, &[("num.io.threads", "100")]), text);
    let doubled = properties(&[("num.io.threads", "16")]);
    let next = check_broker(&BrokerConfig::default(), Scope::Cluster, &doubled).unwrap();
    assert_eq!(next.get(key::NUM_IO_THREADS), 16);
}

#[test]
fn an_unknown_broker_key_is_accepted() {
    let own = properties(&[("my.custom", "1")]);
    let next = check_broker(&BrokerConfig::default(), Scope::Broker, &own).unwrap();
    assert_eq!(next.text("my.custom"), Some("1"));
}

#[test]
fn stored_nonsense_is_left_out() {
    let password = "listener.name.l.ssl.key.password";
    let stored = [("log.retention.ms", "x"), ("num.io.threads", "9"), (password, "encrypted")];
    let (kept, errors) = usable(&properties(&stored));
    assert_eq!(kept, properties(&[("num.io.threads", "9")]));
    assert_eq!(errors.len(), 2);
    let stored = properties(&[("retention.ms", "x"), ("nokey", "1"), ("segment.ms", "9")]);
    let (config, errors) = TopicConfig::resolve_stored(&BrokerConfig::default(), &stored);
    assert_eq!((config.segment_ms, config.retention_ms, errors.len()), (9, 604_800_000, 2));
}

/// Changes sent to Kafka 3.9.2, each on its own, and what it answered (`testdata/alter.tsv`).
#[test]
fn changes_are_answered_as_kafka_answered_them() {
    let file = properties(&[("broker.id", "101"), ("listeners", "PLAINTEXT://127.0.0.1:23092")]);
    let broker = BrokerConfig::from_properties(file).unwrap();
    for line in include_str!("../testdata/alter.tsv").lines().skip(1) {
        let row: Vec<&str> = line.split('\t').collect();
        let operation = match row[2] {
            "SET" => Operation::Set,
            "DELETE" => Operation::Delete,
            "APPEND" => Operation::Append,
            _ => Operation::Subtract,
        };
        let changes = [change_of(row[3], operation, Some(row[4]))];
        let answer = match row[0] {
            "topic" => change_topic(&Properties::new(), &changes)
                .and_then(|overrides| check_topic_change(&broker, row[1], &overrides).map(drop)),
            _ => change_broker(&Properties::new(), &changes).and_then(|overrides| {
                let scope = if row[1].is_empty() { Scope::Cluster } else { Scope::Broker };
                check_broker(&broker, scope, &overrides).map(drop)
            }),
        };
        let answer = match answer {
            Ok(()) => ("0", String::new()),
            Err(Refusal::Config(text)) => ("40", text),
            Err(Refusal::Request(text)) => ("42", text),
            Err(Refusal::Unknown(_)) => ("-1", String::new()),
        };
        assert_eq!(answer, (row[5], row[6].to_owned()), "{line}");
    }
}
