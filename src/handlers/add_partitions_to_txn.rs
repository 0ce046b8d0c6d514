//! AddPartitionsToTxn (24), v0-5: partitions become part of a transaction (KIP-98).
//!
//! v1 none; v2 PRODUCER_FENCED (KIP-588); v3 flexible; v4 several transactions, and asking only
//! whether the partitions are in (KIP-890): brokers send it, clients stay at v3; v5
//! TRANSACTION_ABORTABLE. All partitions of a transaction are added, or none. Rules:
//! `KafkaApis.handleAddPartitionsToTxnRequest`.

use super::convert::text;
use super::error::transaction_code;
use super::{RequestContext, lookup};
use crate::broker::Broker;
use crate::coordinator::transaction::machine::Producer;
use crate::types::{ErrorCode, TopicPartition};
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};
use std::sync::Arc;

/// The first version that several transactions fit in, for brokers only.
const BATCHED: i16 = 4;
/// The first version that knows TRANSACTION_ABORTABLE.
const ABORTABLE: i16 = 5;
/// The first version that knows PRODUCER_FENCED.
const FENCED_SINCE: i16 = 2;

/// Answers when the partitions are in, durably.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let version = context.api_version;
    let response = AddPartitionsToTxnResponse::default();
    if version < BATCHED {
        let transaction = AddPartitionsToTxnTransaction::default()
            .with_transactional_id(request.v3_and_below_transactional_id)
            .with_producer_id(request.v3_and_below_producer_id)
            .with_producer_epoch(request.v3_and_below_producer_epoch)
            .with_topics(request.v3_and_below_topics);
        let codes = one(broker, version, &transaction).await;
        return response.with_results_by_topic_v3_and_below(results(&transaction.topics, &codes));
    }
    let mut all = Vec::with_capacity(request.transactions.len());
    for transaction in request.transactions {
        let codes = one(broker, version, &transaction).await;
        all.push(
            AddPartitionsToTxnResult::default()
                .with_topic_results(results(&transaction.topics, &codes))
                .with_transactional_id(transaction.transactional_id),
        );
    }
    response.with_results_by_transaction(all)
}

/// A code for each partition of a transaction, in the order of the request.
async fn one(
    broker: &Arc<Broker>,
    version: i16,
    request: &AddPartitionsToTxnTransaction,
) -> Vec<ErrorCode> {
    let mut partitions = Vec::new();
    for topic in &request.topics {
        let name = text(&topic.name);
        partitions.extend(topic.partitions.iter().map(|p| TopicPartition::new(name.clone(), *p)));
    }
    let refusals: Vec<ErrorCode> =
        partitions.iter().map(|partition| refusal(broker, version, partition)).collect();
    if refusals.iter().any(|code| *code != ErrorCode::NONE) {
        let untried = |code| match code {
            ErrorCode::NONE => ErrorCode::OPERATION_NOT_ATTEMPTED,
            code => code,
        };
        return refusals.into_iter().map(untried).collect();
    }
    let id = request.transactional_id.0.as_str();
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let count = partitions.len();
    if request.verify_only {
        return match broker.transactions.verify(id, producer, &partitions) {
            Ok(are_in) => are_in.into_iter().map(|is_in| verified(version, is_in)).collect(),
            Err(error) => vec![transaction_code(Err(&error), version, FENCED_SINCE); count],
        };
    }
    let added = broker.transactions.add_partitions(id, producer, partitions).await;
    vec![transaction_code(added.as_ref().map(|&()| ()), version, FENCED_SINCE); count]
}

/// Clients must not add what only brokers write, nor what does not exist.
fn refusal(broker: &Broker, version: i16, partition: &TopicPartition) -> ErrorCode {
    let is_internal = matches!(&*partition.topic, "__consumer_offsets" | "__transaction_state");
    if version < BATCHED && is_internal {
        return ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    }
    if !lookup::is_known(broker, &partition.topic, partition.partition) {
        return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    }
    ErrorCode::NONE
}

fn verified(version: i16, is_in: bool) -> ErrorCode {
    match is_in {
        true => ErrorCode::NONE,
        false if version >= ABORTABLE => ErrorCode::TRANSACTION_ABORTABLE,
        false => ErrorCode::INVALID_TXN_STATE,
    }
}

fn results(
    topics: &[AddPartitionsToTxnTopic],
    codes: &[ErrorCode],
) -> Vec<AddPartitionsToTxnTopicResult> {
    let mut codes = codes.iter();
    let partition = |index: i32, code: Option<&ErrorCode>| {
        AddPartitionsToTxnPartitionResult::default()
            .with_partition_index(index)
            .with_partition_error_code(code.map_or(ErrorCode::UNKNOWN_SERVER_ERROR.0, |c| c.0))
    };
    let topic = |topic: &AddPartitionsToTxnTopic| {
        let partitions = topic.partitions.iter().map(|index| partition(*index, codes.next()));
        AddPartitionsToTxnTopicResult::default()
            .with_results_by_partition(partitions.collect())
            .with_name(topic.name.clone())
    };
    topics.iter().map(topic).collect()
}
