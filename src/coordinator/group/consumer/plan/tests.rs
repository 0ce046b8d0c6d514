//! Groups whose members come and go, and what their heartbeats are answered.

use super::*;
use crate::coordinator::group::consumer::group::GroupState;
use crate::types::TopicId;

const SETTINGS: Settings = Settings { max_size: 4, assignor: Assignor::Uniform };

fn id(n: u128) -> TopicId {
    TopicId::from_u128(n)
}

fn catalog(topics: &[(&str, i32)]) -> TopicCatalog {
    let entry = |(i, (name, partitions)): (usize, &(&str, i32))| {
        ((*name).into(), id(i as u128 + 1), *partitions)
    };
    TopicCatalog::new(topics.iter().enumerate().map(entry))
}

fn join(member: &str, topics: &[&str]) -> Heartbeat {
    Heartbeat {
        member_id: member.into(),
        rebalance_timeout_ms: 1000,
        topics: Some(topics.iter().map(|t| t.to_string()).collect()),
        owned: Some(Assignment::new()),
        ..Heartbeat::default()
    }
}

fn beat(member: &str, epoch: i32, owned: Option<&Assignment>) -> Heartbeat {
    Heartbeat {
        member_id: member.into(),
        epoch,
        rebalance_timeout_ms: -1,
        owned: owned.cloned(),
        ..Heartbeat::default()
    }
}

struct Group {
    group: ConsumerGroup,
    topics: TopicCatalog,
}

impl Group {
    fn new(topics: &[(&str, i32)]) -> Group {
        Group { group: ConsumerGroup::default(), topics: catalog(topics) }
    }

    fn say(&mut self, beat: &Heartbeat) -> Result<Plan, Refusal> {
        let plan = heartbeat(&self.group, beat, &self.topics, SETTINGS)?;
        plan.records.iter().cloned().for_each(|r| self.group.apply(r));
        Ok(plan)
    }

    fn ok(&mut self, beat: &Heartbeat) -> Plan {
        self.say(beat).expect("an accepted heartbeat")
    }
}

fn of(partitions: impl IntoIterator<Item = i32>) -> Assignment {
    Assignment::from([(id(1), partitions.into_iter().collect())])
}

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut g = Group::new(&[("a", 3)]);
    let plan = g.ok(&join("m1", &["a"]));
    assert_eq!((plan.epoch, plan.assignment), (1, Some(of(0..3))));
    assert_eq!(g.group.state(), GroupState::Stable);
    let plan = g.ok(&beat("m1", 1, None));
    assert_eq!((plan.records.len(), plan.assignment), (0, None), "nothing new");
}

#[test]
fn a_second_member_waits_until_the_first_has_given_up_its_share() {
    let mut g = Group::new(&[("a", 4)]);
    g.ok(&join("m1", &["a"]));
    let plan = g.ok(&join("m2", &["a"]));
    assert_eq!((plan.epoch, plan.assignment), (2, Some(Assignment::new())));
    assert_eq!(g.group.state(), GroupState::Reconciling);
    let plan = g.ok(&beat("m1", 1, None));
    assert!(plan.revoking);
    let kept = plan.assignment.expect("a smaller assignment");
    assert_eq!(kept[&id(1)].len(), 2);
    let plan = g.ok(&beat("m2", 2, None));
    assert_eq!(plan.assignment, None, "m1 still has them");
    let plan = g.ok(&beat("m1", 1, Some(&kept)));
    assert_eq!(plan.epoch, 2);
    let plan = g.ok(&beat("m2", 2, None));
    let got = plan.assignment.expect("the other half");
    assert_eq!(difference(&of(0..4), &kept), got);
    assert_eq!(g.group.state(), GroupState::Stable);
}

#[test]
fn a_member_that_leaves_hands_its_partitions_on() {
    let mut g = Group::new(&[("a", 2)]);
    g.ok(&join("m1", &["a"]));
    g.ok(&join("m2", &["a"]));
    assert_eq!(g.ok(&beat("m2", LEAVE, None)).epoch, LEAVE);
    let plan = g.ok(&beat("m1", 1, None));
    assert_eq!((plan.epoch, g.group.state()), (3, GroupState::Stable));
    assert_eq!(g.say(&beat("m2", 2, None)), Err(Refusal::UnknownMember("m2".into())));
    g.ok(&beat("m1", LEAVE, None));
    assert_eq!(g.group.state(), GroupState::Empty);
}

#[test]
fn new_partitions_are_handed_out() {
    let mut g = Group::new(&[("a", 1)]);
    g.ok(&join("m1", &["a"]));
    g.topics = catalog(&[("a", 3)]);
    assert_eq!(g.ok(&beat("m1", 1, None)).assignment, Some(of(0..3)));
}

#[test]
fn epochs_fence() {
    let mut g = Group::new(&[("a", 2)]);
    g.ok(&join("m1", &["a"]));
    assert!(matches!(g.say(&beat("m1", 5, None)), Err(Refusal::Fenced(_))));
    g.topics = catalog(&[("a", 3)]);
    g.ok(&beat("m1", 1, None));
    assert!(matches!(g.say(&beat("m1", 1, None)), Err(Refusal::Fenced(_))));
    assert_eq!(g.ok(&beat("m1", 1, Some(&of(0..2)))).epoch, 2, "its answer was lost");
}

#[test]
fn a_static_member_comes_back_to_what_it_had() {
    let mut g = Group::new(&[("a", 4)]);
    let named = |member: &str| Heartbeat { instance_id: Some("i".into()), ..join(member, &["a"]) };
    g.ok(&named("m1"));
    assert!(matches!(g.say(&named("m2")), Err(Refusal::UnreleasedInstance(..))));
    let away = Heartbeat { instance_id: Some("i".into()), ..beat("m1", LEAVE_FOR_A_WHILE, None) };
    assert_eq!(g.ok(&away).epoch, LEAVE_FOR_A_WHILE);
    let epoch = g.group.epoch;
    let plan = g.ok(&named("m2"));
    assert_eq!((plan.epoch, plan.assignment), (epoch, Some(of(0..4))), "no rebalance");
    assert_eq!(g.group.members.len(), 1);
}

#[test]
fn what_cannot_be_is_refused() {
    let mut g = Group::new(&[("a", 2)]);
    let mut bad = join("m1", &["a"]);
    bad.rebalance_timeout_ms = -1;
    assert!(matches!(g.say(&bad), Err(Refusal::Invalid(_))));
    let mut bad = join("m1", &["a"]);
    bad.assignor = Some("none".into());
    assert_eq!(g.say(&bad), Err(Refusal::UnsupportedAssignor("none".into())));
    assert!(matches!(g.say(&join("m1", &[])), Err(Refusal::Invalid(_))));
    assert!(matches!(g.say(&beat("m1", -3, None)), Err(Refusal::Invalid(_))));
    for member in ["m1", "m2", "m3", "m4"] {
        g.ok(&join(member, &["a"]));
    }
    assert_eq!(g.say(&join("m5", &["a"])), Err(Refusal::Full(4)));
    let mut bad = join("m1", &[]);
    bad.topic_regex = Some("(".into());
    assert!(matches!(g.say(&bad), Err(Refusal::InvalidRegex(_))));
}

#[test]
fn a_regular_expression_matches_whole_names_of_topics_that_come_later_too() {
    let mut g = Group::new(&[("a", 1), ("ab", 1)]);
    let mut first = join("m1", &[]);
    first.topic_regex = Some("a.".into());
    assert_eq!(g.ok(&first).assignment.expect("an assignment").len(), 1);
    g.topics = catalog(&[("a", 1), ("ab", 1), ("ac", 1)]);
    assert_eq!(g.ok(&beat("m1", 1, None)).assignment.expect("one more").len(), 2);
}

/// Random comings, goings, late and lost heartbeats: no partition is ever with two members, and
/// when all is quiet every partition is with one.
#[test]
fn random_schedules_never_give_a_partition_to_two_and_settle() {
    for seed in 0..200 {
        let mut random = seed as u64 * 2 + 1;
        let mut next = move |n: u64| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) % n
        };
        let mut g = Group::new(&[("a", 5), ("b", 3)]);
        // What each client believes: its epoch and what it uses.
        let mut clients: BTreeMap<String, (i32, Assignment)> = BTreeMap::new();
        for step in 0..120 {
            let name = format!("m{}", next(4));
            let is_known = clients.contains_key(&name);
            if step > 100 {
                let names: Vec<String> = clients.keys().cloned().collect();
                names.iter().for_each(|name| client_beats(&mut g, &mut clients, name, false));
            } else if !is_known {
                let topics: &[&str] = [&["a"][..], &["a", "b"]][next(2) as usize];
                let plan = g.ok(&join(&name, topics));
                clients.insert(name, (plan.epoch, plan.assignment.unwrap_or_default()));
            } else if next(8) == 0 {
                g.ok(&beat(&name, LEAVE, None));
                clients.remove(&name);
            } else {
                client_beats(&mut g, &mut clients, &name, next(5) == 0);
            }
            let used: Vec<_> = clients.values().flat_map(|(_, a)| flat(a)).collect();
            let distinct: BTreeSet<_> = used.iter().collect();
            assert_eq!(used.len(), distinct.len(), "seed {seed} step {step}: {clients:?}");
        }
        if !clients.is_empty() {
            assert_eq!(g.group.state(), GroupState::Stable, "seed {seed}");
            let used: BTreeSet<_> = clients.values().flat_map(|(_, a)| flat(a)).collect();
            let wanted: i32 = g.group.topics.values().map(|t| t.partitions).sum();
            assert_eq!(used.len() as i32, wanted, "seed {seed}: {:?}", g.group);
        }
        let mut loaded = ConsumerGroup::default();
        for (member, value) in &g.group.members {
            loaded.apply(Record::Member(member.clone(), Some(value.clone())));
        }
        assert_eq!(loaded.members, g.group.members);
    }
}

fn flat(a: &Assignment) -> Vec<(TopicId, i32)> {
    a.iter().flat_map(|(t, ps)| ps.iter().map(|p| (*t, *p))).collect()
}

/// A client sends what it owns, takes the answer (unless it is lost) and drops what it lost. One
/// that has lost too many answers is fenced: it abandons everything and joins again.
fn client_beats(
    g: &mut Group,
    clients: &mut BTreeMap<String, (i32, Assignment)>,
    name: &str,
    lost: bool,
) {
    let Some((epoch, owned)) = clients.get(name).cloned() else { return };
    match g.say(&beat(name, epoch, Some(&owned))) {
        Ok(_) if lost => {}
        Ok(plan) => {
            let owned = plan.assignment.unwrap_or(owned);
            clients.insert(name.into(), (plan.epoch, owned));
        }
        Err(Refusal::Fenced(_)) => {
            let plan = g.ok(&join(name, &["a"]));
            clients.insert(name.into(), (plan.epoch, plan.assignment.unwrap_or_default()));
        }
        Err(other) => panic!("{name}: {other}"),
    }
}
