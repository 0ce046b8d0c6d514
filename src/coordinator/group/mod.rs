//! The group coordinator: members, generations and committed offsets, kept in
//! `__consumer_offsets` with exactly Kafka 3.9's records.

pub mod classic;
mod codec;
pub mod config;
pub mod error;
pub mod offsets;
pub mod records;

pub use config::GroupConfig;
pub use error::GroupError;
