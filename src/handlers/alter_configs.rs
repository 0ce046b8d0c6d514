//! AlterConfigs (33), v0-2: replaces all the configs of topics and brokers.
//!
//! v1 none; v2 flexible. Deprecated for IncrementalAlterConfigs, and still what older clients send.
//! Any broker takes topics' changes, only the broker named a broker's. As
//! `KafkaApis.handleAlterConfigsRequest` in ZooKeeper mode.

use super::RequestContext;
use super::configs::{self, Failure, Resource, Wanted};
use crate::broker::Broker;
use crate::config::Properties;
use crate::config::dynamic::{self, Change, Operation};
use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use std::sync::Arc;

/// Changes each resource, or says why not.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in &request.resources {
        let same = |other: &&AlterConfigsResource| {
            other.resource_type == resource.resource_type
                && other.resource_name == resource.resource_name
        };
        let altered = match request.resources.iter().filter(same).count() {
            1 => alter(broker, resource, request.validate_only).await,
            _ => Err(Failure::request("Each resource must appear at most once.")),
        };
        let (code, message) = configs::outcome(altered);
        responses.push(
            AlterConfigsResourceResponse::default()
                .with_error_code(code)
                .with_error_message(message)
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone()),
        );
    }
    AlterConfigsResponse::default().with_responses(responses)
}

async fn alter(
    broker: &Broker,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Failure> {
    let changes: Vec<Change> = resource
        .configs
        .iter()
        .map(|config| Change {
            name: config.name.to_string(),
            operation: Operation::Set,
            value: config.value.as_ref().map(|value| value.to_string()),
        })
        .collect();
    dynamic::check_changes(&changes)?;
    let all: Properties =
        changes.into_iter().map(|change| (change.name, change.value.unwrap_or_default())).collect();
    let name = &*resource.resource_name;
    match Resource::of(resource.resource_type) {
        Resource::Topic => {
            configs::alter_topic(broker, name, Wanted::All(all), validate_only).await
        }
        Resource::Broker => {
            configs::alter_broker(broker, name, Wanted::All(all), validate_only).await
        }
        Resource::ClientMetrics => Err(Failure::request(
            "AlterConfigs is only supported for topics and brokers, but resource type is \
             CLIENT_METRICS",
        )),
        Resource::Loggers | Resource::Unknown(_) => {
            let message = format!("Unknown resource type {}", resource.resource_type);
            Err(Failure::request(message))
        }
    }
}
