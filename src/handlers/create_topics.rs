//! CreateTopics (19), v0-7.
//!
//! v1 error messages and validate-only; v4 defaults for partitions and replication (KIP-464, here
//! in all versions); v5 flexible, returns configs (KIP-525); v7 topic ids. As
//! `KafkaApis.handleCreateTopicsRequest` and `ZkAdminManager`. The answer waits until this broker
//! knows the leaders, up to the time-out.

use super::RequestContext;
use super::cluster_view::{deadline, is_led, message, racks, text, wait_for};
use super::error::ToErrorCode;
use super::throttle::Mutations;
use crate::broker::Broker;
use crate::config::describe;
use crate::controller::{ControllerError, Created, NewTopic};
use crate::types::ErrorCode;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};
use std::sync::Arc;

const METADATA_TOPIC: &str = "__cluster_metadata";

/// Creates topics, each by itself.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let deadline = deadline(request.timeout_ms);
    broker.introduced().await;
    let quota = Mutations::of(broker, context, 6);
    let mut topics = Vec::with_capacity(request.topics.len());
    let mut waits = Vec::new();
    let repeated: Vec<bool> = request
        .topics
        .iter()
        .map(|topic| request.topics.iter().filter(|other| other.name == topic.name).count() > 1)
        .collect();
    for (topic, is_repeated) in request.topics.into_iter().zip(repeated) {
        let name = topic.name.clone();
        let result = create(broker, &quota, topic, is_repeated, request.validate_only).await;
        if let Ok(created) = &result
            && !request.validate_only
        {
            quota.count(usize::try_from(created.partitions).unwrap_or(0));
            waits.push((topics.len(), name.to_string(), created.partitions));
        }
        topics.push(answer(broker, name, result));
    }
    for (at, name, partitions) in waits {
        if !wait_for(broker, deadline, |image| is_led(image, &name, partitions)).await
            && let Some(result) = topics.get_mut(at)
        {
            *result = CreatableTopicResult::default()
                .with_name(result.name.clone())
                .with_topic_id(result.topic_id)
                .with_error_code(ErrorCode::REQUEST_TIMED_OUT.0)
                .with_error_message(None)
                .with_num_partitions(-1)
                .with_replication_factor(-1);
        }
    }
    let mut response = CreateTopicsResponse::default().with_topics(topics);
    if context.api_version >= 2 {
        response.throttle_time_ms = quota.throttle_ms();
    }
    response
}

async fn create(
    broker: &Arc<Broker>,
    quota: &Mutations<'_>,
    topic: CreatableTopic,
    is_repeated: bool,
    validate_only: bool,
) -> Result<Created, ControllerError> {
    if !broker.controller.is_active() {
        return Err(ControllerError::NotController);
    }
    if is_repeated {
        return Err(ControllerError::InvalidRequest(
            "Found multiple entries for this topic.".into(),
        ));
    }
    if topic.name.as_str() == METADATA_TOPIC {
        return Err(ControllerError::InvalidRequest(format!(
            "Creation of internal topic {METADATA_TOPIC} is prohibited."
        )));
    }
    let new = NewTopic {
        name: topic.name.to_string(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .iter()
            .map(|a| (a.partition_index, a.broker_ids.iter().map(|id| id.0).collect()))
            .collect(),
        configs: topic
            .configs
            .iter()
            .map(|c| (c.name.to_string(), c.value.as_ref().map(ToString::to_string)))
            .collect(),
    };
    let config = broker.config.load_full();
    // What is wrong with the topic is said before that it is one too many.
    let is_refused = !validate_only && !quota.is_allowed();
    let only_check = validate_only || is_refused;
    let created = broker.controller.create_topic(&config, &racks(broker), new, only_check).await?;
    if is_refused { Err(quota.refuse()) } else { Ok(created) }
}

fn answer(
    broker: &Broker,
    name: TopicName,
    result: Result<Created, ControllerError>,
) -> CreatableTopicResult {
    let answer = CreatableTopicResult::default().with_name(name);
    let created = match result {
        Ok(created) => created,
        Err(error) => {
            let answer = answer
                .with_error_code(error.error_code().0)
                .with_num_partitions(-1)
                .with_replication_factor(-1);
            // Not the controller: Kafka leaves the message as it is made, empty.
            return match error {
                ControllerError::NotController => answer,
                error => answer.with_error_message(message(&error)),
            };
        }
    };
    let entries = describe::topic(&broker.config.load(), &created.configs).unwrap_or_default();
    let configs = entries.into_iter().map(|entry| {
        CreatableTopicConfigs::default()
            .with_name(text(&entry.name))
            .with_value(entry.value.as_deref().map(text))
            .with_read_only(entry.read_only)
            .with_config_source(entry.source as i8)
            .with_is_sensitive(entry.sensitive)
    });
    answer
        .with_topic_id(created.id)
        .with_error_message(None)
        .with_num_partitions(created.partitions)
        .with_replication_factor(created.replication_factor)
        .with_configs(Some(configs.collect()))
}
