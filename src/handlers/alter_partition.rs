//! AlterPartition (56), v0-3: a leader changes its in-sync set (KIP-497).
//!
//! v1 leader recovery state (KIP-704); v2 topic ids; v3 broker epochs of the in-sync replicas
//! (KIP-903). As `KafkaController.alterPartitions`.

use super::RequestContext;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::controller::{ControllerError, InSync, InSyncChange};
use crate::types::{ErrorCode, TopicId, TopicName, TopicPartition};
use kafka_protocol::messages::alter_partition_request as asked;
use kafka_protocol::messages::alter_partition_response::{PartitionData, TopicData};
use kafka_protocol::messages::{AlterPartitionRequest, AlterPartitionResponse, BrokerId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// First version with topic ids in place of names.
const WITH_IDS: i16 = 2;
/// First version that knows UNKNOWN_TOPIC_ID and INELIGIBLE_REPLICA.
const WITH_EPOCHS: i16 = 3;

/// Changes in-sync sets, if this broker is the controller.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: AlterPartitionRequest,
) -> AlterPartitionResponse {
    let version = context.api_version;
    match alter(broker, version, &request).await {
        Ok(topics) => AlterPartitionResponse::default().with_topics(topics),
        Err(error) => AlterPartitionResponse::default().with_error_code(error.error_code().0),
    }
}

async fn alter(
    broker: &Broker,
    version: i16,
    request: &AlterPartitionRequest,
) -> Result<Vec<TopicData>, ControllerError> {
    let controller = &broker.controller;
    let names: BTreeMap<TopicId, TopicName> = if version >= WITH_IDS {
        controller.topic_names(request.topics.iter().map(|topic| topic.topic_id).collect()).await?
    } else {
        BTreeMap::new()
    };
    let name = |topic: &asked::TopicData| -> Option<TopicName> {
        if version >= WITH_IDS {
            names.get(&topic.topic_id).cloned()
        } else {
            Some(topic.topic_name.as_str().into())
        }
    };
    let mut changes = Vec::new();
    for topic in &request.topics {
        let Some(name) = name(topic) else { continue };
        changes.extend(topic.partitions.iter().map(|p| change(version, &name, p)));
    }
    let epoch = request.broker_epoch;
    let results = controller.alter_partitions(request.broker_id.0, epoch, changes).await?;
    let answer = |topic: &asked::TopicData| {
        let name = name(topic);
        let partitions = topic.partitions.iter().map(|partition| {
            let index = partition.partition_index;
            let result = name
                .as_ref()
                .and_then(|name| results.get(&TopicPartition::new(name.clone(), index)));
            match result {
                Some(result) => answer(version, index, result),
                None => PartitionData::default()
                    .with_partition_index(index)
                    .with_error_code(ErrorCode::UNKNOWN_TOPIC_ID.0),
            }
        });
        let answered = TopicData::default().with_partitions(partitions.collect());
        if version >= WITH_IDS {
            answered.with_topic_id(topic.topic_id)
        } else {
            answered.with_topic_name(topic.topic_name.clone())
        }
    };
    Ok(request.topics.iter().map(answer).collect())
}

fn change(version: i16, topic: &TopicName, partition: &asked::PartitionData) -> InSyncChange {
    let isr = if version >= WITH_EPOCHS {
        partition.new_isr_with_epochs.iter().map(|b| (b.broker_id.0, b.broker_epoch)).collect()
    } else {
        partition.new_isr.iter().map(|id| (id.0, -1)).collect()
    };
    InSyncChange {
        partition: TopicPartition::new(topic.clone(), partition.partition_index),
        leader_epoch: partition.leader_epoch,
        isr,
        recovering: partition.leader_recovery_state == 1,
        partition_epoch: partition.partition_epoch,
    }
}

fn answer(version: i16, index: i32, result: &Result<InSync, ControllerError>) -> PartitionData {
    let answer = PartitionData::default().with_partition_index(index);
    let now = match result {
        Ok(now) => now,
        Err(error) => return answer.with_error_code(error_code(version, error).0),
    };
    let answer = answer
        .with_leader_id(BrokerId(now.leader))
        .with_leader_epoch(now.leader_epoch)
        .with_isr(now.isr.iter().copied().map(BrokerId).collect())
        .with_partition_epoch(now.partition_epoch);
    if version >= 1 { answer.with_leader_recovery_state(i8::from(now.recovering)) } else { answer }
}

fn error_code(version: i16, error: &ControllerError) -> ErrorCode {
    match error.error_code() {
        ErrorCode::INELIGIBLE_REPLICA if version < WITH_EPOCHS => {
            ErrorCode::OPERATION_NOT_ATTEMPTED
        }
        code => code,
    }
}
