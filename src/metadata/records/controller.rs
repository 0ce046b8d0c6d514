//! `/controller` (who is it) and `/controller_epoch` (the how-manieth).

use super::RecordError;
use super::json::{self, Object};
use crate::types::BrokerId;
use bytes::Bytes;
use serde::Deserialize;

/// The active controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerNode {
    /// Its broker id.
    pub broker_id: BrokerId,
    /// When it was elected, milliseconds since 1970.
    pub timestamp: i64,
    /// Epoch of a KRaft controller that migrates this cluster, -1 for none.
    pub kraft_controller_epoch: i32,
}

impl ControllerNode {
    /// JSON of version 2.
    pub fn encode(&self) -> Bytes {
        Object::new()
            .number("version", 2)
            .number("brokerid", self.broker_id)
            .text("timestamp", &self.timestamp.to_string())
            .number("kraftControllerEpoch", self.kraft_controller_epoch)
            .end()
    }

    /// Reads versions 1 and 2.
    pub fn decode(data: &[u8]) -> Result<ControllerNode, RecordError> {
        let wire: Wire = json::read("controller", data)?;
        Ok(ControllerNode {
            broker_id: wire.brokerid,
            timestamp: wire.timestamp,
            kraft_controller_epoch: wire.kraft_controller_epoch,
        })
    }
}

#[derive(Deserialize)]
struct Wire {
    brokerid: BrokerId,
    #[serde(default, deserialize_with = "json::lenient_number")]
    timestamp: i64,
    #[serde(default = "none", rename = "kraftControllerEpoch")]
    kraft_controller_epoch: i32,
}

fn none() -> i32 {
    -1
}

/// The epoch as stored: a decimal number and nothing else.
pub fn encode_controller_epoch(epoch: i32) -> Bytes {
    Bytes::from(epoch.to_string())
}

/// The reverse of [`encode_controller_epoch`].
pub fn decode_controller_epoch(data: &[u8]) -> Result<i32, RecordError> {
    let text = std::str::from_utf8(data).unwrap_or_default();
    text.parse().map_err(|error| RecordError::malformed("controller epoch", error))
}
