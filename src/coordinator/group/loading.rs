//! Reads one partition of `__consumer_offsets` into groups and offsets. As
//! `GroupMetadataManager.doLoadGroupsAndOffsets`. Blocks on the disk.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tracing::warn;

use super::offsets::{Committed, Offsets};
use super::records::{GroupValue, Key, OffsetValue};
use crate::coordinator::state_log::{ControlMarker, StateBatch, StateLog, StateRecord, walk};
use crate::types::TopicPartition;

type OffsetKey = (Arc<str>, TopicPartition);

/// What the log says.
#[derive(Default)]
pub(super) struct Loaded {
    groups: HashMap<Arc<str>, GroupValue>,
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
        match Key::decode(record.key?)? {
            Key::Offset { group, partition } => {
                let key = (group, partition);
                let target = match producer {
                    Some(id) => self.transactions.entry(id).or_default(),
                    None => &mut self.offsets,
                };
                match record.value {
                    None => {
                        target.remove(&key);
                    }
                    Some(value) => {
                        let value = OffsetValue::decode(value)?;
                        target.insert(key, Committed { written_at: record.offset, value });
                    }
                }
            }
            Key::Group(group) => match record.value {
                None => {
                    self.groups.remove(&group);
                }
                Some(value) => {
                    self.groups.insert(group, GroupValue::decode(value)?);
                }
            },
            Key::Unknown(version) => {
                warn!(version, "skipping a record of __consumer_offsets with an unknown key");
            }
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

    /// Each group with its metadata, if it has any, and its offsets.
    pub fn into_groups(mut self) -> Vec<(Arc<str>, Option<GroupValue>, Offsets)> {
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
        let ids: HashSet<Arc<str>> = self.groups.keys().chain(offsets.keys()).cloned().collect();
        ids.into_iter()
            .map(|id| {
                let offsets = offsets.remove(&id).unwrap_or_default();
                let value = self.groups.remove(&id);
                (id, value, offsets)
            })
            .collect()
    }
}
