//! A KIP-848 group as its records tell it, and what can be read from it.

use super::reconcile::{Current, MemberState, difference};
use super::records::{Member, Record, ResolvedRegex, SubscribedTopic};
use super::{Assignment, assignor::Assignor};
use crate::types::TopicId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// State of a group as ListGroups and ConsumerGroupDescribe name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// No members.
    Empty,
    /// A new target has to be computed.
    Assigning,
    /// Members are on their way to it.
    Reconciling,
    /// All have what they shall have.
    Stable,
}

impl GroupState {
    /// The name in answers.
    pub fn name(self) -> &'static str {
        match self {
            GroupState::Empty => "Empty",
            GroupState::Assigning => "Assigning",
            GroupState::Reconciling => "Reconciling",
            GroupState::Stable => "Stable",
        }
    }
}

/// Who has a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    member: Arc<str>,
    /// The epoch in which it got it; after a load, the one that it had then.
    since: i32,
}

/// A group. Changed by [`ConsumerGroup::apply`] only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerGroup {
    /// The version of the topics that `topics` was last taken from; none after a load.
    pub looked_at: Option<u64>,
    /// Rises with every change of members, subscriptions or topics.
    pub epoch: i32,
    /// The group epoch that the target assignment belongs to.
    pub target_epoch: i32,
    /// Topics as the group last saw them.
    pub topics: BTreeMap<String, SubscribedTopic>,
    /// Members by id; shared, as each join plans on a copy of the group.
    pub members: BTreeMap<String, Arc<Member>>,
    /// Targets by member id.
    pub targets: BTreeMap<String, Assignment>,
    /// What members have.
    pub current: BTreeMap<String, Current>,
    /// Topics of the regular expressions that members subscribe to.
    pub regexes: BTreeMap<String, ResolvedRegex>,
    owners: HashMap<(TopicId, i32), Owner>,
    static_members: HashMap<String, String>,
}

impl ConsumerGroup {
    /// Takes in a record: one just appended, or one read while loading.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Group(epoch) => self.epoch = epoch.unwrap_or(0),
            Record::TargetEpoch(epoch) => self.target_epoch = epoch.unwrap_or(0),
            Record::Topics(topics) => self.topics = topics.unwrap_or_default(),
            Record::Target(id, Some(target)) => drop(self.targets.insert(id, target)),
            Record::Target(id, None) => drop(self.targets.remove(&id)),
            Record::Member(id, Some(member)) => {
                if let Some(instance) = &member.instance_id {
                    self.static_members.insert(instance.clone(), id.clone());
                }
                self.members.insert(id, Arc::new(member));
            }
            Record::Member(id, None) => {
                let instance = self.members.remove(&id).and_then(|m| m.instance_id.clone());
                // A static member that was replaced: its name belongs to the new one by now.
                if let Some(instance) = instance
                    && self.static_members.get(&instance) == Some(&id)
                {
                    self.static_members.remove(&instance);
                }
            }
            Record::Current(id, current) => self.set_current(id, current),
            Record::Regex(regex, Some(resolved)) => drop(self.regexes.insert(regex, resolved)),
            Record::Regex(regex, None) => drop(self.regexes.remove(&regex)),
        }
    }

    fn set_current(&mut self, id: String, current: Option<Current>) {
        let old = self.current.remove(&id);
        let mut since = HashMap::new();
        for key in old.iter().flat_map(partitions) {
            if let Some(owner) = self.owners.get(&key).filter(|owner| *owner.member == *id) {
                since.insert(key, owner.since);
                self.owners.remove(&key);
            }
        }
        if let Some(current) = current {
            let keys = partitions(&current);
            let member: Arc<str> = id.as_str().into();
            self.owners.extend(keys.map(|key| {
                let since = since.get(&key).copied().unwrap_or(current.epoch);
                (key, Owner { member: member.clone(), since })
            }));
            self.current.insert(id, current);
        }
    }

    /// Whether the member has had all of these partitions since this epoch or before (KIP-1251).
    pub fn has_had_since<'a>(
        &self,
        id: &str,
        epoch: i32,
        mut partitions: impl Iterator<Item = (&'a str, i32)>,
    ) -> bool {
        let Some(current) = self.current.get(id) else { return false };
        partitions.all(|(topic, partition)| {
            let Some(topic) = self.topics.get(topic) else { return false };
            let key = (topic.id, partition);
            let is_assigned =
                current.assigned.get(&topic.id).is_some_and(|list| list.contains(&partition));
            let owner = self.owners.get(&key);
            is_assigned && owner.is_some_and(|o| *o.member == *id && o.since <= epoch)
        })
    }

    /// Whether a member other than `id` has the partition or has yet to give it up.
    pub fn taken(&self, id: &str, topic: TopicId, partition: i32) -> bool {
        self.owners.get(&(topic, partition)).is_some_and(|owner| *owner.member != *id)
    }

    /// The member that bears this `group.instance.id`.
    pub fn static_member(&self, instance_id: &str) -> Option<&String> {
        self.static_members.get(instance_id)
    }

    /// State of the whole group.
    pub fn state(&self) -> GroupState {
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.epoch > self.target_epoch {
            GroupState::Assigning
        } else if self.members.keys().all(|id| self.is_settled(id)) {
            GroupState::Stable
        } else {
            GroupState::Reconciling
        }
    }

    fn is_settled(&self, id: &str) -> bool {
        self.current
            .get(id)
            .is_some_and(|c| c.state == MemberState::Stable && c.epoch == self.target_epoch)
    }

    /// The assignor most members ask for; those who ask for none take the default.
    pub fn assignor(&self, default: Assignor) -> Assignor {
        let votes = self.members.values().filter_map(|m| m.assignor.as_deref());
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        votes.for_each(|name| *count.entry(name).or_default() += 1);
        let most = count.into_iter().max_by_key(|(_, votes)| *votes);
        most.and_then(|(name, _)| Assignor::named(name)).unwrap_or(default)
    }

    /// Whether a classic member with these protocols can join: all other classic ones must have
    /// one of them too.
    pub fn supports_classic<'a>(&self, mut protocols: impl Iterator<Item = &'a str>) -> bool {
        let classic = || self.members.values().filter_map(|member| member.classic.as_ref());
        protocols.any(|name| classic().all(|m| m.protocols.iter().any(|(p, _)| p == name)))
    }

    /// Whether some of what the member shall have is still with others.
    pub fn is_waiting(&self, id: &str) -> bool {
        let (Some(target), Some(current)) = (self.targets.get(id), self.current.get(id)) else {
            return false;
        };
        difference(target, &current.assigned)
            .into_iter()
            .any(|(topic, partitions)| partitions.iter().any(|p| self.taken(id, topic, *p)))
    }

    /// Whether a member subscribes to the topic.
    pub fn is_subscribed(&self, topic: &str) -> bool {
        self.topics.contains_key(topic) || self.members.values().any(|m| m.topics.contains(topic))
    }
}

fn partitions(current: &Current) -> impl Iterator<Item = (TopicId, i32)> + '_ {
    [&current.assigned, &current.revoking]
        .into_iter()
        .flatten()
        .flat_map(|(topic, partitions)| partitions.iter().map(|p| (*topic, *p)))
}
