//! The committed offsets of one group: those that count, those being written, and those of open
//! transactions. As the offset half of Kafka's `GroupMetadata`. Knows nothing of members.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::records::OffsetValue;
use crate::types::TopicPartition;

/// An offset, and where in the log it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Offset of its record in `__consumer_offsets`; what is later in the log wins.
    pub written_at: i64,
    /// The offset.
    pub value: OffsetValue,
}

/// All offsets of one group.
#[derive(Debug, Default)]
pub struct Offsets {
    committed: BTreeMap<TopicPartition, Committed>,
    /// Appended, but not yet known to be replicated: where in the log.
    in_flight: HashMap<TopicPartition, Vec<i64>>,
    transactions: PendingTransactionOffsets,
}

/// Offsets of transactions that have not ended, by producer id.
#[derive(Debug, Default)]
pub struct PendingTransactionOffsets {
    by_producer: HashMap<i64, HashMap<TopicPartition, Pending>>,
}

/// An offset of a transaction that has not ended.
#[derive(Debug)]
struct Pending {
    offset: Committed,
    /// Whether the append is known to be replicated.
    is_replicated: bool,
}

impl Offsets {
    /// The offset of a partition.
    pub fn get(&self, partition: &TopicPartition) -> Option<&OffsetValue> {
        self.committed.get(partition).map(|c| &c.value)
    }

    /// All committed offsets, by partition.
    pub fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &OffsetValue)> {
        self.committed.iter().map(|(partition, c)| (partition, &c.value))
    }

    /// Whether anything is committed or may be.
    pub fn is_empty(&self) -> bool {
        self.committed.is_empty()
            && self.in_flight.is_empty()
            && self.transactions.by_producer.is_empty()
    }

    /// Whether a newer offset of this partition is on its way (UNSTABLE_OFFSET_COMMIT).
    pub fn is_unstable(&self, partition: &TopicPartition) -> bool {
        self.in_flight.contains_key(partition)
            || self.transactions.by_producer.values().any(|p| p.contains_key(partition))
    }

    /// A commit was appended at this place.
    pub fn begin(&mut self, partition: TopicPartition, written_at: i64) {
        self.in_flight.entry(partition).or_default().push(written_at);
    }

    /// A commit is replicated. It counts unless the offset was removed meanwhile: then the log has
    /// a tombstone behind it.
    pub fn finish(&mut self, partition: &TopicPartition, written_at: i64, value: OffsetValue) {
        if self.end_in_flight(partition, written_at) {
            self.put(partition.clone(), Committed { written_at, value });
        }
    }

    /// A commit failed.
    pub fn fail(&mut self, partition: &TopicPartition, written_at: i64) {
        self.end_in_flight(partition, written_at);
    }

    /// Whether it was in flight.
    fn end_in_flight(&mut self, partition: &TopicPartition, written_at: i64) -> bool {
        let Some(places) = self.in_flight.get_mut(partition) else {
            return false;
        };
        let before = places.len();
        places.retain(|place| *place != written_at);
        let was_there = places.len() < before;
        if places.is_empty() {
            self.in_flight.remove(partition);
        }
        was_there
    }

    /// Keeps what is later in the log.
    pub fn put(&mut self, partition: TopicPartition, new: Committed) {
        match self.committed.get(&partition) {
            Some(old) if old.written_at > new.written_at => {}
            _ => {
                self.committed.insert(partition, new);
            }
        }
    }

    /// A commit within a transaction was appended.
    pub fn begin_transactional(
        &mut self,
        producer_id: i64,
        partition: TopicPartition,
        offset: Committed,
    ) {
        let pending = self.transactions.by_producer.entry(producer_id).or_default();
        pending.insert(partition, Pending { offset, is_replicated: false });
    }

    /// A commit within a transaction is replicated; it counts when the transaction commits.
    pub fn finish_transactional(
        &mut self,
        producer_id: i64,
        partition: &TopicPartition,
        written_at: i64,
    ) {
        let pending = self.transactions.by_producer.get_mut(&producer_id);
        if let Some(pending) = pending.and_then(|p| p.get_mut(partition))
            && pending.offset.written_at == written_at
        {
            pending.is_replicated = true;
        }
    }

    /// A commit within a transaction failed. One that came after it still counts.
    pub fn fail_transactional(
        &mut self,
        producer_id: i64,
        partition: &TopicPartition,
        written_at: i64,
    ) {
        if let Some(pending) = self.transactions.by_producer.get_mut(&producer_id) {
            if pending.get(partition).is_some_and(|p| p.offset.written_at == written_at) {
                pending.remove(partition);
            }
            if pending.is_empty() {
                self.transactions.by_producer.remove(&producer_id);
            }
        }
    }

    /// Restores a transaction's offset from the log.
    pub fn put_transactional(
        &mut self,
        producer_id: i64,
        partition: TopicPartition,
        offset: Committed,
    ) {
        let pending = self.transactions.by_producer.entry(producer_id).or_default();
        pending.insert(partition, Pending { offset, is_replicated: true });
    }

    /// A transaction has ended with a marker at this place: its offsets count, or are forgotten.
    /// Those behind it are of the producer's next one.
    pub fn end_transaction(&mut self, producer_id: i64, marker_at: i64, is_commit: bool) {
        let Some(mut pending) = self.transactions.by_producer.remove(&producer_id) else {
            return;
        };
        let ended: Vec<(TopicPartition, Pending)> =
            pending.extract_if(|_, pending| pending.offset.written_at < marker_at).collect();
        if !pending.is_empty() {
            self.transactions.by_producer.insert(producer_id, pending);
        }
        for (partition, Pending { offset, is_replicated }) in ended {
            if is_commit && is_replicated {
                self.put(partition, offset);
            }
        }
    }

    /// Whether this producer has offsets here that wait for the end of its transaction.
    pub fn has_pending(&self, producer_id: i64) -> bool {
        self.transactions.by_producer.contains_key(&producer_id)
    }

    /// Producers that have offsets here that wait for the end of their transactions.
    pub fn pending_producers(&self) -> impl Iterator<Item = i64> {
        self.transactions.by_producer.keys().copied()
    }

    /// Takes out those for which `expired` holds and which nothing is about to replace: a tombstone
    /// would lie behind the new offset and, to a compaction, take its place.
    pub fn remove_if(
        &mut self,
        mut expired: impl FnMut(&TopicPartition, &OffsetValue) -> bool,
    ) -> Vec<TopicPartition> {
        let over = self.committed.iter().filter(|(partition, committed)| {
            !self.is_unstable(partition) && expired(partition, &committed.value)
        });
        let removed: Vec<TopicPartition> = over.map(|(partition, _)| partition.clone()).collect();
        for partition in &removed {
            self.committed.remove(partition);
        }
        removed
    }

    /// Takes out an offset and everything that is on its way to replace it; whether the log has
    /// something of them, which needs a tombstone. A transaction that loses its last offset so is
    /// kept until it ends, as by `GroupMetadata.removeOffsets`, and with it the group.
    pub fn remove(&mut self, partition: &TopicPartition) -> bool {
        let was_on_its_way = self.is_unstable(partition);
        self.in_flight.remove(partition);
        for pending in self.transactions.by_producer.values_mut() {
            pending.remove(partition);
        }
        self.committed.remove(partition).is_some() || was_on_its_way
    }

    /// Takes out everything; the partitions of which the log has something.
    pub fn clear(&mut self) -> Vec<TopicPartition> {
        let Offsets { committed, in_flight, transactions } = std::mem::take(self);
        let pending = transactions.by_producer.into_values().flat_map(HashMap::into_keys);
        let known: BTreeSet<TopicPartition> =
            committed.into_keys().chain(in_flight.into_keys()).chain(pending).collect();
        known.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(offset: i64) -> OffsetValue {
        let metadata = "".into();
        OffsetValue {
            offset,
            leader_epoch: -1,
            metadata,
            commit_timestamp: 0,
            expire_timestamp: None,
        }
    }

    #[test]
    fn a_commit_counts_whatever_becomes_of_a_later_one() {
        let (mut offsets, t) = (Offsets::default(), TopicPartition::new("t", 0));
        offsets.begin(t.clone(), 10);
        offsets.begin(t.clone(), 11);
        offsets.fail(&t, 11);
        assert!(offsets.is_unstable(&t));
        offsets.finish(&t, 10, value(1));
        assert_eq!((offsets.get(&t), offsets.is_unstable(&t)), (Some(&value(1)), false));
    }

    #[test]
    fn a_commit_in_a_transaction_counts_whatever_becomes_of_an_earlier_one() {
        let (mut offsets, t) = (Offsets::default(), TopicPartition::new("t", 0));
        offsets.begin_transactional(7, t.clone(), Committed { written_at: 10, value: value(1) });
        offsets.begin_transactional(7, t.clone(), Committed { written_at: 11, value: value(2) });
        offsets.fail_transactional(7, &t, 10);
        assert!(offsets.is_unstable(&t), "the second is on its way");
        offsets.finish_transactional(7, &t, 11);
        offsets.end_transaction(7, 12, true);
        assert_eq!(offsets.get(&t), Some(&value(2)));
    }

    #[test]
    fn an_offset_that_was_removed_does_not_come_back_with_a_commit_from_before() {
        let (mut offsets, t) = (Offsets::default(), TopicPartition::new("t", 0));
        offsets.begin(t.clone(), 10);
        offsets.remove(&t);
        offsets.begin(t.clone(), 12);
        offsets.finish(&t, 10, value(1));
        assert_eq!(offsets.get(&t), None, "the log has a tombstone behind it");
        offsets.finish(&t, 12, value(2));
        assert_eq!(offsets.get(&t), Some(&value(2)));
    }
}
