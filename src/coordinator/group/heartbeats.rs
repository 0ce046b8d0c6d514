//! Heartbeats of KIP-848 groups, from the handlers to the log and back, and their deadlines.
//!
//! As `GroupMetadataManager.consumerGroupHeartbeat`: what a heartbeat changes is planned, appended,
//! then taken in; the answer waits for the replicas.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use tracing::{debug, error};

use super::cell::{Group, GroupCell, Inner};
use super::classic::{ClassicGroup, State};
use super::consumer::group::ConsumerGroup;
use super::consumer::machine::ConsumerMachine;
use super::consumer::plan::{self, Heartbeat, Plan, Terms};
use super::consumer::records::Record;
use super::consumer::refusal::Refusal;
use super::consumer::{Assignment, TopicCatalog, migrate};
use super::coordinator::{GroupCoordinator, Owned};
use super::records::Key;
use super::{GroupConfig, GroupError, HeartbeatError};
use crate::coordinator::state_log::{NewBatch, StateLogError};

/// A record's key and its value.
pub(super) type Encoded = (Bytes, Option<Bytes>);

/// What must be replicated before an answer is given: the log of a group up to a place.
pub(super) type Unconfirmed = Option<(Arc<GroupCell>, i64)>;

/// How long after a failed append members that are due are tried again.
const RETRY_MS: i64 = 500;

/// The answer to a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatReply {
    /// The member's id.
    pub member_id: String,
    /// The epoch it has now; what it sent when it leaves.
    pub epoch: i32,
    /// When to send the next, milliseconds; 0 to one that leaves.
    pub interval_ms: i32,
    /// What it may use; `None` when it knows already.
    pub assignment: Option<Assignment>,
}

impl GroupCoordinator {
    /// A member of a KIP-848 group speaks; answers when what it changed is replicated.
    pub async fn consumer_heartbeat(
        &self,
        group_id: &str,
        beat: Heartbeat,
    ) -> Result<HeartbeatReply, HeartbeatError> {
        let (reply, written) = self.begin_heartbeat(group_id, &beat)?;
        self.await_written(written).await?;
        Ok(reply)
    }

    /// Waits until the log is replicated up to this place.
    pub(super) async fn await_written(&self, written: Unconfirmed) -> Result<(), GroupError> {
        let Some((cell, end)) = written.filter(|_| self.config().required_acks == -1) else {
            return Ok(());
        };
        let result = self.log.committed(cell.partition, end, self.commit_timeout()).await;
        result.map_err(|error| of_append(&error))?;
        cell.replicated(end);
        Ok(())
    }

    fn begin_heartbeat(
        &self,
        group_id: &str,
        beat: &Heartbeat,
    ) -> Result<(HeartbeatReply, Unconfirmed), HeartbeatError> {
        let config = self.config();
        if !self.is_active() {
            return Err(GroupError::CoordinatorNotAvailable.into());
        }
        plan::validate(group_id, beat, &config.consumer.plan)?;
        let (partition, owned) = self.owned_named(group_id)?;
        let topics = self.catalog(partition)?;
        let is_new = owned.get(group_id).is_none();
        let cell = match owned.get(group_id) {
            Some(cell) => cell,
            None if beat.epoch == 0 => self.get_or_create(partition, &owned, group_id),
            None => return Err(not_found(group_id).into()),
        };
        let mut inner = cell.inner.lock();
        let terms = self.terms(group_id, &topics, &config);
        let result = self.heartbeat_of(&cell, &mut inner, beat, terms, is_new);
        if result.is_err() && is_new {
            self.forget_unused(&owned, &cell, &mut inner);
        }
        let plan = result?;
        let (epoch, assignment) = (plan.epoch, plan.assignment.clone());
        self.take_in(&cell, &mut inner, beat, plan);
        let interval_ms = if beat.epoch < 0 { 0 } else { config.consumer.heartbeat_interval_ms };
        let member_id = beat.member_id.clone();
        let reply = HeartbeatReply { member_id, epoch, interval_ms, assignment };
        Ok((reply, cell.unconfirmed()))
    }

    /// Applies what a heartbeat changed, once it is in the log, and sets the member's deadlines.
    fn take_in(&self, cell: &Arc<GroupCell>, inner: &mut Inner, beat: &Heartbeat, plan: Plan) {
        // Else it left, and what remains is a classic group.
        let Group::Consumer(machine) = &mut inner.group else { return };
        let (now, id) = (self.now().ticks, beat.member_id.as_str());
        let revoking = plan.revoking;
        let is_conversion = machine.is_unarmed();
        machine.apply(plan);
        if beat.epoch >= 0 {
            machine.restart_session(id, now, self.config().consumer.session_timeout_ms);
        }
        if let Some(is_revoking) = revoking {
            machine.set_revoking(id, now, is_revoking);
        }
        let wake = if is_conversion { machine.arm_all() } else { machine.arm(id) };
        self.wake(cell, inner, wake);
    }

    /// Plans a heartbeat and appends what it changes. A classic group that may become one of
    /// KIP-848 does with the first member that joins by it.
    fn heartbeat_of(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        beat: &Heartbeat,
        terms: Terms,
        is_new: bool,
    ) -> Result<Plan, HeartbeatError> {
        let Group::Classic(classic) = &inner.group else {
            let Group::Consumer(machine) = &inner.group else {
                return Err(GroupError::CoordinatorNotAvailable.into());
            };
            let plan = plan::heartbeat(&machine.group, beat, terms)?;
            if beat.epoch == plan::LEAVE
                && let gone = [beat.member_id.as_str()]
                && self.downgrade(cell, inner, &gone, terms.topics)?
            {
                return Ok(plan);
            }
            self.append_plan(cell, Vec::new(), &plan.records)?;
            return Ok(plan);
        };
        let (group, mut records) = self.converted(classic, beat, terms)?;
        if is_new {
            records.clear();
        }
        let plan = plan::heartbeat(&group, beat, terms)?;
        self.append_plan(cell, records, &plan.records)?;
        let session = self.config().consumer.session_timeout_ms;
        if let Group::Classic(classic) = &mut inner.group {
            let effects = classic.disband(self.now(), &GroupError::RebalanceInProgress);
            self.apply(cell, inner, effects);
        }
        let machine = ConsumerMachine::new(group, self.now().ticks, session);
        inner.group = Group::Consumer(machine);
        Ok(plan)
    }

    /// What a classic group becomes, and the records that say so.
    fn converted(
        &self,
        classic: &ClassicGroup,
        beat: &Heartbeat,
        terms: Terms,
    ) -> Result<(ConsumerGroup, Vec<Encoded>), HeartbeatError> {
        match classic.state() {
            State::Dead => Err(GroupError::CoordinatorNotAvailable.into()),
            State::Empty if beat.epoch == 0 => {
                let buried = (Key::encode_group(terms.group_id), None);
                Ok((ConsumerGroup::default(), vec![buried]))
            }
            _ if beat.epoch == 0 && self.may_upgrade(classic) => {
                let (group, records) = migrate::upgrade(classic, terms.topics)
                    .ok_or_else(|| not_a_consumer_group(terms.group_id))?;
                let buried = (Key::encode_group(terms.group_id), None);
                let made = records.iter().map(|r| (r.key(terms.group_id), r.value()));
                Ok((group, std::iter::once(buried).chain(made).collect()))
            }
            _ => Err(not_a_consumer_group(terms.group_id).into()),
        }
    }

    fn may_upgrade(&self, classic: &ClassicGroup) -> bool {
        let config = self.config();
        config.consumer.migration.upgrade
            && classic.is_consumer_group()
            && classic.members().count() <= config.consumer.plan.max_size
    }

    /// What a plan is made by.
    pub(super) fn terms<'a>(
        &self,
        group_id: &'a str,
        topics: &'a TopicCatalog,
        config: &'a GroupConfig,
    ) -> Terms<'a> {
        Terms { group_id, topics, settings: &config.consumer.plan, wall: self.now().wall }
    }

    /// The topics that groups of this partition are assigned from.
    pub(super) fn catalog(&self, partition: i32) -> Result<Arc<TopicCatalog>, GroupError> {
        self.topics.catalog(partition).ok_or(GroupError::CoordinatorLoadInProgress)
    }

    /// Appends the records of a group as one batch, which answers then wait for. Nothing is
    /// appended when there is nothing to say.
    pub(super) fn append_plan(
        &self,
        cell: &GroupCell,
        mut records: Vec<Encoded>,
        planned: &[Record],
    ) -> Result<(), GroupError> {
        records.extend(planned.iter().map(|record| (record.key(&cell.id), record.value())));
        if records.is_empty() {
            return Ok(());
        }
        let config = self.config();
        let batch = NewBatch {
            records,
            timestamp: self.now().wall,
            producer: None,
            base_sequence: -1,
            compression: config.compression,
            require_min_insync: config.required_acks == -1,
        };
        let appended = self.log.append(cell.partition, &batch);
        match appended {
            Ok(appended) => {
                cell.wrote(appended.end_offset);
                Ok(())
            }
            Err(error) => {
                error!(group = %cell.id, %error, "cannot store the group");
                Err(of_append(&error))
            }
        }
    }

    /// Removes the members of a KIP-848 group that have overstepped a deadline.
    pub(super) fn tick_consumer(&self, cell: &Arc<GroupCell>, inner: &mut Inner) {
        let now = self.now().ticks;
        let Group::Consumer(machine) = &mut inner.group else { return };
        let due = machine.due(now);
        if !due.is_empty() {
            debug!(group = %cell.id, members = ?due, "members overstepped a deadline");
            let removed = self.remove_due(cell, inner, &due);
            // Else the group is a classic one now.
            let Group::Consumer(machine) = &mut inner.group else { return };
            match removed {
                Ok(plan) => machine.apply(plan.unwrap_or_default()),
                Err(_) => machine.postpone(&due, now.saturating_add(RETRY_MS)),
            }
        }
        let Group::Consumer(machine) = &mut inner.group else { return };
        let wake = machine.arm_all();
        self.wake(cell, inner, wake);
    }

    fn remove_due(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        due: &BTreeSet<String>,
    ) -> Result<Option<Plan>, GroupError> {
        let config = self.config();
        let topics = self.catalog(cell.partition)?;
        let terms = self.terms(&cell.id, &topics, &config);
        let Group::Consumer(machine) = &inner.group else { return Ok(None) };
        let ids: Vec<&str> = due.iter().map(String::as_str).collect();
        let plan = plan::remove(&machine.group, &ids, terms);
        self.remove_or_downgrade(cell, inner, plan, &ids, &topics)
    }

    /// Calls the group at this time, if any, unless it will be called before.
    pub(super) fn wake(&self, cell: &Arc<GroupCell>, inner: &mut Inner, at: Option<i64>) {
        if let Some(at) = at.filter(|at| *at < inner.scheduled) {
            inner.scheduled = at;
            self.timer.schedule(at, cell);
        }
    }

    /// A group that was made for a request that then failed goes again.
    fn forget_unused(&self, owned: &Owned, cell: &Arc<GroupCell>, inner: &mut Inner) {
        let is_unused = match &inner.group {
            Group::Classic(group) => {
                group.state() == State::Empty
                    && group.generation() == 0
                    && !group.has_pending_members()
            }
            Group::Consumer(_) => false,
        };
        if is_unused && inner.offsets.is_empty() {
            inner.kill(self.config(), self.now());
            owned.remove(cell);
        }
    }
}

fn not_a_consumer_group(group_id: &str) -> Refusal {
    Refusal::GroupNotFound(format!("Group {group_id} is not a consumer group."))
}

fn not_found(group_id: &str) -> Refusal {
    Refusal::GroupNotFound(format!("Group {group_id} not found."))
}

/// What a member gets when its group could not be stored, as
/// `CoordinatorOperationExceptionHelper.handleOperationException`.
fn of_append(error: &StateLogError) -> GroupError {
    match error {
        StateLogError::TimedOut => GroupError::CoordinatorNotAvailable,
        StateLogError::TooLarge => GroupError::Unexpected(error.to_string()),
        _ => GroupError::from_append(error),
    }
}
