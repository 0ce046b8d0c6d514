//! Server-side assignors of KIP-848: `uniform` and `range`. Pure functions from subscriptions to
//! a target assignment; they know neither epochs nor who owns what for how long.

use super::{Assignment, TopicCatalog};
use crate::types::TopicId;
use std::collections::{BTreeMap, BTreeSet};

/// A member as an assignor sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriber {
    /// Topics it may be given.
    pub topics: BTreeSet<TopicId>,
    /// `group.instance.id`: orders static members by a name that survives restarts.
    pub instance_id: Option<String>,
    /// What its target is now; `uniform` keeps as much of it as it can.
    pub current: Assignment,
}

/// Members by id.
pub type Subscribers = BTreeMap<String, Subscriber>;

/// The assignors a group may choose from, the default first (`group.consumer.assignors`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    /// As equal in number as can be, moving as little as can be.
    Uniform,
    /// Consecutive partitions of each topic, the same range of every topic to one member.
    Range,
}

impl Assignor {
    /// All, the default first.
    pub const ALL: [Assignor; 2] = [Assignor::Uniform, Assignor::Range];

    /// The name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Assignor::Uniform => "uniform",
            Assignor::Range => "range",
        }
    }

    /// The assignor of this class in `group.consumer.assignors`, or of this name.
    pub fn of_class(class: &str) -> Option<Assignor> {
        match class {
            "org.apache.kafka.coordinator.group.assignor.UniformAssignor" => {
                Some(Assignor::Uniform)
            }
            "org.apache.kafka.coordinator.group.assignor.RangeAssignor" => Some(Assignor::Range),
            name => Assignor::named(name),
        }
    }

    /// The assignor of this name.
    pub fn named(name: &str) -> Option<Assignor> {
        Assignor::ALL.into_iter().find(|a| a.name() == name)
    }

    /// A target for every member: each partition of a subscribed topic goes to exactly one
    /// subscriber of it.
    pub fn assign(
        self,
        members: &Subscribers,
        topics: &TopicCatalog,
    ) -> BTreeMap<String, Assignment> {
        match self {
            Assignor::Uniform => uniform(members, topics),
            Assignor::Range => range(members, topics),
        }
    }
}

/// Subscribers of a topic; static members first by instance id, then by member id.
fn subscribers_of(members: &Subscribers, topic: TopicId) -> Vec<&String> {
    let mut ids: Vec<(&String, &Subscriber)> =
        members.iter().filter(|(_, m)| m.topics.contains(&topic)).collect();
    ids.sort_by_key(|(id, m)| (m.instance_id.is_none(), m.instance_id.as_ref().unwrap_or(id)));
    ids.into_iter().map(|(id, _)| id).collect()
}

/// Seven partitions over three members: 0-2, 3-4, 5-6.
fn range(members: &Subscribers, topics: &TopicCatalog) -> BTreeMap<String, Assignment> {
    let mut target: BTreeMap<String, Assignment> =
        members.keys().map(|id| (id.clone(), Assignment::new())).collect();
    for (topic, entry) in topics.by_id() {
        let subscribers = subscribers_of(members, topic);
        if subscribers.is_empty() {
            continue;
        }
        let share = entry.partitions as usize / subscribers.len();
        let extra = entry.partitions as usize % subscribers.len();
        let mut next = 0;
        for (i, id) in subscribers.into_iter().enumerate() {
            let end = next + share + usize::from(i < extra);
            if end > next
                && let Some(assignment) = target.get_mut(id)
            {
                assignment.insert(topic, (next as i32..end as i32).collect());
            }
            next = end;
        }
    }
    target
}

/// Keeps what each member has up to its fair share, then hands out the rest to who has least.
fn uniform(members: &Subscribers, topics: &TopicCatalog) -> BTreeMap<String, Assignment> {
    let mut target: BTreeMap<String, Assignment> =
        members.keys().map(|id| (id.clone(), Assignment::new())).collect();
    let mut count: BTreeMap<&String, usize> = members.keys().map(|id| (id, 0)).collect();
    let mut subscribers: BTreeMap<TopicId, Vec<&String>> = BTreeMap::new();
    for (id, topic) in members.iter().flat_map(|(id, m)| m.topics.iter().map(move |t| (id, *t))) {
        subscribers.entry(topic).or_default().push(id);
    }
    let subscribed = topics.by_id().filter(|(topic, _)| subscribers.contains_key(topic));
    let mut free: BTreeSet<(TopicId, i32)> = subscribed
        .flat_map(|(topic, entry)| (0..entry.partitions).map(move |p| (topic, p)))
        .collect();
    // With different subscriptions there is no single fair share: the balancing below sees to it.
    let alike =
        members.values().all(|m| Some(&m.topics) == members.values().next().map(|f| &f.topics));
    let (share, mut extra) = match members.len() {
        0 => return target,
        n if alike => (free.len() / n, free.len() % n),
        _ => (usize::MAX, 0),
    };
    for (id, member) in members {
        let kept: Vec<(TopicId, i32)> = flatten(&member.current)
            .filter(|(topic, p)| member.topics.contains(topic) && free.contains(&(*topic, *p)))
            .collect();
        let mut limit = share;
        if kept.len() > share && extra > 0 {
            limit += 1;
            extra -= 1;
        }
        for (topic, p) in kept.into_iter().take(limit) {
            free.remove(&(topic, p));
            give(&mut target, &mut count, id, topic, p);
        }
    }
    if alike {
        let mut poorest: BTreeSet<(usize, &String)> =
            count.iter().map(|(id, n)| (*n, *id)).collect();
        for (topic, p) in free {
            let Some((n, id)) = poorest.pop_first() else { break };
            give(&mut target, &mut count, id, topic, p);
            poorest.insert((n + 1, id));
        }
        return target;
    }
    // Topics with the fewest subscribers first: they leave the least choice.
    let mut rest: Vec<(TopicId, i32)> = free.into_iter().collect();
    rest.sort_by_key(|(topic, p)| (subscribers.get(topic).map_or(0, Vec::len), *topic, *p));
    for (topic, p) in rest {
        if let Some(id) = poorest_of(&subscribers, &count, topic) {
            give(&mut target, &mut count, id, topic, p);
        }
    }
    balance(&subscribers, &mut target, &mut count);
    target
}

/// The subscriber of a topic that has least.
fn poorest_of<'a>(
    subscribers: &BTreeMap<TopicId, Vec<&'a String>>,
    count: &BTreeMap<&'a String, usize>,
    topic: TopicId,
) -> Option<&'a String> {
    let held = |id: &String| count.get(id).copied().unwrap_or(0);
    subscribers.get(&topic)?.iter().copied().min_by_key(|id| (held(id), *id))
}

/// Moves one partition at a time from a member to one that has at least two fewer.
fn balance<'a>(
    subscribers: &BTreeMap<TopicId, Vec<&'a String>>,
    target: &mut BTreeMap<String, Assignment>,
    count: &mut BTreeMap<&'a String, usize>,
) {
    loop {
        let mut givers: Vec<(usize, &String)> = count.iter().map(|(id, n)| (*n, *id)).collect();
        givers.sort_by_key(|(n, id)| (std::cmp::Reverse(*n), *id));
        let step = givers.into_iter().find_map(|(has, giver)| {
            target.get(giver)?.iter().find_map(|(topic, partitions)| {
                let taker = poorest_of(subscribers, count, *topic)?;
                let fits = count.get(taker).copied().unwrap_or(0) + 1 < has;
                fits.then_some((giver, taker, *topic, *partitions.last()?))
            })
        });
        let Some((giver, taker, topic, p)) = step else { return };
        if let Some(assignment) = target.get_mut(giver)
            && let Some(partitions) = assignment.get_mut(&topic)
        {
            partitions.remove(&p);
            if partitions.is_empty() {
                assignment.remove(&topic);
            }
        }
        *count.entry(giver).or_default() -= 1;
        give(target, count, taker, topic, p);
    }
}

fn give<'a>(
    target: &mut BTreeMap<String, Assignment>,
    count: &mut BTreeMap<&'a String, usize>,
    id: &'a String,
    topic: TopicId,
    partition: i32,
) {
    if let Some(assignment) = target.get_mut(id) {
        assignment.entry(topic).or_default().insert(partition);
        *count.entry(id).or_default() += 1;
    }
}

fn flatten(assignment: &Assignment) -> impl Iterator<Item = (TopicId, i32)> + '_ {
    assignment.iter().flat_map(|(topic, partitions)| partitions.iter().map(|p| (*topic, *p)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> TopicId {
        TopicId::from_u128(n)
    }

    fn catalog(topics: &[(u128, i32)]) -> TopicCatalog {
        TopicCatalog::new(topics.iter().map(|(n, p)| (format!("t{n}").into(), id(*n), *p)))
    }

    fn members(list: &[(&str, &[u128])]) -> Subscribers {
        let subscriber = |topics: &[u128]| Subscriber {
            topics: topics.iter().map(|n| id(*n)).collect(),
            ..Subscriber::default()
        };
        list.iter().map(|(name, topics)| (name.to_string(), subscriber(topics))).collect()
    }

    fn sizes(target: &BTreeMap<String, Assignment>) -> Vec<usize> {
        target.values().map(|a| flatten(a).count()).collect()
    }

    fn assert_each_once(target: &BTreeMap<String, Assignment>, topics: &TopicCatalog) {
        let mut all: Vec<_> = target.values().flat_map(flatten).collect();
        all.sort();
        let expected: Vec<_> =
            topics.by_id().flat_map(|(t, e)| (0..e.partitions).map(move |p| (t, p))).collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn range_gives_consecutive_partitions_and_the_first_members_one_more() {
        let topics = catalog(&[(1, 7), (2, 3)]);
        let target = Assignor::Range
            .assign(&members(&[("a", &[1, 2]), ("b", &[1, 2]), ("c", &[1, 2])]), &topics);
        assert_eq!(target["a"][&id(1)], BTreeSet::from([0, 1, 2]));
        assert_eq!(target["c"][&id(1)], BTreeSet::from([5, 6]));
        assert_each_once(&target, &topics);
    }

    #[test]
    fn uniform_is_balanced_over_all_topics() {
        let topics = catalog(&[(1, 1), (2, 1), (3, 3)]);
        let target =
            Assignor::Uniform.assign(&members(&[("a", &[1, 2, 3]), ("b", &[1, 2, 3])]), &topics);
        assert_eq!(sizes(&target), [3, 2]);
        assert_each_once(&target, &topics);
    }

    #[test]
    fn uniform_moves_no_more_than_a_newcomer_needs() {
        let topics = catalog(&[(1, 6)]);
        let mut group = members(&[("a", &[1]), ("b", &[1])]);
        let before = Assignor::Uniform.assign(&group, &topics);
        for (name, member) in &mut group {
            member.current = before[name].clone();
        }
        group.extend(members(&[("c", &[1])]));
        let after = Assignor::Uniform.assign(&group, &topics);
        assert_eq!(sizes(&after), [2, 2, 2]);
        for name in ["a", "b"] {
            assert!(flatten(&after[name]).all(|p| flatten(&before[name]).any(|q| p == q)));
        }
    }

    #[test]
    fn uniform_balances_members_with_different_subscriptions() {
        let topics = catalog(&[(1, 4), (2, 4)]);
        let mut group = members(&[("a", &[1, 2]), ("b", &[2])]);
        let all = topics.by_id().map(|(t, e)| (t, (0..e.partitions).collect())).collect();
        group.get_mut("a").expect("a member").current = all;
        let target = Assignor::Uniform.assign(&group, &topics);
        assert_eq!(sizes(&target), [4, 4]);
        assert_each_once(&target, &topics);
    }

    #[test]
    fn a_thousand_members_join_one_after_the_other_and_each_has_one() {
        let topics = catalog(&[(1, 1000)]);
        let mut group = Subscribers::new();
        for n in 0..1000 {
            group.extend(members(&[(&format!("m{n}"), &[1])]));
            if n % 50 != 49 {
                continue;
            }
            let target = Assignor::Uniform.assign(&group, &topics);
            for (name, member) in &mut group {
                member.current = target[name].clone();
            }
        }
        let target = Assignor::Uniform.assign(&group, &topics);
        assert!(sizes(&target).into_iter().all(|size| size == 1));
        assert_each_once(&target, &topics);
    }

    #[test]
    fn nobody_gets_what_nobody_asked_for() {
        let topics = catalog(&[(1, 4), (2, 4)]);
        for assignor in Assignor::ALL {
            let target = assignor.assign(&members(&[("a", &[1])]), &topics);
            assert!(!target["a"].contains_key(&id(2)), "{}", assignor.name());
            assert!(assignor.assign(&Subscribers::new(), &topics).is_empty());
        }
    }
}
