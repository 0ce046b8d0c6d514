//! Types of topic configuration values that are more than a number or a string.

use super::declare::Declaration;
use super::error::ConfigError;
use super::value::{FromValue, Value};
use std::sync::Arc;

/// `cleanup.policy`; both may be set, and neither (nothing is ever removed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Old segments are deleted.
    pub delete: bool,
    /// Only the last record of a key is kept.
    pub compact: bool,
}

impl FromValue for CleanupPolicy {
    fn from_value(value: &Value) -> Option<Self> {
        let Value::List(words) = value else { return None };
        let has = |word: &str| words.iter().any(|w| &**w == word);
        Some(CleanupPolicy { delete: has("delete"), compact: has("compact") })
    }
}

/// `compression.type` of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent it.
    Producer,
    /// Stored uncompressed.
    Uncompressed,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl FromValue for CompressionType {
    fn from_value(value: &Value) -> Option<Self> {
        let Value::Text(word) = value else { return None };
        Some(match &**word {
            "producer" => CompressionType::Producer,
            "uncompressed" => CompressionType::Uncompressed,
            "gzip" => CompressionType::Gzip,
            "snappy" => CompressionType::Snappy,
            "lz4" => CompressionType::Lz4,
            "zstd" => CompressionType::Zstd,
            _ => return None,
        })
    }
}

/// `message.timestamp.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's time.
    CreateTime,
    /// The broker's time of appending.
    LogAppendTime,
}

impl FromValue for TimestampType {
    fn from_value(value: &Value) -> Option<Self> {
        let Value::Text(word) = value else { return None };
        match &**word {
            "CreateTime" => Some(TimestampType::CreateTime),
            "LogAppendTime" => Some(TimestampType::LogAppendTime),
            _ => None,
        }
    }
}

/// `leader.replication.throttled.replicas` and the follower's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThrottledReplicas {
    /// `*`.
    All,
    /// `(partition, broker)` pairs.
    Pairs(Vec<(i32, i32)>),
}

impl ThrottledReplicas {
    /// Whether the replica of `partition` on `broker` is throttled.
    pub fn contains(&self, partition: i32, broker: i32) -> bool {
        match self {
            ThrottledReplicas::All => true,
            ThrottledReplicas::Pairs(pairs) => pairs.contains(&(partition, broker)),
        }
    }
}

impl FromValue for ThrottledReplicas {
    fn from_value(value: &Value) -> Option<Self> {
        let Value::List(items) = value else { return None };
        if let [only] = &**items
            && &**only == "*"
        {
            return Some(ThrottledReplicas::All);
        }
        let pair = |item: &Arc<str>| {
            let (partition, broker) = item.split_once(':')?;
            Some((partition.parse().ok()?, broker.parse().ok()?))
        };
        items.iter().map(pair).collect::<Option<Vec<_>>>().map(ThrottledReplicas::Pairs)
    }
}

pub(super) fn check_throttled(key: &Declaration, value: &Value) -> Result<(), ConfigError> {
    if ThrottledReplicas::from_value(value).is_some() {
        return Ok(());
    }
    let why = format!(
        "{} must be the literal '*' or a list of replicas in the following format: \
         [partitionId]:[brokerId],[partitionId]:[brokerId],...",
        key.name
    );
    let shown = match value {
        Value::List(items) => format!("[{}]", items.join(", ")),
        other => other.to_string(),
    };
    Err(ConfigError::invalid(key, &shown, why))
}
