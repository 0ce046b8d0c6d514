//! ElectLeaders (43), v0-2: preferred (KIP-183) and unclean (v1, KIP-460) elections.
//!
//! As `KafkaApis.handleElectLeaders`: without partitions only elections that happened or failed are
//! answered. The answer waits until this broker knows the leaders.

use super::RequestContext;
use super::cluster_view::{deadline, text, wait_for};
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::controller::{ControllerError, ElectionType};
use crate::types::{ErrorCode, TopicPartition};
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
    let partitions: Option<Vec<TopicPartition>> = request.topic_partitions.as_ref().map(|topics| {
        let of = |t: &kafka_protocol::messages::elect_leaders_request::TopicPartitions| {
            let name: crate::types::TopicName = t.topic.as_str().into();
            let partitions = t.partitions.iter();
            partitions.map(|p| TopicPartition::new(name.clone(), *p)).collect::<Vec<_>>()
        };
        topics.iter().flat_map(of).collect()
    });
    let kind = match request.election_type {
        1 => ElectionType::Unclean,
        _ => ElectionType::Preferred,
    };
    let asked_for_all = partitions.is_none();
    let results = match broker.controller.elect_leaders(kind, partitions.clone()).await {
        Ok(results) => results,
        Err(error) => partitions
            .unwrap_or_default()
            .into_iter()
            .map(|partition| (partition, Err(error.clone())))
            .collect(),
    };
    let mut shown = Results::new();
    for (partition, result) in results {
        if asked_for_all && result == Err(ControllerError::ElectionNotNeeded) {
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

fn grouped(results: &Results) -> Vec<ReplicaElectionResult> {
    let mut topics: Vec<ReplicaElectionResult> = Vec::new();
    for (partition, result) in results {
        let (code, message) = match result {
            Ok(_) => (ErrorCode::NONE, None),
            Err(ControllerError::NotController) => (ErrorCode::NOT_CONTROLLER, None),
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
