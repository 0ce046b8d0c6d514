//! Producer ids for idempotent producers: handed out from a block that the controller gave.
//!
//! As Kafka's `RPCProducerIdManager`, without its prefetching: whoever finds the block empty asks,
//! and the others wait for the same answer.

use crate::controller::client::ControllerClient;
use crate::types::ErrorCode;
use std::ops::Range;
use tokio::sync::Mutex;

/// The block in use.
#[derive(Debug, Default)]
pub struct ProducerIds {
    block: Mutex<Range<i64>>,
}

impl ProducerIds {
    /// The next id. COORDINATOR_LOAD_IN_PROGRESS, which clients retry, while the controller gives
    /// no block.
    pub async fn next(&self, controller: &ControllerClient) -> Result<i64, ErrorCode> {
        let mut block = self.block.lock().await;
        if let Some(id) = block.next() {
            return Ok(id);
        }
        match controller.allocate_producer_ids().await {
            Ok((start, len)) => {
                *block = start..start + i64::from(len);
                block.next().ok_or(ErrorCode::UNKNOWN_SERVER_ERROR)
            }
            Err(error) => {
                tracing::debug!(%error, "no producer ids from the controller");
                Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)
            }
        }
    }
}
