//! The brokers of a history: `__transaction_state` with its leader, replication and losses, and
//! data partitions that keep, of each write, how its transaction ended there.

use super::*;
use crate::coordinator::state_log::{
    Appended, NewBatch, StateBatch, StateLog, StateLogError, StateRecord,
};
use crate::coordinator::transaction::machine::Snapshot;
use crate::coordinator::transaction::records;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;
use tokio::time::sleep;

/// How often what goes wrong, of 100.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// An append is refused.
    pub refused: u32,
    /// An append is there, but the wait for replicas fails.
    pub unreplicated: u32,
    /// Replicas or partitions take their time.
    pub slow: u32,
    /// A marker is not written.
    pub no_marker: u32,
    /// A marker is written, and its answer lost.
    pub lost: u32,
    /// Partitions answer nothing at all.
    pub is_silent: bool,
}

/// How the writes of each transaction ended, by its number: committed or not, or both.
pub type Ends = BTreeMap<u64, BTreeSet<bool>>;

/// A partition's memory of a producer.
#[derive(Default)]
struct Entry {
    epoch: i16,
    coordinator_epoch: i32,
    /// Writes of the open transaction, by the number that the history gave to it.
    open: Vec<u64>,
}

pub struct Cluster {
    state: Mutex<Shared>,
}

struct Shared {
    random: StdRng,
    faults: Faults,
    leader: usize,
    epoch: i32,
    log: Vec<StateRecord>,
    /// Everything below is replicated and never lost.
    replicated: usize,
    partitions: BTreeMap<(i32, i64), Entry>,
    deleted: BTreeSet<i32>,
    outcomes: Ends,
    wrong: Vec<String>,
}

impl Cluster {
    pub fn new(seed: u64) -> Arc<Cluster> {
        let state = Shared {
            random: StdRng::seed_from_u64(!seed),
            faults: Faults::default(),
            leader: 0,
            epoch: 0,
            log: Vec::new(),
            replicated: 0,
            partitions: BTreeMap::new(),
            deleted: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            wrong: Vec::new(),
        };
        Arc::new(Cluster { state: Mutex::new(state) })
    }

    pub fn set_faults(&self, faults: Faults) -> Faults {
        std::mem::replace(&mut self.state.lock().faults, faults)
    }

    pub fn leader(&self) -> usize {
        self.state.lock().leader
    }

    /// Another leader: of what is not replicated it has as much as chance gave it.
    pub fn elect(&self, leader: usize) -> i32 {
        let state = &mut *self.state.lock();
        let kept = state.random.random_range(state.replicated..=state.log.len());
        state.log.truncate(kept);
        state.leader = leader;
        state.epoch += 1;
        state.epoch
    }

    /// A record that was written before the history.
    pub fn write_before(&self, key: bytes::Bytes, value: bytes::Bytes) {
        let state = &mut *self.state.lock();
        state.log.push(StateRecord { offset: 0, timestamp: 0, key: Some(key), value: Some(value) });
        state.replicated = 1;
    }

    pub fn delete(&self, partition: i32) {
        let state = &mut *self.state.lock();
        state.deleted.insert(partition);
        state.partitions.retain(|(index, _), _| *index != partition);
    }

    /// Whether the transaction is open in the partition, in this epoch, without being verified.
    pub fn is_open(&self, partition: i32, producer: Producer) -> bool {
        let state = self.state.lock();
        let entry = state.partitions.get(&(partition, producer.id));
        entry.is_some_and(|e| e.epoch == producer.epoch && !e.open.is_empty())
    }

    /// A write of transaction `number`; refused from an old epoch.
    pub fn write(&self, partition: i32, producer: Producer, number: u64) {
        let state = &mut *self.state.lock();
        if state.deleted.contains(&partition) {
            return;
        }
        let entry = state.partitions.entry((partition, producer.id)).or_default();
        if producer.epoch >= entry.epoch {
            entry.epoch = producer.epoch;
            entry.open.push(number);
            state.outcomes.entry(number).or_default();
        }
    }

    /// How the writes of each transaction ended, and the partitions where one is open.
    pub fn ends(&self) -> (Ends, Vec<(i32, i64)>) {
        let state = self.state.lock();
        let open = state.partitions.iter().filter(|(_, entry)| !entry.open.is_empty());
        (state.outcomes.clone(), open.map(|(at, _)| *at).collect())
    }

    pub fn blame(&self, wrong: String) {
        self.state.lock().wrong.push(wrong);
    }

    pub fn wrong(&self) -> Option<String> {
        self.state.lock().wrong.first().cloned()
    }

    fn draw(&self, odds: impl Fn(&Faults) -> u32) -> bool {
        let state = &mut *self.state.lock();
        let odds = odds(&state.faults);
        state.random.random_range(0..100) < odds
    }

    async fn take_time(&self, longest_ms: u64) {
        if self.draw(|faults| faults.slow) {
            let ms = self.state.lock().random.random_range(1..longest_ms);
            sleep(Duration::from_millis(ms)).await;
        }
    }
}

impl Shared {
    /// The newest replicated record must be the decision that the marker carries.
    fn check_marker(&mut self, marker: &Marker, asked: &[TopicPartition]) {
        let record = self.log.get(..self.replicated).and_then(<[_]>::last);
        let decided = record.and_then(|r| r.value.as_ref()).map(|v| records::decode_value(v));
        let is_decided = |s: &Snapshot| {
            let state = if marker.is_commit { State::PrepareCommit } else { State::PrepareAbort };
            let producer = Producer { id: s.producer_id, epoch: s.producer_epoch };
            s.state == state
                && producer == marker.producer
                && asked.iter().all(|partition| s.partitions.contains(partition))
        };
        if !matches!(&decided, Some(Ok(snapshot)) if is_decided(snapshot)) {
            self.wrong.push(format!("{marker:?} for {asked:?} without decision: {decided:?}"));
        }
    }

    fn apply(&mut self, marker: &Marker, partition: i32) -> MarkerOutcome {
        let entry = self.partitions.entry((partition, marker.producer.id)).or_default();
        if marker.producer.epoch < entry.epoch {
            return MarkerOutcome::ProducerFenced;
        }
        if marker.coordinator_epoch < entry.coordinator_epoch {
            return MarkerOutcome::CoordinatorFenced;
        }
        entry.epoch = marker.producer.epoch;
        entry.coordinator_epoch = marker.coordinator_epoch;
        for number in entry.open.drain(..) {
            self.outcomes.entry(number).or_default().insert(marker.is_commit);
        }
        MarkerOutcome::Written
    }
}

/// One broker's view of the cluster.
pub struct Broker {
    pub id: usize,
    pub cluster: Arc<Cluster>,
}

#[async_trait]
impl StateLog for Broker {
    fn partitions(&self) -> i32 {
        1
    }

    fn append(&self, _partition: i32, batch: &NewBatch) -> Result<Appended, StateLogError> {
        if self.cluster.draw(|faults| faults.refused) {
            return Err(StateLogError::NotEnoughReplicas);
        }
        let state = &mut *self.cluster.state.lock();
        if state.leader != self.id {
            return Err(StateLogError::NotLeader);
        }
        let base_offset = state.log.len() as i64;
        for (offset, (key, value)) in (base_offset..).zip(&batch.records) {
            let (key, value) = (Some(key.clone()), value.clone());
            state.log.push(StateRecord { offset, timestamp: batch.timestamp, key, value });
        }
        Ok(Appended { base_offset, end_offset: state.log.len() as i64 })
    }

    async fn committed(
        &self,
        _partition: i32,
        end_offset: i64,
        timeout: Duration,
    ) -> Result<(), StateLogError> {
        let epoch = self.cluster.state.lock().epoch;
        let fails = self.cluster.draw(|faults| faults.unreplicated);
        let waited = tokio::time::timeout(timeout, self.cluster.take_time(8000)).await;
        let state = &mut *self.cluster.state.lock();
        if state.leader != self.id || state.epoch != epoch {
            return Err(StateLogError::NotLeader);
        }
        if waited.is_err() || end_offset > state.log.len() as i64 {
            return Err(StateLogError::TimedOut);
        }
        if fails {
            return Err(StateLogError::NotEnoughReplicasAfterAppend);
        }
        state.replicated = state.replicated.max(end_offset as usize);
        Ok(())
    }

    fn bounds(&self, _partition: i32) -> Result<Range<i64>, StateLogError> {
        Ok(0..self.cluster.state.lock().log.len() as i64)
    }

    fn read(
        &self,
        _partition: i32,
        offset: i64,
        _max_bytes: usize,
    ) -> Result<Vec<StateBatch>, StateLogError> {
        let state = self.cluster.state.lock();
        let batch = |record: &StateRecord| StateBatch {
            base_offset: record.offset,
            next_offset: record.offset + 1,
            producer_id: -1,
            is_transactional: false,
            marker: None,
            records: vec![record.clone()],
        };
        Ok(state.log.iter().skip(offset as usize).take(3).map(batch).collect())
    }
}

#[async_trait]
impl MarkerWriter for Broker {
    async fn write(
        &self,
        marker: &Marker,
        partitions: &[TopicPartition],
    ) -> Vec<(TopicPartition, MarkerOutcome)> {
        {
            let state = &mut *self.cluster.state.lock();
            // One that was deposed and does not know it is stopped by its epoch.
            if state.leader == self.id && state.epoch == marker.coordinator_epoch {
                state.check_marker(marker, partitions);
            }
        }
        let mut outcomes = Vec::new();
        for id in partitions {
            outcomes.push((id.clone(), self.mark(marker, id.partition).await));
        }
        outcomes
    }
}

impl Broker {
    async fn mark(&self, marker: &Marker, partition: i32) -> MarkerOutcome {
        let cluster = &self.cluster;
        while cluster.state.lock().faults.is_silent {
            sleep(Duration::from_millis(700)).await;
        }
        cluster.take_time(5000).await;
        if cluster.state.lock().deleted.contains(&partition) {
            return MarkerOutcome::Unknown;
        }
        if cluster.draw(|faults| faults.no_marker) {
            return MarkerOutcome::Retry;
        }
        let outcome = cluster.state.lock().apply(marker, partition);
        let is_lost = cluster.draw(|faults| faults.lost);
        cluster.take_time(5000).await;
        if is_lost { MarkerOutcome::Retry } else { outcome }
    }
}
