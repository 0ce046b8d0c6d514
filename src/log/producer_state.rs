//! Idempotent and transactional producers of one partition (Kafka's `ProducerStateManager`).
//!
//! Remembers for each producer its last five batches, its epoch and its open transaction; from
//! them follow duplicates, sequence errors, the last stable offset and the aborted transactions.

use super::api::{AppendError, Origin, ProducerStateEntry};
use super::batch::{BatchHeader, CONTROL, TRANSACTIONAL, add_sequence};
use super::txn_index::AbortedTxn;
use smallvec::SmallVec;
use std::collections::{BTreeMap, HashMap};

/// Batches remembered for each producer.
const BATCHES_MAX: usize = 5;

/// A batch of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMeta {
    /// Sequence number of the last record.
    pub last_sequence: i32,
    /// Offset of the last record.
    pub last_offset: i64,
    /// Last offset less first.
    pub offset_delta: i32,
    /// Largest timestamp.
    pub timestamp: i64,
}

impl BatchMeta {
    /// Offset of the first record.
    pub fn base_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }

    fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        if first < 0 { (first + i64::from(i32::MAX) + 1) as i32 } else { first as i32 }
    }
}

/// What is known of a producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Newest epoch.
    pub epoch: i16,
    /// Epoch of the coordinator that wrote the last marker, or -1.
    pub coordinator_epoch: i32,
    /// When it last wrote.
    pub timestamp: i64,
    /// First offset of its open transaction.
    pub txn_first_offset: Option<i64>,
    /// Last batches, oldest first.
    pub batches: SmallVec<[BatchMeta; 1]>,
}

/// A marker's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Commit, else abort.
    pub commit: bool,
    /// Epoch of the coordinator.
    pub coordinator_epoch: i32,
}

/// All producers of a partition.
#[derive(Clone, Debug, Default)]
pub struct ProducerState {
    /// By producer id.
    pub(super) entries: HashMap<i64, Entry>,
    /// First offset to producer.
    pub(super) ongoing: BTreeMap<i64, i64>,
    /// First offset to marker's offset: decided, but not yet below the high watermark.
    unreplicated: BTreeMap<i64, i64>,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// The batch is new.
    New,
    /// The batch was appended before.
    Duplicate(BatchMeta),
}

impl ProducerState {
    /// Checks a batch of a producer against what is known of it.
    pub fn check(
        &self,
        header: &BatchHeader,
        marker: Option<Marker>,
        origin: Origin,
    ) -> Result<Sequence, AppendError> {
        let Some(entry) = self.entries.get(&header.producer_id) else {
            return Ok(Sequence::New);
        };
        if let Some(marker) = marker {
            return check_marker(header, marker, entry);
        }
        if origin == Origin::Coordinator {
            check_epoch(header, entry)?;
            return Ok(Sequence::New);
        }
        if let Some(batch) = duplicate(entry, header) {
            return Ok(Sequence::Duplicate(batch));
        }
        check_epoch(header, entry)?;
        check_sequence(header, entry)?;
        if entry.txn_first_offset.is_some() && !header.has(TRANSACTIONAL) {
            return Err(AppendError::InvalidTxnState);
        }
        Ok(Sequence::New)
    }

    /// Notes a batch that lies in the log at its offsets. Gives the aborted transaction that a
    /// marker makes.
    pub fn update(&mut self, header: &BatchHeader, marker: Option<Marker>) -> Option<AbortedTxn> {
        if !header.has_producer() {
            return None;
        }
        let entry = self.entries.entry(header.producer_id).or_insert_with(|| Entry {
            epoch: header.producer_epoch,
            coordinator_epoch: -1,
            timestamp: header.max_timestamp,
            txn_first_offset: None,
            batches: SmallVec::new(),
        });
        if header.producer_epoch != entry.epoch {
            entry.epoch = header.producer_epoch;
            entry.batches.clear();
        }
        entry.timestamp = header.max_timestamp;
        if header.has(CONTROL) {
            return self.end_transaction(header, marker?);
        }
        if entry.batches.len() == BATCHES_MAX {
            entry.batches.remove(0);
        }
        entry.batches.push(BatchMeta {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        if header.has(TRANSACTIONAL) && entry.txn_first_offset.is_none() {
            entry.txn_first_offset = Some(header.base_offset);
            self.ongoing.insert(header.base_offset, header.producer_id);
        }
        None
    }

    fn end_transaction(&mut self, header: &BatchHeader, marker: Marker) -> Option<AbortedTxn> {
        let entry = self.entries.get_mut(&header.producer_id)?;
        entry.coordinator_epoch = marker.coordinator_epoch;
        let first_offset = entry.txn_first_offset.take()?;
        self.ongoing.remove(&first_offset);
        let last_offset = header.last_offset();
        self.unreplicated.insert(first_offset, last_offset);
        let stable = self.ongoing.keys().next().copied().unwrap_or(last_offset + 1);
        (!marker.commit).then_some(AbortedTxn {
            producer_id: header.producer_id,
            first_offset,
            last_offset,
            last_stable_offset: stable,
        })
    }

    /// The high watermark moved: what is decided below it is stable.
    pub fn replicated_to(&mut self, high_watermark: i64) {
        self.unreplicated.retain(|_, last| *last >= high_watermark);
    }

    /// The first offset of a transaction that is open or not yet replicated.
    pub fn first_unstable(&self) -> Option<i64> {
        let firsts = [self.ongoing.keys().next(), self.unreplicated.keys().next()];
        firsts.into_iter().flatten().min().copied()
    }

    /// Forgets producers without open transaction that have not written since.
    pub fn expire(&mut self, before_ms: i64) {
        self.entries.retain(|_, e| e.txn_first_offset.is_some() || e.timestamp >= before_ms);
    }

    /// All producers, by id.
    pub fn active(&self) -> Vec<ProducerStateEntry> {
        let mut all: Vec<_> = self.entries.iter().map(|(id, entry)| active(*id, entry)).collect();
        all.sort_by_key(|entry| entry.producer_id);
        all
    }
}

fn active(producer_id: i64, entry: &Entry) -> ProducerStateEntry {
    ProducerStateEntry {
        producer_id,
        producer_epoch: entry.epoch,
        last_sequence: entry.batches.last().map_or(-1, |batch| batch.last_sequence),
        last_timestamp: entry.timestamp,
        coordinator_epoch: entry.coordinator_epoch,
        current_txn_first_offset: entry.txn_first_offset,
    }
}

fn duplicate(entry: &Entry, header: &BatchHeader) -> Option<BatchMeta> {
    let same = |batch: &&BatchMeta| {
        batch.first_sequence() == header.base_sequence
            && batch.last_sequence == header.last_sequence()
    };
    let of_epoch = entry.epoch == header.producer_epoch;
    of_epoch.then(|| entry.batches.iter().find(same).copied()).flatten()
}

fn check_epoch(header: &BatchHeader, entry: &Entry) -> Result<(), AppendError> {
    if header.producer_epoch < entry.epoch {
        return Err(AppendError::InvalidProducerEpoch {
            producer_id: header.producer_id,
            got: header.producer_epoch,
            current: entry.epoch,
        });
    }
    Ok(())
}

fn check_marker(
    header: &BatchHeader,
    marker: Marker,
    entry: &Entry,
) -> Result<Sequence, AppendError> {
    check_epoch(header, entry)?;
    if marker.coordinator_epoch < entry.coordinator_epoch {
        return Err(AppendError::CoordinatorFenced);
    }
    Ok(Sequence::New)
}

fn check_sequence(header: &BatchHeader, entry: &Entry) -> Result<(), AppendError> {
    // Of one that wrote without an epoch nothing can be expected (Kafka's NO_PRODUCER_EPOCH).
    if entry.epoch < 0 {
        return Ok(());
    }
    let got = header.base_sequence;
    // A producer of which only markers are known begins at 0, as in a new epoch. One of which
    // nothing is known, after expiry or truncation, begins anywhere.
    let expected = match entry.batches.last() {
        Some(last) if header.producer_epoch == entry.epoch => add_sequence(last.last_sequence, 1),
        _ => 0,
    };
    if got != expected {
        let producer_id = header.producer_id;
        return Err(AppendError::OutOfOrderSequence { producer_id, got, expected });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::testing::Spec;

    fn header(sequence: i32, epoch: i16, offset: i64, attributes: i16) -> BatchHeader {
        let spec = Spec { producer: (7, epoch, sequence), attributes, ..Spec::of(&["a", "b"]) };
        let header = BatchHeader::read(&spec.build()).expect("a header");
        BatchHeader { base_offset: offset, ..header }
    }

    #[test]
    fn the_last_five_batches_are_duplicates_and_gaps_are_refused() {
        let mut state = ProducerState::default();
        for n in 0..6 {
            let batch = header(n * 2, 0, i64::from(n) * 2, 0);
            assert_eq!(state.check(&batch, None, Origin::Client).expect("new"), Sequence::New);
            state.update(&batch, None);
        }
        let found = state.check(&header(2, 0, 0, 0), None, Origin::Client).expect("known");
        assert!(matches!(found, Sequence::Duplicate(batch) if batch.base_offset() == 2));
        for sequence in [0, 14] {
            let result = state.check(&header(sequence, 0, 0, 0), None, Origin::Client);
            assert!(matches!(result, Err(AppendError::OutOfOrderSequence { .. })));
        }
        assert!(state.check(&header(0, 1, 0, 0), None, Origin::Client).is_ok());
        state.update(&header(0, 1, 12, 0), None);
        let result = state.check(&header(12, 0, 0, 0), None, Origin::Client);
        assert!(matches!(result, Err(AppendError::InvalidProducerEpoch { .. })));
    }

    #[test]
    fn after_a_batch_without_an_epoch_any_sequence_is_expected() {
        let mut state = ProducerState::default();
        state.update(&header(0, -1, 0, 0), None);
        for (epoch, sequence) in [(-1, 7), (0, 3)] {
            assert!(state.check(&header(sequence, epoch, 2, 0), None, Origin::Client).is_ok());
        }
    }

    #[test]
    fn a_producer_of_which_only_a_marker_is_known_begins_at_zero() {
        let mut state = ProducerState::default();
        let mut end = header(-1, 1, 0, TRANSACTIONAL | CONTROL);
        end.last_offset_delta = 0;
        state.update(&end, Some(Marker { commit: false, coordinator_epoch: 3 }));
        for (epoch, sequence) in [(1, 4), (2, 4)] {
            let result = state.check(&header(sequence, epoch, 1, 0), None, Origin::Client);
            assert!(matches!(result, Err(AppendError::OutOfOrderSequence { expected: 0, .. })));
            assert!(state.check(&header(0, epoch, 1, 0), None, Origin::Client).is_ok());
        }
    }

    #[test]
    fn a_transaction_is_unstable_until_its_marker_is_replicated() {
        let mut state = ProducerState::default();
        state.update(&header(0, 0, 10, TRANSACTIONAL), None);
        assert_eq!(state.first_unstable(), Some(10));
        let mut end = header(-1, 0, 12, TRANSACTIONAL | CONTROL);
        end.last_offset_delta = 0;
        let marker = Marker { commit: false, coordinator_epoch: 3 };
        let aborted = state.update(&end, Some(marker)).expect("aborted");
        assert_eq!((aborted.first_offset, aborted.last_offset), (10, 12));
        assert_eq!(aborted.last_stable_offset, 13);
        state.replicated_to(12);
        assert_eq!(state.first_unstable(), Some(10));
        state.replicated_to(13);
        assert_eq!(state.first_unstable(), None);
        let old = Marker { commit: true, coordinator_epoch: 2 };
        let result = state.check(&end, Some(old), Origin::Coordinator);
        assert!(matches!(result, Err(AppendError::CoordinatorFenced)));
    }
}
