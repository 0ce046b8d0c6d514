//! What a cluster has one of: its id, its finalized features, the last block of producer ids.

use super::RecordError;
use super::json::{self, Object};
use crate::types::BrokerId;
use bytes::Bytes;
use serde::Deserialize;

/// `/cluster/id`: 22 characters of URL-safe base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterId(pub String);

impl ClusterId {
    /// A new random id.
    pub fn random() -> Self {
        ClusterId(crate::types::id_to_base64(uuid::Uuid::new_v4()))
    }

    /// JSON of version 1 (which is a string here).
    pub fn encode(&self) -> Bytes {
        Object::new().text("version", "1").text("id", &self.0).end()
    }

    /// Reads version 1.
    pub fn decode(data: &[u8]) -> Result<ClusterId, RecordError> {
        #[derive(Deserialize)]
        struct Wire {
            id: String,
        }
        let wire: Wire = json::read("cluster id", data)?;
        Ok(ClusterId(wire.id))
    }
}

/// Whether feature versions are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureStatus {
    /// IBP below 2.7.
    Disabled,
    /// IBP 2.7 and later.
    Enabled,
}

/// `/feature`. Of finalized features ZooKeeper mode has none, so only status and version matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureNode {
    /// 2 for IBP 3.3 and later, else 1.
    pub version: i32,
    /// In use or not.
    pub status: FeatureStatus,
}

impl FeatureNode {
    /// JSON of version 1 or 2 without features.
    pub fn encode(&self) -> Bytes {
        let status = match self.status {
            FeatureStatus::Disabled => 0,
            FeatureStatus::Enabled => 1,
        };
        Object::new()
            .raw("features", "{}")
            .number("version", self.version)
            .number("status", status)
            .end()
    }

    /// Reads versions 1 and 2.
    pub fn decode(data: &[u8]) -> Result<FeatureNode, RecordError> {
        #[derive(Deserialize)]
        struct Wire {
            version: i32,
            status: i32,
        }
        let wire: Wire = json::read("feature", data)?;
        let status = match wire.status {
            0 => FeatureStatus::Disabled,
            1 => FeatureStatus::Enabled,
            other => return Err(RecordError::malformed("feature", format!("status {other}"))),
        };
        Ok(FeatureNode { version: wire.version, status })
    }
}

/// Producer ids in a block.
pub const PRODUCER_ID_BLOCK_SIZE: i64 = 1000;

/// `/latest_producer_id_block`: the ids handed out last, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// Who asked.
    pub broker: BrokerId,
    /// First id.
    pub start: i64,
    /// Last id.
    pub end: i64,
}

impl ProducerIdBlock {
    /// The block after `last`, or the first one; `None` when ids have run out.
    pub fn following(last: Option<&ProducerIdBlock>, broker: BrokerId) -> Option<Self> {
        let start = match last {
            Some(block) => block.end.checked_add(1)?,
            None => 0,
        };
        let end = start.checked_add(PRODUCER_ID_BLOCK_SIZE - 1)?;
        Some(ProducerIdBlock { broker, start, end })
    }

    /// JSON of version 1.
    pub fn encode(&self) -> Bytes {
        Object::new()
            .number("version", 1)
            .number("broker", self.broker)
            .text("block_start", &self.start.to_string())
            .text("block_end", &self.end.to_string())
            .end()
    }

    /// Reads version 1.
    pub fn decode(data: &[u8]) -> Result<ProducerIdBlock, RecordError> {
        #[derive(Deserialize)]
        struct Wire {
            broker: BrokerId,
            #[serde(deserialize_with = "json::lenient_number")]
            block_start: i64,
            #[serde(deserialize_with = "json::lenient_number")]
            block_end: i64,
        }
        let wire: Wire = json::read("producer id block", data)?;
        Ok(ProducerIdBlock { broker: wire.broker, start: wire.block_start, end: wire.block_end })
    }
}
