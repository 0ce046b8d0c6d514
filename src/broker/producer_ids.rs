//! Producer ids for idempotent producers: handed out from a block that the controller gave.
//!
//! As Kafka's `RPCProducerIdManager`, without its prefetching: whoever finds the block empty asks,
//! and the others wait for the same answer.

use crate::controller::client::ControllerClient;
use crate::coordinator::transaction::ProducerIdSource;
use crate::types::ErrorCode;
use async_trait::async_trait;
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Producer ids for the transaction coordinator.
pub(super) struct FreshIds {
    pub ids: Arc<ProducerIds>,
    pub controller: Arc<ControllerClient>,
}

#[async_trait]
impl ProducerIdSource for FreshIds {
    async fn fresh_id(&self) -> Result<i64, ErrorCode> {
        self.ids.next(&self.controller).await
    }
}

/// The block in use.
#[derive(Debug, Default)]
pub struct ProducerIds {
    block: Mutex<Range<i64>>,
}

impl ProducerIds {
    /// Ids as if the controller had given them.
    #[cfg(test)]
    pub async fn stock(&self, block: Range<i64>) {
        *self.block.lock().await = block;
    }

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
