//! The transaction coordinator: producer ids for transactional ids, and transactions that span
//! partitions (KIP-98). State is kept in `__transaction_state` with exactly Kafka's records.
//!
//! `machine` holds the rules of one transactional id; `coordinator` owns partitions of the topic
//! and carries its changes through the log; `ending` and `markers` end transactions.

mod config;
mod coordinator;
mod ending;
mod error;
mod expiry;
mod loading;
pub mod machine;
pub mod markers;
mod peers;
pub mod records;
mod requests;
#[cfg(test)]
mod tests;
pub mod verification;

pub use config::{Clock, TransactionConfig};
pub use coordinator::{ProducerIdSource, TransactionCoordinator};
pub use error::TransactionError;
pub use markers::{BrokerMarkers, MarkerOutcome, MarkerWriter};
pub use peers::BrokerPeers;
pub use requests::{Described, InitRequest, ListFilter, Listed};
pub use verification::{Verdict, Verifier};

/// The topic that keeps transactions.
pub const TRANSACTION_TOPIC: &str = "__transaction_state";
