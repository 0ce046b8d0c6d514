//! Ending transactions: the decision in the log, the markers, and the end of it in the log.
//!
//! As `TransactionCoordinator.endTransaction` and `TransactionMarkerChannelManager`. Kafka answers
//! EndTxn once the decision is durable; here it also waits a moment for the markers, so that the
//! next transaction of the same producer does not meet CONCURRENT_TRANSACTIONS.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::TransactionError;
use super::coordinator::{Cell, Owned, TransactionCoordinator};
use super::machine::{End, Outcome, Producer, State, Transaction, Transit};
use super::markers::{Marker, MarkerOutcome};
use crate::types::TopicPartition;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl TransactionCoordinator {
    /// EndTxn of a client. Repeating it is answered with success.
    pub async fn end(
        self: &Arc<Self>,
        transactional_id: &str,
        producer: Producer,
        outcome: Outcome,
    ) -> Result<(), TransactionError> {
        let otherwise = TransactionError::ProducerIdMapping;
        let (owned, cell) = self.existing(transactional_id, otherwise)?;
        let ended = self.end_cell(&owned, &cell, |transaction| {
            match transaction.end(producer, outcome, true, self.now_ms())? {
                End::Append(transit) => Ok(Some(transit)),
                End::Already => Ok(None),
            }
        });
        match ended.await? {
            true => Ok(()),
            false => self.settled(&owned).await,
        }
    }

    /// Carries a prepared end through; waits a moment for its markers. `false` when there is
    /// nothing to end.
    pub(super) async fn end_cell(
        self: &Arc<Self>,
        owned: &Arc<Owned>,
        cell: &Arc<Cell>,
        prepare: impl FnOnce(&mut Transaction) -> Result<Option<Transit>, TransactionError> + Send,
    ) -> Result<bool, TransactionError> {
        let is_ending = self.store(owned, cell, prepare).await?;
        if is_ending {
            self.finish_soon(owned, cell).await;
        }
        Ok(is_ending)
    }

    /// Writes the markers of what is decided; waits for them no longer than a moment.
    pub(super) async fn finish_soon(self: &Arc<Self>, owned: &Arc<Owned>, cell: &Arc<Cell>) {
        let (own, owned, cell) = (self.clone(), owned.clone(), cell.clone());
        let finished = self.runtime.spawn(async move { own.finish(owned, cell).await });
        // Late or not, the end of the transaction is decided; the task goes on.
        let _ = tokio::time::timeout(self.config.marker_wait, finished).await;
    }

    /// Writes the markers of a decided transaction and then its end, however long it takes, as
    /// long as this broker is the coordinator.
    pub(super) async fn finish(self: Arc<Self>, owned: Arc<Owned>, cell: Arc<Cell>) {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.settled(&owned).await {
            if !self.is_current(&owned) {
                return;
            }
            info!(id = %cell.id, %error, "the end of a transaction is not replicated yet");
            rest(&mut pause).await;
        }
        if !self.write_markers(&owned, &cell).await {
            return;
        }
        let mut pause = FIRST_PAUSE;
        loop {
            let now = self.now_ms();
            let prepare =
                |transaction: &mut Transaction| Ok(Some(transaction.markers_written(now)?));
            match self.store(&owned, &cell, prepare).await {
                // Somebody else has ended it.
                Ok(_) | Err(TransactionError::InvalidState) => return,
                Err(_) if !self.is_current(&owned) => return,
                Err(error) => info!(id = %cell.id, %error, "cannot end the transaction yet"),
            }
            rest(&mut pause).await;
        }
    }

    /// Whether all markers are written; not if this broker has ceased to be the coordinator.
    async fn write_markers(&self, owned: &Arc<Owned>, cell: &Arc<Cell>) -> bool {
        let (marker, mut left) = {
            let transaction = cell.transaction.lock();
            let now = transaction.current();
            let marker = Marker {
                producer: Producer { id: now.producer_id, epoch: now.producer_epoch },
                is_commit: now.state == State::PrepareCommit,
                coordinator_epoch: owned.epoch,
            };
            (marker, now.partitions.clone())
        };
        let mut pause = FIRST_PAUSE;
        let mut attempts = 0;
        while !left.is_empty() {
            if !self.is_current(owned) {
                return false;
            }
            let asked: Vec<TopicPartition> = left.iter().cloned().collect();
            let outcomes = self.markers.write(&marker, &asked).await;
            attempts += 1;
            if !self.take(cell, &mut left, outcomes, attempts) {
                return false;
            }
            if !left.is_empty() {
                rest(&mut pause).await;
            }
        }
        true
    }

    /// Strikes out what is written; `false` when a newer coordinator was there.
    fn take(
        &self,
        cell: &Cell,
        left: &mut BTreeSet<TopicPartition>,
        outcomes: Vec<(TopicPartition, MarkerOutcome)>,
        attempts: u32,
    ) -> bool {
        // A controller may tell of a leadership before it tells of topics: not at the first look.
        const LOOKS: u32 = 10;
        for (partition, outcome) in outcomes {
            let is_done = match outcome {
                MarkerOutcome::Written | MarkerOutcome::ProducerFenced => true,
                MarkerOutcome::Unknown => attempts >= LOOKS,
                MarkerOutcome::Retry => false,
                MarkerOutcome::CoordinatorFenced => {
                    warn!(id = %cell.id, %partition, "a newer coordinator has written markers");
                    return false;
                }
            };
            if is_done {
                left.remove(&partition);
            }
        }
        true
    }
}

/// Prepares the abort of a transaction whose producer was just fenced.
pub(super) fn abort(
    transaction: &mut Transaction,
    fenced: Producer,
    now_ms: i64,
) -> Result<Option<Transit>, TransactionError> {
    match transaction.end(fenced, Outcome::Abort, false, now_ms) {
        Ok(End::Append(transit)) => Ok(Some(transit)),
        Ok(End::Already) => {
            transaction.give_up_pending();
            Ok(None)
        }
        Err(refusal) => {
            transaction.give_up_pending();
            Err(refusal.into())
        }
    }
}

async fn rest(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}
