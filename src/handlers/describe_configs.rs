//! DescribeConfigs (32), v0-4: configs of topics and brokers, and levels of loggers.
//!
//! v1 sources and synonyms (KIP-226); v2 none; v3 types and documentation (KIP-569); v4 flexible.
//! v0 has a flag for defaults that Kafka never sets. As `ConfigHelper`: a topic's overrides are
//! read from the store, so that a change just made is seen; a broker's are those in force.

use super::RequestContext;
use super::configs::{Failure, Resource};
use crate::broker::Broker;
use crate::config::describe::{self, Entry};
use crate::controller::validate_topic_name;
use crate::metadata::records::ConfigEntity;
use crate::telemetry::log_levels;
use crate::types::ErrorCode;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// `configSource` of a logger's level.
const LOGGER_SOURCE: i8 = 6;

/// Describes each resource, or says why not.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let unknown = |resource: &DescribeConfigsResource| {
        matches!(Resource::of(resource.resource_type), Resource::Unknown(_))
    };
    let refused = request.resources.iter().any(unknown);
    let mut results = Vec::with_capacity(request.resources.len());
    for resource in &request.resources {
        let described = match refused {
            true => Err(Failure::request(DEFAULT_MESSAGE)),
            false => describe(broker, &request, resource, context.api_version).await,
        };
        results.push(result(resource, described));
    }
    DescribeConfigsResponse::default().with_results(results)
}

/// The text of INVALID_REQUEST where there is no other.
const DEFAULT_MESSAGE: &str = "This most likely occurs because of a request being malformed by \
     the client library or the message was sent to an incompatible broker. See the broker logs \
     for more details.";

fn result(
    resource: &DescribeConfigsResource,
    described: Result<Vec<DescribeConfigsResourceResult>, Failure>,
) -> DescribeConfigsResult {
    let answer = DescribeConfigsResult::default()
        .with_resource_type(resource.resource_type)
        .with_resource_name(resource.resource_name.clone());
    match described {
        Ok(configs) => answer
            .with_error_code(ErrorCode::NONE.0)
            .with_error_message(Some(StrBytes::default()))
            .with_configs(configs),
        Err(failure) => answer
            .with_error_code(failure.code.0)
            .with_error_message(Some(StrBytes::from_string(failure.message.unwrap_or_default()))),
    }
}

async fn describe(
    broker: &Broker,
    request: &DescribeConfigsRequest,
    resource: &DescribeConfigsResource,
    version: i16,
) -> Result<Vec<DescribeConfigsResourceResult>, Failure> {
    let name = &*resource.resource_name;
    let entries = match Resource::of(resource.resource_type) {
        Resource::Topic => topic(broker, name).await?,
        Resource::Broker => described_broker(broker, name)?,
        Resource::Loggers => return loggers(broker, resource),
        Resource::ClientMetrics if name.is_empty() => {
            return Err(Failure::request("Client metrics subscription name must not be empty"));
        }
        Resource::ClientMetrics => {
            let message = "Config type client-metrics is only supported on KRaft clusters";
            return Err(Failure::request(message));
        }
        Resource::Unknown(_) => return Err(Failure::request(DEFAULT_MESSAGE)),
    };
    let wire = |entry| config(entry, request, version);
    Ok(entries.into_iter().filter(|entry| is_wanted(resource, &entry.name)).map(wire).collect())
}

/// All keys where the request names none.
fn is_wanted(resource: &DescribeConfigsResource, name: &str) -> bool {
    let keys = resource.configuration_keys.as_deref().unwrap_or_default();
    keys.is_empty() || keys.iter().any(|key| &**key == name)
}

async fn topic(broker: &Broker, name: &str) -> Result<Vec<Entry>, Failure> {
    validate_topic_name(name).map_err(|error| Failure {
        code: ErrorCode::INVALID_TOPIC_EXCEPTION,
        message: Some(error.to_string()),
    })?;
    if !broker.image.load().topics.contains_key(name) {
        return Err(Failure { code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message: None });
    }
    let overrides = broker.stored_config(&ConfigEntity::Topic(name.to_owned())).await?;
    describe::topic(&broker.config.load(), &overrides).map_err(|error| {
        tracing::warn!(topic = name, %error, "stored configuration is not valid");
        Failure::unknown()
    })
}

fn described_broker(broker: &Broker, name: &str) -> Result<Vec<Entry>, Failure> {
    let config = broker.config.load();
    if name.is_empty() {
        return Ok(describe::default_broker(&config));
    }
    if broker_id(name)? == broker.id {
        return Ok(describe::broker(&config));
    }
    Err(Failure::request(format!(
        "Unexpected broker id, expected {} or empty string, but received {name}",
        broker.id
    )))
}

fn broker_id(name: &str) -> Result<i32, Failure> {
    let refuse = |_| Failure::request(format!("Broker id must be an integer, but it is: {name}"));
    name.parse().map_err(refuse)
}

fn loggers(
    broker: &Broker,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, Failure> {
    let name = &*resource.resource_name;
    if name.is_empty() {
        return Err(Failure::request("Broker id must not be empty"));
    }
    if broker_id(name)? != broker.id {
        return Err(Failure::request(format!(
            "Unexpected broker id, expected {} but received {name}",
            broker.id
        )));
    }
    let levels = log_levels::global().all().into_iter();
    let wanted = levels.filter(|(logger, _)| is_wanted(resource, logger));
    let wire = |(logger, level): (&'static str, log_levels::Level)| {
        DescribeConfigsResourceResult::default()
            .with_name(StrBytes::from_static_str(logger))
            .with_value(Some(StrBytes::from_static_str(level.name())))
            .with_config_source(LOGGER_SOURCE)
            .with_documentation(Some(StrBytes::default()))
    };
    Ok(wanted.map(wire).collect())
}

fn config(
    entry: Entry,
    request: &DescribeConfigsRequest,
    version: i16,
) -> DescribeConfigsResourceResult {
    let text = |text: Option<String>| text.map(StrBytes::from_string);
    let synonyms = match request.include_synonyms && version >= 1 {
        true => entry.synonyms.iter().map(|synonym| {
            DescribeConfigsSynonym::default()
                .with_name(StrBytes::from_string(synonym.name.clone()))
                .with_value(text(synonym.value.clone()))
                .with_source(synonym.source as i8)
        }),
        false => return plain(entry, request),
    };
    let synonyms = synonyms.collect();
    plain(entry, request).with_synonyms(synonyms)
}

fn plain(entry: Entry, request: &DescribeConfigsRequest) -> DescribeConfigsResourceResult {
    let doc = entry.doc.filter(|_| request.include_documentation);
    DescribeConfigsResourceResult::default()
        .with_config_type(entry.type_id())
        .with_config_source(entry.source as i8)
        .with_read_only(entry.read_only)
        .with_is_sensitive(entry.sensitive)
        .with_documentation(doc.map(StrBytes::from_static_str))
        .with_name(StrBytes::from_string(entry.name))
        .with_value(entry.value.map(StrBytes::from_string))
}
