//! An internal topic in memory, for tests: it fails when told to, and commits when told to.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Appended, ControlMarker, NewBatch, StateBatch, StateLog, StateLogError, StateRecord};

/// The twin of a real topic.
#[derive(Default)]
pub struct MemoryLog {
    state: Mutex<State>,
    after_append: OnceLock<AfterAppend>,
}

/// Gets the partition and the batch.
type AfterAppend = Box<dyn Fn(i32, &NewBatch) + Send + Sync>;

#[derive(Default)]
struct State {
    partitions: HashMap<i32, Vec<StateBatch>>,
    append_error: Option<StateLogError>,
    commit_error: Option<StateLogError>,
    spoiled: Option<Spoiled>,
}

/// A batch that cannot be read.
struct Spoiled {
    partition: i32,
    base_offset: i64,
    next: i64,
}

impl MemoryLog {
    /// Fails every append from now on, or none.
    pub fn fail_appends(&self, error: Option<StateLogError>) {
        self.state.lock().append_error = error;
    }

    /// Fails every wait for replicas from now on, or none.
    pub fn fail_commits(&self, error: Option<StateLogError>) {
        self.state.lock().commit_error = error;
    }

    /// Does something from now on before an append that went well returns.
    pub fn after_append(&self, done: impl Fn(i32, &NewBatch) + Send + Sync + 'static) {
        assert!(self.after_append.set(Box::new(done)).is_ok(), "once");
    }

    /// Makes the batch at an offset unreadable; its header gives `next` as its end.
    pub fn spoil(&self, partition: i32, base_offset: i64, next: i64) {
        self.state.lock().spoiled = Some(Spoiled { partition, base_offset, next });
    }

    /// Drops every batch that does not end at or before `end`.
    pub fn truncate(&self, partition: i32, end: i64) {
        let mut state = self.state.lock();
        state.partitions.entry(partition).or_default().retain(|b| b.next_offset <= end);
    }

    /// All records of a partition.
    pub fn records(&self, partition: i32) -> Vec<StateRecord> {
        let state = self.state.lock();
        let batches = state.partitions.get(&partition).map(Vec::as_slice).unwrap_or_default();
        batches.iter().flat_map(|b| b.records.iter().cloned()).collect()
    }

    /// Ends a producer's transaction; where.
    pub fn append_marker(&self, partition: i32, producer_id: i64, marker: ControlMarker) -> i64 {
        let mut state = self.state.lock();
        let log = state.partitions.entry(partition).or_default();
        let base_offset = log.last().map_or(0, |b| b.next_offset);
        log.push(StateBatch {
            base_offset,
            next_offset: base_offset + 1,
            producer_id,
            is_transactional: true,
            marker: Some(marker),
            records: Vec::new(),
        });
        base_offset
    }
}

#[async_trait]
impl StateLog for MemoryLog {
    fn partitions(&self) -> i32 {
        50
    }

    fn append(&self, partition: i32, batch: &NewBatch) -> Result<Appended, StateLogError> {
        let mut state = self.state.lock();
        if let Some(error) = &state.append_error {
            return Err(error.clone());
        }
        let log = state.partitions.entry(partition).or_default();
        let base_offset = log.last().map_or(0, |b| b.next_offset);
        let records: Vec<StateRecord> = (base_offset..)
            .zip(&batch.records)
            .map(|(offset, (key, value))| StateRecord {
                offset,
                timestamp: batch.timestamp,
                key: Some(key.clone()),
                value: value.clone(),
            })
            .collect();
        let end_offset = base_offset + records.len() as i64;
        log.push(StateBatch {
            base_offset,
            next_offset: end_offset,
            producer_id: batch.producer.map_or(-1, |p| p.id),
            is_transactional: batch.producer.is_some(),
            marker: None,
            records,
        });
        drop(state);
        if let Some(after_append) = self.after_append.get() {
            after_append(partition, batch);
        }
        Ok(Appended { base_offset, end_offset })
    }

    async fn committed(
        &self,
        _partition: i32,
        _end_offset: i64,
        _timeout: Duration,
    ) -> Result<(), StateLogError> {
        self.state.lock().commit_error.clone().map_or(Ok(()), Err)
    }

    fn bounds(&self, partition: i32) -> Result<std::ops::Range<i64>, StateLogError> {
        let state = self.state.lock();
        Ok(0..state.partitions.get(&partition).and_then(|l| l.last()).map_or(0, |b| b.next_offset))
    }

    fn read(
        &self,
        partition: i32,
        offset: i64,
        _max_bytes: usize,
    ) -> Result<Vec<StateBatch>, StateLogError> {
        let state = self.state.lock();
        let batches = state.partitions.get(&partition).map(Vec::as_slice).unwrap_or_default();
        let spoiled = state.spoiled.as_ref().filter(|s| s.partition == partition);
        if let Some(spoiled) = spoiled.filter(|s| s.base_offset == offset) {
            return Err(StateLogError::Corrupt { next: spoiled.next });
        }
        let end = spoiled.map(|s| s.base_offset).filter(|at| *at > offset).unwrap_or(i64::MAX);
        let wanted = batches.iter().filter(|b| (offset..end).contains(&b.base_offset));
        Ok(wanted.take(2).cloned().collect())
    }
}
