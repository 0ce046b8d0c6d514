//! Groups whose members come and go, and what their heartbeats are answered.

use super::*;
use crate::coordinator::group::consumer::group::GroupState;
use crate::types::TopicId;

fn settings() -> Settings {
    Settings { max_size: 4, assignors: Assignor::ALL.to_vec() }
}

fn id(n: u128) -> TopicId {
    TopicId::from_u128(n)
}

fn catalog(topics: &[(&str, i32)]) -> TopicCatalog {
    let entry = |(i, (name, partitions)): (usize, &(&str, i32))| {
        ((*name).into(), id(i as u128 + 1), *partitions)
    };
    let version = topics.iter().map(|(_, partitions)| *partitions as u64 + 100).sum();
    TopicCatalog { version, ..TopicCatalog::new(topics.iter().enumerate().map(entry)) }
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

    fn has_had(&self, member: &str, epoch: i32, partition: i32) -> bool {
        self.group.has_had_since(member, epoch, [("a", partition)].into_iter())
    }

    fn say(&mut self, beat: &Heartbeat) -> Result<Plan, Refusal> {
        let settings = settings();
        let terms = Terms { group_id: "g", topics: &self.topics, settings: &settings, wall: 3 };
        validate("g", beat, &settings)?;
        let plan = heartbeat(&self.group, beat, terms)?;
        self.group.looked_at = plan.looked_at.or(self.group.looked_at);
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
    assert_eq!(plan.revoking, Some(true));
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
    assert_eq!(g.say(&beat("m2", 2, None)), Err(unknown("m2", "g")));
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
    assert!(matches!(g.say(&beat("m1", 5, None)), Err(Refusal::Fenced { .. })));
    g.topics = catalog(&[("a", 3)]);
    g.ok(&beat("m1", 1, None));
    assert!(matches!(g.say(&beat("m1", 1, None)), Err(Refusal::Fenced { .. })));
    assert_eq!(g.ok(&beat("m1", 1, Some(&of(0..2)))).epoch, 2, "its answer was lost");
}

#[test]
fn what_was_kept_is_known_by_the_epoch_it_came_in() {
    let mut g = Group::new(&[("a", 2)]);
    g.ok(&join("m1", &["a"]));
    g.topics = catalog(&[("a", 3)]);
    assert_eq!(g.ok(&beat("m1", 1, None)).epoch, 2);
    assert!(g.has_had("m1", 1, 0), "since it joined");
    assert!(!g.has_had("m1", 1, 2) && g.has_had("m1", 2, 2), "the new one");
    assert!(!g.has_had("m1", 0, 0) && !g.has_had("m2", 2, 0) && !g.has_had("m1", 2, 3));
    g.ok(&join("m2", &["a"]));
    let kept = g.ok(&beat("m1", 2, None)).assignment.expect("a smaller one");
    let gone: Vec<_> = (0..3).filter(|p| !kept[&id(1)].contains(p)).collect();
    assert!(!g.has_had("m1", 2, gone[0]), "what it gives up it may not commit any more");
}

#[test]
fn a_static_member_comes_back_to_what_it_had() {
    let mut g = Group::new(&[("a", 4)]);
    let named = |member: &str| Heartbeat { instance_id: Some("i".into()), ..join(member, &["a"]) };
    g.ok(&named("m1"));
    assert!(matches!(g.say(&named("m2")), Err(Refusal::UnreleasedInstance { .. })));
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
    let error = g.say(&bad).expect_err("no such assignor").to_string();
    assert_eq!(error, "ServerAssignor none is not supported. Supported assignors: uniform, range.");
    let mut bad = join("m1", &[]);
    bad.topics = None;
    assert!(matches!(g.say(&bad), Err(Refusal::Invalid(_))));
    assert!(matches!(g.say(&beat("m1", -3, None)), Err(Refusal::Invalid(_))));
    for member in ["m1", "m2", "m3", "m4"] {
        g.ok(&join(member, &["a"]));
    }
    assert_eq!(g.say(&join("m5", &["a"])), Err(Refusal::Full(4)));
    let mut bad = join("m1", &[]);
    bad.topic_regex = Some("(".into());
    assert!(matches!(g.say(&bad), Err(Refusal::InvalidRegex(..))));
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

/// What a client believes.
struct Client {
    epoch: i32,
    owned: Assignment,
    topics: &'static [&'static str],
    /// Its last answer was lost: the next heartbeat carries everything.
    has_lost: bool,
}

impl Client {
    fn join(g: &mut Group, name: &str, topics: &'static [&'static str]) -> Client {
        let plan = g.ok(&join(name, topics));
        let owned = plan.assignment.unwrap_or_default();
        Client { epoch: plan.epoch, owned, topics, has_lost: false }
    }

    /// Sends what it owns, takes the answer (unless it is lost) and drops what it lost. One that
    /// is fenced abandons everything and joins again.
    fn beat(&mut self, g: &mut Group, name: &str, is_lost: bool) {
        let mut next = beat(name, self.epoch, Some(&self.owned));
        if self.has_lost {
            next.topics = join(name, self.topics).topics;
            next.rebalance_timeout_ms = 1000;
        }
        match g.say(&next) {
            Ok(_) if is_lost => self.has_lost = true,
            Ok(plan) => {
                self.epoch = plan.epoch;
                self.owned = plan.assignment.unwrap_or_else(|| self.owned.clone());
                self.has_lost = false;
            }
            Err(Refusal::Fenced { .. }) => *self = Client::join(g, name, self.topics),
            Err(other) => panic!("{name}: {other}"),
        }
    }
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
        let mut clients: BTreeMap<String, Client> = BTreeMap::new();
        for step in 0..120 {
            let name = format!("m{}", next(4));
            if step > 100 {
                clients.iter_mut().for_each(|(name, client)| client.beat(&mut g, name, false));
            } else if let Some(client) = clients.get_mut(&name) {
                if next(8) == 0 {
                    g.ok(&beat(&name, LEAVE, None));
                    clients.remove(&name);
                } else {
                    client.beat(&mut g, &name, next(5) == 0);
                }
            } else {
                let topics: &[&str] = [&["a"][..], &["a", "b"]][next(2) as usize];
                let client = Client::join(&mut g, &name, topics);
                clients.insert(name, client);
            }
            let used: Vec<_> = clients.values().flat_map(|client| flat(&client.owned)).collect();
            let distinct: BTreeSet<_> = used.iter().collect();
            assert_eq!(used.len(), distinct.len(), "seed {seed} step {step}");
        }
        if !clients.is_empty() {
            assert_eq!(g.group.state(), GroupState::Stable, "seed {seed}");
            let used: BTreeSet<_> = clients.values().flat_map(|c| flat(&c.owned)).collect();
            let wanted: i32 = g.group.topics.values().map(|t| t.partitions).sum();
            assert_eq!(used.len() as i32, wanted, "seed {seed}: {:?}", g.group);
        }
        let (loaded, group) = (reloaded(&g.group), &g.group);
        assert_eq!((loaded.epoch, loaded.target_epoch), (group.epoch, group.target_epoch));
        assert_eq!((&loaded.topics, &loaded.members), (&group.topics, &group.members));
        assert_eq!((&loaded.targets, &loaded.current), (&group.targets, &group.current));
    }
}

/// The group as a new coordinator would read it, after compaction.
fn reloaded(group: &ConsumerGroup) -> ConsumerGroup {
    let mut loaded = ConsumerGroup::default();
    let members =
        group.members.iter().map(|(id, m)| Record::Member(id.clone(), Some(Member::clone(m))));
    let targets = group.targets.iter().map(|(id, t)| Record::Target(id.clone(), Some(t.clone())));
    let current = group.current.iter().map(|(id, c)| Record::Current(id.clone(), Some(c.clone())));
    let epochs = [Record::Group(Some(group.epoch)), Record::TargetEpoch(Some(group.target_epoch))];
    let topics = Record::Topics(Some(group.topics.clone()));
    let records = current.chain(targets).chain(members).chain(epochs).chain([topics]);
    for record in records {
        let value = record.value();
        let read = Record::decode(&record.key("g"), value.as_deref()).expect("as written");
        loaded.apply(read.1);
    }
    loaded
}

fn flat(a: &Assignment) -> Vec<(TopicId, i32)> {
    a.iter().flat_map(|(t, ps)| ps.iter().map(|p| (*t, *p))).collect()
}
