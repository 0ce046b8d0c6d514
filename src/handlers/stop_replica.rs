//! StopReplica (5), v0-4: the controller takes replicas out of service, and may delete them.
//!
//! v1 broker epoch, grouped by topic; v2 flexible; v3 leader epoch and deletion per partition
//! (KIP-570); v4 KRaft controller. Rules: `KafkaApis.handleStopReplicaRequest`,
//! `ReplicaManager.stopReplicas`.

use super::RequestContext;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::types::{ErrorCode, TopicPartition};
use kafka_protocol::messages::stop_replica_response::StopReplicaPartitionError;
use kafka_protocol::messages::{StopReplicaRequest, StopReplicaResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// One replica to stop.
struct Stop {
    id: TopicPartition,
    leader_epoch: i32,
    delete: bool,
}

/// Stops each replica.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: StopReplicaRequest,
) -> StopReplicaResponse {
    let response = StopReplicaResponse::default();
    if broker.is_stale_epoch(request.broker_epoch) {
        return response.with_error_code(ErrorCode::STALE_BROKER_EPOCH.0);
    }
    if broker.replicas.accept_controller_epoch(request.controller_epoch).is_err() {
        return response.with_error_code(ErrorCode::STALE_CONTROLLER_EPOCH.0);
    }
    let errors = stops(&request).into_iter().map(|stop| {
        let stopped = broker.replicas.stop_replica(&stop.id, stop.leader_epoch, stop.delete);
        let code = stopped.map_or_else(|error| error.error_code(), |()| ErrorCode::NONE);
        if code == ErrorCode::NONE {
            broker.replica_stopped(&stop.id, stop.delete);
        }
        StopReplicaPartitionError::default()
            .with_topic_name(StrBytes::from_string(stop.id.topic.to_string()).into())
            .with_partition_index(stop.id.partition)
            .with_error_code(code.0)
    });
    response.with_partition_errors(errors.collect())
}

/// The replicas, from where each version has them.
fn stops(request: &StopReplicaRequest) -> Vec<Stop> {
    let old = |topic: &str, partition: i32| Stop {
        id: TopicPartition::new(topic, partition),
        leader_epoch: -1,
        delete: request.delete_partitions,
    };
    let mut all: Vec<Stop> = request
        .ungrouped_partitions
        .iter()
        .map(|partition| old(&partition.topic_name, partition.partition_index))
        .collect();
    for topic in &request.topics {
        all.extend(topic.partition_indexes.iter().map(|index| old(&topic.name, *index)));
    }
    for topic in &request.topic_states {
        all.extend(topic.partition_states.iter().map(|state| Stop {
            id: TopicPartition::new(&*topic.topic_name.0, state.partition_index),
            leader_epoch: state.leader_epoch,
            delete: state.delete_partition,
        }));
    }
    all
}
