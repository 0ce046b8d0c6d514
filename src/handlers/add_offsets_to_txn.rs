//! AddOffsetsToTxn (25), v0-4: a group's offsets become part of a transaction (KIP-98).
//!
//! v1 none; v2 PRODUCER_FENCED (KIP-588); v3 flexible; v4 none. It adds the group's partition of
//! `__consumer_offsets`. Rules: `KafkaApis.handleAddOffsetsToTxnRequest`.

use super::RequestContext;
use super::error::transaction_code;
use crate::broker::Broker;
use crate::coordinator::group::GROUP_TOPIC;
use crate::coordinator::transaction::machine::Producer;
use crate::types::TopicPartition;
use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};
use std::sync::Arc;

/// Answers when the transaction has the partition, durably.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: AddOffsetsToTxnRequest,
) -> AddOffsetsToTxnResponse {
    let partition =
        TopicPartition::new(GROUP_TOPIC, broker.groups.partition_for(&request.group_id));
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let id = request.transactional_id.0.as_str();
    let added = broker.transactions.add_partitions(id, producer, vec![partition]).await;
    let code = transaction_code(added.as_ref().map(|&()| ()), context.api_version, 2);
    AddOffsetsToTxnResponse::default().with_error_code(code.0)
}
