//! Committing, fetching and deleting offsets, in and out of transactions. As the offset half of
//! `GroupCoordinator` and `GroupMetadataManager.storeOffsets`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::GroupError;
use super::cell::{Group, GroupCell, Inner};
use super::classic::Identity;
use super::consumer::group::ConsumerGroup;
use super::coordinator::{GroupCoordinator, Owned};
use super::offsets::Committed;
use super::records::{Key, OffsetValue};
use crate::coordinator::state_log::{Appended, NewBatch, Producer, StateLogError};
use crate::types::TopicPartition;

/// An OffsetCommit or TxnOffsetCommit.
#[derive(Clone, Debug, Default)]
pub struct CommitRequest {
    /// The group; may be empty.
    pub group_id: Arc<str>,
    /// Who commits; empty for simple consumers.
    pub identity: Identity,
    /// The generation, -1 for simple consumers.
    pub generation: i32,
    /// What is committed.
    pub offsets: Vec<(TopicPartition, OffsetValue)>,
    /// Whether the request's version has room for a member epoch (v9).
    pub knows_epochs: bool,
    /// Set when the commit is part of this producer's transaction.
    pub producer: Option<Producer>,
}

/// The outcome for each partition, in their order.
pub type CommitResults = Vec<Result<(), GroupError>>;

/// What is known of a partition's offset.
pub type Fetched = Result<Option<OffsetValue>, GroupError>;

/// A commit between its append and its replication.
struct InFlight {
    cell: Arc<GroupCell>,
    appended: Appended,
    is_valid: Vec<bool>,
}

impl GroupCoordinator {
    /// Commits offsets; answers when they are replicated.
    pub async fn commit_offsets(&self, request: CommitRequest) -> CommitResults {
        let in_flight = match self.begin_commit(&request) {
            Ok(in_flight) => in_flight,
            Err(error) => return vec![Err(error); request.offsets.len()],
        };
        let result = if self.config().required_acks == -1 {
            let partition = in_flight.cell.partition;
            let end = in_flight.appended.end_offset;
            self.log.committed(partition, end, self.commit_timeout()).await
        } else {
            Ok(())
        };
        let outcome = self.finish_commit(&request, &in_flight, result);
        let one = |is_valid: &bool| match is_valid {
            true => outcome.clone(),
            false => Err(GroupError::OffsetMetadataTooLarge),
        };
        in_flight.is_valid.iter().map(one).collect()
    }

    fn begin_commit(&self, request: &CommitRequest) -> Result<InFlight, GroupError> {
        let (partition, owned) = self.owned(&request.group_id)?;
        let is_transactional = request.producer.is_some();
        let cell = match owned.get(&request.group_id) {
            Some(cell) => cell,
            // Such a group only stores offsets.
            None if request.generation < 0 || is_transactional => {
                self.get_or_create(partition, &owned, &request.group_id)
            }
            None => return Err(GroupError::IllegalGeneration),
        };
        let mut inner = cell.inner.lock();
        self.check_commit(&cell, &mut inner, request)?;
        let max = self.config().offset_metadata_max_bytes;
        let is_valid: Vec<bool> =
            request.offsets.iter().map(|(_, value)| has_room_for(&value.metadata, max)).collect();
        if !is_valid.contains(&true) {
            return Err(GroupError::OffsetMetadataTooLarge);
        }
        let appended = self.append_commit(&owned, &cell, &mut inner, request, &is_valid);
        drop(inner);
        let appended = appended.map_err(|error| GroupError::from_append(&error))?;
        Ok(InFlight { cell, appended, is_valid })
    }

    fn check_commit(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        request: &CommitRequest,
    ) -> Result<(), GroupError> {
        match &mut inner.group {
            Group::Consumer(machine) => check_consumer_commit(&machine.group, request),
            Group::Classic(group) => {
                let is_transactional = request.producer.is_some();
                let (result, effects) = group.check_commit(
                    self.now(),
                    &request.identity,
                    request.generation,
                    is_transactional,
                );
                self.apply(cell, inner, effects);
                result
            }
        }
    }

    fn append_commit(
        &self,
        owned: &Owned,
        cell: &GroupCell,
        inner: &mut Inner,
        request: &CommitRequest,
        is_valid: &[bool],
    ) -> Result<Appended, StateLogError> {
        let config = self.config();
        let records = valid(request, is_valid)
            .map(|(partition, value)| {
                (Key::encode_offset(&cell.id, partition), Some(value.encode()))
            })
            .collect();
        let batch = NewBatch {
            records,
            timestamp: self.now().wall,
            producer: request.producer,
            base_sequence: 0,
            compression: config.compression,
            require_min_insync: config.required_acks == -1,
        };
        // Before the append: a marker, when the transaction times out, may be written right after
        // it and must find the group, whose lock it then waits for.
        if let Some(producer) = request.producer {
            owned.producers.lock().entry(producer.id).or_default().insert(cell.id.clone());
        }
        let appended = self.log.append(cell.partition, &batch)?;
        for ((partition, value), at) in valid(request, is_valid).zip(appended.base_offset..) {
            match request.producer {
                Some(producer) => {
                    let offset = Committed { written_at: at, value: value.clone() };
                    inner.offsets.begin_transactional(producer.id, partition.clone(), offset);
                }
                None => inner.offsets.begin(partition.clone(), at),
            }
        }
        Ok(appended)
    }

    fn finish_commit(
        &self,
        request: &CommitRequest,
        in_flight: &InFlight,
        result: Result<(), StateLogError>,
    ) -> Result<(), GroupError> {
        let mut inner = in_flight.cell.inner.lock();
        let base = in_flight.appended.base_offset;
        let is_dead = inner.group.is_dead();
        let offsets = &mut inner.offsets;
        for ((partition, value), at) in valid(request, &in_flight.is_valid).zip(base..) {
            match (request.producer, &result) {
                _ if is_dead => {}
                (None, Ok(())) => offsets.finish(partition, at, value.clone()),
                (None, Err(_)) => offsets.fail(partition, at),
                (Some(p), Ok(())) => offsets.finish_transactional(p.id, partition, at),
                (Some(p), Err(_)) => offsets.fail_transactional(p.id, partition, at),
            }
        }
        result.map_err(|error| GroupError::from_append(&error))
    }

    /// Whether this partition of `__consumer_offsets` is being loaded: until it is, the end of a
    /// transaction may be missed.
    pub fn is_loading(&self, partition: i32) -> bool {
        self.owned_at(partition).is_some_and(|owned| owned.is_loading.load(Ordering::Acquire))
    }

    /// A transaction has ended in this partition of `__consumer_offsets`, with a marker at this
    /// place: its offsets count, or are forgotten. A marker that was sent twice may come when the
    /// producer's next transaction has offsets here, which wait for their own.
    pub fn on_transaction_end(
        &self,
        producer_id: i64,
        partition: i32,
        marker_at: i64,
        is_commit: bool,
    ) {
        let Some(owned) = self.owned_at(partition) else { return };
        let groups = owned.producers.lock().get(&producer_id).cloned().unwrap_or_default();
        for cell in groups.iter().filter_map(|id| owned.get(id)) {
            let mut inner = cell.inner.lock();
            if inner.group.is_dead() {
                continue;
            }
            inner.offsets.end_transaction(producer_id, marker_at, is_commit);
            if !inner.offsets.has_pending(producer_id) {
                owned.forget_producer(producer_id, &cell.id);
            }
        }
    }

    /// Whether this member may read the group's offsets: one of a KIP-848 group must come with
    /// its epoch (OffsetFetch v9). As `ConsumerGroup.validateOffsetFetch`.
    pub fn check_fetch(
        &self,
        group_id: &str,
        member_id: Option<&str>,
        epoch: i32,
    ) -> Result<(), GroupError> {
        let (_, owned) = self.owned(group_id)?;
        let Some(cell) = owned.get(group_id).filter(|_| member_id.is_some() || epoch >= 0) else {
            return Ok(());
        };
        match &cell.inner.lock().group {
            Group::Consumer(machine) => {
                check_epoch(&machine.group, member_id.unwrap_or_default(), epoch)
            }
            Group::Classic(_) => Ok(()),
        }
    }

    /// Committed offsets of `partitions`, or of all (`None`). With `require_stable`, those that a
    /// transaction or a commit is about to change are UNSTABLE_OFFSET_COMMIT (KIP-447).
    pub fn fetch_offsets(
        &self,
        group_id: &str,
        partitions: Option<&[TopicPartition]>,
        require_stable: bool,
    ) -> Result<Vec<(TopicPartition, Fetched)>, GroupError> {
        let (_, owned) = self.owned(group_id)?;
        let cell = owned.get(group_id);
        let inner = cell.as_ref().map(|cell| cell.inner.lock());
        let Some(inner) = inner.filter(|inner| !inner.group.is_dead()) else {
            return Ok(partitions
                .unwrap_or_default()
                .iter()
                .map(|p| (p.clone(), Ok(None)))
                .collect());
        };
        let offsets = &inner.offsets;
        let fetch = |partition: &TopicPartition| -> (TopicPartition, Fetched) {
            if require_stable && offsets.is_unstable(partition) {
                return (partition.clone(), Err(GroupError::UnstableOffsetCommit));
            }
            (partition.clone(), Ok(offsets.get(partition).cloned()))
        };
        Ok(match partitions {
            Some(partitions) => partitions.iter().map(fetch).collect(),
            None => offsets.iter().map(|(partition, _)| fetch(partition)).collect(),
        })
    }
}

/// Whether this identity may commit offsets to a KIP-848 group, as
/// `ConsumerGroup.validateOffsetCommit`. A commit does not keep a session alive.
fn check_consumer_commit(group: &ConsumerGroup, request: &CommitRequest) -> Result<(), GroupError> {
    let identity = &request.identity;
    let is_anonymous =
        request.generation == -1 && identity.member_id.is_empty() && identity.instance_id.is_none();
    let is_transactional = request.producer.is_some();
    if request.generation < 0 && group.members.is_empty() || is_transactional && is_anonymous {
        return Ok(());
    }
    let member = group.members.get(&*identity.member_id).ok_or(GroupError::UnknownMemberId)?;
    if !is_transactional && member.classic.is_none() && !request.knows_epochs {
        return Err(GroupError::UnsupportedVersion);
    }
    let epoch = request.generation;
    let current = group.current.get(&*identity.member_id).map_or(0, |current| current.epoch);
    let partitions = request.offsets.iter().map(|(id, _)| (&*id.topic, id.partition));
    // A heartbeat's answer may be on its way while the member commits what it had before and has.
    if member.classic.is_none()
        && (0..current).contains(&epoch)
        && group.has_had_since(&identity.member_id, epoch, partitions)
    {
        return Ok(());
    }
    // Clients do not know STALE_MEMBER_EPOCH from TxnOffsetCommit.
    check_epoch(group, &identity.member_id, request.generation).map_err(|error| match error {
        GroupError::StaleMemberEpoch if is_transactional => GroupError::IllegalGeneration,
        error => error,
    })
}

/// The member must exist and come with the epoch that it has.
fn check_epoch(group: &ConsumerGroup, member_id: &str, epoch: i32) -> Result<(), GroupError> {
    let member = group.members.get(member_id).ok_or(GroupError::UnknownMemberId)?;
    if group.current.get(member_id).is_some_and(|current| current.epoch == epoch) {
        return Ok(());
    }
    Err(match member.classic {
        Some(_) => GroupError::IllegalGeneration,
        None => GroupError::StaleMemberEpoch,
    })
}

/// Whether metadata is short enough. `offset.metadata.max.bytes` is not of bytes: Kafka counts the
/// characters of a Java string (`GroupMetadataManager.validateOffsetMetadataLength`). Only the
/// record's field is of bytes.
fn has_room_for(metadata: &str, max: usize) -> bool {
    i16::try_from(metadata.len()).is_ok()
        && (metadata.len() <= max || metadata.encode_utf16().count() <= max)
}

fn valid<'a>(
    request: &'a CommitRequest,
    is_valid: &'a [bool],
) -> impl Iterator<Item = &'a (TopicPartition, OffsetValue)> {
    request
        .offsets
        .iter()
        .zip(is_valid)
        .filter(|(_, is_valid)| **is_valid)
        .map(|(offset, _)| offset)
}
