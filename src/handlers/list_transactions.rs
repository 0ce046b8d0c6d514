//! ListTransactions (66), v0-1: the transactions that this broker coordinates (KIP-664).
//!
//! v1 only those open for longer than a duration (KIP-994). Rules: `TransactionStateManager.
//! listTransactionStates`.

use super::RequestContext;
use super::convert::wire;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::coordinator::transaction::ListFilter;
use kafka_protocol::messages::list_transactions_response::TransactionState;
use kafka_protocol::messages::{ListTransactionsRequest, ListTransactionsResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Answers at once.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: ListTransactionsRequest,
) -> ListTransactionsResponse {
    let filter = ListFilter {
        states: request.state_filters.iter().map(|name| name.to_string()).collect(),
        producer_ids: request.producer_id_filters.iter().map(|id| id.0).collect(),
        duration_ms: request.duration_filter,
    };
    let response = ListTransactionsResponse::default();
    let (listed, unknown) = match broker.transactions.list(&filter) {
        Ok(found) => found,
        Err(error) => return response.with_error_code(error.error_code().0),
    };
    let states = listed.into_iter().map(|listed| {
        TransactionState::default()
            .with_transactional_id(wire(&listed.transactional_id).into())
            .with_producer_id(listed.producer_id.into())
            .with_transaction_state(StrBytes::from_static_str(listed.state.name()))
    });
    response
        .with_transaction_states(states.collect())
        .with_unknown_state_filters(unknown.iter().map(|name| wire(name)).collect())
}
