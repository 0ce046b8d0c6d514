//! Configuration: one declaration a key, and everything that follows from it.
//!
//! Kafka's key names, types, defaults and rules (KIP-226 for dynamic configs). Synchronous; knows
//! neither the wire nor the metadata store.

mod broker;
mod declare;
mod derived;
pub mod describe;
pub mod dynamic;
mod error;
pub mod key;
pub mod keys;
mod listener;
pub mod load;
pub mod manual;
mod names;
mod provider;
mod refuse;
pub mod release;
mod topic;
mod topic_values;
mod validate;
mod value;

pub use broker::{BrokerConfig, Properties};
pub use declare::{Check, Declaration, Effect, Importance, Key, Type, Update};
pub use error::ConfigError;
pub use listener::{Listener, SecurityProtocol};
pub use topic::{TOPIC_KEYS, TopicConfig, TopicKey, find_topic_key};
pub use topic_values::{CleanupPolicy, CompressionType, ThrottledReplicas, TimestampType};
pub use value::{FromValue, List, Value};

#[cfg(test)]
mod tests;
