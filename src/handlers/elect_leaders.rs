//! ElectLeaders (43), v0-2: preferred (KIP-183) and unclean (v1, KIP-460) elections.
//!
//! As `KafkaApis.handleElectLeaders`: without partitions those of the metadata are meant, and only
//! elections that happened or failed are answered. The answer waits until this broker knows the
//! leaders.

use super::RequestContext;
use super::cluster_view::{deadline, text, wait_for};
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::controller::{ControllerError, ElectionType};
use crate::metadata::image::Image;
use crate::types::{ErrorCode, TopicPartition};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse, TopicName};
use std::collections::BTreeMap;
use std::sync::Arc;

type Results = BTreeMap<TopicPartition, Result<i32, ControllerError>>;

/// Elects leaders, if this broker is the controller.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ElectLeadersRequest,
) -> ElectLeadersResponse {
    let deadline = deadline(request.timeout_ms);
    broker.introduced().await;
    let kind = match request.election_type {
        0 => ElectionType::Preferred,
        1 => ElectionType::Unclean,
        _ => return refuse(&request),
    };
    let partitions: Vec<_> = match &request.topic_partitions {
        Some(topics) => asked(topics).collect(),
        None => all(&broker.image.load()).collect(),
    };
    let results = match broker.controller.elect_leaders(kind, partitions.clone()).await {
        Ok(results) => results,
        Err(error) => partitions.into_iter().map(|p| (p, Err(error.clone()))).collect(),
    };
    let mut shown = Results::new();
    for (partition, result) in results {
        if request.topic_partitions.is_none() && result == Err(ControllerError::ElectionNotNeeded) {
            continue;
        }
        let result = match result {
            Ok(leader) => {
                let is_known = wait_for(broker, deadline, |image| {
                    let known = image.partition(&partition.topic, partition.partition);
                    known.is_some_and(|p| p.leader == leader)
                });
                if is_known.await { Ok(leader) } else { Err(ControllerError::RequestTimedOut) }
            }
            Err(error) => Err(error),
        };
        shown.insert(partition, result);
    }
    let response = ElectLeadersResponse::default().with_replica_election_results(grouped(&shown));
    if context.api_version >= 1 { response.with_error_code(ErrorCode::NONE.0) } else { response }
}

fn asked(topics: &[TopicPartitions]) -> impl Iterator<Item = TopicPartition> {
    topics.iter().flat_map(|topic| {
        let name: crate::types::TopicName = topic.topic.as_str().into();
        topic.partitions.iter().map(move |p| TopicPartition::new(name.clone(), *p))
    })
}

fn all(image: &Image) -> impl Iterator<Item = TopicPartition> {
    image.topics.values().flat_map(|topic| {
        topic.partitions.keys().map(|p| TopicPartition::new(topic.name.clone(), *p))
    })
}

/// Kafka fails on a kind of election that does not exist.
fn refuse(request: &ElectLeadersRequest) -> ElectLeadersResponse {
    let failed = |p| (p, Err(ControllerError::Unknown));
    let results = request.topic_partitions.iter().flat_map(|t| asked(t)).map(failed).collect();
    ElectLeadersResponse::default()
        .with_error_code(ErrorCode::UNKNOWN_SERVER_ERROR.0)
        .with_replica_election_results(grouped(&results))
}

fn grouped(results: &Results) -> Vec<ReplicaElectionResult> {
    let mut topics: Vec<ReplicaElectionResult> = Vec::new();
    for (partition, result) in results {
        let (code, message) = match result {
            Ok(_) => (ErrorCode::NONE, None),
            Err(error @ (ControllerError::NotController | ControllerError::Unknown)) => {
                (error.error_code(), None)
            }
            Err(error) => (error.error_code(), Some(text(&error.to_string()))),
        };
        if topics.last().is_none_or(|t| t.topic.as_str() != &*partition.topic) {
            let name = TopicName(text(&partition.topic));
            topics.push(ReplicaElectionResult::default().with_topic(name));
        }
        if let Some(topic) = topics.last_mut() {
            topic.partition_result.push(
                PartitionResult::default()
                    .with_partition_id(partition.partition)
                    .with_error_code(code.0)
                    .with_error_message(message),
            );
        }
    }
    topics
}
