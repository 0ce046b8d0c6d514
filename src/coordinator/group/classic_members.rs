//! Members of the classic protocol in a KIP-848 group: JoinGroup, SyncGroup, Heartbeat and
//! LeaveGroup, translated. As `GroupMetadataManager.classicGroupJoinToConsumerGroup` and its kin.

use std::sync::Arc;

use super::GroupError;
use super::cell::{Group, GroupCell, Inner};
use super::classic::{
    ClassicGroup, Identity, JoinReply, JoinRequest, LeavingMember, Left, SyncReply, SyncRequest,
};
use super::consumer::group::{ConsumerGroup, GroupState};
use super::consumer::machine::ConsumerMachine;
use super::consumer::plan::{self, Heartbeat, Plan, Terms};
use super::consumer::reconcile::MemberState;
use super::consumer::records::ClassicMember;
use super::consumer::refusal::Refusal;
use super::consumer::{TopicCatalog, migrate, protocol};
use super::coordinator::GroupCoordinator;
use super::heartbeats::Unconfirmed;

/// The protocol type of consumers.
const PROTOCOL_TYPE: &str = "consumer";

/// An answer that is given once the log is replicated up to a place.
type Answer<T> = (T, Unconfirmed);

impl GroupCoordinator {
    /// An empty KIP-848 group becomes a classic one with the first classic member that joins.
    pub(super) fn revive_as_classic(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
    ) -> Result<(), GroupError> {
        if let Group::Consumer(machine) = &inner.group
            && machine.group.members.is_empty()
        {
            self.append_plan(cell, Vec::new(), &plan::delete(&machine.group))?;
            inner.group = Group::Classic(ClassicGroup::new(self.config(), self.now()));
        }
        Ok(())
    }

    /// A classic member joins a KIP-848 group; it is answered at once, as it need not wait for the
    /// others.
    pub(super) fn join_consumer(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        request: &JoinRequest,
    ) -> Result<Answer<JoinReply>, GroupError> {
        let config = self.config();
        let topics = self.catalog(cell.partition)?;
        let terms = self.terms(&cell.id, &topics, &config);
        let Group::Consumer(machine) = &mut inner.group else {
            return Err(GroupError::CoordinatorNotAvailable);
        };
        let join = match translated(&machine.group, request, terms)? {
            Translated::IdRequired(id) => {
                return Ok((JoinReply::failed(&id, GroupError::MemberIdRequired), None));
            }
            Translated::Join(join) => join,
        };
        let plan = plan::join_classic(&machine.group, &join, terms).map_err(of_refusal)?;
        self.append_plan(cell, Vec::new(), &plan.records)?;
        let (epoch, replaced) = (plan.epoch, plan.replaced.clone());
        machine.apply(plan);
        let now = self.now().ticks;
        let id = join.member_id.as_str();
        machine.restart_session(id, now, request.session_timeout_ms);
        machine.await_sync(id, now, request.rebalance_timeout_ms);
        let wake = machine.arm(id);
        self.wake(cell, inner, wake);
        let reply = JoinReply {
            error: None,
            member_id: id.into(),
            generation: epoch,
            protocol_type: Some(PROTOCOL_TYPE.into()),
            protocol: request.protocols.first().map(|protocol| protocol.name.clone()),
            leader: "".into(),
            skip_assignment: false,
            members: Vec::new(),
        };
        // It may have taken the place of the last static member of the new protocol.
        if let Some(replaced) = &replaced {
            self.downgrade(cell, inner, &[replaced.as_str()], &topics)?;
        }
        Ok((reply, cell.unconfirmed()))
    }

    /// A classic member asks for its assignment.
    pub(super) fn sync_consumer(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        request: &SyncRequest,
    ) -> Result<SyncReply, GroupError> {
        let topics = self.catalog(cell.partition)?;
        let now = self.now().ticks;
        let Group::Consumer(machine) = &mut inner.group else {
            return Err(GroupError::UnknownMemberId);
        };
        let (id, classic) = classic_member(&machine.group, &request.identity)?;
        let current = machine.group.current.get(&id).ok_or(GroupError::UnknownMemberId)?;
        if current.epoch != request.generation {
            return Err(GroupError::IllegalGeneration);
        }
        let first = classic.protocols.first().map(|(name, _)| name.as_str());
        let is_other = |asked: &Option<Arc<str>>, known: Option<&str>| {
            asked.as_deref().is_some_and(|asked| Some(asked) != known)
        };
        if is_other(&request.protocol_type, Some(PROTOCOL_TYPE))
            || is_other(&request.protocol, first)
        {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        let version = migrate::version_of(&classic);
        let reply = SyncReply {
            error: None,
            protocol_type: Some(PROTOCOL_TYPE.into()),
            protocol: first.map(Into::into),
            assignment: protocol::write_assignment(version, &current.assigned, &topics),
        };
        machine.synced(&id);
        machine.restart_session(&id, now, classic.session_timeout_ms);
        let wake = machine.arm(&id);
        self.wake(cell, inner, wake);
        Ok(reply)
    }

    /// A classic member is alive; it is told to join again when there is something to give up or
    /// to get.
    pub(super) fn heartbeat_consumer(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        identity: &Identity,
        generation: i32,
    ) -> Result<(), GroupError> {
        let now = self.now().ticks;
        let Group::Consumer(machine) = &mut inner.group else {
            return Err(GroupError::UnknownMemberId);
        };
        let (id, classic) = classic_member(&machine.group, identity)?;
        let current = machine.group.current.get(&id).ok_or(GroupError::UnknownMemberId)?;
        if current.epoch != generation {
            return Err(GroupError::IllegalGeneration);
        }
        let must_join = current.epoch < machine.group.epoch
            || current.state == MemberState::UnrevokedPartitions
            || current.state == MemberState::UnreleasedPartitions && !machine.group.is_waiting(&id);
        machine.restart_session(&id, now, classic.session_timeout_ms);
        if must_join {
            let timeout = machine.group.members.get(&id).map_or(0, |m| m.rebalance_timeout_ms);
            machine.await_join(&id, now, timeout);
        }
        let wake = machine.arm(&id);
        self.wake(cell, inner, wake);
        if must_join { Err(GroupError::RebalanceInProgress) } else { Ok(()) }
    }

    /// Members leave a KIP-848 group, or an administrator removes them; by whichever protocol they
    /// came, as since Kafka 4.0.
    pub(super) fn leave_consumer(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        members: &[LeavingMember],
    ) -> Left {
        let config = self.config();
        let topics = self.catalog(cell.partition)?;
        let Group::Consumer(machine) = &inner.group else {
            return Err(GroupError::CoordinatorNotAvailable);
        };
        let mut gone: Vec<String> = Vec::new();
        let results = members
            .iter()
            .map(|leaving| {
                gone.push(member_of(&machine.group, &leaving.identity)?);
                Ok(())
            })
            .collect();
        let ids: Vec<&str> = gone.iter().map(String::as_str).collect();
        let terms = self.terms(&cell.id, &topics, &config);
        let plan = plan::remove(&machine.group, &ids, terms);
        let plan = self.remove_or_downgrade(cell, inner, plan, &ids, &topics)?;
        if let (Group::Consumer(machine), Some(plan)) = (&mut inner.group, plan) {
            machine.apply(plan);
        }
        Ok(results)
    }

    /// Plans the end of members and appends it. When only classic members remain, and the policy
    /// says so, the group becomes a classic one; `None` says that it did.
    pub(super) fn remove_or_downgrade(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        plan: Plan,
        gone: &[&str],
        topics: &TopicCatalog,
    ) -> Result<Option<Plan>, GroupError> {
        if self.downgrade(cell, inner, gone, topics)? {
            return Ok(None);
        }
        self.append_plan(cell, Vec::new(), &plan.records)?;
        Ok(Some(plan))
    }

    /// Makes a classic group of a KIP-848 group that has only classic members without `gone`, who
    /// leave or have just been replaced; whether it did, or the group stays what it is.
    pub(super) fn downgrade(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        gone: &[&str],
        topics: &TopicCatalog,
    ) -> Result<bool, GroupError> {
        let config = self.config();
        let Group::Consumer(ConsumerMachine { group, .. }) = &inner.group else {
            return Ok(false);
        };
        let Some(first_gone) = gone.first() else { return Ok(false) };
        let stay = group.members.keys().filter(|id| !gone.contains(&id.as_str())).count();
        if !config.consumer.migration.downgrade
            || stay > config.max_size
            || !migrate::is_all_classic_without(group, gone)
        {
            return Ok(false);
        }
        // If nobody leaves, one has just joined in another's place, and knows what it has; the
        // members share anew only if they were on their way to something else.
        let rebalances = stay < group.members.len() || group.state() != GroupState::Stable;
        let members = migrate::downgraded(group, gone, topics);
        let now = self.now();
        let (mut classic, mut effects) =
            ClassicGroup::of_members(config, now, group.epoch, members);
        let value = match rebalances {
            true => classic.value_left_by(first_gone),
            false => classic.value_with(|member| member.assignment.clone()),
        };
        let mut records: Vec<_> = plan::delete(group)
            .iter()
            .map(|record| (record.key(&cell.id), record.value()))
            .collect();
        records.push((super::records::Key::encode_group(&cell.id), Some(value.encode())));
        self.append_plan(cell, records, &[])?;
        let more = if rebalances { classic.rebalance(now) } else { Default::default() };
        effects.wake = more.wake.or(effects.wake);
        inner.group = Group::Classic(classic);
        self.apply(cell, inner, effects);
        Ok(true)
    }
}

enum Translated {
    /// It is to join again, with this member id.
    IdRequired(String),
    Join(Box<Heartbeat>),
}

/// A JoinGroup as a heartbeat.
fn translated(
    group: &ConsumerGroup,
    request: &JoinRequest,
    terms: Terms,
) -> Result<Translated, GroupError> {
    let is_unknown = request.identity.member_id.is_empty();
    // Keys of records have no room for longer ones.
    if i16::try_from(request.identity.member_id.len()).is_err() {
        return Err(GroupError::UnknownMemberId);
    }
    let is_member = group.members.contains_key(&*request.identity.member_id);
    if !is_member && group.members.len() >= terms.settings.max_size {
        return Err(GroupError::GroupMaxSizeReached);
    }
    let names = request.protocols.iter().map(|protocol| &*protocol.name);
    if &*request.protocol_type != PROTOCOL_TYPE || !group.supports_classic(names) {
        return Err(GroupError::InconsistentGroupProtocol);
    }
    let member_id = match is_unknown {
        true => crate::types::id_to_base64(request.unique),
        false => request.identity.member_id.to_string(),
    };
    if is_unknown && request.require_known_member_id {
        return Ok(Translated::IdRequired(member_id));
    }
    let first = request.protocols.first().ok_or(GroupError::InconsistentGroupProtocol)?;
    let subscription =
        migrate::subscription_of(first).ok_or(GroupError::InconsistentGroupProtocol)?;
    Ok(Translated::Join(Box::new(Heartbeat {
        member_id,
        epoch: if is_unknown { 0 } else { 1 },
        instance_id: request.identity.instance_id.as_deref().map(str::to_owned),
        rack_id: subscription.rack_id,
        client_id: request.client_id.to_string(),
        client_host: request.client_host.to_string(),
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        topics: Some(subscription.topics),
        topic_regex: None,
        assignor: None,
        owned: Some(protocol::with_ids(&subscription.owned, terms.topics)),
        classic: Some(migrate::classic_member(request.session_timeout_ms, &request.protocols)),
    })))
}

/// The classic member that speaks.
fn classic_member(
    group: &ConsumerGroup,
    identity: &Identity,
) -> Result<(String, ClassicMember), GroupError> {
    let id = member_of(group, identity)?;
    let member = group.members.get(&id).ok_or(GroupError::UnknownMemberId)?;
    let classic = member.classic.clone().ok_or(GroupError::UnknownMemberId)?;
    Ok((id, classic))
}

/// The member that is meant; an empty id with an instance id is an administrator's way.
fn member_of(group: &ConsumerGroup, identity: &Identity) -> Result<String, GroupError> {
    let id = match &identity.instance_id {
        Some(instance) => {
            let id = group.static_member(instance).ok_or(GroupError::UnknownMemberId)?;
            if !identity.member_id.is_empty() && **id != *identity.member_id {
                return Err(GroupError::FencedInstanceId);
            }
            id.clone()
        }
        None => identity.member_id.to_string(),
    };
    if group.members.contains_key(&id) { Ok(id) } else { Err(GroupError::UnknownMemberId) }
}

fn of_refusal(refusal: Refusal) -> GroupError {
    match refusal {
        Refusal::UnknownMember { .. } | Refusal::UnknownInstance(_) => GroupError::UnknownMemberId,
        Refusal::FencedInstance { .. } => GroupError::FencedInstanceId,
        Refusal::Full(_) => GroupError::GroupMaxSizeReached,
        other => GroupError::Unexpected(other.to_string()),
    }
}
