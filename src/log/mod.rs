//! The partitioned log on disk, byte for byte as Kafka 3.9 has it.
//!
//! `dirs` owns the log directories, `partition_log` one partition's log; the rest serves them.
//! Synchronous. Does not know: wire messages, replicas, ZooKeeper. `cleaner` compacts.

mod api;
mod append;
mod aside;
pub mod batch;
pub mod checkpoint;
mod cleaner;
pub mod compress;
mod dirs;
#[cfg(test)]
mod disk_tests;
pub mod down_convert;
mod epoch_file;
#[cfg(test)]
mod faulty;
mod file;
#[cfg(test)]
mod flush_tests;
#[cfg(test)]
mod full_tests;
mod futures;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(test)]
mod gone_tests;
mod index;
mod leader_epochs;
mod leftovers;
pub mod legacy;
#[cfg(test)]
mod legacy_tests;
mod loading;
#[cfg(test)]
mod mended_tests;
#[cfg(test)]
mod model;
#[cfg(test)]
mod model_tests;
mod no_wait;
mod open_files;
mod partition_log;
mod pooled;
#[cfg(test)]
mod preallocate_tests;
mod producer_state;
mod read;
pub mod record;
mod recovery;
mod relocate;
mod replace;
#[cfg(test)]
mod replace_tests;
mod retention;
mod segment;
mod shared;
mod snapshot;
#[cfg(test)]
pub(crate) mod testing;
mod truncate;
mod txn_index;
mod upkeep;
mod validate;

pub use api::*;
pub use checkpoint::Meta;
pub use cleaner::{CleanerConfig, CleanerMetrics};
pub use dirs::{DirStatus, LogDirs, LogDirsConfig};
pub use futures::can_move;
pub use no_wait::without_waiting;
pub use partition_log::Log;
