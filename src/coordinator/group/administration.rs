//! Listing, describing, deleting and expiring groups and offsets.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tracing::{debug, error};

use super::GroupError;
use super::cell::{Group, GroupCell, Inner};
use super::classic::{ClassicGroup, Now, State};
use super::commit::CommitResults;
use super::consumer::machine::ConsumerMachine;
use super::consumer::plan;
use super::coordinator::{GroupCoordinator, Owned};
use super::heartbeats::Encoded;
use super::records::{Key, OffsetValue};
use crate::coordinator::state_log::NewBatch;
use crate::types::TopicPartition;

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Its id.
    pub group_id: Arc<str>,
    /// Its protocol type; empty if it only stores offsets.
    pub protocol_type: Arc<str>,
    /// Its state, e.g. `Stable`.
    pub state: &'static str,
    /// `classic` or `consumer`.
    pub kind: &'static str,
}

/// A group in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its state, e.g. `Stable`; `Dead` for a group that does not exist.
    pub state: &'static str,
    /// Its protocol type.
    pub protocol_type: Arc<str>,
    /// The protocol in use; empty unless stable.
    pub protocol: Arc<str>,
    /// Its members.
    pub members: Vec<DescribedMember>,
}

/// A member in full.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in `classic::Member`")]
pub struct DescribedMember {
    pub member_id: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    /// Empty unless the group is stable.
    pub metadata: Bytes,
    /// Empty unless the group is stable.
    pub assignment: Bytes,
}

impl GroupCoordinator {
    /// All groups here, and whether some are still being loaded.
    pub fn list(&self) -> Result<(Vec<Overview>, bool), GroupError> {
        if !self.is_active() {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        let mut overviews = Vec::new();
        let mut is_loading = false;
        for (_, owned) in self.all_owned() {
            is_loading |= owned.is_loading.load(Ordering::Acquire);
            for cell in owned.cells() {
                overviews.push(overview(&cell));
            }
        }
        Ok((overviews, is_loading))
    }

    /// One classic group; a dead one if there is none, or if it is one of KIP-848.
    pub fn describe(&self, group_id: &str) -> Result<Description, GroupError> {
        let (_, owned) = self.owned(group_id)?;
        if let Some(cell) = owned.get(group_id)
            && let Group::Classic(group) = &cell.inner.lock().group
        {
            return Ok(describe(group));
        }
        let none: Arc<str> = "".into();
        Ok(Description {
            state: State::Dead.name(),
            protocol_type: none.clone(),
            protocol: none,
            members: Vec::new(),
        })
    }

    /// Deletes a group without members, and its offsets.
    pub fn delete_group(&self, group_id: &str) -> Result<(), GroupError> {
        let (_, owned) = self.owned(group_id)?;
        let cell = owned.get(group_id).ok_or(GroupError::GroupIdNotFound)?;
        let mut inner = cell.inner.lock();
        if inner.group.is_dead() {
            return Err(GroupError::GroupIdNotFound);
        }
        if !inner.group.is_empty() {
            return Err(GroupError::NonEmptyGroup);
        }
        let removed = inner.offsets.clear();
        self.remove(&owned, &cell, &mut inner, &removed);
        Ok(())
    }

    /// Deletes offsets of topics that the group is not subscribed to.
    pub fn delete_offsets(
        &self,
        group_id: &str,
        partitions: &[TopicPartition],
    ) -> Result<CommitResults, GroupError> {
        let (_, owned) = self.owned_named(group_id)?;
        let cell = owned.get(group_id).ok_or(GroupError::GroupIdNotFound)?;
        let mut inner = cell.inner.lock();
        let has_members = !inner.group.is_empty();
        match &inner.group {
            Group::Classic(group) => match group.state() {
                State::Dead => return Err(GroupError::GroupIdNotFound),
                State::Empty => {}
                _ if group.is_consumer_group() => {}
                _ => return Err(GroupError::NonEmptyGroup),
            },
            Group::Consumer(_) => {}
        }
        let mut removed = Vec::new();
        let mut results = CommitResults::new();
        for partition in partitions {
            if has_members && is_subscribed(&inner.group, &partition.topic) {
                results.push(Err(GroupError::GroupSubscribedToTopic));
                continue;
            }
            if inner.offsets.remove(partition) {
                removed.push(partition.clone());
            }
            results.push(Ok(()));
        }
        self.bury(&owned, &cell, &mut inner, &removed);
        Ok(results)
    }

    /// Partitions were deleted: so are all groups' offsets of them.
    pub fn on_partitions_deleted(&self, partitions: &[TopicPartition]) {
        for (_, owned) in self.all_owned() {
            for cell in owned.cells() {
                let mut inner = cell.inner.lock();
                let removed: Vec<TopicPartition> = partitions
                    .iter()
                    .filter(|partition| inner.offsets.remove(partition))
                    .cloned()
                    .collect();
                self.bury(&owned, &cell, &mut inner, &removed);
            }
        }
    }

    /// Removes expired offsets, and groups that have neither members nor offsets.
    pub fn expire_offsets(&self) {
        let now = self.now();
        let retention_ms = self.config().offsets_retention_ms;
        for (_, owned) in self.all_owned() {
            for cell in owned.cells() {
                let mut inner = cell.inner.lock();
                let removed = take_expired(&mut inner, now, retention_ms);
                if !removed.is_empty() {
                    debug!(group = %cell.id, count = removed.len(), "offsets expired");
                }
                if is_empty_consumer_group(&inner.group) && inner.offsets.is_empty() {
                    self.remove(&owned, &cell, &mut inner, &removed);
                } else {
                    self.bury(&owned, &cell, &mut inner, &removed);
                }
            }
        }
    }

    /// Writes tombstones for removed offsets; removes a classic group with its record if it is
    /// now unused, as `GroupMetadataManager.cleanupGroupMetadata`. One of KIP-848 goes only when
    /// offsets expire, as by `GroupCoordinatorShard.cleanupGroupMetadata`. A lost tombstone is
    /// written again by a later expiry, so nobody waits for it.
    fn bury(
        &self,
        owned: &Owned,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        removed: &[TopicPartition],
    ) {
        let is_unused = match &inner.group {
            Group::Classic(group) => {
                group.state() == State::Dead
                    || group.state() == State::Empty && !group.has_pending_members()
            }
            Group::Consumer(_) => false,
        };
        if is_unused && inner.offsets.is_empty() {
            return self.remove(owned, cell, inner, removed);
        }
        let records = removed.iter().map(|p| (Key::encode_offset(&cell.id, p), None)).collect();
        self.append_tombstones(cell, records);
    }

    /// Removes a group with its record, and writes tombstones for it and its removed offsets.
    fn remove(
        &self,
        owned: &Owned,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        removed: &[TopicPartition],
    ) {
        let mut records: Vec<Encoded> =
            removed.iter().map(|p| (Key::encode_offset(&cell.id, p), None)).collect();
        match &inner.group {
            // Generation 0 never had a record of its own.
            Group::Classic(group) if group.generation() > 0 => {
                records.push((Key::encode_group(&cell.id), None));
            }
            Group::Classic(_) => {}
            Group::Consumer(machine) => {
                let tombstones = plan::delete(&machine.group);
                records.extend(tombstones.iter().map(|record| (record.key(&cell.id), None)));
            }
        }
        inner.kill(self.config(), self.now());
        owned.remove(cell);
        self.append_tombstones(cell, records);
    }

    fn append_tombstones(&self, cell: &GroupCell, records: Vec<Encoded>) {
        if records.is_empty() {
            return;
        }
        let batch = NewBatch {
            records,
            timestamp: self.now().wall,
            producer: None,
            base_sequence: -1,
            compression: self.config().compression,
            require_min_insync: false,
        };
        if let Err(error) = self.log.append(cell.partition, &batch) {
            error!(group = %cell.id, %error, "cannot write tombstones");
        }
    }
}

impl Owned {
    /// Every group.
    fn cells(&self) -> Vec<Arc<GroupCell>> {
        self.groups.read().values().cloned().collect()
    }

    /// Forgets a dead group, unless a new one has its name.
    pub(super) fn remove(&self, cell: &Arc<GroupCell>) {
        let mut groups = self.groups.write();
        if groups.get(&cell.id).is_some_and(|current| Arc::ptr_eq(current, cell)) {
            groups.remove(&cell.id);
            self.producers.lock().retain(|_, groups| {
                groups.remove(&cell.id);
                !groups.is_empty()
            });
        }
    }
}

fn overview(cell: &GroupCell) -> Overview {
    let group_id = cell.id.clone();
    match &cell.inner.lock().group {
        Group::Classic(group) => Overview {
            group_id,
            protocol_type: protocol_type(group),
            state: group.state().name(),
            kind: "classic",
        },
        Group::Consumer(machine) => Overview {
            group_id,
            protocol_type: "consumer".into(),
            state: machine.group.state().name(),
            kind: "consumer",
        },
    }
}

fn is_empty_consumer_group(group: &Group) -> bool {
    matches!(group, Group::Consumer(machine) if machine.group.members.is_empty())
}

fn is_subscribed(group: &Group, topic: &str) -> bool {
    match group {
        Group::Classic(group) => group.is_subscribed_to(topic),
        Group::Consumer(machine) => machine.group.is_subscribed(topic),
    }
}

fn protocol_type(group: &ClassicGroup) -> Arc<str> {
    group.protocol_type().cloned().unwrap_or_else(|| "".into())
}

fn describe(group: &ClassicGroup) -> Description {
    let is_stable = group.state() == State::Stable;
    let protocol = group.protocol().filter(|_| is_stable).cloned().unwrap_or_else(|| "".into());
    let members = group
        .members()
        .map(|member| DescribedMember {
            member_id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: if is_stable { member.metadata(&protocol) } else { Bytes::new() },
            assignment: if is_stable { member.assignment.clone() } else { Bytes::new() },
        })
        .collect();
    let protocol_type = protocol_type(group);
    Description { state: group.state().name(), protocol_type, protocol, members }
}

/// Which offsets expire depends on who may still need them (KIP-211, `removeExpiredOffsets`):
/// of an empty group all, a while after it became empty; of a stable group of consumers those of
/// topics without subscription, a while after their commit; of a group that never had members
/// each, a while after its commit. Of a KIP-848 group those of topics without subscription, a while
/// after their commit.
fn take_expired(inner: &mut Inner, now: Now, retention_ms: i64) -> Vec<TopicPartition> {
    let is_over = |since: i64, value: &OffsetValue| match value.expire_timestamp {
        Some(expiry) => now.wall >= expiry,
        None => now.wall.saturating_sub(since) >= retention_ms,
    };
    let group = match &inner.group {
        Group::Classic(group) => group,
        Group::Consumer(ConsumerMachine { group, .. }) => {
            return inner.offsets.remove_if(|partition, value| {
                !group.is_subscribed(&partition.topic) && is_over(value.commit_timestamp, value)
            });
        }
    };
    match group.protocol_type() {
        None => inner.offsets.remove_if(|_, value| is_over(value.commit_timestamp, value)),
        Some(_) if group.state() == State::Empty => {
            let since = group.state_since();
            inner.offsets.remove_if(|_, v| is_over(since.unwrap_or(v.commit_timestamp), v))
        }
        Some(_) if group.is_consumer_group() && group.state() == State::Stable => {
            let Some(subscribed) = group.subscribed() else {
                return Vec::new();
            };
            inner.offsets.remove_if(|partition, value| {
                !subscribed.contains(&partition.topic) && is_over(value.commit_timestamp, value)
            })
        }
        Some(_) => Vec::new(),
    }
}
