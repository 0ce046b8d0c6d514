//! Reads one partition of `__consumer_offsets` into groups and offsets. As
//! `GroupMetadataManager.doLoadGroupsAndOffsets`. Blocks on the disk.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tracing::warn;

use super::consumer::group::ConsumerGroup;
use super::consumer::records::Record;
use super::offsets::{Committed, Offsets};
use super::records::{GroupValue, Key, OffsetValue};
use crate::coordinator::state_log::{ControlMarker, StateBatch, StateLog, StateRecord, walk};
use crate::types::TopicPartition;

type OffsetKey = (Arc<str>, TopicPartition);

/// The members of a group, by the protocol that they speak.
pub(super) enum Members {
    /// There are none, and were none: only offsets.
    None,
    /// Of a classic group.
    Classic(GroupValue),
    /// Of a KIP-848 group.
    Consumer(ConsumerGroup),
}

/// What the log says.
#[derive(Default)]
pub(super) struct Loaded {
    groups: HashMap<Arc<str>, GroupValue>,
    consumer_groups: HashMap<Arc<str>, ConsumerGroup>,
    offsets: HashMap<OffsetKey, Committed>,
    transactions: HashMap<i64, HashMap<OffsetKey, Committed>>,
}

/// Reads the whole partition as it is now; `is_wanted` says when to give up.
pub(super) fn load(
    log: &dyn StateLog,
    partition: i32,
    buffer_bytes: usize,
    is_wanted: impl Fn() -> bool,
) -> Loaded {
    let mut loaded = Loaded::default();
    walk(log, partition, buffer_bytes, is_wanted, |batch| loaded.apply(batch));
    loaded
}

impl Loaded {
    fn apply(&mut self, batch: StateBatch) {
        if let Some(marker) = batch.marker {
            return self.end_transaction(batch.producer_id, marker);
        }
        let producer = batch.is_transactional.then_some(batch.producer_id);
        for record in batch.records {
            let offset = record.offset;
            if self.apply_record(producer, record).is_none() {
                warn!(offset, "skipping a malformed record of __consumer_offsets");
            }
        }
    }

    fn apply_record(&mut self, producer: Option<i64>, record: StateRecord) -> Option<()> {
        let key = record.key?;
        match Key::decode(key.clone())? {
            Key::Offset { group, partition } => {
                let key = (group, partition);
                let Some(value) = record.value else {
                    self.remove(&key);
                    return Some(());
                };
                let target = match producer {
                    Some(id) => self.transactions.entry(id).or_default(),
                    None => &mut self.offsets,
                };
                let value = OffsetValue::decode(value)?;
                target.insert(key, Committed { written_at: record.offset, value });
            }
            Key::Group(group) => match record.value {
                None => {
                    self.groups.remove(&group);
                }
                // A broker that does not know KIP-848 has had the group since.
                Some(value) => {
                    self.consumer_groups.remove(&group);
                    self.groups.insert(group, GroupValue::decode(value)?);
                }
            },
            Key::Consumer => self.apply_consumer(&key, record.value.as_deref())?,
            Key::Unknown(version) => {
                warn!(version, "skipping a record of __consumer_offsets with an unknown key");
            }
        }
        Some(())
    }

    /// An offset was removed, with all that was to replace it: the end of a transaction does not
    /// bring it back. As `OffsetMetadataManager.replay`; Kafka 3.9 forgets it until the next load.
    fn remove(&mut self, key: &OffsetKey) {
        self.offsets.remove(key);
        self.transactions.values_mut().for_each(|pending| drop(pending.remove(key)));
    }

    /// A record of a KIP-848 group; its end is the tombstone of its epoch, the last of all.
    fn apply_consumer(&mut self, key: &[u8], value: Option<&[u8]>) -> Option<()> {
        let (id, record) = Record::decode(key, value).ok()?;
        let id: Arc<str> = id.into();
        if record == Record::Group(None) {
            self.consumer_groups.remove(&id);
        } else if value.is_some() || self.consumer_groups.contains_key(&id) {
            self.groups.remove(&id);
            self.consumer_groups.entry(id).or_default().apply(record);
        }
        Some(())
    }

    fn end_transaction(&mut self, producer_id: i64, marker: ControlMarker) {
        let pending = self.transactions.remove(&producer_id).unwrap_or_default();
        if marker == ControlMarker::Abort {
            return;
        }
        for (key, new) in pending {
            let is_newer =
                self.offsets.get(&key).is_none_or(|old| old.written_at <= new.written_at);
            if is_newer {
                self.offsets.insert(key, new);
            }
        }
    }

    /// Each group with its members, if it has any, and its offsets.
    pub fn into_groups(mut self) -> Vec<(Arc<str>, Members, Offsets)> {
        let mut offsets: HashMap<Arc<str>, Offsets> = HashMap::new();
        for ((group, partition), committed) in self.offsets {
            offsets.entry(group).or_default().put(partition, committed);
        }
        for (producer_id, pending) in self.transactions {
            for ((group, partition), committed) in pending {
                let offsets = offsets.entry(group).or_default();
                offsets.put_transactional(producer_id, partition, committed);
            }
        }
        let named = self.groups.keys().chain(self.consumer_groups.keys());
        let ids: HashSet<Arc<str>> = named.chain(offsets.keys()).cloned().collect();
        ids.into_iter()
            .map(|id| {
                let offsets = offsets.remove(&id).unwrap_or_default();
                // At most one is left: what is later in the log wins.
                let members = match (self.consumer_groups.remove(&id), self.groups.remove(&id)) {
                    (Some(group), _) => Members::Consumer(group),
                    (None, Some(value)) => Members::Classic(value),
                    (None, None) => Members::None,
                };
                (id, members, offsets)
            })
            .collect()
    }
}
