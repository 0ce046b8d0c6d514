//! Why a request about a transaction fails: a variant for each answer a client distinguishes.
//!
//! As the errors of Kafka's `TransactionCoordinator`; `handlers/error.rs` gives the codes.

use super::machine::Refusal;
use crate::coordinator::state_log::StateLogError;
use crate::types::ErrorCode;

/// Why a transactional request fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum TransactionError {
    #[error("the transactional id is empty, or the request contradicts itself")]
    InvalidRequest,
    #[error("the timeout is not within 1..=transaction.max.timeout.ms")]
    InvalidTimeout,
    #[error("another broker coordinates the transactional id")]
    NotCoordinator,
    #[error("the transactional id's partition is being loaded")]
    LoadInProgress,
    #[error("the state could not be replicated, or the coordinator is shut down")]
    NotAvailable,
    #[error("another change of the transaction is under way")]
    Concurrent,
    #[error("the transactional id has another producer id")]
    ProducerIdMapping,
    #[error("a newer producer has the transactional id")]
    ProducerFenced,
    #[error("the transaction is in a state that does not allow this")]
    InvalidState,
    #[error("no such transactional id")]
    NotFound,
    #[error("no producer id: {}", .0.name())]
    NoProducerId(ErrorCode),
    #[error("unexpected: {0}")]
    Unexpected(String),
}

impl From<Refusal> for TransactionError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Concurrent => TransactionError::Concurrent,
            Refusal::ProducerIdMapping => TransactionError::ProducerIdMapping,
            Refusal::Fenced => TransactionError::ProducerFenced,
            Refusal::InvalidState => TransactionError::InvalidState,
            Refusal::Impossible => TransactionError::Unexpected(refusal.to_string()),
        }
    }
}

impl From<StateLogError> for TransactionError {
    fn from(error: StateLogError) -> Self {
        match error {
            StateLogError::UnknownPartition
            | StateLogError::NotEnoughReplicas
            | StateLogError::NotEnoughReplicasAfterAppend
            | StateLogError::TimedOut => TransactionError::NotAvailable,
            StateLogError::NotLeader | StateLogError::Storage(_) => {
                TransactionError::NotCoordinator
            }
            StateLogError::TooLarge
            | StateLogError::InvalidProducerEpoch
            | StateLogError::InvalidTransactionState
            | StateLogError::Corrupt { .. } => TransactionError::Unexpected(error.to_string()),
        }
    }
}
