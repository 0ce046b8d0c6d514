//! What a heartbeat, a leave or a lost session does to a group, as records to append.
//!
//! Follows Kafka's GroupMetadataManager (`consumerGroupHeartbeat`): validate, fence, take in what
//! the member says, raise the group epoch if that changes anything, compute a new target if the
//! epoch is ahead of it, take the member one step towards it.

use super::assignor::{Assignor, Subscriber, Subscribers};
use super::group::ConsumerGroup;
use super::pattern::{self, Resolver};
use super::reconcile::{Current, MemberState, difference};
use super::records::{ClassicMember, Member, Record, ResolvedRegex, SubscribedTopic};
use super::refusal::Refusal;
use super::{Assignment, TopicCatalog};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Member epoch that means "I leave".
pub const LEAVE: i32 = -1;
/// Member epoch that means "I will be back" (static members).
pub const LEAVE_FOR_A_WHILE: i32 = -2;

/// A heartbeat. `None` fields have not changed since the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// Member id; chosen by the client or, before version 1, by the coordinator.
    pub member_id: String,
    /// Epoch the member has reached; 0 to join, [`LEAVE`], [`LEAVE_FOR_A_WHILE`].
    pub epoch: i32,
    /// `group.instance.id`.
    pub instance_id: Option<String>,
    /// `client.rack`.
    pub rack_id: Option<String>,
    /// Client id of the request.
    pub client_id: String,
    /// Client host of the connection.
    pub client_host: String,
    /// Milliseconds; -1: not changed.
    pub rebalance_timeout_ms: i32,
    /// Subscribed topics.
    pub topics: Option<BTreeSet<String>>,
    /// Subscribed regular expression; empty: none any more.
    pub topic_regex: Option<String>,
    /// Assignor it asks for.
    pub assignor: Option<String>,
    /// Partitions it owns.
    pub owned: Option<Assignment>,
    /// Set when it is the JoinGroup of a member of the classic protocol.
    pub classic: Option<ClassicMember>,
}

/// The group's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `group.consumer.max.size`.
    pub max_size: usize,
    /// `group.consumer.assignors`, the default first.
    pub assignors: Vec<Assignor>,
}

impl Settings {
    /// The assignor of groups whose members ask for none.
    pub fn default_assignor(&self) -> Assignor {
        self.assignors.first().copied().unwrap_or(Assignor::Uniform)
    }
}

/// What a plan is made against besides the group itself.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The group's id, for messages.
    pub group_id: &'a str,
    /// The topics that exist.
    pub topics: &'a TopicCatalog,
    /// The group's settings.
    pub settings: &'a Settings,
    /// Milliseconds since 1970.
    pub wall: i64,
}

/// Records to append, and what to answer once they are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub records: Vec<Record>,
    /// The member's epoch after it.
    pub epoch: i32,
    /// What it may use; `None` when it knows already.
    pub assignment: Option<Assignment>,
    /// Set when the member has just been asked to give partitions up within its rebalance
    /// time-out, to whether it still has to.
    pub revoking: Option<bool>,
    /// The version of the topics that the group has now seen.
    pub looked_at: Option<u64>,
    /// The member that this one replaced.
    pub replaced: Option<String>,
}

/// The group as it will be: most heartbeats change only what their member has, and copy nothing.
type Next<'a> = Cow<'a, ConsumerGroup>;

impl Plan {
    fn push(&mut self, group: &mut Next, record: Record) {
        group.to_mut().apply(record.clone());
        self.records.push(record);
    }
}

/// Plans a heartbeat of a member. The group itself is not changed.
pub fn heartbeat(group: &ConsumerGroup, beat: &Heartbeat, terms: Terms) -> Result<Plan, Refusal> {
    if beat.epoch < 0 {
        return leave(group, beat, terms);
    }
    if is_idle(group, beat, terms.topics) {
        return Ok(Plan { epoch: beat.epoch, ..Plan::default() });
    }
    step(group, beat, terms)
}

/// Plans the JoinGroup of a member of the classic protocol: a heartbeat whose epoch only says
/// whether it came without a member id (0).
pub fn join_classic(
    group: &ConsumerGroup,
    join: &Heartbeat,
    terms: Terms,
) -> Result<Plan, Refusal> {
    step(group, join, terms)
}

fn step(group: &ConsumerGroup, beat: &Heartbeat, terms: Terms) -> Result<Plan, Refusal> {
    let mut plan = Plan::default();
    let mut next = Next::Borrowed(group);
    let has_changed = take_in(&mut next, &mut plan, beat, terms)?;
    refresh(&mut next, &mut plan, terms, has_changed);
    let id = &beat.member_id;
    let target = next.targets.get(id).cloned().unwrap_or_default();
    let before = next.current.get(id).cloned().unwrap_or_else(Current::joined);
    let after = before
        .step(next.target_epoch, &target, beat.owned.as_ref(), |topic, p| next.taken(id, topic, p));
    plan.epoch = after.epoch;
    if beat.epoch == 0 || is_full(beat) || after.assigned != before.assigned {
        plan.assignment = Some(after.assigned.clone());
    }
    if after != before || !next.current.contains_key(id) {
        plan.revoking = Some(after.state == MemberState::UnrevokedPartitions);
        plan.records.push(Record::Current(id.clone(), Some(after)));
    }
    Ok(plan)
}

/// Whether the heartbeat says nothing new to a settled member: the usual case, and a cheap one.
fn is_idle(group: &ConsumerGroup, beat: &Heartbeat, topics: &TopicCatalog) -> bool {
    let is_silent = beat.epoch > 0
        && beat.topics.is_none()
        && beat.topic_regex.is_none()
        && beat.instance_id.is_none()
        && beat.rack_id.is_none()
        && beat.assignor.is_none()
        && beat.rebalance_timeout_ms == -1;
    let is_settled = group.current.get(&beat.member_id).is_some_and(|c| {
        c.state == MemberState::Stable && c.epoch == beat.epoch && c.epoch == group.target_epoch
    });
    let is_same = group.members.get(&beat.member_id).is_some_and(|m| {
        m.classic.is_none() && m.client_id == beat.client_id && m.client_host == beat.client_host
    });
    is_silent
        && is_settled
        && is_same
        && group.epoch == group.target_epoch
        && group.looked_at == Some(topics.version)
}

/// Whether the heartbeat carries everything, as after a lost answer.
fn is_full(beat: &Heartbeat) -> bool {
    beat.owned.is_some()
        && (beat.topics.is_some() || beat.topic_regex.is_some())
        && beat.rebalance_timeout_ms != -1
}

/// Whether a heartbeat can be one, before any group is looked at.
pub fn validate(group_id: &str, beat: &Heartbeat, settings: &Settings) -> Result<(), Refusal> {
    let invalid = |why| Err(Refusal::Invalid(why));
    if group_id.is_empty() {
        return invalid("GroupId can't be empty.");
    }
    if beat.member_id.is_empty() {
        return invalid("MemberId can't be empty.");
    }
    // Keys of records have no room for longer ones.
    if i16::try_from(beat.member_id.len()).is_err() {
        return invalid("MemberId is too long.");
    }
    if beat.instance_id.as_deref() == Some("") {
        return invalid("InstanceId can't be empty.");
    }
    if beat.rack_id.as_deref() == Some("") {
        return invalid("RackId can't be empty.");
    }
    match beat.epoch {
        0 if beat.rebalance_timeout_ms == -1 => {
            return invalid("RebalanceTimeoutMs must be provided in first request.");
        }
        0 if beat.owned.as_ref().is_none_or(|owned| !owned.is_empty()) => {
            return invalid("TopicPartitions must be empty when (re-)joining.");
        }
        0 if beat.topics.is_none() && beat.topic_regex.is_none() => {
            return invalid(
                "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when \
                 (re-)joining.",
            );
        }
        LEAVE_FOR_A_WHILE if beat.instance_id.is_none() => {
            return invalid("InstanceId can't be null.");
        }
        epoch if epoch < LEAVE_FOR_A_WHILE => return invalid("MemberEpoch is invalid."),
        _ => {}
    }
    let Some(name) = &beat.assignor else { return Ok(()) };
    if settings.assignors.iter().any(|assignor| assignor.name() == name) {
        return Ok(());
    }
    let names: Vec<&str> = settings.assignors.iter().map(|assignor| assignor.name()).collect();
    Err(Refusal::UnsupportedAssignor(name.clone(), names.join(", ")))
}

/// Takes in what the member says of itself; whether its subscription is another now.
fn take_in(
    group: &mut Next,
    plan: &mut Plan,
    beat: &Heartbeat,
    terms: Terms,
) -> Result<bool, Refusal> {
    let id = &beat.member_id;
    // A classic member may come with an id that it was given and the group has forgotten.
    let is_classic = beat.classic.is_some();
    let joins = beat.epoch == 0 || is_classic && beat.instance_id.is_none();
    if !group.members.contains_key(id) && group.members.len() >= terms.settings.max_size {
        return Err(Refusal::Full(terms.settings.max_size));
    }
    match &beat.instance_id {
        Some(instance) if beat.epoch == 0 => replace_static(group, plan, beat, instance)?,
        Some(instance) => check_static(group, beat, instance)?,
        None => {}
    }
    let old = group.members.get(id).cloned();
    if old.is_none() && !joins {
        return Err(unknown(id, terms.group_id));
    }
    if beat.epoch != 0 && !is_classic {
        fence(group, beat)?;
    }
    let member = updated(old.as_deref(), beat);
    let old_regex = old.as_ref().and_then(|m| m.topic_regex.as_deref());
    if let Some(pattern) = member.topic_regex.as_deref().filter(|p| Some(*p) != old_regex) {
        pattern::check(pattern).map_err(|why| Refusal::InvalidRegex(pattern.to_owned(), why))?;
    }
    let has_changed = old
        .as_ref()
        .is_none_or(|old| old.topics != member.topics || old.topic_regex != member.topic_regex);
    if old.as_deref() != Some(&member) {
        plan.push(group, Record::Member(id.clone(), Some(member)));
    }
    Ok(has_changed)
}

fn unknown(member: &str, group: &str) -> Refusal {
    Refusal::UnknownMember { member: member.to_owned(), group: group.to_owned() }
}

fn updated(old: Option<&Member>, beat: &Heartbeat) -> Member {
    let old = old.cloned().unwrap_or_default();
    let regex = beat.topic_regex.clone().or(old.topic_regex).filter(|r| !r.is_empty());
    Member {
        instance_id: beat.instance_id.clone().or(old.instance_id),
        rack_id: beat.rack_id.clone().or(old.rack_id),
        client_id: beat.client_id.clone(),
        client_host: beat.client_host.clone(),
        topics: beat.topics.clone().unwrap_or(old.topics),
        topic_regex: regex,
        rebalance_timeout_ms: match beat.rebalance_timeout_ms {
            -1 => old.rebalance_timeout_ms,
            ms => ms,
        },
        assignor: beat.assignor.clone().or(old.assignor),
        classic: beat.classic.clone(),
    }
}

/// A static member that comes back under a new member id takes over what it had. Between members
/// of the new protocol the old one must have said that it goes.
fn replace_static(
    group: &mut Next,
    plan: &mut Plan,
    beat: &Heartbeat,
    instance: &str,
) -> Result<(), Refusal> {
    let Some(old_id) = group.static_member(instance).filter(|id| **id != beat.member_id) else {
        return Ok(());
    };
    let old_id = old_id.clone();
    let Some(member) = group.members.get(&old_id).map(|m| Member::clone(m)) else { return Ok(()) };
    let current = group.current.get(&old_id).cloned().unwrap_or_else(Current::joined);
    let is_modern = beat.classic.is_none() && member.classic.is_none();
    if is_modern && current.epoch != LEAVE_FOR_A_WHILE {
        return Err(Refusal::UnreleasedInstance {
            member: beat.member_id.clone(),
            instance: instance.to_owned(),
            owner: old_id,
        });
    }
    let target = group.targets.get(&old_id).cloned().unwrap_or_default();
    forget(group, plan, &old_id);
    let id = beat.member_id.clone();
    plan.push(group, Record::Member(id.clone(), Some(member)));
    plan.push(group, Record::Target(id.clone(), Some(target)));
    let back = Current { epoch: 0, previous_epoch: 0, ..current };
    plan.push(group, Record::Current(id, Some(back)));
    plan.replaced = Some(old_id);
    Ok(())
}

fn check_static(group: &ConsumerGroup, beat: &Heartbeat, instance: &str) -> Result<(), Refusal> {
    match group.static_member(instance) {
        None => Err(Refusal::UnknownInstance(instance.to_owned())),
        Some(owner) if *owner != beat.member_id => Err(Refusal::FencedInstance {
            member: beat.member_id.clone(),
            instance: instance.to_owned(),
            owner: owner.clone(),
        }),
        Some(_) => Ok(()),
    }
}

/// A member must come with its current epoch, or with the one before and nothing it should not
/// have (its last answer was lost).
fn fence(group: &ConsumerGroup, beat: &Heartbeat) -> Result<(), Refusal> {
    let Some(current) = group.current.get(&beat.member_id) else { return Ok(()) };
    let fenced = |than| Err(Refusal::Fenced { than, received: beat.epoch, known: current.epoch });
    if beat.epoch > current.epoch {
        return fenced("greater");
    }
    let is_harmless =
        beat.owned.as_ref().is_some_and(|o| difference(o, &current.assigned).is_empty());
    if beat.epoch < current.epoch && !(beat.epoch == current.previous_epoch && is_harmless) {
        return fenced("smaller");
    }
    Ok(())
}

/// Looks at the topics, raises the epoch and computes a target, as far as needed.
fn refresh(group: &mut Next, plan: &mut Plan, terms: Terms, has_changed: bool) {
    let mut resolver = Resolver::new(terms.topics);
    let must_look = has_changed || group.looked_at != Some(terms.topics.version);
    let mut has_moved = false;
    if must_look {
        plan.looked_at = Some(terms.topics.version);
        has_moved = see_topics(group, plan, terms, &mut resolver);
    }
    if has_changed || has_moved {
        plan.push(group, Record::Group(Some(group.epoch.saturating_add(1))));
    }
    if group.epoch > group.target_epoch {
        let members = subscribers(group, &mut resolver);
        let assignor = group.assignor(terms.settings.default_assignor());
        for (id, assignment) in assignor.assign(&members, terms.topics) {
            if group.targets.get(&id) != Some(&assignment) {
                plan.push(group, Record::Target(id, Some(assignment)));
            }
        }
        plan.push(group, Record::TargetEpoch(Some(group.epoch)));
    }
}

/// Takes in the topics that members subscribe to; whether they are others than before.
fn see_topics(group: &mut Next, plan: &mut Plan, terms: Terms, resolver: &mut Resolver) -> bool {
    see_regexes(group, plan, terms, resolver);
    let seen = subscribed(group, terms.topics, resolver);
    let has_moved = seen != group.topics;
    if has_moved {
        plan.push(group, Record::Topics(Some(seen)));
    }
    has_moved
}

/// Keeps what each regular expression matches, as Kafka 4 does for its next coordinator.
fn see_regexes(group: &mut Next, plan: &mut Plan, terms: Terms, resolver: &mut Resolver) {
    let patterns = group.members.values().filter_map(|member| member.topic_regex.clone());
    let used: BTreeSet<String> = patterns.collect();
    let unused: Vec<String> =
        group.regexes.keys().filter(|regex| !used.contains(*regex)).cloned().collect();
    for regex in unused {
        plan.push(group, Record::Regex(regex, None));
    }
    for regex in used {
        let topics = resolver.names(&regex);
        if group.regexes.get(&regex).is_none_or(|known| known.topics != topics) {
            let version = terms.topics.version as i64;
            let resolved = ResolvedRegex { topics, version, timestamp: terms.wall };
            plan.push(group, Record::Regex(regex, Some(resolved)));
        }
    }
}

/// The topics that members subscribe to and that exist.
fn subscribed(
    group: &ConsumerGroup,
    topics: &TopicCatalog,
    resolver: &mut Resolver,
) -> BTreeMap<String, SubscribedTopic> {
    let ids: BTreeSet<_> = group.members.values().flat_map(|m| resolver.resolve(m)).collect();
    let mut seen = BTreeMap::new();
    for id in ids {
        if let Some(entry) = topics.get(id) {
            let (partitions, racks) = (entry.partitions, entry.racks.clone());
            let topic = SubscribedTopic { id, partitions, racks };
            seen.insert(entry.name.to_string(), topic);
        }
    }
    seen
}

fn subscribers(group: &ConsumerGroup, resolver: &mut Resolver) -> Subscribers {
    let subscriber = |(id, member): (&String, &Arc<Member>)| {
        let subscriber = Subscriber {
            topics: resolver.resolve(member),
            instance_id: member.instance_id.clone(),
            current: group.targets.get(id).cloned().unwrap_or_default(),
        };
        (id.clone(), subscriber)
    };
    group.members.iter().map(subscriber).collect()
}

fn forget(group: &mut Next, plan: &mut Plan, id: &str) {
    plan.push(group, Record::Current(id.into(), None));
    plan.push(group, Record::Target(id.into(), None));
    plan.push(group, Record::Member(id.into(), None));
}

fn leave(group: &ConsumerGroup, beat: &Heartbeat, terms: Terms) -> Result<Plan, Refusal> {
    match &beat.instance_id {
        Some(instance) => check_static(group, beat, instance)?,
        None if !group.members.contains_key(&beat.member_id) => {
            return Err(unknown(&beat.member_id, terms.group_id));
        }
        None => {}
    }
    let id = &beat.member_id;
    if beat.epoch == LEAVE {
        let plan = remove(group, &[id.as_str()], terms);
        return Ok(Plan { epoch: LEAVE, ..plan });
    }
    let mut plan = Plan { epoch: LEAVE_FOR_A_WHILE, revoking: Some(false), ..Plan::default() };
    let before = group.current.get(id).cloned().unwrap_or_else(Current::joined);
    let away = Current { epoch: LEAVE_FOR_A_WHILE, revoking: Assignment::new(), ..before };
    plan.records.push(Record::Current(id.clone(), Some(away)));
    Ok(plan)
}

/// Plans the end of members: they left, their sessions ended, or they did not give partitions up.
/// The new target is computed with the next heartbeat.
pub fn remove(group: &ConsumerGroup, ids: &[&str], terms: Terms) -> Plan {
    let mut plan = Plan::default();
    let mut next = Next::Borrowed(group);
    for id in ids.iter().filter(|id| group.members.contains_key(**id)) {
        forget(&mut next, &mut plan, id);
    }
    if !plan.records.is_empty() {
        plan.looked_at = Some(terms.topics.version);
        see_topics(&mut next, &mut plan, terms, &mut Resolver::new(terms.topics));
        plan.push(&mut next, Record::Group(Some(group.epoch.saturating_add(1))));
    }
    plan
}

/// Tombstones for everything that a group has, when it is deleted or becomes a classic one.
pub fn delete(group: &ConsumerGroup) -> Vec<Record> {
    let ids = || group.members.keys().cloned();
    let currents = ids().map(|id| Record::Current(id, None));
    let targets = ids().map(|id| Record::Target(id, None));
    let members = ids().map(|id| Record::Member(id, None));
    let mut records: Vec<Record> = currents.chain(targets).collect();
    records.push(Record::TargetEpoch(None));
    records.extend(members);
    records.extend(group.regexes.keys().map(|regex| Record::Regex(regex.clone(), None)));
    records.extend([Record::Topics(None), Record::Group(None)]);
    records
}

#[cfg(test)]
mod tests;
