//! Between the two protocols: a classic group becomes one of KIP-848 when the first member of the
//! new protocol joins it, and a classic one again when the last has left.
//!
//! As Kafka's `ConsumerGroup.fromClassicGroup` and `ClassicGroup.fromConsumerGroup`: nobody loses
//! what it has. Kafka's members are said to have their targets by the latter; should the group be
//! upgraded again before they have joined anew, it gives away what they still use. By the former
//! they are said to have what the leader assigned them, though they may not have heard of it.
//! Pure; whether a group may change is the coordinator's to decide.

use super::group::ConsumerGroup;
use super::protocol::{self, Subscription};
use super::reconcile::{Current, MemberState, difference};
use super::records::{ClassicMember, Member, Record};
use super::{Assignment, TopicCatalog};
use crate::coordinator::group::classic;

/// What a classic group of consumers becomes, and the records that make it; `None` when a member's
/// subscription or assignment cannot be read.
pub fn upgrade(
    classic: &classic::ClassicGroup,
    topics: &TopicCatalog,
) -> Option<(ConsumerGroup, Vec<Record>)> {
    let generation = classic.generation();
    let (mut members, mut targets, mut currents) = (Vec::new(), Vec::new(), Vec::new());
    let told = classic.members().map(|old| protocol::read_assignment(&old.assignment, topics));
    let told = told.collect::<Option<Vec<Assignment>>>()?;
    let mut taken = Assignment::new();
    told.iter().for_each(|assigned| add(&mut taken, assigned));
    for (old, told) in classic.members().zip(told) {
        let id = old.id.to_string();
        let subscription = subscription_of(old.protocols.first()?)?;
        let owned = protocol::with_ids(&subscription.owned, topics);
        let kept = difference(&owned, &taken);
        add(&mut taken, &kept);
        let current = current_of(generation, told, kept, old.assignment.is_empty());
        members.push(Record::Member(id.clone(), Some(member_of(old, subscription))));
        targets.push(Record::Target(id.clone(), Some(current.assigned.clone())));
        currents.push(Record::Current(id, Some(current)));
    }
    let mut records = members;
    records.push(Record::Group(Some(generation)));
    records.extend(targets);
    records.push(Record::TargetEpoch(Some(generation)));
    records.extend(currents);
    let mut group = ConsumerGroup::default();
    records.iter().cloned().for_each(|record| group.apply(record));
    Some((group, records))
}

/// What a member has: what it was told, and `kept`, which it owned when it last joined and nobody
/// was told to take. A cooperative member (KIP-429) uses that until it has synced, revoked, and
/// joined again to say so. One that is told nothing, as its group began a second rebalance amid the
/// first, may go on with all of it.
fn current_of(epoch: i32, told: Assignment, kept: Assignment, is_untold: bool) -> Current {
    let (assigned, revoking) = if is_untold { (kept, Assignment::new()) } else { (told, kept) };
    let state = match revoking.is_empty() {
        true => MemberState::Stable,
        false => MemberState::UnrevokedPartitions,
    };
    Current { state, epoch, previous_epoch: epoch, assigned, revoking }
}

fn add(to: &mut Assignment, more: &Assignment) {
    for (topic, partitions) in more {
        to.entry(*topic).or_default().extend(partitions);
    }
}

fn member_of(old: &classic::Member, subscription: Subscription) -> Member {
    Member {
        instance_id: old.instance_id.as_deref().map(str::to_owned),
        rack_id: subscription.rack_id,
        client_id: old.client_id.to_string(),
        client_host: old.client_host.to_string(),
        topics: subscription.topics,
        topic_regex: None,
        rebalance_timeout_ms: old.rebalance_timeout_ms,
        assignor: None,
        classic: Some(classic_member(old.session_timeout_ms, &old.protocols)),
    }
}

/// What a classic member says of itself in the first of its protocols.
pub fn subscription_of(first: &classic::Protocol) -> Option<Subscription> {
    protocol::read_subscription(&first.metadata)
}

/// What is kept of a member's classic protocol.
pub fn classic_member(session_timeout_ms: i32, protocols: &[classic::Protocol]) -> ClassicMember {
    let protocols = protocols.iter().map(|p| (p.name.to_string(), p.metadata.clone()));
    ClassicMember { session_timeout_ms, protocols: protocols.collect() }
}

/// Whether all members but these speak the classic protocol, and there are some; of nobody gone the
/// last to have spoken the new one has just been replaced.
pub fn is_all_classic_without(group: &ConsumerGroup, gone: &[&str]) -> bool {
    let mut rest = group.members.iter().filter(|(id, _)| !gone.contains(&id.as_str())).peekable();
    rest.peek().is_some() && rest.all(|(_, member)| member.classic.is_some())
}

/// The members that a group without `gone` has as a classic one, each with all that it may still
/// use: what it is to give up it may hold until it joins again.
pub fn downgraded(
    group: &ConsumerGroup,
    gone: &[&str],
    topics: &TopicCatalog,
) -> Vec<classic::Member> {
    let rest = group.members.iter().filter(|(id, _)| !gone.contains(&id.as_str()));
    let classic = rest.filter_map(|(id, member)| Some((id, member, member.classic.as_ref()?)));
    let members = classic.map(|(id, member, classic)| {
        let protocols = classic.protocols.iter().map(|(name, metadata)| classic::Protocol {
            name: name.as_str().into(),
            metadata: metadata.clone(),
        });
        let mut old = classic::Member::default();
        old.id = id.as_str().into();
        old.instance_id = member.instance_id.as_deref().map(Into::into);
        old.client_id = member.client_id.as_str().into();
        old.client_host = member.client_host.as_str().into();
        old.rebalance_timeout_ms = member.rebalance_timeout_ms;
        old.session_timeout_ms = classic.session_timeout_ms;
        old.protocols = protocols.collect();
        let held = group.current.get(id).map(Current::held).unwrap_or_default();
        old.assignment = protocol::write_assignment(version_of(classic), &held, topics);
        old
    });
    members.collect()
}

/// The version in which a classic member speaks.
pub fn version_of(classic: &ClassicMember) -> i16 {
    let first = classic.protocols.first().and_then(|(_, metadata)| metadata.first_chunk::<2>());
    first.map_or(0, |version| i16::from_be_bytes(*version))
}
