//! Names and numbers that every layer shares. Knows nothing of files, sockets or wire messages.

mod error_code;

pub use error_code::ErrorCode;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// `broker.id`: 0 or more for a broker, -1 where there is none.
pub type BrokerId = i32;

/// "No broker": the leader of a leaderless partition, the controller of a cluster without one.
pub const NO_BROKER: BrokerId = -1;

/// A topic's name, shared.
pub type TopicName = Arc<str>;

/// A topic id (KIP-516). The zero id means "none".
pub type TopicId = uuid::Uuid;

/// One partition of one topic; prints as `orders-3`, as in Kafka's logs and directory names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: TopicName,
    /// The partition's index, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: impl Into<TopicName>, partition: i32) -> Self {
        TopicPartition { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Milliseconds since 1970, UTC: the clock of record timestamps and of everything persisted.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

/// A topic or cluster id as Kafka prints it: 16 bytes as 22 characters of URL-safe base64.
///
/// Example: the bytes `00 01 … 0f` print as `AAECAwQFBgcICQoLDA0ODw`.
pub fn id_to_base64(id: TopicId) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// The reverse of [`id_to_base64`]; `None` for anything but 22 characters of URL-safe base64.
pub fn id_from_base64(text: &str) -> Option<TopicId> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
    TopicId::from_slice(&bytes).ok()
}
