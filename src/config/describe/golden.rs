//! A real broker's answers, key by key (`testdata/describe.tsv`): Kafka 3.9.2 with the file and the
//! dynamic configs below, asked for a broker, for all brokers and for a topic.

use super::*;

const GOLDEN: &str = include_str!("../testdata/describe.tsv");

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn config() -> BrokerConfig {
    let file = [
        ("broker.id", "101"),
        ("listeners", "PLAINTEXT://127.0.0.1:23092"),
        ("log.dirs", "/var/lib/kafka"),
        ("zookeeper.connect", "127.0.0.1:23181"),
        ("offsets.topic.replication.factor", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
        ("log.retention.ms", "1000000"),
        ("super.users", "User:a"),
        ("num.io.threads", "8 "),
        ("my.custom", "1"),
        ("ssl.keystore.password", "secret"),
        ("log.cleanup.policy", "compact,delete"),
        ("log.flush.scheduler.interval.ms", "5000"),
    ];
    let all = [
        ("listener.name.plaintext.max.connections", "10"),
        ("log.retention.ms", "77"),
        ("min.insync.replicas", "1"),
    ];
    let own = [
        ("leader.replication.throttled.rate", "5"),
        ("log.cleanup.policy", "delete"),
        ("min.insync.replicas", "2"),
        ("my.dyn", "x"),
    ];
    let config = BrokerConfig::from_properties(properties(&file)).unwrap();
    config.with_dynamic(properties(&all), properties(&own)).unwrap()
}

/// As the golden's columns, with the source's names of the Java client.
fn row(resource: &str, entry: &Entry) -> String {
    let source = |source| match source {
        Source::Topic => "DYNAMIC_TOPIC_CONFIG",
        Source::DynamicBroker => "DYNAMIC_BROKER_CONFIG",
        Source::DynamicDefault => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        Source::Static => "STATIC_BROKER_CONFIG",
        Source::Default => "DEFAULT_CONFIG",
    };
    let text = |text: &Option<String>| text.clone().unwrap_or("null".into());
    let synonym = |s: &Synonym| format!("({},{},{})", s.name, text(&s.value), source(s.source));
    [
        resource,
        &entry.name,
        &text(&entry.value),
        source(entry.source),
        entry.kind.map_or("UNKNOWN", Type::name),
        &entry.read_only.to_string(),
        &entry.sensitive.to_string(),
        &entry.synonyms.iter().map(synonym).collect::<String>(),
    ]
    .join("\t")
}

#[test]
fn every_key_is_described_as_kafka_described_it() {
    let config = config();
    let overrides = properties(&[
        ("cleanup.policy", "compact"),
        ("leader.replication.throttled.replicas", "0:1,0:2"),
        ("retention.ms", " 100 "),
    ]);
    let described = [
        ("broker", broker(&config)),
        ("brokers", default_broker(&config)),
        ("topic", topic(&config, &overrides).unwrap()),
    ];
    let mut rows: Vec<String> = described
        .iter()
        .flat_map(|(resource, entries)| entries.iter().map(|entry| row(resource, entry)))
        .collect();
    rows.sort();
    let mut golden: Vec<&str> = GOLDEN.lines().skip(1).collect();
    golden.sort();
    for (ours, theirs) in rows.iter().zip(&golden) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(rows.len(), golden.len());
}
