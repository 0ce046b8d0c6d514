//! The coordinator over a topic in memory and partitions that count their markers.

mod model;
mod script;

use super::machine::{Outcome, Producer, State};
use super::markers::Marker;
use super::*;
use crate::coordinator::state_log::memory::MemoryLog;
use crate::types::{ErrorCode, TopicPartition};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Partitions that note every marker, and first answer what they are told to.
#[derive(Default)]
struct Partitions {
    written: Mutex<Vec<(Marker, TopicPartition)>>,
    next: Mutex<VecDeque<MarkerOutcome>>,
}

#[async_trait]
impl MarkerWriter for Partitions {
    async fn write(
        &self,
        marker: &Marker,
        partitions: &[TopicPartition],
    ) -> Vec<(TopicPartition, MarkerOutcome)> {
        let answer = |partition: &TopicPartition| {
            let outcome = self.next.lock().pop_front().unwrap_or(MarkerOutcome::Written);
            if outcome == MarkerOutcome::Written {
                self.written.lock().push((*marker, partition.clone()));
            }
            (partition.clone(), outcome)
        };
        partitions.iter().map(answer).collect()
    }
}

#[derive(Default)]
struct Ids(AtomicI64);

#[async_trait]
impl ProducerIdSource for Ids {
    async fn fresh_id(&self) -> Result<i64, ErrorCode> {
        Ok(1000 + self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct Fixture {
    log: Arc<MemoryLog>,
    partitions: Arc<Partitions>,
    ids: Arc<Ids>,
    coordinator: Arc<TransactionCoordinator>,
}

const ID: &str = "orders";

impl Fixture {
    /// Owns every partition, loaded.
    async fn new() -> Fixture {
        let log = Arc::new(MemoryLog::default());
        let (partitions, ids) = (Arc::new(Partitions::default()), Arc::new(Ids::default()));
        let coordinator = start(&log, &partitions, &ids);
        let fixture = Fixture { log, partitions, ids, coordinator };
        fixture.lead(0).await;
        fixture
    }

    async fn lead(&self, epoch: i32) {
        let keeper = self.coordinator.partition_for(ID);
        self.coordinator.on_leadership(keeper, epoch);
        while self.coordinator.owned(ID).err() == Some(TransactionError::LoadInProgress) {
            tokio::task::yield_now().await;
        }
    }

    /// Another broker, or this one after a restart, takes over.
    async fn move_to_another(&mut self, epoch: i32) {
        self.coordinator.shutdown();
        self.coordinator = start(&self.log, &self.partitions, &self.ids);
        self.lead(epoch).await;
    }

    async fn init(&self, expected: Option<Producer>) -> Result<Producer, TransactionError> {
        let request = InitRequest { transactional_id: ID.into(), timeout_ms: 60_000, expected };
        self.coordinator.init(request).await
    }

    async fn add(&self, producer: Producer, index: i32) -> Result<(), TransactionError> {
        self.coordinator.add_partitions(ID, producer, vec![partition(index)]).await
    }

    async fn end(&self, producer: Producer, outcome: Outcome) -> Result<(), TransactionError> {
        self.coordinator.end(ID, producer, outcome).await
    }

    fn state(&self) -> State {
        self.coordinator.describe(ID).expect("exists").state
    }

    /// Waits until the transaction of the id is in this state.
    async fn until(&self, state: State) {
        while self.state() != state {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    fn markers(&self) -> Vec<(bool, i32)> {
        let written = self.partitions.written.lock();
        written.iter().map(|(marker, p)| (marker.is_commit, p.partition)).collect()
    }
}

fn start(
    log: &Arc<MemoryLog>,
    partitions: &Arc<Partitions>,
    ids: &Arc<Ids>,
) -> Arc<TransactionCoordinator> {
    TransactionCoordinator::start(
        TransactionConfig::default(),
        log.clone(),
        partitions.clone(),
        ids.clone(),
        tokio::runtime::Handle::current(),
    )
}

fn partition(index: i32) -> TopicPartition {
    TopicPartition::new("t", index)
}
