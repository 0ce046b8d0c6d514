//! What a heartbeat, a leave or a lost session does to a group, as records to append.
//!
//! Follows Kafka's GroupMetadataManager (`consumerGroupHeartbeat`): validate, fence, take in what
//! the member says, raise the group epoch if that changes anything, compute a new target if the
//! epoch is ahead of it, take the member one step towards it.

use super::assignor::{Assignor, Subscriber, Subscribers};
use super::group::ConsumerGroup;
use super::reconcile::{Current, MemberState, difference};
use super::records::{Member, Record, SubscribedTopic};
use super::{Assignment, TopicCatalog};
use std::collections::{BTreeMap, BTreeSet};

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
}

/// The group's settings.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `group.consumer.max.size`.
    pub max_size: usize,
    /// First of `group.consumer.assignors`.
    pub assignor: Assignor,
}

/// Why a heartbeat is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The fields do not fit together.
    #[error("{0}")]
    Invalid(&'static str),
    /// No such member.
    #[error("Member {0} is not a member of group.")]
    UnknownMember(String),
    /// The member has an epoch that is not its current one.
    #[error("{0}")]
    Fenced(&'static str),
    /// Not one of the assignors offered.
    #[error("The specified server assignor {0} is not supported.")]
    UnsupportedAssignor(String),
    /// Another live member bears this instance id.
    #[error("Static member {0} cannot join the group because its instance id {1} is in use.")]
    UnreleasedInstance(String, String),
    /// The member bears another instance id or another member bears this one.
    #[error("Static member {0} is not the one known by its instance id.")]
    FencedInstance(String),
    /// The group is full.
    #[error("The consumer group has reached its maximum capacity of {0} members.")]
    Full(usize),
    /// The regular expression is not valid.
    #[error("SubscribedTopicRegex is not valid: {0}")]
    InvalidRegex(String),
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
    /// Whether the member must give partitions up within its rebalance time-out.
    pub revoking: bool,
}

impl Plan {
    fn push(&mut self, group: &mut ConsumerGroup, record: Record) {
        group.apply(record.clone());
        self.records.push(record);
    }
}

/// Plans a heartbeat of a member. The group itself is not changed.
pub fn heartbeat(
    group: &ConsumerGroup,
    beat: &Heartbeat,
    topics: &TopicCatalog,
    settings: Settings,
) -> Result<Plan, Refusal> {
    validate(beat)?;
    if beat.epoch < 0 {
        return leave(group, beat, topics, settings);
    }
    let mut plan = Plan::default();
    if is_idle(group, beat, topics) {
        plan.epoch = beat.epoch;
        return Ok(plan);
    }
    let mut next = group.clone();
    let joins = take_in(&mut next, &mut plan, beat, settings)?;
    refresh(&mut next, &mut plan, topics, settings, joins);
    let id = &beat.member_id;
    let target = next.targets.get(id).cloned().unwrap_or_default();
    let before = next.current.get(id).cloned().unwrap_or_else(Current::joined);
    let after = before
        .step(next.target_epoch, &target, beat.owned.as_ref(), |topic, p| next.taken(id, topic, p));
    let changed = after.assigned != before.assigned;
    plan.revoking = after.state == MemberState::UnrevokedPartitions;
    plan.epoch = after.epoch;
    let full = beat.epoch == 0 || is_full(beat);
    if full || changed || beat.owned.as_ref().is_some_and(|owned| *owned != after.assigned) {
        plan.assignment = Some(after.assigned.clone());
    }
    if after != before || !next.current.contains_key(id) {
        plan.push(&mut next, Record::Current(id.clone(), Some(after)));
    }
    Ok(plan)
}

/// Whether the heartbeat says nothing new to a settled member: the usual case, and a cheap one.
fn is_idle(group: &ConsumerGroup, beat: &Heartbeat, topics: &TopicCatalog) -> bool {
    let silent = beat.epoch > 0
        && beat.topics.is_none()
        && beat.topic_regex.is_none()
        && beat.instance_id.is_none()
        && beat.rack_id.is_none()
        && beat.assignor.is_none()
        && beat.rebalance_timeout_ms == -1
        && beat.owned.is_none();
    let settled = group.current.get(&beat.member_id).is_some_and(|c| {
        c.state == MemberState::Stable && c.epoch == beat.epoch && c.epoch == group.target_epoch
    });
    silent
        && settled
        && group.epoch == group.target_epoch
        && subscribed(group, topics) == group.topics
}

/// Whether the heartbeat carries everything, as after a lost answer.
fn is_full(beat: &Heartbeat) -> bool {
    beat.owned.is_some()
        && (beat.topics.is_some() || beat.topic_regex.is_some())
        && beat.rebalance_timeout_ms != -1
}

fn validate(beat: &Heartbeat) -> Result<(), Refusal> {
    let invalid = |why| Err(Refusal::Invalid(why));
    if beat.member_id.is_empty() {
        return invalid("MemberId can't be empty.");
    }
    if beat.instance_id.as_deref() == Some("") {
        return invalid("InstanceId can't be empty.");
    }
    if beat.rack_id.as_deref() == Some("") {
        return invalid("RackId can't be empty.");
    }
    match beat.epoch {
        0 => {
            if beat.rebalance_timeout_ms == -1 {
                return invalid("RebalanceTimeoutMs must be provided in first request.");
            }
            if beat.owned.as_ref().is_none_or(|owned| !owned.is_empty()) {
                return invalid("TopicPartitions must be empty when (re-)joining.");
            }
            let regex = beat.topic_regex.as_deref().is_some_and(|r| !r.is_empty());
            if beat.topics.as_ref().is_none_or(BTreeSet::is_empty) && !regex {
                return invalid(
                    "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when \
                     (re-)joining.",
                );
            }
        }
        LEAVE_FOR_A_WHILE if beat.instance_id.is_none() => {
            return invalid("InstanceId can't be null.");
        }
        epoch if epoch < LEAVE_FOR_A_WHILE => return invalid("MemberEpoch is invalid."),
        _ => {}
    }
    match &beat.assignor {
        Some(name) if Assignor::named(name).is_none() => {
            Err(Refusal::UnsupportedAssignor(name.clone()))
        }
        _ => Ok(()),
    }
}

/// Takes in what the member says of itself; whether the group has to look at its topics anew.
fn take_in(
    group: &mut ConsumerGroup,
    plan: &mut Plan,
    beat: &Heartbeat,
    settings: Settings,
) -> Result<bool, Refusal> {
    let id = &beat.member_id;
    if !group.members.contains_key(id) {
        if beat.epoch != 0 {
            return Err(Refusal::UnknownMember(id.clone()));
        }
        replace_static(group, plan, beat)?;
        if group.members.len() >= settings.max_size {
            return Err(Refusal::Full(settings.max_size));
        }
    } else {
        fence(group, beat)?;
    }
    let old = group.members.get(id).cloned();
    let member = updated(old.clone(), beat);
    if let Some(pattern) = member.topic_regex.as_deref()
        && old.as_ref().and_then(|m| m.topic_regex.as_deref()) != Some(pattern)
        && let Err(why) = super::pattern::check(pattern)
    {
        return Err(Refusal::InvalidRegex(why));
    }
    let changes = old.as_ref().is_none_or(|old| {
        old.topics != member.topics
            || old.topic_regex != member.topic_regex
            || old.assignor != member.assignor
    });
    if old.as_ref() != Some(&member) {
        plan.push(group, Record::Member(id.clone(), Some(member)));
    }
    Ok(changes)
}

fn updated(old: Option<Member>, beat: &Heartbeat) -> Member {
    let old = old.unwrap_or_else(|| Member {
        instance_id: None,
        rack_id: None,
        client_id: String::new(),
        client_host: String::new(),
        topics: BTreeSet::new(),
        topic_regex: None,
        rebalance_timeout_ms: -1,
        assignor: None,
        classic: None,
    });
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
        classic: None,
    }
}

/// A static member that comes back under a new member id takes over what it had.
fn replace_static(
    group: &mut ConsumerGroup,
    plan: &mut Plan,
    beat: &Heartbeat,
) -> Result<(), Refusal> {
    let Some(instance) = &beat.instance_id else { return Ok(()) };
    let Some(old_id) = group.static_member(instance).cloned() else { return Ok(()) };
    let away = group.current.get(&old_id).is_some_and(|c| c.epoch == LEAVE_FOR_A_WHILE);
    if !away {
        return Err(Refusal::UnreleasedInstance(beat.member_id.clone(), instance.clone()));
    }
    let target = group.targets.get(&old_id).cloned();
    let member = group.members.get(&old_id).cloned();
    let current = group.current.get(&old_id).cloned();
    forget(group, plan, &old_id);
    let id = beat.member_id.clone();
    if let (Some(member), Some(target), Some(current)) = (member, target, current) {
        plan.push(group, Record::Member(id.clone(), Some(member)));
        plan.push(group, Record::Target(id.clone(), Some(target)));
        let back = Current { epoch: 0, previous_epoch: 0, ..current };
        plan.push(group, Record::Current(id, Some(back)));
    }
    Ok(())
}

/// A member must come with its current epoch, or with the one before and nothing it should not
/// have (its last answer was lost).
fn fence(group: &ConsumerGroup, beat: &Heartbeat) -> Result<(), Refusal> {
    let Some(current) = group.current.get(&beat.member_id) else { return Ok(()) };
    if beat.epoch == 0 || beat.epoch == current.epoch {
        return Ok(());
    }
    if beat.epoch > current.epoch {
        return Err(Refusal::Fenced(
            "The consumer group member has a greater member epoch than the one known by the \
             group coordinator. The member must abandon all its partitions and rejoin.",
        ));
    }
    let harmless = beat.owned.as_ref().is_some_and(|o| difference(o, &current.assigned).is_empty());
    if beat.epoch == current.previous_epoch && harmless {
        return Ok(());
    }
    Err(Refusal::Fenced(
        "The consumer group member has a smaller member epoch than the one known by the group \
         coordinator. The member must abandon all its partitions and rejoin.",
    ))
}

/// Looks at the topics, raises the epoch and computes a target, as far as needed.
fn refresh(
    group: &mut ConsumerGroup,
    plan: &mut Plan,
    topics: &TopicCatalog,
    settings: Settings,
    changed: bool,
) {
    let seen = subscribed(group, topics);
    let moved = seen != group.topics;
    if moved {
        plan.push(group, Record::Topics(Some(seen)));
    }
    if changed || moved {
        plan.push(group, Record::Group(Some(group.epoch + 1)));
    }
    if group.epoch > group.target_epoch {
        let members = subscribers(group, topics);
        let target = group.assignor(settings.assignor).assign(&members, topics);
        for (id, assignment) in target {
            if group.targets.get(&id) != Some(&assignment) {
                plan.push(group, Record::Target(id, Some(assignment)));
            }
        }
        plan.push(group, Record::TargetEpoch(Some(group.epoch)));
    }
}

/// The topics that members subscribe to and that exist.
fn subscribed(group: &ConsumerGroup, topics: &TopicCatalog) -> BTreeMap<String, SubscribedTopic> {
    let mut seen = BTreeMap::new();
    for member in group.members.values() {
        for id in super::pattern::resolve(member, topics) {
            if let Some(entry) = topics.get(id) {
                let topic = SubscribedTopic { id, partitions: entry.partitions };
                seen.insert(entry.name.to_string(), topic);
            }
        }
    }
    seen
}

fn subscribers(group: &ConsumerGroup, topics: &TopicCatalog) -> Subscribers {
    let subscriber = |(id, member): (&String, &Member)| {
        let subscriber = Subscriber {
            topics: super::pattern::resolve(member, topics),
            instance_id: member.instance_id.clone(),
            current: group.targets.get(id).cloned().unwrap_or_default(),
        };
        (id.clone(), subscriber)
    };
    group.members.iter().map(subscriber).collect()
}

fn forget(group: &mut ConsumerGroup, plan: &mut Plan, id: &str) {
    plan.push(group, Record::Current(id.into(), None));
    plan.push(group, Record::Target(id.into(), None));
    plan.push(group, Record::Member(id.into(), None));
}

fn leave(
    group: &ConsumerGroup,
    beat: &Heartbeat,
    topics: &TopicCatalog,
    settings: Settings,
) -> Result<Plan, Refusal> {
    let Some(member) = group.members.get(&beat.member_id) else {
        return Err(Refusal::UnknownMember(beat.member_id.clone()));
    };
    if beat.epoch == LEAVE {
        let mut plan = remove(group, &beat.member_id, topics, settings);
        plan.epoch = LEAVE;
        return Ok(plan);
    }
    if member.instance_id != beat.instance_id {
        return Err(Refusal::FencedInstance(beat.member_id.clone()));
    }
    let mut plan = Plan { epoch: LEAVE_FOR_A_WHILE, ..Plan::default() };
    let mut next = group.clone();
    let mut current = next.current.get(&beat.member_id).cloned().unwrap_or_else(Current::joined);
    current.epoch = LEAVE_FOR_A_WHILE;
    current.revoking = Assignment::new();
    plan.push(&mut next, Record::Current(beat.member_id.clone(), Some(current)));
    Ok(plan)
}

/// Plans the end of a member: it left, its session ended, or it did not give partitions up.
pub fn remove(group: &ConsumerGroup, id: &str, topics: &TopicCatalog, settings: Settings) -> Plan {
    let mut plan = Plan::default();
    if group.members.contains_key(id) {
        let mut next = group.clone();
        forget(&mut next, &mut plan, id);
        let seen = subscribed(&next, topics);
        if seen != next.topics {
            plan.push(&mut next, Record::Topics(Some(seen)));
        }
        plan.push(&mut next, Record::Group(Some(group.epoch + 1)));
        refresh(&mut next, &mut plan, topics, settings, false);
    }
    plan
}

/// Tombstones for a group without members, when it is deleted.
pub fn delete() -> Vec<Record> {
    vec![Record::TargetEpoch(None), Record::Topics(None), Record::Group(None)]
}

#[cfg(test)]
mod tests;
