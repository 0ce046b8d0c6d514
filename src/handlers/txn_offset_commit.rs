//! TxnOffsetCommit (28), v0-4: offsets that count when a transaction commits (KIP-98).
//!
//! v1 none; v2 leader epoch; v3 member, instance and generation, which are checked (KIP-447),
//! flexible; v4 TRANSACTION_ABORTABLE (KIP-890). Generation -1 is taken from anybody. Rules:
//! `KafkaApis.handleTxnOffsetCommitRequest`, `GroupCoordinator.handleTxnCommitOffsets`.

use super::convert::{nullable, text};
use super::error::code_of;
use super::{RequestContext, lookup};
use crate::broker::Broker;
use crate::config::key;
use crate::coordinator::group::classic::Identity;
use crate::coordinator::group::records::OffsetValue;
use crate::coordinator::group::{CommitRequest, GROUP_TOPIC};
use crate::coordinator::state_log;
use crate::coordinator::transaction::Verdict;
use crate::coordinator::transaction::machine::Producer;
use crate::types::{ErrorCode, TopicPartition, now_ms};
use kafka_protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestPartition;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};
use std::collections::HashMap;
use std::sync::Arc;

/// The first version that knows TRANSACTION_ABORTABLE.
const ABORTABLE: i16 = 4;

/// Answers when the offsets are replicated.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: TxnOffsetCommitRequest,
) -> TxnOffsetCommitResponse {
    let mut offsets = Vec::new();
    let now = now_ms();
    for topic in &request.topics {
        let name = text(&topic.name);
        for partition in &topic.partitions {
            if lookup::is_known(broker, &name, partition.partition_index) {
                let id = TopicPartition::new(name.clone(), partition.partition_index);
                offsets.push((id, value(partition, now)));
            }
        }
    }
    let ids: Vec<TopicPartition> = offsets.iter().map(|(id, _)| id.clone()).collect();
    let codes = if offsets.is_empty() {
        Vec::new()
    } else {
        commit(broker, context.api_version, &request, offsets).await
    };
    let codes: HashMap<TopicPartition, i16> = ids.into_iter().zip(codes).collect();
    answer(&request, &codes)
}

async fn commit(
    broker: &Arc<Broker>,
    version: i16,
    request: &TxnOffsetCommitRequest,
    offsets: Vec<(TopicPartition, OffsetValue)>,
) -> Vec<i16> {
    let count = offsets.len();
    if let Err(code) = verify(broker, version, request).await {
        return vec![for_version(version, code.0); count];
    }
    let producer = state_log::Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let commit = CommitRequest {
        group_id: text(&request.group_id),
        identity: Identity {
            member_id: text(&request.member_id),
            instance_id: nullable(&request.group_instance_id),
        },
        generation: request.generation_id,
        knows_epochs: false,
        offsets,
        producer: Some(producer),
    };
    let results = broker.groups.commit_offsets(commit).await;
    let code = |result: &Result<(), _>| for_version(version, code_of(result.as_ref().err()));
    results.iter().map(code).collect()
}

/// Old clients do not know that loading is worth a retry.
fn for_version(version: i16, code: i16) -> i16 {
    if version < 2 && code == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS.0 {
        return ErrorCode::COORDINATOR_NOT_AVAILABLE.0;
    }
    code
}

/// Makes sure that the group's partition is in the transaction.
async fn verify(
    broker: &Arc<Broker>,
    version: i16,
    request: &TxnOffsetCommitRequest,
) -> Result<(), ErrorCode> {
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let index = broker.groups.partition_for(&request.group_id);
    let Some(partition) = broker.replicas.get(GROUP_TOPIC, index) else {
        return Ok(());
    };
    let Some(verification) = partition.start_verification(producer.id, producer.epoch) else {
        return Ok(());
    };
    let verdict = if broker.config.load().get(key::TRANSACTION_PARTITION_VERIFICATION_ENABLE) {
        let asked = [partition.id().clone()];
        let verdicts = broker.verifier.verify(&request.transactional_id.0, producer, &asked).await;
        verdicts.first().copied().unwrap_or(Verdict::Unavailable)
    } else {
        Verdict::InTransaction
    };
    if verdict == Verdict::InTransaction
        && partition.verified(producer.id, producer.epoch, verification)
    {
        return Ok(());
    }
    partition.not_verified(producer.id, verification);
    Err(match verdict {
        Verdict::InTransaction | Verdict::NotInTransaction if version >= ABORTABLE => {
            ErrorCode::TRANSACTION_ABORTABLE
        }
        Verdict::InTransaction | Verdict::NotInTransaction => ErrorCode::INVALID_TXN_STATE,
        Verdict::Fenced => ErrorCode::INVALID_PRODUCER_EPOCH,
        Verdict::Unavailable => ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
        Verdict::Refused(code) => code,
    })
}

fn value(partition: &TxnOffsetCommitRequestPartition, now: i64) -> OffsetValue {
    OffsetValue {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: nullable(&partition.committed_metadata).unwrap_or_else(|| "".into()),
        commit_timestamp: now,
        expire_timestamp: None,
    }
}

fn answer(
    request: &TxnOffsetCommitRequest,
    codes: &HashMap<TopicPartition, i16>,
) -> TxnOffsetCommitResponse {
    let topics = request.topics.iter().map(|topic| {
        let name = text(&topic.name);
        let partitions = topic.partitions.iter().map(|partition| {
            let id = TopicPartition::new(name.clone(), partition.partition_index);
            let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0;
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(id.partition)
                .with_error_code(codes.get(&id).copied().unwrap_or(unknown))
        });
        TxnOffsetCommitResponseTopic::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name.clone())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}
