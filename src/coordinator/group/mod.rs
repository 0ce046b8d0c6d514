//! The group coordinator: members, generations and committed offsets, kept in
//! `__consumer_offsets` with exactly Kafka 3.9's records.

pub mod config;
pub mod error;

pub use config::GroupConfig;
pub use error::GroupError;
