//! What time does to transactions: those that are open for too long are aborted, and transactional
//! ids that nobody has used for long are forgotten.
//!
//! As `TransactionCoordinator.abortTimedOutTransactions` and `TransactionStateManager.
//! removeExpiredTransactionalIds`.

use std::sync::{Arc, Weak};

use tracing::info;

use super::TransactionConfig;
use super::coordinator::{Cell, Owned, TransactionCoordinator};
use super::ending::abort;
use super::records;
use crate::coordinator::state_log::NewBatch;
use std::time::Duration;

/// Tombstones in one batch.
const BATCH_MAX: usize = 1000;

impl TransactionCoordinator {
    /// Aborts every transaction that has been open for longer than its timeout at `now_ms`.
    pub async fn abort_timed_out(self: &Arc<Self>, now_ms: i64) {
        for owned in self.all_owned().into_iter().filter(|owned| !owned.is_loading()) {
            for cell in owned.cells() {
                let aborted = self.end_cell(&owned, &cell, |transaction| {
                    let Some(fenced) = transaction.time_out(now_ms) else {
                        return Ok(None);
                    };
                    info!(id = %cell.id, "transaction timed out");
                    abort(transaction, fenced, now_ms)
                });
                if let Err(error) = aborted.await {
                    info!(id = %cell.id, %error, "timed out, not yet aborted");
                }
            }
        }
    }

    /// Forgets every id that is idle since before `now_ms - transactional.id.expiration.ms`.
    pub async fn forget_expired(&self, now_ms: i64) {
        let expired_ms = now_ms.saturating_sub(self.config.expiration_ms);
        for owned in self.all_owned().into_iter().filter(|owned| !owned.is_loading()) {
            let mut expired = owned.cells();
            expired.retain(|cell| cell.transaction.lock().expire(expired_ms));
            for cells in expired.chunks(BATCH_MAX) {
                self.forget(&owned, cells, now_ms).await;
            }
        }
    }

    async fn forget(&self, owned: &Arc<Owned>, cells: &[Arc<Cell>], now_ms: i64) {
        let batch = NewBatch {
            records: cells.iter().map(|cell| (records::encode_key(&cell.id), None)).collect(),
            timestamp: now_ms,
            ..NewBatch::default()
        };
        let result = match self.append(owned, &batch) {
            Ok(appended) => {
                let wait = Duration::from_secs(30);
                self.log.committed(owned.partition, appended.end_offset, wait).await
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => {
                let mut ids = owned.ids.write();
                cells.iter().for_each(|cell| drop(ids.remove(&cell.id)));
                info!(partition = owned.partition, count = cells.len(), "forgot expired ids");
            }
            Err(error) => {
                cells.iter().for_each(|cell| cell.transaction.lock().give_up_pending());
                info!(partition = owned.partition, %error, "expired ids not forgotten");
            }
        }
    }
}

/// Every `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
pub(super) async fn keep_aborting(coordinator: Weak<TransactionCoordinator>) {
    while let Some(live) = pause(&coordinator, |config| config.abort_interval).await {
        live.abort_timed_out(live.now_ms()).await;
    }
}

/// Every `transaction.remove.expired.transaction.cleanup.interval.ms`.
pub(super) async fn keep_expiring(coordinator: Weak<TransactionCoordinator>) {
    while let Some(live) = pause(&coordinator, |config| config.expiry_interval).await {
        live.forget_expired(live.now_ms()).await;
    }
}

/// The coordinator after a pause, unless it is gone or shut down.
async fn pause(
    coordinator: &Weak<TransactionCoordinator>,
    interval: impl Fn(&TransactionConfig) -> Duration,
) -> Option<Arc<TransactionCoordinator>> {
    let interval = interval(&coordinator.upgrade()?.config);
    tokio::time::sleep(interval).await;
    coordinator.upgrade().filter(|live| live.is_active())
}
