//! KIP-848 groups in the coordinator, against an internal topic in memory: what is written, loaded,
//! fenced, expired and migrated.

mod migration;
mod random;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::classic::{Identity, JoinRequest, SyncRequest};
use super::config::{ConsumerConfig, Migration};
use super::consumer::plan::{Heartbeat, LEAVE, LEAVE_FOR_A_WHILE};
use super::consumer::refusal::Refusal;
use super::consumer::{Assignment, TopicCatalog};
use super::records::{Key, OffsetValue};
use super::*;
use crate::coordinator::state_log::memory::MemoryLog;
use crate::coordinator::state_log::{NewBatch, Producer, StateLog, StateLogError};
use crate::types::{TopicId, TopicPartition, now_ms};

const GROUP: &str = "g";
const TOPIC: TopicId = TopicId::from_u128(1);

/// Topics that a test changes; none while the image is not there.
#[derive(Default)]
struct FixedTopics(Mutex<Option<Arc<TopicCatalog>>>);

impl FixedTopics {
    fn set(&self, version: u64, topics: &[(&str, u128, i32)]) {
        let entries = topics.iter().map(|(n, id, p)| ((*n).into(), TopicId::from_u128(*id), *p));
        let mut catalog = TopicCatalog::new(entries);
        catalog.version = version;
        *self.0.lock() = Some(Arc::new(catalog));
    }
}

impl Topics for FixedTopics {
    fn catalog(&self, _partition: i32) -> Option<Arc<TopicCatalog>> {
        self.0.lock().clone()
    }
}

struct Fixture {
    log: Arc<MemoryLog>,
    topics: Arc<FixedTopics>,
}

impl Fixture {
    /// With topic `t` of four partitions.
    fn new() -> Fixture {
        let fixture = Fixture { log: Arc::default(), topics: Arc::default() };
        fixture.topics.set(1, &[("t", 1, 4)]);
        fixture
    }

    /// A coordinator that has loaded what the log says; the one before does not know.
    async fn start(&self) -> Arc<GroupCoordinator> {
        let both = Migration { upgrade: true, downgrade: true };
        let config = GroupConfig {
            initial_rebalance_delay_ms: 0,
            consumer: ConsumerConfig { migration: both, ..ConsumerConfig::default() },
            ..GroupConfig::default()
        };
        let (log, topics) = (self.log.clone(), self.topics.clone());
        let coordinator = GroupCoordinator::start(config, log, topics, Handle::current());
        // It looks for groups to remove at once: let it find none, before it has loaded one.
        tokio::task::yield_now().await;
        coordinator.on_leadership(coordinator.partition_for(GROUP), 1);
        while coordinator.fetch_offsets(GROUP, None, false)
            == Err(GroupError::CoordinatorLoadInProgress)
        {
            tokio::task::yield_now().await;
        }
        coordinator
    }
}

fn join(member: &str) -> Heartbeat {
    Heartbeat {
        member_id: member.into(),
        rebalance_timeout_ms: 60_000,
        topics: Some(BTreeSet::from(["t".to_owned()])),
        owned: Some(Assignment::new()),
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        ..Heartbeat::default()
    }
}

fn beat(member: &str, epoch: i32) -> Heartbeat {
    Heartbeat { epoch, rebalance_timeout_ms: -1, topics: None, owned: None, ..join(member) }
}

fn of(partitions: impl IntoIterator<Item = i32>) -> Assignment {
    Assignment::from([(TOPIC, partitions.into_iter().collect())])
}

async fn ok(coordinator: &GroupCoordinator, beat: Heartbeat) -> HeartbeatReply {
    coordinator.consumer_heartbeat(GROUP, beat).await.expect("an accepted heartbeat")
}

fn commit(member: &str, epoch: i32) -> CommitRequest {
    let value = OffsetValue {
        offset: 7,
        leader_epoch: -1,
        metadata: "".into(),
        commit_timestamp: now_ms(),
        expire_timestamp: None,
    };
    CommitRequest {
        group_id: GROUP.into(),
        identity: Identity { member_id: member.into(), instance_id: None },
        generation: epoch,
        knows_epochs: true,
        offsets: vec![(TopicPartition::new("t", 0), value)],
        producer: None,
    }
}

fn state(coordinator: &GroupCoordinator) -> String {
    match coordinator.describe_consumer(GROUP) {
        Ok((description, _)) => description.state.to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_group_moves_to_another_coordinator_with_all_it_has() {
    let fixture = Fixture::new();
    let first = fixture.start().await;
    assert_eq!(ok(&first, join("m1")).await.assignment, Some(of(0..4)));
    ok(&first, Heartbeat { instance_id: Some("i".into()), ..join("m2") }).await;
    ok(&first, beat("m1", 1)).await;
    let described = first.describe_consumer(GROUP).expect("described").0;
    assert_eq!(described.state, "Reconciling");
    first.on_resignation(first.partition_for(GROUP));
    let error = first.consumer_heartbeat(GROUP, beat("m1", 1)).await;
    assert_eq!(error, Err(GroupError::NotCoordinator.into()));

    let second = fixture.start().await;
    assert_eq!(second.describe_consumer(GROUP).expect("loaded").0, described);
    let kept = described.members[0].assigned.clone();
    let reply = ok(&second, Heartbeat { owned: Some(kept), ..beat("m1", 1) }).await;
    assert_eq!(reply.epoch, 2);
    assert!(ok(&second, beat("m2", 2)).await.assignment.is_some_and(|a| a[&TOPIC].len() == 2));
    assert_eq!(state(&second), "Stable");
}

#[tokio::test]
async fn a_group_is_not_touched_before_the_topics_are_known() {
    let fixture = Fixture::new();
    ok(&*fixture.start().await, join("m")).await;
    let restarted = fixture.start().await;
    *fixture.topics.0.lock() = None;
    let error = restarted.consumer_heartbeat(GROUP, beat("m", 1)).await;
    assert_eq!(error, Err(GroupError::CoordinatorLoadInProgress.into()));
    fixture.topics.set(1, &[("t", 1, 4)]);
    assert_eq!(ok(&restarted, beat("m", 1)).await.assignment, None, "as it was");
}

#[tokio::test]
async fn what_cannot_be_stored_has_not_happened() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    for (error, answer) in [
        (StateLogError::NotLeader, GroupError::NotCoordinator),
        (StateLogError::NotEnoughReplicas, GroupError::CoordinatorNotAvailable),
    ] {
        fixture.log.fail_appends(Some(error));
        let refused = coordinator.consumer_heartbeat(GROUP, join("m")).await;
        assert_eq!(refused, Err(answer.into()));
        assert_eq!(coordinator.list().expect("active").0, [], "no group was made");
    }
    fixture.log.fail_appends(None);
    assert_eq!(ok(&coordinator, join("m")).await.epoch, 1);
    fixture.log.fail_commits(Some(StateLogError::TimedOut));
    let late = coordinator.consumer_heartbeat(GROUP, join("n")).await;
    assert_eq!(late, Err(GroupError::CoordinatorNotAvailable.into()));
    fixture.log.fail_commits(None);
    assert_eq!(ok(&coordinator, join("n")).await.epoch, 2, "it is a member already");
}

#[tokio::test(start_paused = true)]
async fn silent_members_and_those_that_keep_what_they_should_give_up_are_removed() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    ok(&coordinator, Heartbeat { rebalance_timeout_ms: 10_000, ..join("m1") }).await;
    ok(&coordinator, join("m2")).await;
    ok(&coordinator, beat("m1", 1)).await;
    let mut epoch = 2;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(4)).await;
        epoch = ok(&coordinator, beat("m2", epoch)).await.epoch;
    }
    // It was heard of 12 s ago, and should have given two partitions up within 10 s.
    let refused = coordinator.consumer_heartbeat(GROUP, beat("m1", 1)).await;
    assert!(matches!(refused, Err(HeartbeatError::Refused(Refusal::UnknownMember { .. }))));
    let described = coordinator.describe_consumer(GROUP).expect("described").0;
    assert_eq!(described.members[0].assigned, of(0..4));
    while state(&coordinator) != "Empty" {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(state(&*fixture.start().await).contains("Empty"), "the log says the same");
}

#[tokio::test(start_paused = true)]
async fn a_static_member_may_be_away_for_a_session() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let named = |beat: Heartbeat| Heartbeat { instance_id: Some("i".into()), ..beat };
    ok(&coordinator, named(join("m1"))).await;
    let reply = ok(&coordinator, named(beat("m1", LEAVE_FOR_A_WHILE))).await;
    assert_eq!((reply.epoch, reply.interval_ms), (LEAVE_FOR_A_WHILE, 0));
    let back = ok(&*fixture.start().await, named(join("m2"))).await;
    assert_eq!((back.epoch, back.assignment), (1, Some(of(0..4))), "nothing has changed");
    while state(&coordinator) != "Empty" {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn commits_and_fetches_need_the_epoch_of_the_member() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let anonymous = |epoch| CommitRequest { identity: Identity::default(), ..commit("", epoch) };
    assert_eq!(coordinator.commit_offsets(anonymous(-1)).await, vec![Ok(())]);
    ok(&coordinator, join("m")).await;
    let old = CommitRequest { knows_epochs: false, ..commit("m", 1) };
    let producer = Some(Producer { id: 3, epoch: 0 });
    for (request, answer) in [
        (commit("m", 1), Ok(())),
        (commit("m", 0), Err(GroupError::StaleMemberEpoch)),
        (commit("n", 1), Err(GroupError::UnknownMemberId)),
        (anonymous(-1), Err(GroupError::UnknownMemberId)),
        (old, Err(GroupError::UnsupportedVersion)),
        (CommitRequest { producer, ..anonymous(-1) }, Ok(())),
        (CommitRequest { producer, ..commit("m", 2) }, Err(GroupError::IllegalGeneration)),
    ] {
        let said = format!("{request:?}");
        assert_eq!(coordinator.commit_offsets(request).await, vec![answer], "{said}");
    }
    fixture.topics.set(2, &[("t", 1, 5)]);
    assert_eq!(ok(&coordinator, beat("m", 1)).await.epoch, 2);
    assert_eq!(coordinator.commit_offsets(commit("m", 1)).await, vec![Ok(())], "it has kept it");
    let mut new = commit("m", 1);
    new.offsets[0].0.partition = 4;
    assert_eq!(coordinator.commit_offsets(new).await, vec![Err(GroupError::StaleMemberEpoch)]);
    fixture.topics.set(3, &[("t", 1, 4)]);
    ok(&coordinator, beat("m", LEAVE)).await;
    ok(&coordinator, join("m")).await;
    let coordinator = fixture.start().await;
    let epoch = coordinator.describe_consumer(GROUP).expect("loaded").0.epoch;
    assert_eq!(coordinator.check_fetch(GROUP, None, -1), Ok(()));
    assert_eq!(coordinator.check_fetch(GROUP, Some("m"), epoch), Ok(()));
    let stale = coordinator.check_fetch(GROUP, Some("m"), epoch + 1);
    assert_eq!(stale, Err(GroupError::StaleMemberEpoch));
    let unknown = coordinator.check_fetch(GROUP, Some("n"), 1);
    assert_eq!(unknown, Err(GroupError::UnknownMemberId));
}

#[tokio::test]
async fn groups_are_listed_and_deleted_only_without_members() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    ok(&coordinator, join("m")).await;
    coordinator.commit_offsets(commit("m", 1)).await;
    let listed = coordinator.list().expect("active").0;
    assert_eq!((&*listed[0].protocol_type, listed[0].kind), ("consumer", "consumer"));
    assert_eq!(coordinator.describe(GROUP).expect("owned").state, "Dead", "not a classic one");
    let t = [TopicPartition::new("t", 0)];
    let refused = coordinator.delete_offsets(GROUP, &t);
    assert_eq!(refused, Ok(vec![Err(GroupError::GroupSubscribedToTopic)]));
    assert_eq!(coordinator.delete_group(GROUP), Err(GroupError::NonEmptyGroup));
    assert_eq!(ok(&coordinator, beat("m", LEAVE)).await.epoch, LEAVE);
    assert_eq!(coordinator.delete_group(GROUP), Ok(()));
    assert_eq!(coordinator.list().expect("active").0, []);
    assert_eq!(fixture.start().await.list().expect("active").0, [], "nor after a restart");
    assert_eq!(ok(&coordinator, join("m")).await.epoch, 1, "a new group");
}

#[tokio::test]
async fn an_empty_group_without_offsets_stays_until_offsets_expire() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    ok(&coordinator, join("m")).await;
    coordinator.commit_offsets(commit("m", 1)).await;
    ok(&coordinator, beat("m", LEAVE)).await;
    let t = [TopicPartition::new("t", 0)];
    assert_eq!(coordinator.delete_offsets(GROUP, &t), Ok(vec![Ok(())]));
    assert_eq!(state(&coordinator), "Empty");
    coordinator.on_partitions_deleted(&[TopicPartition::new("u", 0)]);
    assert_eq!(state(&coordinator), "Empty");
    coordinator.expire_offsets();
    assert_eq!(coordinator.list().expect("active").0, []);
    assert_eq!(fixture.start().await.list().expect("active").0, [], "nor after a restart");
}

#[tokio::test]
async fn offsets_of_subscribed_topics_do_not_expire() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    ok(&coordinator, join("m")).await;
    let mut request = commit("m", 1);
    request.offsets[0].1.commit_timestamp = 1;
    let other = (TopicPartition::new("u", 0), request.offsets[0].1.clone());
    request.offsets.push(other);
    coordinator.commit_offsets(request).await;
    coordinator.expire_offsets();
    let left = coordinator.fetch_offsets(GROUP, None, false).expect("loaded");
    assert_eq!(left.iter().map(|(id, _)| &*id.topic).collect::<Vec<_>>(), ["t"]);
    ok(&coordinator, beat("m", LEAVE)).await;
    coordinator.expire_offsets();
    assert_eq!(coordinator.list().expect("active").0, [], "and with the last the group goes");
}

#[tokio::test]
async fn topics_that_change_are_seen_with_the_next_heartbeat() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let pattern = Heartbeat { topics: None, topic_regex: Some("t.*".into()), ..join("m") };
    ok(&coordinator, pattern).await;
    fixture.topics.set(2, &[("t", 1, 5), ("tt", 2, 1), ("u", 3, 1)]);
    let reply = ok(&coordinator, beat("m", 1)).await;
    let regex = || {
        let cell = coordinator.owned(GROUP).expect("loaded").1.get(GROUP).expect("the group");
        let inner = cell.inner.lock();
        let super::cell::Group::Consumer(machine) = &inner.group else { panic!("KIP-848") };
        machine.group.regexes.get("t.*").map(|resolved| resolved.topics.len())
    };
    assert_eq!(regex(), Some(2), "what matches is kept, as Kafka 4 does");
    let sizes: Vec<usize> = reply.assignment.expect("more").values().map(BTreeSet::len).collect();
    assert_eq!((reply.epoch, sizes), (2, vec![5, 1]));
    let before = fixture.log.records(coordinator.partition_for(GROUP)).len();
    fixture.topics.set(3, &[("t", 1, 5), ("tt", 2, 1), ("u", 3, 2)]);
    ok(&coordinator, beat("m", 2)).await;
    let after = fixture.log.records(coordinator.partition_for(GROUP)).len();
    assert_eq!(before, after, "topics of others are of no interest");
    let named = Some(BTreeSet::from(["t".to_owned()]));
    ok(&coordinator, Heartbeat { topics: named, topic_regex: Some("".into()), ..beat("m", 2) })
        .await;
    assert_eq!(regex(), None, "nobody subscribes by it");
}

/// Appends a record as another broker would have.
fn append(fixture: &Fixture, partition: i32, key: Bytes, value: &[u8]) {
    let records = vec![(key, Some(Bytes::copy_from_slice(value)))];
    let batch = NewBatch { records, ..NewBatch::default() };
    fixture.log.append(partition, &batch).expect("appended");
}

#[tokio::test]
async fn what_another_broker_wrote_meanwhile_wins_and_what_is_not_known_is_passed_over() {
    let fixture = Fixture::new();
    let first = fixture.start().await;
    ok(&first, join("m")).await;
    let partition = first.partition_for(GROUP);
    // A record of a streams group of Kafka 4, and a consumer group record of a later version.
    append(&fixture, partition, Bytes::from_static(b"\0\x11\0\x01g"), b"\0\0\0\0\x01\0");
    append(&fixture, partition, Bytes::from_static(b"\0\x03\0\x01g"), b"\0\x09junk");
    assert_eq!(state(&*fixture.start().await), "Stable");
    // Generation 2, no protocol, no leader, no timestamp, no members.
    let empty = b"\0\x03\0\x08consumer\0\0\0\x02\xff\xff\xff\xff\
                  \xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";
    append(&fixture, partition, Key::encode_group(GROUP), empty);
    let second = fixture.start().await;
    assert_eq!(second.describe(GROUP).expect("owned").state, "Empty", "a classic group now");
    ok(&second, join("m")).await;
    assert_eq!(state(&*fixture.start().await), "Stable", "and again one of the new protocol");
}
