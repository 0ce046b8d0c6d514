//! DeleteTopics (20), v0-6.
//!
//! v1 throttle time; v4 flexible; v5 error messages; v6 topic ids. As
//! `KafkaApis.handleDeleteTopicsRequest`. The answer waits until the topics are gone from this
//! broker's metadata, which is when their deletion begins.

use super::RequestContext;
use super::cluster_view::{deadline, message, wait_for};
use super::error::ToErrorCode;
use super::throttle::Mutations;
use crate::broker::Broker;
use crate::controller::ControllerError;
use crate::metadata::image::Image;
use crate::types::{ErrorCode, TopicId};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// A topic as asked for.
#[derive(PartialEq)]
struct Asked {
    name: Option<String>,
    id: TopicId,
}

/// Deletes topics, each by itself.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let deadline = deadline(request.timeout_ms);
    broker.introduced().await;
    let asked = asked(&request);
    let named_both_ways = asked.iter().any(|a| a.name.is_some() && !a.id.is_nil());
    let whole = if named_both_ways {
        Some((ErrorCode::INVALID_REQUEST, None))
    } else if !broker.controller.is_active() {
        Some((ErrorCode::NOT_CONTROLLER, None))
    } else if !broker.controller.may_delete_topics() {
        // A code that versions before 3 do not know.
        let code = if context.api_version < 3 {
            ErrorCode::INVALID_REQUEST
        } else {
            ErrorCode::TOPIC_DELETION_DISABLED
        };
        Some((code, None))
    } else {
        None
    };
    if let Some((code, text)) = whole {
        let results = asked.iter().map(|a| result(a, a.name.as_deref(), code, text.clone()));
        return DeleteTopicsResponse::default().with_responses(results.collect());
    }
    let quota = Mutations::of(broker, context, 5);
    let image = broker.image.load();
    let mut responses = Vec::with_capacity(asked.len());
    for (index, topic) in asked.iter().enumerate() {
        // A topic named twice is answered twice, and deleted once.
        let earlier = asked.iter().take(index).position(|other| other == topic);
        let known = earlier.and_then(|at| responses.get(at).cloned());
        responses.push(match known {
            Some(response) => response,
            None => delete(broker, &image, &quota, topic).await,
        });
    }
    for response in &mut responses {
        let Some(name) = response.name.clone().filter(|_| response.error_code == 0) else {
            continue;
        };
        if !wait_for(broker, deadline, |image| !image.topics.contains_key(name.as_str())).await {
            response.error_code = ErrorCode::REQUEST_TIMED_OUT.0;
        }
    }
    let mut response = DeleteTopicsResponse::default().with_responses(responses);
    if context.api_version >= 1 {
        response.throttle_time_ms = quota.throttle_ms();
    }
    response
}

fn asked(request: &DeleteTopicsRequest) -> Vec<Asked> {
    let names = request.topic_names.iter().map(|name| (Some(name.to_string()), TopicId::nil()));
    let states = request
        .topics
        .iter()
        .map(|topic| (topic.name.as_ref().map(|name| name.as_str().to_owned()), topic.topic_id));
    names.chain(states).map(|(name, id)| Asked { name, id }).collect()
}

async fn delete(
    broker: &Broker,
    image: &Image,
    quota: &Mutations<'_>,
    asked: &Asked,
) -> DeletableTopicResult {
    let controller = &broker.controller;
    let name = match &asked.name {
        Some(name) => Some(name.clone()),
        None => match controller.topic_names(vec![asked.id]).await {
            Ok(names) => names.get(&asked.id).map(ToString::to_string),
            Err(error) => return result(asked, None, error.error_code(), message(&error)),
        },
    };
    let Some(name) = name else {
        // Kafka finds no right to delete what has neither a name nor an id.
        let code = if asked.id.is_nil() {
            ErrorCode::TOPIC_AUTHORIZATION_FAILED
        } else {
            ErrorCode::UNKNOWN_TOPIC_ID
        };
        return result(asked, None, code, None);
    };
    // As the metadata has it: a topic whose deletion has begun is not deleted again.
    let Some(known) = image.topics.get(&*name) else {
        return result(asked, Some(&name), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, None);
    };
    if !quota.is_allowed() {
        let error = quota.refuse();
        return result(asked, Some(&name), error.error_code(), message(&error));
    }
    match controller.delete_topic(&name).await.inspect(|()| quota.count(known.partitions.len())) {
        Ok(()) => result(asked, Some(&name), ErrorCode::NONE, None),
        Err(error) => {
            let text = match &error {
                ControllerError::NotController => None,
                other => message(other),
            };
            result(asked, Some(&name), error.error_code(), text)
        }
    }
}

fn result(
    asked: &Asked,
    name: Option<&str>,
    code: ErrorCode,
    text: Option<StrBytes>,
) -> DeletableTopicResult {
    let name = name.map(|name| TopicName(super::cluster_view::text(name)));
    DeletableTopicResult::default()
        .with_name(name)
        .with_topic_id(asked.id)
        .with_error_code(code.0)
        .with_error_message(text)
}
