//! The transaction coordinator of this broker: owned partitions, ids, and changes on their way
//! through the log.
//!
//! As Kafka's `TransactionStateManager`. A change is appended under the id's lock, so that the log
//! has changes in the order in which they took effect; the lock is never held while waiting.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use tracing::info;

use super::machine::{Snapshot, State, Transaction, Transit};
use super::markers::MarkerWriter;
use super::records;
use super::{TransactionConfig, TransactionError, expiry, loading};
use crate::coordinator::state_log::{Appended, NewBatch, StateLog, StateLogError, partition_of};
use crate::types::ErrorCode;

/// Where fresh producer ids come from.
#[async_trait]
pub trait ProducerIdSource: Send + Sync + 'static {
    /// An id that nobody has.
    async fn fresh_id(&self) -> Result<i64, ErrorCode>;
}

/// The coordinator of transactions.
pub struct TransactionCoordinator {
    pub(super) log: Arc<dyn StateLog>,
    pub(super) config: TransactionConfig,
    pub(super) markers: Arc<dyn MarkerWriter>,
    pub(super) producer_ids: Arc<dyn ProducerIdSource>,
    pub(super) runtime: tokio::runtime::Handle,
    is_active: AtomicBool,
    owned: RwLock<HashMap<i32, Arc<Owned>>>,
    own: Weak<TransactionCoordinator>,
}

/// A partition of `__transaction_state` that this broker leads.
pub(super) struct Owned {
    pub partition: i32,
    /// The leader epoch: the epoch of this coordinator in markers.
    pub epoch: i32,
    is_loading: AtomicBool,
    /// The end of the log when it was loaded, until all below it is replicated: then 0.
    unsettled_end: AtomicI64,
    pub ids: RwLock<HashMap<Arc<str>, Arc<Cell>>>,
}

/// A transactional id under its lock.
pub(super) struct Cell {
    pub id: Arc<str>,
    pub transaction: Mutex<Transaction>,
}

impl TransactionCoordinator {
    /// A coordinator that owns nothing yet; its timers run on `runtime`.
    pub fn start(
        config: TransactionConfig,
        log: Arc<dyn StateLog>,
        markers: Arc<dyn MarkerWriter>,
        producer_ids: Arc<dyn ProducerIdSource>,
        runtime: tokio::runtime::Handle,
    ) -> Arc<Self> {
        let coordinator = Arc::new_cyclic(|own| TransactionCoordinator {
            log,
            config,
            markers,
            producer_ids,
            runtime,
            is_active: AtomicBool::new(true),
            owned: RwLock::default(),
            own: own.clone(),
        });
        let runtime = &coordinator.runtime;
        runtime.spawn(expiry::keep_aborting(Arc::downgrade(&coordinator)));
        runtime.spawn(expiry::keep_expiring(Arc::downgrade(&coordinator)));
        coordinator
    }

    /// Stops: every request is answered COORDINATOR_NOT_AVAILABLE from now on.
    pub fn shutdown(&self) {
        self.is_active.store(false, Ordering::Release);
        self.owned.write().clear();
    }

    /// The partition of `__transaction_state` that keeps a transactional id.
    pub fn partition_for(&self, transactional_id: &str) -> i32 {
        partition_of(transactional_id, self.log.partitions())
    }

    /// This broker now leads `partition` of `__transaction_state`: load it, in the background.
    pub fn on_leadership(&self, partition: i32, epoch: i32) {
        let owned = Arc::new(Owned {
            partition,
            epoch,
            is_loading: AtomicBool::new(true),
            unsettled_end: AtomicI64::new(0),
            ids: RwLock::default(),
        });
        {
            let mut all = self.owned.write();
            if all.get(&partition).is_some_and(|old| old.epoch >= epoch) {
                return;
            }
            all.insert(partition, owned.clone());
        }
        let Some(own) = self.own.upgrade() else {
            return;
        };
        self.runtime.spawn_blocking(move || own.load(&owned));
    }

    /// This broker no longer leads `partition` of `__transaction_state`.
    pub fn on_resignation(&self, partition: i32) {
        self.owned.write().remove(&partition);
    }

    fn load(self: &Arc<Self>, owned: &Arc<Owned>) {
        let began = Instant::now();
        let partition = owned.partition;
        let is_wanted = || self.is_current(owned);
        let buffer = self.config.load_buffer_bytes;
        let loaded = loading::load(&*self.log, partition, buffer, is_wanted);
        let end = self.log.bounds(partition).map_or(0, |bounds| bounds.end);
        owned.unsettled_end.store(end, Ordering::Release);
        let count = loaded.len();
        let mut unfinished = Vec::new();
        {
            let mut ids = owned.ids.write();
            for (id, snapshot) in loaded {
                let cell = Cell::new(id.clone(), Transaction::load(snapshot));
                if matches!(cell.state(), State::PrepareCommit | State::PrepareAbort) {
                    unfinished.push(cell.clone());
                }
                ids.insert(id, cell);
            }
        }
        owned.is_loading.store(false, Ordering::Release);
        let took_ms = began.elapsed().as_millis() as u64;
        let open = unfinished.len();
        info!(partition, ids = count, unfinished = open, took_ms, "loaded transactions");
        for cell in unfinished {
            let own = self.clone();
            let owned = owned.clone();
            self.runtime.spawn(async move { own.finish(owned, cell).await });
        }
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.config.clock.now_ms()
    }

    pub(super) fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Acquire)
    }

    /// Whether this broker still leads the partition in the epoch of `owned`.
    pub(super) fn is_current(&self, owned: &Arc<Owned>) -> bool {
        let all = self.owned.read();
        self.is_active() && all.get(&owned.partition).is_some_and(|o| Arc::ptr_eq(o, owned))
    }

    /// The partition of a transactional id, if this broker serves it now.
    pub(super) fn owned(&self, transactional_id: &str) -> Result<Arc<Owned>, TransactionError> {
        if !self.is_active() {
            return Err(TransactionError::NotAvailable);
        }
        let partition = self.partition_for(transactional_id);
        let owned = self.owned.read().get(&partition).cloned();
        let owned = owned.ok_or(TransactionError::NotCoordinator)?;
        if owned.is_loading() {
            return Err(TransactionError::LoadInProgress);
        }
        Ok(owned)
    }

    /// A transactional id that exists.
    pub(super) fn existing(
        &self,
        transactional_id: &str,
        otherwise: TransactionError,
    ) -> Result<(Arc<Owned>, Arc<Cell>), TransactionError> {
        if transactional_id.is_empty() {
            return Err(TransactionError::InvalidRequest);
        }
        let owned = self.owned(transactional_id)?;
        let cell = owned.get(transactional_id).ok_or(otherwise)?;
        Ok((owned, cell))
    }

    /// Every owned partition.
    pub(super) fn all_owned(&self) -> Vec<Arc<Owned>> {
        self.owned.read().values().cloned().collect()
    }

    /// Appends, unless the partition was loaded anew: that must not miss a record.
    pub(super) fn append(
        &self,
        owned: &Arc<Owned>,
        batch: &NewBatch,
    ) -> Result<Appended, StateLogError> {
        let all = self.owned.read();
        if !all.get(&owned.partition).is_some_and(|o| Arc::ptr_eq(o, owned)) {
            return Err(StateLogError::NotLeader);
        }
        self.log.append(owned.partition, batch)
    }

    /// Waits until what was loaded is replicated: the end of a leader's log may be lost with it,
    /// and then nobody must have been told of it, no partition and no client. An error if this
    /// broker no longer leads.
    pub(super) async fn settled(&self, owned: &Arc<Owned>) -> Result<(), TransactionError> {
        const PATIENCE: Duration = Duration::from_secs(5);
        let end = owned.unsettled_end.load(Ordering::Acquire);
        if end > 0 {
            self.log.committed(owned.partition, end, PATIENCE).await?;
            owned.unsettled_end.store(0, Ordering::Release);
        }
        if self.is_current(owned) { Ok(()) } else { Err(TransactionError::NotCoordinator) }
    }

    /// Carries one change through the log: prepared and appended under the lock, it holds once it
    /// is replicated. `false` when `prepare` has nothing to change.
    pub(super) async fn store(
        &self,
        owned: &Arc<Owned>,
        cell: &Arc<Cell>,
        prepare: impl FnOnce(&mut Transaction) -> Result<Option<Transit>, TransactionError> + Send,
    ) -> Result<bool, TransactionError> {
        let (transit, appended) = {
            let mut transaction = cell.transaction.lock();
            let Some(transit) = prepare(&mut transaction)? else {
                return Ok(false);
            };
            let batch = batch(&cell.id, &transit.0, self.now_ms());
            let appended = self.append(owned, &batch);
            (transit, appended)
        };
        let result = match appended {
            Ok(appended) => {
                let wait = commit_timeout(transit.0.timeout_ms);
                self.log.committed(owned.partition, appended.end_offset, wait).await
            }
            Err(error) => Err(error),
        };
        let mut transaction = cell.transaction.lock();
        if let Err(error) = result {
            transaction.give_up(&transit);
            info!(id = %cell.id, state = transit.0.state.name(), %error, "state not stored");
            return Err(error.into());
        }
        transaction.complete(transit);
        drop(transaction);
        // What was loaded since may not have this change.
        if self.is_current(owned) { Ok(true) } else { Err(TransactionError::NotCoordinator) }
    }
}

/// Replicas get as long as the transaction itself.
fn commit_timeout(timeout_ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0).max(1000))
}

fn batch(id: &str, snapshot: &Snapshot, now_ms: i64) -> NewBatch {
    NewBatch {
        records: vec![(records::encode_key(id), Some(records::encode_value(snapshot)))],
        timestamp: now_ms,
        ..NewBatch::default()
    }
}

impl Owned {
    pub fn is_loading(&self) -> bool {
        self.is_loading.load(Ordering::Acquire)
    }

    /// The id, if it is known.
    pub fn get(&self, transactional_id: &str) -> Option<Arc<Cell>> {
        self.ids.read().get(transactional_id).cloned()
    }

    /// Every id.
    pub fn cells(&self) -> Vec<Arc<Cell>> {
        self.ids.read().values().cloned().collect()
    }
}

impl Cell {
    pub fn new(id: Arc<str>, transaction: Transaction) -> Arc<Cell> {
        Arc::new(Cell { id, transaction: Mutex::new(transaction) })
    }

    pub fn state(&self) -> State {
        self.transaction.lock().current().state
    }
}
