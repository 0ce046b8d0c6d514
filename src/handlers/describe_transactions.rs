//! DescribeTransactions (65), v0: transactions as their coordinator knows them (KIP-664).
//!
//! Rules: `TransactionCoordinator.handleDescribeTransactions`.

use super::RequestContext;
use super::convert::wire;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::coordinator::transaction::Described;
use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::{DescribeTransactionsRequest, DescribeTransactionsResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Answers at once.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DescribeTransactionsRequest,
) -> DescribeTransactionsResponse {
    let states = request.transactional_ids.into_iter().map(|id| {
        let state = match broker.transactions.describe(&id.0) {
            Ok(described) => state(&described),
            Err(error) => TransactionState::default().with_error_code(error.error_code().0),
        };
        state.with_transactional_id(id)
    });
    DescribeTransactionsResponse::default().with_transaction_states(states.collect())
}

fn state(described: &Described) -> TransactionState {
    let partitions: Vec<_> = described.partitions.iter().collect();
    let topics = partitions.chunk_by(|a, b| a.topic == b.topic).map(|partitions| {
        let name = partitions.first().map_or("", |p| &*p.topic);
        TopicData::default()
            .with_topic(wire(name).into())
            .with_partitions(partitions.iter().map(|p| p.partition).collect())
    });
    TransactionState::default()
        .with_transaction_state(StrBytes::from_static_str(described.state.name()))
        .with_transaction_timeout_ms(described.timeout_ms)
        .with_transaction_start_time_ms(described.start_ms)
        .with_producer_id(described.producer_id.into())
        .with_producer_epoch(described.producer_epoch)
        .with_topics(topics.collect())
}
