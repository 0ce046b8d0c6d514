//! AlterConfigs (33), v0-2: replaces all the configs of topics and brokers.
//!
//! v1 none; v2 flexible. Deprecated for IncrementalAlterConfigs, and still what older clients send.
//! Any broker takes topics' changes, only the broker named a broker's. As
//! `KafkaApis.handleAlterConfigsRequest` in ZooKeeper mode.

use super::RequestContext;
use super::configs::{self, Altered, Failure, Wanted, altered};
use crate::broker::Broker;
use crate::config::Properties;
use crate::config::dynamic::{self, Change, Operation};
use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use std::sync::Arc;

altered!(AlterConfigsResource, AlterConfigsResourceResponse);

/// Changes each resource, or says why not. Kafka leaves a resource that is named twice alone,
/// changes the others, and fails on the answer.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: AlterConfigsRequest,
) -> Option<AlterConfigsResponse> {
    let responses = configs::alter_each(&request.resources, async |resource| {
        let all = Wanted::All(all(resource)?);
        configs::alter(broker, resource.resource(), all, request.validate_only).await
    });
    let responses = responses.await;
    let is_repeated = |resource| configs::is_repeated(&request.resources, resource);
    match request.resources.iter().any(is_repeated) {
        true => None,
        false => Some(AlterConfigsResponse::default().with_responses(responses)),
    }
}

/// All that the resource shall have.
fn all(resource: &AlterConfigsResource) -> Result<Properties, Failure> {
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
    let pairs = changes.into_iter().map(|change| (change.name, change.value.unwrap_or_default()));
    Ok(pairs.collect())
}
