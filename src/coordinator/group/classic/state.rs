//! The state of a classic group, and the questions that can be asked of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::rebalance::Rebalance;
use super::{Effects, Identity, JoinReply, JoinedMember, Member, Now, subscription};
use crate::coordinator::group::records::{GroupValue, MemberValue};
use crate::coordinator::group::{GroupConfig, GroupError};

/// The states of Kafka's `GroupMetadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No members; perhaps offsets.
    Empty,
    /// Members are asked to join again.
    PreparingRebalance,
    /// The leader is to send its assignment.
    CompletingRebalance,
    /// Every member has, or can have, its assignment.
    Stable,
    /// Removed, or moved to another broker.
    Dead,
}

impl State {
    /// As in DescribeGroups and ListGroups.
    pub fn name(self) -> &'static str {
        match self {
            State::Empty => "Empty",
            State::PreparingRebalance => "PreparingRebalance",
            State::CompletingRebalance => "CompletingRebalance",
            State::Stable => "Stable",
            State::Dead => "Dead",
        }
    }
}

/// A classic group.
#[derive(Debug)]
pub struct ClassicGroup {
    pub(super) config: Arc<GroupConfig>,
    pub(super) state: State,
    /// Wall clock of the last change of state; `None` when an old record did not say.
    pub(super) state_since: Option<i64>,
    pub(super) generation: i32,
    pub(super) protocol_type: Option<Arc<str>>,
    pub(super) protocol: Option<Arc<str>>,
    pub(super) leader: Option<Arc<str>>,
    pub(super) members: BTreeMap<Arc<str>, Member>,
    /// Member ids by group instance id.
    pub(super) static_members: HashMap<Arc<str>, Arc<str>>,
    /// Ids given out by MEMBER_ID_REQUIRED, with when they are forgotten.
    pub(super) pending: BTreeMap<Arc<str>, i64>,
    /// Members that have not synced in this generation.
    pub(super) pending_sync: BTreeSet<Arc<str>>,
    /// When those in `pending_sync` are removed.
    pub(super) sync_deadline: Option<i64>,
    pub(super) rebalance: Option<Rebalance>,
    /// A member came during the initial delay: extend it.
    pub(super) new_member_added: bool,
    /// Topics that consumers subscribe to; `None` when it cannot be known.
    pub(super) subscribed: Option<BTreeSet<Arc<str>>>,
    /// When the surroundings will call `tick`.
    pub(in crate::coordinator::group) armed: i64,
}

impl ClassicGroup {
    /// An empty group.
    pub fn new(config: Arc<GroupConfig>, now: Now) -> Self {
        ClassicGroup {
            config,
            state: State::Empty,
            state_since: Some(now.wall),
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: HashMap::new(),
            pending: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            sync_deadline: None,
            rebalance: None,
            new_member_added: false,
            subscribed: None,
            armed: i64::MAX,
        }
    }

    /// A group read back from its record. Its members have a session timeout from `now`; a group
    /// of more members than are now allowed rebalances.
    pub fn load(config: Arc<GroupConfig>, now: Now, value: GroupValue) -> (Self, Effects) {
        let mut group = ClassicGroup::new(config, now);
        group.state = if value.members.is_empty() { State::Empty } else { State::Stable };
        group.state_since = (value.state_timestamp >= 0).then_some(value.state_timestamp);
        group.generation = value.generation;
        group.protocol_type = Some(value.protocol_type).filter(|t| !t.is_empty());
        group.leader = value.leader;
        for member in value.members {
            let member = member.into_member(value.protocol.as_deref());
            if let Some(instance) = &member.instance_id {
                group.static_members.insert(instance.clone(), member.id.clone());
            }
            group.members.insert(member.id.clone(), member);
        }
        group.protocol = value.protocol;
        group.subscribed = subscription::topics_of(&group);
        let mut effects = Effects::default();
        if group.members.len() > group.config.max_size {
            group.prepare_rebalance(now, &mut effects);
        }
        let ids: Vec<_> = group.members.keys().cloned().collect();
        for id in ids {
            group.restart_session(now, &id, &mut effects);
        }
        (group, effects)
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Wall clock of the last change of state, if known.
    pub fn state_since(&self) -> Option<i64> {
        self.state_since
    }

    /// The generation, 0 before the first.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// `consumer`, `connect`, …; `None` for a group that only stores offsets.
    pub fn protocol_type(&self) -> Option<&Arc<str>> {
        self.protocol_type.as_ref()
    }

    /// The protocol of the current generation.
    pub fn protocol(&self) -> Option<&Arc<str>> {
        self.protocol.as_ref()
    }

    /// The members by id.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Topics that the members subscribe to; `None` when it cannot be known.
    pub fn subscribed(&self) -> Option<&BTreeSet<Arc<str>>> {
        self.subscribed.as_ref()
    }

    /// Whether its members speak the consumer protocol.
    pub fn is_consumer_group(&self) -> bool {
        self.protocol_type.as_deref() == Some(subscription::PROTOCOL_TYPE)
    }

    /// Whether a member may be consuming `topic`: yes when it cannot be known.
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        self.subscribed.as_ref().is_none_or(|topics| topics.contains(topic))
    }

    /// Whether someone was given a member id and is about to join with it.
    pub fn has_pending_members(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Marks an empty group as removed.
    pub fn kill(&mut self, now: Now) {
        self.enter(State::Dead, now);
    }

    /// Settings that changed.
    pub fn set_config(&mut self, config: Arc<GroupConfig>) {
        self.config = config;
    }

    /// The record of the group with `assignments` instead of the members' own.
    pub fn value_with(&self, assignment_of: impl Fn(&Member) -> bytes::Bytes) -> GroupValue {
        let protocol = self.protocol.as_deref().unwrap_or("");
        GroupValue {
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| "".into()),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_timestamp: self.state_since.unwrap_or(-1),
            members: self
                .members
                .values()
                .map(|member| MemberValue {
                    member_id: member.id.clone(),
                    instance_id: member.instance_id.clone(),
                    client_id: member.client_id.clone(),
                    client_host: member.client_host.clone(),
                    rebalance_timeout_ms: member.rebalance_timeout_ms,
                    session_timeout_ms: member.session_timeout_ms,
                    subscription: member.metadata(protocol),
                    assignment: assignment_of(member),
                })
                .collect(),
        }
    }

    pub(super) fn enter(&mut self, state: State, now: Now) {
        self.state = state;
        self.state_since = Some(now.wall);
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// The identity must be a member's, and an instance id must map to that member id.
    pub(super) fn check_member(&self, identity: &Identity) -> Result<(), GroupError> {
        if let Some(instance) = &identity.instance_id {
            return match self.static_members.get(instance) {
                None => Err(GroupError::UnknownMemberId),
                Some(id) if *id != identity.member_id => Err(GroupError::FencedInstanceId),
                Some(_) => Ok(()),
            };
        }
        if !self.members.contains_key(&identity.member_id) {
            return Err(GroupError::UnknownMemberId);
        }
        Ok(())
    }

    /// Whether the group can take someone who supports these protocols.
    pub(super) fn accepts(&self, protocol_type: &str, names: &[&str]) -> bool {
        if self.state == State::Empty {
            return !protocol_type.is_empty() && !names.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && names.iter().any(|name| self.is_supported_by_all(name))
    }

    fn is_supported_by_all(&self, name: &str) -> bool {
        self.members.values().all(|m| m.protocols.iter().any(|p| &*p.name == name))
    }

    /// The protocol with most votes among those that all support; each votes for its first.
    pub(super) fn select_protocol(&self) -> Option<Arc<str>> {
        let first = self.members.values().next()?;
        let candidates: Vec<&Arc<str>> = first
            .protocols
            .iter()
            .map(|p| &p.name)
            .filter(|name| self.is_supported_by_all(name))
            .collect();
        let mut votes = vec![0usize; candidates.len()];
        for member in self.members.values() {
            let vote =
                member.protocols.iter().find_map(|p| candidates.iter().position(|c| **c == p.name));
            if let Some(count) = vote.and_then(|index| votes.get_mut(index)) {
                *count += 1;
            }
        }
        let most = votes.iter().max()?;
        let index = votes.iter().position(|count| count == most)?;
        candidates.get(index).map(|name| Arc::clone(name))
    }

    /// What a member of the current generation is told.
    pub(super) fn joined(&self, member_id: &str) -> JoinReply {
        JoinReply {
            error: None,
            member_id: member_id.into(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_else(|| "".into()),
            skip_assignment: false,
            members: if self.is_leader(member_id) { self.joined_members() } else { Vec::new() },
        }
    }

    fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_deref().unwrap_or("");
        self.members
            .values()
            .map(|member| JoinedMember {
                member_id: member.id.clone(),
                instance_id: member.instance_id.clone(),
                metadata: member.metadata(protocol),
            })
            .collect()
    }

    pub(super) fn max_rebalance_timeout_ms(&self) -> i64 {
        self.members.values().map(|m| i64::from(m.rebalance_timeout_ms)).max().unwrap_or(0).max(0)
    }

    pub(super) fn awaiting_joins(&self) -> usize {
        self.members.values().filter(|m| m.awaiting_join.is_some()).count()
    }
}
