//! Kafka's znodes: their paths and their JSON, once, typed.
//!
//! Encoding gives the bytes that Kafka 3.9 writes: its key order (an accident of Scala's and Java's
//! hash maps, the same every time), no spaces, no newline. Decoding goes by name and ignores what
//! it does not know. Knows nothing of a store: callers put these bytes into operations.

mod admin;
mod broker;
mod cluster;
mod config;
mod controller;
pub(crate) mod json;
pub mod paths;
mod sanitize;
#[cfg(test)]
mod tests;
mod topic;

pub use admin::{
    ElectionRequest, IsrChange, LOG_DIR_FAILURE, LogDirEvent, PartitionRef, ReassignmentRequest,
};
pub use broker::{BrokerEndpoint, BrokerRegistration, VersionRange};
pub use cluster::{ClusterId, FeatureNode, FeatureStatus, PRODUCER_ID_BLOCK_SIZE, ProducerIdBlock};
pub use config::{ConfigChange, ConfigData, ConfigEntity, EntityName};
pub use controller::{ControllerNode, decode_controller_epoch, encode_controller_epoch};
pub use sanitize::{desanitize, sanitize};
pub use topic::{PartitionState, ReplicaAssignment, TopicAssignment};

/// Why a znode's content was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not the JSON that belongs at this kind of node.
    #[error("{what}: {reason}")]
    Malformed {
        /// Which kind of node.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A version that Kafka 3.9 does not read either.
    #[error("{what}: version {version} is not known")]
    UnknownVersion {
        /// Which kind of node.
        what: &'static str,
        /// The version found.
        version: i64,
    },
}

impl RecordError {
    fn malformed(what: &'static str, reason: impl std::fmt::Display) -> Self {
        RecordError::Malformed { what, reason: reason.to_string() }
    }
}
