//! The transaction coordinator: producer ids for transactional ids, and transactions that span
//! partitions (KIP-98). State is kept in `__transaction_state` with exactly Kafka's records.

pub mod machine;
pub mod records;
