//! The coordinator against an internal topic in memory: what is written, loaded and answered.

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;

use super::classic::{Identity, JoinRequest, LeavingMember, Protocol, SyncRequest};
use super::records::{GroupValue, Key, OffsetValue};
use super::*;
use crate::coordinator::state_log::memory::MemoryLog;
use crate::coordinator::state_log::{ControlMarker, Producer, StateLogError};
use crate::types::{TopicPartition, now_ms};

const GROUP: &str = "g";

fn no_topics() -> Arc<dyn Topics> {
    Arc::new(ImageTopics::new(Arc::default()))
}

async fn start(log: &Arc<MemoryLog>) -> Arc<GroupCoordinator> {
    let config = GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() };
    let coordinator = GroupCoordinator::start(config, log.clone(), no_topics(), Handle::current());
    coordinator.on_leadership(coordinator.partition_for(GROUP), 1);
    loaded(&coordinator).await;
    coordinator
}

async fn loaded(coordinator: &GroupCoordinator) {
    while coordinator.fetch_offsets(GROUP, None, false)
        == Err(GroupError::CoordinatorLoadInProgress)
    {
        tokio::task::yield_now().await;
    }
}

fn join(member_id: &str) -> JoinRequest {
    join_with(member_id, Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff"))
}

/// A member that joins by this subscription.
pub(super) fn join_with(member_id: &str, metadata: Bytes) -> JoinRequest {
    JoinRequest {
        identity: Identity { member_id: member_id.into(), instance_id: None },
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        require_known_member_id: false,
        can_skip_assignment: false,
        rebalance_timeout_ms: 60_000,
        session_timeout_ms: 30_000,
        protocol_type: "consumer".into(),
        protocols: vec![Protocol { name: "range".into(), metadata }],
        reason: None,
        unique: uuid::Uuid::new_v4(),
    }
}

/// A stable group of one member.
async fn stable(coordinator: &GroupCoordinator) -> Identity {
    let joined = coordinator.join(GROUP, join("")).await;
    assert_eq!(joined.error, None);
    let identity = Identity { member_id: joined.member_id.clone(), instance_id: None };
    let part = Bytes::from_static(b"part");
    let sync = SyncRequest {
        identity: identity.clone(),
        generation: 1,
        assignments: [(joined.member_id, part.clone())].into(),
        ..SyncRequest::default()
    };
    let synced = coordinator.sync(GROUP, sync).await;
    assert_eq!((synced.error, synced.assignment), (None, part));
    identity
}

fn value(offset: i64) -> OffsetValue {
    OffsetValue {
        offset,
        leader_epoch: 3,
        metadata: "m".into(),
        commit_timestamp: now_ms(),
        expire_timestamp: None,
    }
}

fn tp(topic: &str) -> TopicPartition {
    TopicPartition::new(topic, 0)
}

fn commit(topic: &str, offset: i64) -> CommitRequest {
    CommitRequest {
        group_id: GROUP.into(),
        generation: -1,
        offsets: vec![(tp(topic), value(offset))],
        ..CommitRequest::default()
    }
}

fn committed(coordinator: &GroupCoordinator, topic: &str) -> Option<i64> {
    let found = coordinator.fetch_offsets(GROUP, Some(&[tp(topic)]), false).expect("loaded");
    found[0].1.clone().expect("stable").map(|value| value.offset)
}

#[tokio::test]
async fn a_group_that_is_not_loaded_here_is_someone_elses() {
    let log = Arc::new(MemoryLog::default());
    let coordinator =
        GroupCoordinator::start(GroupConfig::default(), log, no_topics(), Handle::current());
    let error = GroupError::NotCoordinator;
    assert_eq!(coordinator.join(GROUP, join("")).await.error, Some(error.clone()));
    assert_eq!(coordinator.commit_offsets(commit("t", 1)).await, vec![Err(error)]);
    assert_eq!(coordinator.join("", join("")).await.error, Some(GroupError::InvalidGroupId));
    coordinator.shutdown();
    let gone = Some(GroupError::CoordinatorNotAvailable);
    assert_eq!(coordinator.join(GROUP, join("")).await.error, gone);
}

#[tokio::test]
async fn a_group_moves_to_another_coordinator_with_its_members_and_offsets() {
    let log = Arc::new(MemoryLog::default());
    let first = start(&log).await;
    let identity = stable(&first).await;
    let request = CommitRequest { identity: identity.clone(), generation: 1, ..commit("t", 42) };
    assert_eq!(first.commit_offsets(request).await, vec![Ok(())]);
    first.on_resignation(first.partition_for(GROUP));
    assert_eq!(first.heartbeat(GROUP, &identity, 1), Err(GroupError::NotCoordinator));

    let second = start(&log).await;
    assert_eq!(second.heartbeat(GROUP, &identity, 1), Ok(()));
    assert_eq!(committed(&second, "t"), Some(42));
    let described = second.describe(GROUP).expect("loaded");
    assert_eq!((described.state, &*described.protocol), ("Stable", "range"));
    assert_eq!(described.members[0].assignment, "part");
    assert_eq!(&*described.members[0].client_host, "/127.0.0.1");
}

#[tokio::test]
async fn what_members_said_of_themselves_is_described_while_the_group_is_stable() {
    let coordinator = start(&Arc::new(MemoryLog::default())).await;
    let identity = stable(&coordinator).await;
    let described = coordinator.describe(GROUP).expect("loaded");
    assert_eq!((described.state, &*described.protocol), ("Stable", "range"));
    let metadata = join("").protocols[0].metadata.clone();
    assert_eq!(
        (&described.members[0].metadata, &*described.members[0].client_id),
        (&metadata, "c")
    );
    // It leads: by joining again it asks for a rebalance, for which nobody else has to join.
    let joined = coordinator.join(GROUP, join(&identity.member_id)).await;
    assert_eq!((joined.error, joined.generation), (None, 2));
    let described = coordinator.describe(GROUP).expect("loaded");
    assert_eq!((described.state, &*described.protocol), ("CompletingRebalance", ""));
    let member = &described.members[0];
    assert_eq!((member.metadata.len(), member.assignment.len()), (0, 0), "only of a stable one");
    assert_eq!(&*member.client_host, "/127.0.0.1");
}

#[tokio::test]
async fn an_assignment_that_cannot_be_stored_is_not_given_out() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let joined = coordinator.join(GROUP, join("")).await;
    for (error, answer) in [
        (StateLogError::NotLeader, GroupError::NotCoordinator),
        (StateLogError::TimedOut, GroupError::RebalanceInProgress),
    ] {
        log.fail_commits(Some(error));
        let again = coordinator.join(GROUP, join(&joined.member_id)).await;
        let sync = SyncRequest {
            identity: Identity { member_id: joined.member_id.clone(), instance_id: None },
            generation: again.generation,
            ..SyncRequest::default()
        };
        assert_eq!(coordinator.sync(GROUP, sync).await.error, Some(answer));
    }
}

#[tokio::test]
async fn commits_that_fail_leave_the_old_offset() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    assert_eq!(coordinator.commit_offsets(commit("t", 1)).await, vec![Ok(())]);
    log.fail_commits(Some(StateLogError::NotEnoughReplicasAfterAppend));
    let error = GroupError::CoordinatorNotAvailable;
    assert_eq!(coordinator.commit_offsets(commit("t", 2)).await, vec![Err(error)]);
    log.fail_commits(None);
    log.fail_appends(Some(StateLogError::TooLarge));
    let error = GroupError::InvalidCommitOffsetSize;
    assert_eq!(coordinator.commit_offsets(commit("t", 3)).await, vec![Err(error)]);
    assert_eq!(committed(&coordinator, "t"), Some(1));
    let found = coordinator.fetch_offsets(GROUP, Some(&[tp("t")]), true).expect("loaded");
    assert!(found[0].1.is_ok(), "nothing is in flight any more");
}

#[tokio::test]
async fn long_metadata_fails_its_partition_only() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let mut request = commit("t", 1);
    let long = OffsetValue { metadata: "x".repeat(4_097).into(), ..value(2) };
    request.offsets.push((tp("u"), long));
    let too_large = Err(GroupError::OffsetMetadataTooLarge);
    assert_eq!(coordinator.commit_offsets(request).await, vec![Ok(()), too_large]);
    assert_eq!((committed(&coordinator, "t"), committed(&coordinator, "u")), (Some(1), None));
}

#[tokio::test]
async fn metadata_is_measured_in_characters_of_java() {
    let coordinator = start(&Arc::new(MemoryLog::default())).await;
    let too_large = Err(GroupError::OffsetMetadataTooLarge);
    for (text, result) in [
        ("é".repeat(4_096), Ok(())),
        ("é".repeat(4_097), too_large.clone()),
        ("😀".repeat(2_048), Ok(())),
        ("😀".repeat(2_049), too_large),
    ] {
        let offset = OffsetValue { metadata: text.into(), ..value(1) };
        let request = CommitRequest { offsets: vec![(tp("t"), offset)], ..commit("t", 1) };
        assert_eq!(coordinator.commit_offsets(request).await, vec![result]);
    }
}

#[tokio::test]
async fn a_commit_with_a_generation_needs_a_group() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let request = CommitRequest { generation: 1, ..commit("t", 1) };
    let results = coordinator.commit_offsets(request).await;
    assert_eq!(results, vec![Err(GroupError::IllegalGeneration)]);
    assert!(coordinator.list().expect("active").0.is_empty(), "no group was made");
}

#[tokio::test]
async fn an_empty_group_takes_commits_of_non_members_by_any_name() {
    let coordinator = start(&Arc::new(MemoryLog::default())).await;
    let named = Identity { member_id: "x".into(), instance_id: None };
    let is_static = Identity { member_id: "".into(), instance_id: Some("i".into()) };
    let producer = Some(Producer { id: 7, epoch: 0 });
    for identity in [&named, &is_static] {
        let request = CommitRequest { identity: identity.clone(), ..commit("t", 1) };
        let in_transaction = CommitRequest { producer, ..request.clone() };
        assert_eq!(coordinator.commit_offsets(request).await, vec![Ok(())]);
        assert_eq!(coordinator.commit_offsets(in_transaction).await, vec![Ok(())]);
    }
    stable(&coordinator).await;
    let unknown = Err(GroupError::UnknownMemberId);
    for identity in [named, is_static] {
        let request = CommitRequest { identity, ..commit("t", 1) };
        assert_eq!(coordinator.commit_offsets(request).await, vec![unknown.clone()]);
    }
}

#[tokio::test]
async fn offsets_of_a_transaction_count_when_it_commits() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let partition = coordinator.partition_for(GROUP);
    let with = |id: i64, offset: i64| CommitRequest {
        producer: Some(Producer { id, epoch: 0 }),
        ..commit("t", offset)
    };
    assert_eq!(coordinator.commit_offsets(with(7, 5)).await, vec![Ok(())]);
    assert_eq!(committed(&coordinator, "t"), None);
    let stable = coordinator.fetch_offsets(GROUP, Some(&[tp("t")]), true).expect("loaded");
    assert_eq!(stable[0].1, Err(GroupError::UnstableOffsetCommit));

    let second = start(&log).await;
    let stable = second.fetch_offsets(GROUP, Some(&[tp("t")]), true).expect("loaded");
    assert_eq!(stable[0].1, Err(GroupError::UnstableOffsetCommit), "pending when loaded");
    let at = log.append_marker(partition, 7, ControlMarker::Commit);
    second.on_transaction_end(7, partition, at, true);
    assert_eq!(committed(&second, "t"), Some(5));
    coordinator.on_transaction_end(7, partition, at, true);
    assert_eq!(coordinator.commit_offsets(with(8, 9)).await, vec![Ok(())]);
    let at = log.append_marker(partition, 8, ControlMarker::Abort);
    coordinator.on_transaction_end(8, partition, at, false);
    assert_eq!(committed(&coordinator, "t"), Some(5));
    let third = start(&log).await;
    assert_eq!(committed(&third, "t"), Some(5), "the log says the same");
}

#[tokio::test]
async fn a_late_marker_leaves_the_offsets_of_the_next_transaction_alone() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let partition = coordinator.partition_for(GROUP);
    let producer = Some(Producer { id: 7, epoch: 0 });
    let in_transaction = |offset| CommitRequest { producer, ..commit("t", offset) };
    let is_unstable = || {
        let found = coordinator.fetch_offsets(GROUP, Some(&[tp("t")]), true).expect("loaded");
        found[0].1 == Err(GroupError::UnstableOffsetCommit)
    };
    assert_eq!(coordinator.commit_offsets(in_transaction(5)).await, vec![Ok(())]);
    let first = log.append_marker(partition, 7, ControlMarker::Commit);
    let again = log.append_marker(partition, 7, ControlMarker::Commit);
    coordinator.on_transaction_end(7, partition, again, true);
    assert_eq!(coordinator.commit_offsets(in_transaction(9)).await, vec![Ok(())]);
    coordinator.on_transaction_end(7, partition, first, true);
    assert_eq!((committed(&coordinator, "t"), is_unstable()), (Some(5), true));
    let its_own = log.append_marker(partition, 7, ControlMarker::Commit);
    coordinator.on_transaction_end(7, partition, its_own, true);
    assert_eq!((committed(&coordinator, "t"), is_unstable()), (Some(9), false));
}

/// The coordinator of transactions ends the transaction of the commit as soon as it is appended.
#[tokio::test]
async fn a_marker_right_behind_a_commit_ends_it() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let ending = Arc::new(parking_lot::Mutex::new(None));
    let (markers, groups) = (Arc::downgrade(&log), Arc::downgrade(&coordinator));
    let started = ending.clone();
    log.after_append(move |partition, batch| {
        let Some(producer) = batch.producer else { return };
        let markers = markers.upgrade().expect("there");
        let at = markers.append_marker(partition, producer.id, ControlMarker::Abort);
        let groups = groups.upgrade().expect("there");
        let (done, is_done) = std::sync::mpsc::channel();
        *started.lock() = Some(std::thread::spawn(move || {
            groups.on_transaction_end(producer.id, partition, at, false);
            let _ = done.send(());
        }));
        // It may wait for this commit, but not this commit for it.
        let _ = is_done.recv_timeout(std::time::Duration::from_millis(100));
    });
    let producer = Some(Producer { id: 7, epoch: 0 });
    coordinator.commit_offsets(CommitRequest { producer, ..commit("t", 5) }).await;
    let ending = ending.lock().take().expect("it began with the append");
    ending.join().expect("ended");
    let found = coordinator.fetch_offsets(GROUP, Some(&[tp("t")]), true).expect("loaded");
    assert_eq!(found[0].1, Ok(None), "the offset waits for a marker that was written");
}

#[tokio::test]
async fn groups_are_deleted_only_without_members_and_leave_tombstones() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    assert_eq!(coordinator.delete_group(GROUP), Err(GroupError::GroupIdNotFound));
    let identity = stable(&coordinator).await;
    assert_eq!(coordinator.delete_group(GROUP), Err(GroupError::NonEmptyGroup));
    let request = CommitRequest { identity: identity.clone(), generation: 1, ..commit("t", 1) };
    coordinator.commit_offsets(request).await;
    let left = coordinator.leave(GROUP, &[LeavingMember { identity, reason: None }]);
    assert_eq!(left, Ok(vec![Ok(())]));
    assert_eq!(coordinator.delete_group(GROUP), Ok(()));
    let records = log.records(coordinator.partition_for(GROUP));
    let buried: Vec<Bytes> =
        records.iter().rev().take(2).rev().filter_map(|r| r.key.clone()).collect();
    assert!(records.iter().rev().take(2).all(|record| record.value.is_none()));
    assert_eq!(buried, [Key::encode_offset(GROUP, &tp("t")), Key::encode_group(GROUP)]);
    assert_eq!(coordinator.describe(GROUP).expect("owned").state, "Dead");
    assert!(start(&log).await.list().expect("active").0.is_empty());
}

#[tokio::test]
async fn offsets_of_subscribed_topics_cannot_be_deleted() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let identity = stable(&coordinator).await;
    for topic in ["t", "u"] {
        let request =
            CommitRequest { identity: identity.clone(), generation: 1, ..commit(topic, 1) };
        assert_eq!(coordinator.commit_offsets(request).await, vec![Ok(())]);
    }
    let results = coordinator.delete_offsets(GROUP, &[tp("t"), tp("u")]);
    assert_eq!(results, Ok(vec![Err(GroupError::GroupSubscribedToTopic), Ok(())]));
    assert_eq!((committed(&coordinator, "t"), committed(&coordinator, "u")), (Some(1), None));
}

#[tokio::test]
async fn offsets_expire_by_who_may_still_need_them() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let old = |topic: &str| {
        let value = OffsetValue { commit_timestamp: 1, ..value(1) };
        (tp(topic), value)
    };
    let identity = stable(&coordinator).await;
    let request = CommitRequest {
        identity: identity.clone(),
        generation: 1,
        offsets: vec![old("t"), old("u")],
        ..commit("t", 1)
    };
    coordinator.commit_offsets(request).await;
    coordinator.expire_offsets();
    assert_eq!(committed(&coordinator, "t"), Some(1), "subscribed");
    assert_eq!(committed(&coordinator, "u"), None, "old and not subscribed");
    coordinator.leave(GROUP, &[LeavingMember { identity, reason: None }]).expect("left");
    coordinator.expire_offsets();
    assert_eq!(committed(&coordinator, "t"), Some(1), "the group has just become empty");
    coordinator.set_config(GroupConfig { offsets_retention_ms: 0, ..GroupConfig::default() });
    coordinator.expire_offsets();
    assert!(coordinator.list().expect("active").0.is_empty(), "and with its offsets it went");
}

#[tokio::test]
async fn a_simple_consumers_offsets_expire_by_their_own_time() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let mut request = commit("t", 1);
    let expired = OffsetValue { expire_timestamp: Some(1), ..value(2) };
    let old = OffsetValue { commit_timestamp: 1, ..value(3) };
    request.offsets.extend([(tp("u"), expired), (tp("v"), old)]);
    coordinator.commit_offsets(request).await;
    coordinator.expire_offsets();
    let left: Vec<_> = ["t", "u", "v"].map(|topic| committed(&coordinator, topic)).into();
    assert_eq!(left, [Some(1), None, None]);
    let records = log.records(coordinator.partition_for(GROUP));
    assert_eq!(records.iter().filter(|record| record.value.is_none()).count(), 2);
}

#[tokio::test]
async fn what_was_removed_does_not_come_back_with_the_end_of_a_transaction() {
    let producer = Some(Producer { id: 7, epoch: 0 });
    let in_transaction = |offset| CommitRequest { producer, ..commit("t", offset) };
    let remove: [&dyn Fn(&GroupCoordinator); 3] = [
        &|groups| assert_eq!(groups.delete_offsets(GROUP, &[tp("t")]), Ok(vec![Ok(())])),
        &|groups| groups.on_partitions_deleted(&[tp("t")]),
        &|groups| assert_eq!(groups.delete_group(GROUP), Ok(())),
    ];
    for remove in remove {
        let log = Arc::new(MemoryLog::default());
        let coordinator = start(&log).await;
        let partition = coordinator.partition_for(GROUP);
        assert_eq!(coordinator.commit_offsets(in_transaction(5)).await, vec![Ok(())]);
        remove(&coordinator);
        let at = log.append_marker(partition, 7, ControlMarker::Commit);
        coordinator.on_transaction_end(7, partition, at, true);
        assert_eq!(committed(&coordinator, "t"), None);
        let second = start(&log).await;
        assert_eq!(committed(&second, "t"), None, "the log says the same");
    }
}

#[tokio::test]
async fn a_group_without_offsets_stays_until_the_transaction_that_had_them_ends() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let partition = coordinator.partition_for(GROUP);
    let state = || coordinator.describe(GROUP).expect("owned").state;
    let producer = Some(Producer { id: 7, epoch: 0 });
    coordinator.commit_offsets(CommitRequest { producer, ..commit("t", 5) }).await;
    for _ in 0..2 {
        assert_eq!(coordinator.delete_offsets(GROUP, &[tp("t")]), Ok(vec![Ok(())]));
        coordinator.expire_offsets();
        assert_eq!(state(), "Empty");
    }
    let at = log.append_marker(partition, 7, ControlMarker::Commit);
    coordinator.on_transaction_end(7, partition, at, true);
    assert_eq!((state(), committed(&coordinator, "t")), ("Empty", None));
    coordinator.expire_offsets();
    assert_eq!(state(), "Dead");
}

#[tokio::test]
async fn an_offset_that_a_transaction_is_about_to_replace_does_not_expire() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    let old = OffsetValue { commit_timestamp: 1, ..value(1) };
    let request = CommitRequest { offsets: vec![(tp("t"), old)], ..commit("t", 1) };
    assert_eq!(coordinator.commit_offsets(request).await, vec![Ok(())]);
    let producer = Some(Producer { id: 7, epoch: 0 });
    coordinator.commit_offsets(CommitRequest { producer, ..commit("t", 5) }).await;
    let written = log.records(coordinator.partition_for(GROUP)).len();
    coordinator.expire_offsets();
    let records = log.records(coordinator.partition_for(GROUP));
    assert_eq!(records.len(), written, "a tombstone would win over it in a compaction");
    let partition = coordinator.partition_for(GROUP);
    let at = log.append_marker(partition, 7, ControlMarker::Abort);
    coordinator.on_transaction_end(7, partition, at, false);
    coordinator.expire_offsets();
    assert_eq!(committed(&coordinator, "t"), None);
}

#[tokio::test]
async fn offsets_go_with_their_topic() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    coordinator.commit_offsets(commit("t", 1)).await;
    coordinator.commit_offsets(commit("u", 1)).await;
    coordinator.on_partitions_deleted(&[tp("t")]);
    assert_eq!((committed(&coordinator, "t"), committed(&coordinator, "u")), (None, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn deadlines_come_without_requests() {
    let log = Arc::new(MemoryLog::default());
    let coordinator = start(&log).await;
    coordinator.set_config(GroupConfig::default());
    // The initial delay of 3 s ends by the timer, then the session of 30 s.
    let joined = coordinator.join(GROUP, join("")).await;
    assert_eq!((joined.error, joined.generation), (None, 1));
    let partition = coordinator.partition_for(GROUP);
    while log.records(partition).is_empty() {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let value = log.records(partition)[0].value.clone().expect("not a tombstone");
    let value = GroupValue::decode(value).expect("a group");
    assert_eq!((value.generation, value.members.len()), (2, 0));
}

#[test]
fn group_values_are_read_in_every_version() {
    let v0 = b"\0\0\0\x08consumer\0\0\0\x05\0\x05range\0\x01m\0\0\0\x01\
               \0\x01m\0\x01c\0\x02/h\0\0\0\x0a\0\0\0\x01s\0\0\0\x01a";
    let read = GroupValue::decode(Bytes::from_static(v0)).expect("v0");
    assert_eq!((read.generation, read.state_timestamp), (5, -1));
    let member = &read.members[0];
    assert_eq!((member.session_timeout_ms, member.rebalance_timeout_ms), (10, 10));
    assert_eq!((&member.subscription[..], &member.assignment[..]), (&b"s"[..], &b"a"[..]));
    assert_eq!(GroupValue::decode(read.encode()), Some(read.clone()), "v3");
    let v4 = b"\0\x04\x09consumer\0\0\0\x05\x06range\x02m\xff\xff\xff\xff\xff\xff\xff\xff\x02\
               \x02m\0\x02c\x03/h\0\0\0\x0a\0\0\0\x0a\x02s\x02a\0\0";
    assert_eq!(GroupValue::decode(Bytes::from_static(v4)), Some(read));
    for cut in 0..v4.len() {
        assert_eq!(GroupValue::decode(Bytes::copy_from_slice(&v4[..cut])), None);
    }
}
