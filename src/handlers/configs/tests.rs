//! The config APIs against a whole broker with the embedded store, without a network.

use crate::broker::{Broker, Opened};
use crate::config::{BrokerConfig, Properties, key};
use crate::handlers::{RequestContext, alter_configs, describe_configs, incremental_alter_configs};
use crate::metadata::image::TopicImage;
use crate::types::{ErrorCode, TopicId};
use bytes::BytesMut;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
    alter_configs_request, incremental_alter_configs_request,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use std::sync::Arc;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const LOGGERS: i8 = 8;
const CLIENT_METRICS: i8 = 16;

struct Fixture {
    broker: Arc<Broker>,
    _dir: tempfile::TempDir,
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Broker 101, which knows the topic `t`.
async fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let file = [
        ("broker.id", "101"),
        ("listeners", "PLAINTEXT://127.0.0.1:0"),
        ("log.dirs", dir.path().to_str().unwrap()),
        ("ssl.key.password", "secret"),
    ];
    let file = file.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = BrokerConfig::from_properties(file.into()).unwrap();
    let broker = Opened::open(config).await.unwrap().join().await.unwrap();
    broker.image.update(|image| {
        let (name, id, partitions) = (Arc::from("t"), TopicId::default(), Default::default());
        image.topics.insert(Arc::from("t"), Arc::new(TopicImage { name, id, partitions }));
    });
    Fixture { broker, _dir: dir }
}

impl Fixture {
    async fn describe(&self, version: i16, kind: i8, name: &str) -> DescribeConfigsResult {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(None);
        let request = DescribeConfigsRequest::default()
            .with_resources(vec![resource])
            .with_include_synonyms(version >= 1)
            .with_include_documentation(version >= 3);
        let context = RequestContext::for_test(32, version);
        let mut response = describe_configs::handle(&self.broker, &context, request).await;
        response.encode(&mut BytesMut::new(), version).unwrap();
        response.results.remove(0)
    }

    /// A topic's or a broker's value of a key.
    async fn value(&self, kind: i8, name: &str, key: &str) -> Option<String> {
        let described = self.describe(4, kind, name).await;
        let config = described.configs.iter().find(|config| &*config.name == key)?;
        config.value.as_ref().map(|value| value.to_string())
    }

    async fn change(
        &self,
        kind: i8,
        name: &str,
        changes: &[(&str, i8, Option<&str>)],
    ) -> (i16, Option<String>) {
        use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
        let configs = changes.iter().map(|(name, operation, value)| {
            AlterableConfig::default()
                .with_name(text(name))
                .with_config_operation(*operation)
                .with_value(value.map(text))
        });
        let resource = AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(configs.collect());
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let context = RequestContext::for_test(44, 1);
        let response = incremental_alter_configs::handle(&self.broker, &context, request).await;
        let answer = &response.responses[0];
        (answer.error_code, answer.error_message.as_ref().map(|text| text.to_string()))
    }

    async fn replace(&self, kind: i8, name: &str, all: &[(&str, &str)]) -> (i16, Option<String>) {
        use alter_configs_request::{AlterConfigsResource, AlterableConfig};
        let config = |(name, value): &(&str, &str)| {
            AlterableConfig::default().with_name(text(name)).with_value(Some(text(value)))
        };
        let resource = AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(all.iter().map(config).collect());
        let request = AlterConfigsRequest::default().with_resources(vec![resource]);
        let context = RequestContext::for_test(33, 2);
        let response = alter_configs::handle(&self.broker, &context, request).await.unwrap();
        let answer = &response.responses[0];
        (answer.error_code, answer.error_message.as_ref().map(|text| text.to_string()))
    }
}

const OK: (i16, Option<String>) = (0, None);

fn failed(code: ErrorCode, message: &str) -> (i16, Option<String>) {
    (code.0, Some(message.to_owned()))
}

#[tokio::test]
async fn every_version_describes_topics_and_brokers() {
    let fixture = fixture().await;
    for version in 0..=4 {
        let topic = fixture.describe(version, TOPIC, "t").await;
        assert_eq!((topic.error_code, topic.configs.len()), (0, 36));
        assert_eq!(topic.error_message.as_deref(), Some(""));
        assert!(topic.configs.iter().all(|config| !config.is_default && !config.read_only));
        let documented = topic.configs.iter().all(|config| config.documentation.is_some());
        assert_eq!(documented, version >= 3);
        let broker = fixture.describe(version, BROKER, "101").await;
        assert_eq!(broker.configs.len(), 315);
        let all = fixture.describe(version, BROKER, "").await;
        assert_eq!((all.error_code, all.configs.len()), (0, 0));
    }
    assert_eq!(fixture.value(BROKER, "101", "ssl.key.password").await, None);
}

#[tokio::test]
async fn what_cannot_be_described_is_refused_with_kafkas_words() {
    let fixture = fixture().await;
    for (kind, name, code, message) in [
        (TOPIC, "nope", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ""),
        (
            TOPIC,
            "bad name!",
            ErrorCode::INVALID_TOPIC_EXCEPTION,
            "Topic name is invalid: 'bad name!' contains one or more characters other than ASCII \
             alphanumerics, '.', '_' and '-'",
        ),
        (
            BROKER,
            "102",
            ErrorCode::INVALID_REQUEST,
            "Unexpected broker id, expected 101 or empty string, but received 102",
        ),
        (BROKER, "abc", ErrorCode::INVALID_REQUEST, "Broker id must be an integer, but it is: abc"),
        (LOGGERS, "", ErrorCode::INVALID_REQUEST, "Broker id must not be empty"),
        (
            CLIENT_METRICS,
            "m",
            ErrorCode::INVALID_REQUEST,
            "Config type client-metrics is only supported on KRaft clusters",
        ),
        (
            CLIENT_METRICS,
            "",
            ErrorCode::INVALID_REQUEST,
            "Client metrics subscription name must not be empty",
        ),
    ] {
        let result = fixture.describe(4, kind, name).await;
        assert_eq!((result.error_code, result.configs.len()), (code.0, 0), "{name}");
        assert_eq!(result.error_message.as_deref(), Some(message));
    }
    let unknown = fixture.describe(4, 32, "x").await;
    assert_eq!(unknown.error_code, ErrorCode::INVALID_REQUEST.0);
}

#[tokio::test]
async fn a_topics_change_is_stored_seen_and_put_in_force() {
    let fixture = fixture().await;
    tokio::spawn(fixture.broker.clone().follow_config_changes());
    let set = [("retention.ms", 0, Some("100000")), ("cleanup.policy", 2, Some("compact"))];
    assert_eq!(fixture.change(TOPIC, "t", &set).await, OK);
    assert_eq!(fixture.value(TOPIC, "t", "retention.ms").await.as_deref(), Some("100000"));
    let policy = fixture.value(TOPIC, "t", "cleanup.policy").await;
    assert_eq!(policy.as_deref(), Some("delete,compact"));
    while !fixture.broker.image.load().topic_configs.contains_key("t") {
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.change(TOPIC, "t", &[("cleanup.policy", 3, Some("delete"))]).await, OK);
    let policy = fixture.value(TOPIC, "t", "cleanup.policy").await;
    assert_eq!(policy.as_deref(), Some("compact"));
    assert_eq!(fixture.replace(TOPIC, "t", &[("segment.ms", "5")]).await, OK);
    assert_eq!(fixture.value(TOPIC, "t", "retention.ms").await.as_deref(), Some("604800000"));
    assert_eq!(fixture.value(TOPIC, "t", "segment.ms").await.as_deref(), Some("5"));
}

#[tokio::test]
async fn a_brokers_change_reaches_the_running_configuration() {
    let fixture = fixture().await;
    tokio::spawn(fixture.broker.clone().follow_config_changes());
    assert_eq!(fixture.change(BROKER, "101", &[("num.io.threads", 0, Some("12"))]).await, OK);
    assert_eq!(fixture.change(BROKER, "", &[("log.retention.ms", 0, Some("77"))]).await, OK);
    let in_force = |config: &BrokerConfig| {
        config.get(key::NUM_IO_THREADS) == 12 && config.log_retention_ms() == 77
    };
    while !in_force(&fixture.broker.config.load()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.value(BROKER, "", "log.retention.ms").await.as_deref(), Some("77"));
    assert_eq!(fixture.value(TOPIC, "t", "retention.ms").await.as_deref(), Some("77"));
    let password = "listener.name.plaintext.ssl.keystore.password";
    assert_eq!(
        fixture.change(BROKER, "101", &[(password, 0, Some("x"))]).await,
        failed(
            ErrorCode::INVALID_CONFIG,
            "Invalid config value for resource ConfigResource(type=BROKER, name='101'): Password \
             encoder secret not configured"
        )
    );
}

#[tokio::test]
async fn refused_changes_are_answered_in_kafkas_order_and_words() {
    let fixture = fixture().await;
    let set = |key, value| [(key, 0, Some(value))];
    let request = ErrorCode::INVALID_REQUEST;
    for (kind, name, change, answer) in [
        (
            TOPIC,
            "nope",
            set("retention.ms", "x"),
            failed(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "The topic 'nope' does not exist."),
        ),
        (
            TOPIC,
            "",
            set("retention.ms", "1"),
            failed(request, "Default topic resources are not allowed."),
        ),
        (
            TOPIC,
            "t",
            [("retention.ms", 0, None)],
            failed(request, "Null value not supported for : retention.ms"),
        ),
        (TOPIC, "t", [("retention.ms", 7, Some("1"))], (-1, None)),
        (
            BROKER,
            "102",
            set("log.retention.ms", "1"),
            failed(request, "Unexpected broker id, expected 101, but received 102"),
        ),
        (
            BROKER,
            "",
            set("listeners", "PLAINTEXT://:1"),
            failed(
                request,
                "Cannot update these configs at default cluster level, broker id must be \
                 specified: Set(listeners)",
            ),
        ),
        (
            CLIENT_METRICS,
            "m",
            set("interval.ms", "1"),
            failed(
                request,
                "AlterConfigs is only supported for topics and brokers, but resource type is \
                 CLIENT_METRICS",
            ),
        ),
    ] {
        assert_eq!(fixture.change(kind, name, &change).await, answer, "{name}");
    }
    let answer = fixture.replace(LOGGERS, "101", &[("root", "INFO")]).await;
    assert_eq!(answer, failed(request, "Unknown resource type 8"));
    assert_eq!(fixture.broker.stored_config(&topic()).await, Ok(Properties::new()));
}

fn topic() -> crate::metadata::records::ConfigEntity {
    crate::metadata::records::ConfigEntity::Topic("t".to_owned())
}

#[tokio::test]
async fn the_same_resource_twice_is_refused_both_times() {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let fixture = fixture().await;
    let config = AlterableConfig::default().with_name(text("a")).with_value(Some(text("1")));
    let resource = AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text("t"))
        .with_configs(vec![config]);
    let request =
        IncrementalAlterConfigsRequest::default().with_resources(vec![resource.clone(), resource]);
    let context = RequestContext::for_test(44, 0);
    let response = incremental_alter_configs::handle(&fixture.broker, &context, request).await;
    for answer in &response.responses {
        let message = answer.error_message.as_deref();
        assert_eq!(message, Some("Each resource must appear at most once."));
    }
    assert_eq!(response.responses.len(), 2);
}

#[tokio::test]
async fn loggers_are_described_and_changed() {
    let fixture = fixture().await;
    let logger = "kafka.request.logger";
    assert_eq!(fixture.change(LOGGERS, "101", &[(logger, 0, Some("TRACE"))]).await, OK);
    let described = fixture.describe(4, LOGGERS, "101").await;
    let level = described.configs.iter().find(|config| &*config.name == logger).unwrap();
    assert_eq!((level.value.as_deref(), level.config_source), (Some("TRACE"), 6));
    assert_eq!((level.config_type, level.read_only), (0, false));
    assert!(described.configs.iter().any(|config| &*config.name == "root"));
    assert_eq!(fixture.change(LOGGERS, "101", &[(logger, 1, None)]).await, OK);
    let value = fixture.value(LOGGERS, "101", logger).await;
    assert_ne!(value.as_deref(), Some("TRACE"));
}

#[tokio::test]
async fn a_restarted_broker_knows_its_topics_configurations_when_it_opens_their_logs() {
    let fixture = fixture().await;
    let set = [("cleanup.policy", 0, Some("compact")), ("segment.bytes", 0, Some("4000"))];
    assert_eq!(fixture.change(TOPIC, "t", &set).await, OK);
    let id = crate::types::TopicPartition::new("t", 0);
    fixture.broker.log_dirs.get_or_create(&id, None, Arc::default()).unwrap();
    let config = fixture.broker.config.load_full();
    fixture.broker.close().await;
    drop(fixture.broker);
    let broker = Opened::open(BrokerConfig::clone(&config)).await.unwrap().join().await.unwrap();
    let log = broker.log_dirs.get(&id).unwrap();
    assert!(log.config().cleanup_policy.compact, "before any LeaderAndIsr");
    assert_eq!(log.config().segment_bytes, 4000);
}
