//! The partitioned log on disk, byte for byte as Kafka 3.9 has it.
//!
//! `dirs` owns the log directories, `partition_log` one partition's log; the rest serves them.
//! Synchronous. Does not know: wire messages, replicas, ZooKeeper. Compaction will be `cleaner`.

mod api;
pub mod batch;
pub mod checkpoint;
pub mod compress;
mod file;
mod index;
mod leader_epochs;
pub mod legacy;
mod producer_state;
pub mod record;
mod segment;
mod snapshot;
#[cfg(test)]
pub(crate) mod testing;
mod txn_index;
mod validate;

pub use api::*;
pub use checkpoint::Meta;
