//! EndTxn (26), v0-4: commits or aborts a transaction (KIP-98).
//!
//! v1 none; v2 PRODUCER_FENCED (KIP-588); v3 flexible; v4 none. Repeating it gives success again.
//! Rules: `KafkaApis.handleEndTxnRequest`, `TransactionCoordinator.endTransaction`.

use super::RequestContext;
use super::error::transaction_code;
use crate::broker::Broker;
use crate::coordinator::transaction::machine::{Outcome, Producer};
use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse};
use std::sync::Arc;

/// Answers when the decision is durable, and as a rule when its markers are.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: EndTxnRequest,
) -> EndTxnResponse {
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let outcome = if request.committed { Outcome::Commit } else { Outcome::Abort };
    let id = request.transactional_id.0.as_str();
    let ended = broker.transactions.end(id, producer, outcome).await;
    let code = transaction_code(ended.as_ref().map(|&()| ()), context.api_version, 2);
    EndTxnResponse::default().with_error_code(code.0)
}
