//! An internal topic that brokers lead by turns: a deposed leader can no longer write, and what
//! was not acknowledged may be gone under the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::coordinator::state_log::memory::MemoryLog;
use crate::coordinator::state_log::{
    Appended, ControlMarker, NewBatch, StateBatch, StateLog, StateLogError,
};

/// What goes wrong from now on.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Nothing is appended.
    pub append: Option<StateLogError>,
    /// What is appended is not acknowledged.
    pub commit: Option<StateLogError>,
    /// How long replicas take.
    pub delay: Duration,
}

impl Faults {
    /// Some, or none: a refusal is one of `errors`. `below` draws a number below its bound.
    pub fn draw(mut below: impl FnMut(usize) -> usize, errors: &[StateLogError]) -> Faults {
        let late = [StateLogError::TimedOut, StateLogError::NotEnoughReplicasAfterAppend];
        let delays = [0, 0, 10, 1_000, 6_000];
        Faults {
            append: (below(4) == 0).then(|| errors[below(errors.len())].clone()),
            commit: (below(4) == 0).then(|| late[below(2)].clone()),
            delay: Duration::from_millis(delays[below(5)]),
        }
    }
}

/// One partition of the topic, whoever leads it.
#[derive(Default)]
pub struct Topic {
    pub memory: MemoryLog,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    epoch: i32,
    acknowledged: i64,
    faults: Faults,
}

/// The topic as one leader has it.
pub struct Replica {
    topic: Arc<Topic>,
    partition: i32,
    epoch: AtomicI32,
}

impl Topic {
    /// Sets what goes wrong.
    pub fn set_faults(&self, faults: Faults) {
        self.state.lock().faults = faults;
    }

    /// A broker that does not lead it.
    pub fn replica(self: &Arc<Self>, partition: i32) -> Arc<Replica> {
        Arc::new(Replica { topic: self.clone(), partition, epoch: AtomicI32::new(0) })
    }

    /// Makes a broker the leader; its epoch. Of what was not acknowledged it has any part.
    pub fn elect(&self, replica: &Replica, rng: &mut StdRng) -> i32 {
        let mut state = self.state.lock();
        state.epoch += 1;
        replica.epoch.store(state.epoch, Ordering::Relaxed);
        let safe = state.acknowledged;
        let ends = self.ends(replica.partition).into_iter();
        let possible: Vec<i64> = ends.filter(|end| *end >= safe).collect();
        if rng.random_range(0..3) == 0 && !possible.is_empty() {
            let end = possible[rng.random_range(0..possible.len())];
            self.memory.truncate(replica.partition, end);
        }
        state.acknowledged = self.end(replica.partition);
        state.epoch
    }

    /// All replicas have everything.
    pub fn replicate(&self, partition: i32) {
        self.state.lock().acknowledged = self.end(partition);
    }

    /// Ends a producer's transaction; where.
    pub fn mark(&self, partition: i32, producer_id: i64, marker: ControlMarker) -> i64 {
        let mut state = self.state.lock();
        let at = self.memory.append_marker(partition, producer_id, marker);
        state.acknowledged = self.end(partition);
        at
    }

    /// Where the log ends.
    pub fn end(&self, partition: i32) -> i64 {
        self.memory.bounds(partition).map_or(0, |bounds| bounds.end)
    }

    fn ends(&self, partition: i32) -> Vec<i64> {
        std::iter::once(0)
            .chain(self.batches(partition).iter().map(|batch| batch.next_offset))
            .collect()
    }

    /// All that the log holds.
    pub fn batches(&self, partition: i32) -> Vec<StateBatch> {
        let mut batches: Vec<StateBatch> = Vec::new();
        loop {
            let at = batches.last().map_or(0, |batch| batch.next_offset);
            let more = self.memory.read(partition, at, 1).expect("no disk");
            if more.is_empty() {
                return batches;
            }
            batches.extend(more);
        }
    }
}

#[async_trait]
impl StateLog for Replica {
    fn partitions(&self) -> i32 {
        self.topic.memory.partitions()
    }

    fn append(&self, partition: i32, batch: &NewBatch) -> Result<Appended, StateLogError> {
        assert_eq!(partition, self.partition);
        let state = self.topic.state.lock();
        if state.epoch != self.epoch.load(Ordering::Relaxed) {
            return Err(StateLogError::NotLeader);
        }
        if let Some(error) = &state.faults.append {
            return Err(error.clone());
        }
        self.topic.memory.append(partition, batch)
    }

    async fn committed(
        &self,
        _partition: i32,
        end_offset: i64,
        timeout: Duration,
    ) -> Result<(), StateLogError> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let delay = self.topic.state.lock().faults.delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay.min(timeout)).await;
        }
        let mut state = self.topic.state.lock();
        if state.epoch != epoch {
            return Err(StateLogError::NotLeader);
        }
        if delay > timeout {
            return Err(StateLogError::TimedOut);
        }
        if let Some(error) = &state.faults.commit {
            return Err(error.clone());
        }
        state.acknowledged = state.acknowledged.max(end_offset);
        Ok(())
    }

    fn bounds(&self, partition: i32) -> Result<std::ops::Range<i64>, StateLogError> {
        self.topic.memory.bounds(partition)
    }

    fn read(
        &self,
        partition: i32,
        offset: i64,
        max_bytes: usize,
    ) -> Result<Vec<StateBatch>, StateLogError> {
        self.topic.memory.read(partition, offset, max_bytes)
    }
}
