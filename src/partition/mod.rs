//! Partitions: the replicas on this broker, their roles and what is committed.
//!
//! As Kafka's `Partition` and `ReplicaManager`: leader and follower state as the controller gives
//! it, the high watermark, the in-sync set, and waiting for any of them to move. Knows neither
//! clients' requests nor sessions; the log below knows neither leaders nor replicas.

mod append;
mod checkpoint;
mod error;
pub mod fetcher;
mod follow;
pub mod isr;
mod moves;
mod near;
mod read;
mod replicas;
mod role;
pub mod sessions;
mod state;
mod traffic;
mod verification;
mod waiter;

pub use append::Committed;
pub use error::PartitionError;
pub use moves::Moves;
pub use near::Candidate;
pub use read::{Bound, PartitionRead, ReadParams};
pub use replicas::{Replicas, Told};
pub use state::{FollowerFetch, LeaderAndIsr};
pub use traffic::Traffic;
pub use verification::{TransactionalBatch, Verification};
pub use waiter::Waiter;

use crate::log::Log;
use crate::types::{BrokerId, TopicId, TopicPartition};
use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use state::State;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Notify;
use verification::Verifications;
use waiter::Waiters;

/// A replica on this broker.
pub struct Partition {
    id: TopicPartition,
    /// Another one after a move between directories, which holds `state` for it.
    log: ArcSwap<Log>,
    state: RwLock<State>,
    waiters: Waiters,
    /// `replica.lag.time.max.ms`.
    lag_max_ms: AtomicI64,
    /// One at a time raises the high watermark, so that it never goes back.
    raising: Mutex<()>,
    /// Told when a change of the in-sync set is wanted.
    isr_wanted: Arc<Notify>,
    verifications: Mutex<Verifications>,
    traffic: Traffic,
}

impl Partition {
    /// A replica that the controller has not yet spoken of.
    pub fn new(
        id: TopicPartition,
        local: BrokerId,
        log: Arc<Log>,
        lag_max_ms: i64,
        isr_wanted: Arc<Notify>,
    ) -> Partition {
        Partition {
            id,
            log: ArcSwap::new(log),
            state: RwLock::new(State::new(local)),
            waiters: Waiters::default(),
            lag_max_ms: AtomicI64::new(lag_max_ms),
            raising: Mutex::new(()),
            isr_wanted,
            verifications: Mutex::default(),
            traffic: Traffic::default(),
        }
    }

    /// Topic and index.
    pub fn id(&self) -> &TopicPartition {
        &self.id
    }

    /// Its log, as of now: it may be moved to another directory.
    pub fn log(&self) -> Arc<Log> {
        self.log.load_full()
    }

    /// The topic's id; `None` for a topic of before KIP-516.
    pub fn topic_id(&self) -> Option<TopicId> {
        self.log().topic_id()
    }

    /// Whether this broker leads.
    pub fn is_leader(&self) -> bool {
        self.state.read().is_leader()
    }

    /// The leader, or -1.
    pub fn leader(&self) -> BrokerId {
        self.state.read().leader
    }

    /// The leader epoch; -1 before the controller spoke.
    pub fn leader_epoch(&self) -> i32 {
        self.state.read().leader_epoch
    }

    /// Replicas in sync, as confirmed by the controller.
    pub fn isr(&self) -> Vec<BrokerId> {
        self.state.read().isr.clone()
    }

    /// Replicas assigned.
    pub fn replica_count(&self) -> usize {
        self.state.read().replicas.len()
    }

    /// What went through it.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Has `waiter` woken whenever the high watermark, the log end or the last stable offset
    /// moves, or leadership changes.
    pub fn register(&self, waiter: &Arc<Waiter>) {
        self.waiters.register(waiter);
    }

    /// Wakes everyone who waits, for moves that happened outside (transaction markers).
    pub fn wake(&self) {
        self.waiters.wake();
    }

    /// Takes over a changed `replica.lag.time.max.ms`.
    pub fn set_lag_max_ms(&self, lag_max_ms: i64) {
        self.lag_max_ms.store(lag_max_ms, Ordering::Relaxed);
    }

    fn lag_max_ms(&self) -> i64 {
        self.lag_max_ms.load(Ordering::Relaxed)
    }

    /// Compares an epoch that a request carries with this replica's (`checkCurrentLeaderEpoch`).
    fn check_epoch(&self, state: &State, asked: Option<i32>) -> Result<(), PartitionError> {
        match asked {
            Some(epoch) if epoch < state.leader_epoch => Err(PartitionError::FencedLeaderEpoch),
            Some(epoch) if epoch > state.leader_epoch => Err(PartitionError::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }

    /// Raises the high watermark where the rule allows. Returns whether it moved.
    fn raise_high_watermark(&self, state: &State, now_ms: i64) -> bool {
        let _one = self.raising.lock();
        let log_end = self.log().log_end_offset();
        let min_isr = self.log().config().min_insync_replicas;
        match state.high_watermark(log_end, min_isr, now_ms, self.lag_max_ms()) {
            Some(offset) if offset > self.log().high_watermark() => {
                self.log().set_high_watermark(offset);
                true
            }
            _ => false,
        }
    }
}
