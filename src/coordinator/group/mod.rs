//! The group coordinator: members, generations and committed offsets, kept in
//! `__consumer_offsets` with exactly Kafka 3.9's records.
//!
//! `classic` is the rebalance protocol as a pure machine, `offsets` what is committed, `records`
//! how both are kept; the rest joins them to the log, to time and to waiting requests.

mod administration;
mod cell;
pub mod classic;
mod classic_members;
mod clock;
mod codec;
mod commit;
pub mod config;
pub mod consumer;
#[cfg(test)]
mod consumer_tests;
mod consumer_view;
mod coordinator;
pub mod error;
#[cfg(test)]
mod golden;
mod heartbeats;
mod loading;
mod membership;
#[cfg(test)]
mod model;
pub mod offsets;
pub mod records;
#[cfg(test)]
mod tests;
mod timer;
pub mod topics;

pub use administration::{DescribedMember, Description, Overview};
pub use commit::{CommitRequest, CommitResults, Fetched};
pub use config::GroupConfig;
pub use consumer_view::{ConsumerDescription, ConsumerMember};
pub use coordinator::GroupCoordinator;
pub use error::{GroupError, HeartbeatError};
pub use heartbeats::HeartbeatReply;
pub use topics::{ImageTopics, Topics};

/// The topic in which groups are kept.
pub const GROUP_TOPIC: &str = "__consumer_offsets";
