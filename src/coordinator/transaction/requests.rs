//! What clients and tools ask of the coordinator, except EndTxn.
//!
//! As `TransactionCoordinator.handleInitProducerId`, `handleAddPartitionsToTransaction`,
//! `handleVerifyPartitionsInTransaction`, `handleListTransactions` and
//! `handleDescribeTransactions`.

use std::sync::Arc;

use super::TransactionError;
use super::coordinator::{Cell, Owned, TransactionCoordinator};
use super::ending::abort;
use super::machine::{Init, Producer, Snapshot, State, Transaction};
use crate::types::TopicPartition;

/// InitProducerId with a transactional id.
#[derive(Clone, Debug)]
pub struct InitRequest {
    /// The id; not empty.
    pub transactional_id: Arc<str>,
    /// `transaction.timeout.ms` of the producer.
    pub timeout_ms: i32,
    /// The producer that it was, to go on as it (KIP-360).
    pub expected: Option<Producer>,
}

/// What ListTransactions asks for; what is empty or negative restricts nothing.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// Names of states, known or not.
    pub states: Vec<String>,
    /// Producer ids.
    pub producer_ids: Vec<i64>,
    /// Only transactions open for longer than this, ms.
    pub duration_ms: i64,
}

/// One transaction in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Transactional id.
    pub transactional_id: Arc<str>,
    /// Its producer id.
    pub producer_id: i64,
    /// Its state.
    pub state: State,
}

/// A transaction as it is.
pub type Described = Snapshot;

impl TransactionCoordinator {
    /// Gives a producer its id and epoch. An open transaction of the id is aborted first; until
    /// that is done the answer is CONCURRENT_TRANSACTIONS.
    pub async fn init(
        self: &Arc<Self>,
        request: InitRequest,
    ) -> Result<Producer, TransactionError> {
        if request.transactional_id.is_empty() {
            return Err(TransactionError::InvalidRequest);
        }
        if !(1..=self.config.max_timeout_ms).contains(&request.timeout_ms) {
            return Err(TransactionError::InvalidTimeout);
        }
        let owned = self.owned(&request.transactional_id)?;
        let cell = self.get_or_create(&owned, &request).await?;
        let wants_fresh = cell.transaction.lock().wants_fresh_id(request.expected);
        let fresh_id = if wants_fresh { Some(self.fresh_id().await?) } else { None };
        let mut given = None;
        let stored = self.store(&owned, &cell, |transaction| {
            let now = self.now_ms();
            match transaction.init(request.timeout_ms, request.expected, fresh_id, now)? {
                Init::Append(transit) => {
                    let (id, epoch) = (transit.0.producer_id, transit.0.producer_epoch);
                    given = Some(Producer { id, epoch });
                    Ok(Some(transit))
                }
                // In one step with the fence, which must not be left half-way.
                Init::AbortFirst(fenced) => abort(transaction, fenced, now),
            }
        });
        stored.await?;
        match given {
            Some(producer) => Ok(producer),
            None => {
                self.finish_soon(&owned, &cell).await;
                Err(TransactionError::Concurrent)
            }
        }
    }

    async fn fresh_id(&self) -> Result<i64, TransactionError> {
        self.producer_ids.fresh_id().await.map_err(TransactionError::NoProducerId)
    }

    async fn get_or_create(
        &self,
        owned: &Arc<Owned>,
        request: &InitRequest,
    ) -> Result<Arc<Cell>, TransactionError> {
        if let Some(cell) = owned.get(&request.transactional_id) {
            return Ok(cell);
        }
        let producer_id = self.fresh_id().await?;
        let id = request.transactional_id.clone();
        let mut ids = owned.ids.write();
        let cell = ids.entry(id.clone()).or_insert_with(|| {
            Cell::new(id, Transaction::new(producer_id, request.timeout_ms, self.now_ms()))
        });
        Ok(cell.clone())
    }

    /// Adds partitions to the producer's transaction, which begins with the first.
    pub async fn add_partitions(
        &self,
        transactional_id: &str,
        producer: Producer,
        partitions: Vec<TopicPartition>,
    ) -> Result<(), TransactionError> {
        let otherwise = TransactionError::ProducerIdMapping;
        let (owned, cell) = self.existing(transactional_id, otherwise)?;
        let prepare = |transaction: &mut Transaction| {
            Ok(transaction.add_partitions(producer, partitions, self.now_ms())?)
        };
        match self.store(&owned, &cell, prepare).await? {
            true => Ok(()),
            false => self.settled(&owned).await,
        }
    }

    /// Whether each partition is in the producer's open transaction.
    pub fn verify(
        &self,
        transactional_id: &str,
        producer: Producer,
        partitions: &[TopicPartition],
    ) -> Result<Vec<bool>, TransactionError> {
        let otherwise = TransactionError::ProducerIdMapping;
        let (_, cell) = self.existing(transactional_id, otherwise)?;
        Ok(cell.transaction.lock().verify(producer, partitions)?)
    }

    /// A transaction as it is.
    pub fn describe(&self, transactional_id: &str) -> Result<Described, TransactionError> {
        let (_, cell) = self.existing(transactional_id, TransactionError::NotFound)?;
        let transaction = cell.transaction.lock();
        match transaction.pending() {
            Some(State::Dead) => Err(TransactionError::NotFound),
            _ => Ok(transaction.current().clone()),
        }
    }

    /// Transactions that pass the filter, and the states in it that there are not.
    pub fn list(
        &self,
        filter: &ListFilter,
    ) -> Result<(Vec<Listed>, Vec<String>), TransactionError> {
        if !self.is_active() {
            return Err(TransactionError::NotAvailable);
        }
        let all = self.all_owned();
        if all.iter().any(|owned| owned.is_loading()) {
            return Err(TransactionError::LoadInProgress);
        }
        let state_of = |name: &String| State::ALL.into_iter().find(|s| s.name() == name);
        let states: Vec<State> = filter.states.iter().filter_map(state_of).collect();
        let unknown = filter.states.iter().filter(|name| state_of(name).is_none()).cloned();
        let now = self.now_ms();
        let mut listed = Vec::new();
        for cell in all.iter().flat_map(|owned| owned.cells()) {
            let transaction = cell.transaction.lock();
            let current = transaction.current();
            let is_dead = transaction.pending() == Some(State::Dead);
            if !is_dead && passes(filter, &states, current, now) {
                let (producer_id, state) = (current.producer_id, current.state);
                listed.push(Listed { transactional_id: cell.id.clone(), producer_id, state });
            }
        }
        Ok((listed, unknown.collect()))
    }
}

fn passes(filter: &ListFilter, states: &[State], current: &Snapshot, now_ms: i64) -> bool {
    let by_producer =
        filter.producer_ids.is_empty() || filter.producer_ids.contains(&current.producer_id);
    let by_state = filter.states.is_empty() || states.contains(&current.state);
    let open_ms = now_ms.saturating_sub(current.start_ms);
    let by_duration = filter.duration_ms < 0 || open_ms > filter.duration_ms;
    by_producer && by_state && by_duration
}
