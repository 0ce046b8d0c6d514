//! Committed offsets as they must be: what was acknowledged, less what was removed; and after a
//! load, what the log says. Commits are told apart, and ordered, by the offset that they commit.

use std::collections::{BTreeMap, BTreeSet};

use tokio::task::JoinHandle;

use crate::coordinator::group::GroupError;
use crate::coordinator::group::classic::State;
use crate::coordinator::group::records::{Key, OffsetValue};
use crate::coordinator::group::{CommitResults, cell::Group};
use crate::coordinator::state_log::{ControlMarker, StateBatch};
use crate::types::TopicPartition;

/// The offset committed, and when.
type Value = (i64, i64);

/// A commit that is on its way.
pub struct Commit {
    pub partition: TopicPartition,
    pub value: Value,
    pub producer: Option<i64>,
    pub incarnation: u64,
    /// Its group was deleted: it is nothing to another of that name.
    pub is_forgotten: bool,
    pub answer: JoinHandle<CommitResults>,
}

/// All offsets of the group.
#[derive(Default)]
pub struct Offsets {
    pub visible: BTreeMap<TopicPartition, Value>,
    in_flight: BTreeMap<TopicPartition, BTreeSet<Value>>,
    /// Of open transactions: `None` until it is acknowledged.
    pub open: BTreeMap<i64, BTreeMap<TopicPartition, Option<Value>>>,
}

impl Offsets {
    /// What a load must find.
    pub fn replay(batches: &[StateBatch]) -> Offsets {
        let mut all = Offsets::default();
        for batch in batches {
            if let Some(marker) = batch.marker {
                all.end(batch.producer_id, marker == ControlMarker::Commit);
                continue;
            }
            for record in &batch.records {
                let key = Key::decode(record.key.clone().expect("a key"));
                let Some(Key::Offset { partition, .. }) = key else { continue };
                let value = record.value.clone().map(|v| OffsetValue::decode(v).expect("ours"));
                let value = value.map(|v| (v.offset, v.commit_timestamp));
                if batch.is_transactional {
                    all.open.entry(batch.producer_id).or_default().insert(partition, value);
                } else if let Some(value) = value {
                    all.visible.insert(partition, value);
                } else {
                    all.remove(&partition);
                }
            }
        }
        all
    }

    /// A commit was appended.
    pub fn begin(&mut self, producer: Option<i64>, partition: &TopicPartition, value: Value) {
        match producer {
            None => {
                self.in_flight.entry(partition.clone()).or_default().insert(value);
            }
            Some(id) => {
                self.open.entry(id).or_default().insert(partition.clone(), None);
            }
        }
    }

    /// A commit was acknowledged, or failed.
    pub fn finish(
        &mut self,
        producer: Option<i64>,
        partition: &TopicPartition,
        value: Value,
        is_ok: bool,
    ) {
        let Some(id) = producer else {
            let places = self.in_flight.get_mut(partition);
            let was_there = places.is_some_and(|places| places.remove(&value));
            self.in_flight.retain(|_, places| !places.is_empty());
            if was_there && is_ok {
                self.put(partition.clone(), value);
            }
            return;
        };
        let Some(open) = self.open.get_mut(&id) else { return };
        match open.get_mut(partition) {
            Some(place) if is_ok => *place = Some(value),
            Some(_) => drop(open.remove(partition)),
            None => {}
        }
        self.open.retain(|_, open| !open.is_empty());
    }

    fn put(&mut self, partition: TopicPartition, value: Value) {
        let known = self.visible.entry(partition).or_insert(value);
        *known = (*known).max(value);
    }

    /// A transaction has ended.
    pub fn end(&mut self, producer: i64, is_commit: bool) {
        for (partition, value) in self.open.remove(&producer).unwrap_or_default() {
            if let Some(value) = value.filter(|_| is_commit) {
                self.put(partition, value);
            }
        }
    }

    /// The offset and all that would replace it is gone.
    pub fn remove(&mut self, partition: &TopicPartition) {
        self.visible.remove(partition);
        self.in_flight.remove(partition);
        for open in self.open.values_mut() {
            open.remove(partition);
        }
        self.open.retain(|_, open| !open.is_empty());
    }

    /// Whether a newer one is on its way.
    pub fn is_unstable(&self, partition: &TopicPartition) -> bool {
        self.in_flight.contains_key(partition)
            || self.open.values().any(|open| open.contains_key(partition))
    }

    /// Takes out what has expired: of a group that is empty all, a day after that; of one that
    /// never had members each, a day after its commit; of consumers those of topic `u`, which
    /// nobody subscribes to.
    pub fn expire(&mut self, group: &Group, now: i64, retention_ms: i64) {
        let Group::Classic(group) = group else { panic!("a classic group") };
        let (in_flight, open) = (&self.in_flight, &self.open);
        self.visible.retain(|partition, (_, committed)| {
            let since = match (group.protocol_type(), group.state()) {
                (None, _) => Some(*committed),
                (Some(_), State::Empty) => group.state_since(),
                (Some(_), State::Stable) => (&*partition.topic == "u").then_some(*committed),
                (Some(_), _) => None,
            };
            let is_over = since.is_some_and(|since| now - since >= retention_ms);
            let is_replaced = in_flight.contains_key(partition)
                || open.values().any(|open| open.contains_key(partition));
            is_replaced || !is_over
        });
    }

    /// The coordinator answers what is known.
    pub fn look(
        &self,
        fetched: Vec<(TopicPartition, Result<Option<OffsetValue>, GroupError>)>,
        stable: Vec<(TopicPartition, Result<Option<OffsetValue>, GroupError>)>,
    ) {
        let mut known = BTreeMap::new();
        for (partition, value) in fetched {
            if let Some(value) = value.expect("not asked to be stable") {
                known.insert(partition, (value.offset, value.commit_timestamp));
            }
        }
        assert_eq!(known, self.visible, "committed offsets");
        for (partition, answer) in stable {
            let is_unstable = answer == Err(GroupError::UnstableOffsetCommit);
            assert_eq!(is_unstable, self.is_unstable(&partition), "{partition:?} is stable");
        }
    }
}
