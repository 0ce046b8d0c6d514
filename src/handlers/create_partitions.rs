//! CreatePartitions (37), v0-3.
//!
//! v1 throttle on the client's side; v2 flexible; v3 quota errors. As
//! `KafkaApis.handleCreatePartitionsRequest`. The answer waits for the new partitions' leaders.

use super::RequestContext;
use super::cluster_view::{deadline, is_led, message, racks, wait_for};
use super::error::ToErrorCode;
use super::throttle::Mutations;
use crate::broker::Broker;
use crate::controller::{ControllerError, NewPartitions};
use crate::metadata::records::paths;
use crate::types::ErrorCode;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Adds partitions, to each topic by itself.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let deadline = deadline(request.timeout_ms);
    broker.introduced().await;
    let quota = Mutations::of(broker, context, 3);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for topic in &request.topics {
        *counts.entry(topic.name.to_string()).or_default() += 1;
    }
    // Kafka makes paths of the names, and an empty one fails the whole request.
    let is_failed = broker.controller.is_active() && counts.get("") == Some(&1);
    let mut results = Vec::new();
    let mut waits = Vec::new();
    for topic in &request.topics {
        let name = topic.name.to_string();
        let is_repeated = match counts.remove(&name) {
            Some(count) => count > 1,
            None => continue,
        };
        let result = match is_failed {
            true => Err(ControllerError::Unknown),
            false => add(broker, &quota, topic, is_repeated, request.validate_only).await,
        };
        if result.is_ok() && !request.validate_only {
            waits.push((results.len(), name, topic.count));
        }
        let (code, text) = match &result {
            Ok(()) => (ErrorCode::NONE, None),
            Err(error) => (error.error_code(), message(error)),
        };
        results.push(
            CreatePartitionsTopicResult::default()
                .with_name(topic.name.clone())
                .with_error_code(code.0)
                .with_error_message(text),
        );
    }
    // Only then: a topic whose partitions get no leader does not keep the others from theirs.
    for (at, name, count) in waits {
        if !wait_for(broker, deadline, |image| is_led(image, &name, count)).await
            && let Some(result) = results.get_mut(at)
        {
            result.error_code = ErrorCode::REQUEST_TIMED_OUT.0;
        }
    }
    CreatePartitionsResponse::default()
        .with_throttle_time_ms(quota.throttle_ms())
        .with_results(results)
}

async fn add(
    broker: &Broker,
    quota: &Mutations<'_>,
    topic: &CreatePartitionsTopic,
    is_repeated: bool,
    validate_only: bool,
) -> Result<(), ControllerError> {
    let controller = &broker.controller;
    if !controller.is_active() {
        return Err(ControllerError::NotController);
    }
    if is_repeated {
        return Err(ControllerError::InvalidRequest("Duplicate topic in request.".into()));
    }
    let deleting = controller.store().get(&paths::delete_topic(&topic.name)).await?;
    if deleting.is_some() {
        return Err(ControllerError::InvalidTopic("The topic is queued for deletion.".into()));
    }
    let replicas =
        |a: &kafka_protocol::messages::create_partitions_request::CreatePartitionsAssignment| {
            a.broker_ids.iter().map(|id| id.0).collect()
        };
    let asked = NewPartitions {
        topic: topic.name.to_string(),
        count: topic.count,
        assignments: topic.assignments.as_ref().map(|all| all.iter().map(replicas).collect()),
    };
    // What is wrong with them is said before that they are too many.
    let is_refused = !validate_only && !quota.is_allowed();
    let before =
        broker.image.load().topics.get(topic.name.as_str()).map_or(0, |t| t.partitions.len());
    controller.create_partitions(&racks(broker), asked, validate_only || is_refused).await?;
    if is_refused {
        return Err(quota.refuse());
    }
    if !validate_only {
        quota.count(usize::try_from(topic.count).unwrap_or(0).saturating_sub(before));
    }
    Ok(())
}
