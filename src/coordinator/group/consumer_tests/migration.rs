//! A live group changes its protocol and keeps what it has.

use super::*;
use crate::coordinator::group::classic::{ClassicGroup, JoinReply, LeavingMember, Now};
use crate::coordinator::group::consumer::migrate;
use crate::coordinator::group::records::GroupValue;
use crate::coordinator::group::tests::join_with;
use tokio::task::JoinHandle;

/// A consumer's subscription to `t`, v1, that owns these partitions of it.
fn subscription(owned: &[i32]) -> Bytes {
    let mut out = b"\0\x01\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\x01\0\x01t".to_vec();
    out.extend((owned.len() as i32).to_be_bytes());
    owned.iter().for_each(|p| out.extend(p.to_be_bytes()));
    out.into()
}

/// An assignment of these partitions of `t`, v1.
fn assignment(partitions: &[i32]) -> Bytes {
    let mut out = b"\0\x01\0\0\0\x01\0\x01t".to_vec();
    out.extend((partitions.len() as i32).to_be_bytes());
    partitions.iter().for_each(|p| out.extend(p.to_be_bytes()));
    out.extend([0xff; 4]);
    out.into()
}

fn classic_join(member_id: &str, owned: &[i32]) -> JoinRequest {
    join_with(member_id, subscription(owned))
}

fn identity(member_id: &str) -> Identity {
    Identity { member_id: member_id.into(), instance_id: None }
}

fn sync_request(joined: &JoinReply) -> SyncRequest {
    SyncRequest {
        identity: identity(&joined.member_id),
        generation: joined.generation,
        ..SyncRequest::default()
    }
}

/// A stable classic group of one member with all of `t`; its id.
async fn classic(coordinator: &GroupCoordinator) -> String {
    let joined = coordinator.join(GROUP, classic_join("", &[])).await;
    assert_eq!(joined.error, None);
    let assignments = [(joined.member_id.clone(), assignment(&[0, 1, 2, 3]))].into();
    let sync = SyncRequest { assignments, ..sync_request(&joined) };
    assert_eq!(coordinator.sync(GROUP, sync).await.error, None);
    joined.member_id.to_string()
}

#[tokio::test]
async fn a_classic_group_becomes_a_new_one_with_the_first_new_member_and_back_with_the_last() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let old = classic(&coordinator).await;
    assert_eq!(ok(&coordinator, join("m")).await.assignment, Some(Assignment::new()));
    let rebalances = Err(GroupError::RebalanceInProgress);
    assert_eq!(coordinator.heartbeat(GROUP, &identity(&old), 1), rebalances, "it shares now");

    // It joins with what it has, is asked to give half up, and gets its part by the sync.
    let joined = coordinator.join(GROUP, classic_join(&old, &[0, 1, 2, 3])).await;
    assert_eq!((joined.error.clone(), joined.generation, &*joined.leader), (None, 1, ""));
    let synced = coordinator.sync(GROUP, sync_request(&joined)).await;
    assert_eq!(synced.assignment, assignment(&[0, 1]));
    assert_eq!(coordinator.heartbeat(GROUP, &identity(&old), 1), rebalances);
    let joined = coordinator.join(GROUP, classic_join(&old, &[0, 1])).await;
    assert_eq!(coordinator.sync(GROUP, sync_request(&joined)).await.error, None);
    assert_eq!(coordinator.heartbeat(GROUP, &identity(&old), joined.generation), Ok(()));
    assert_eq!(ok(&coordinator, beat("m", 2)).await.assignment, Some(of([2, 3])));
    assert_eq!(state(&coordinator), "Stable");

    // Another coordinator finds the same mixed group.
    let second = fixture.start().await;
    assert_eq!(second.heartbeat(GROUP, &identity(&old), joined.generation), Ok(()));
    ok(&second, beat("m", LEAVE)).await;
    let described = second.describe(GROUP).expect("owned");
    assert_eq!((described.state, described.members.len()), ("PreparingRebalance", 1));
    assert_eq!(described.members[0].member_id.as_ref(), old);
    let joined = second.join(GROUP, classic_join(&old, &[0, 1])).await;
    assert_eq!((joined.error, &*joined.leader), (None, old.as_str()), "it assigns again itself");

    let third = fixture.start().await;
    assert_eq!(third.list().expect("active").0[0].kind, "classic");
}

#[tokio::test(start_paused = true)]
async fn the_rebalance_that_a_downgrade_begins_is_not_lost_with_the_coordinator() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let old = classic(&coordinator).await;
    ok(&coordinator, join("m")).await;
    coordinator.join(GROUP, classic_join(&old, &[0, 1, 2, 3])).await;
    let joined = coordinator.join(GROUP, classic_join(&old, &[0, 1])).await;
    assert_eq!(
        coordinator.sync(GROUP, sync_request(&joined)).await.assignment,
        assignment(&[0, 1])
    );
    ok(&coordinator, beat("m", 2)).await;
    ok(&coordinator, beat("m", LEAVE)).await;

    // The record keeps m, whose session is over: 2 and 3 are nobody's, and that is to be mended.
    let second = fixture.start().await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let described = second.describe(GROUP).expect("owned");
    assert_eq!((described.state, described.members.len()), ("PreparingRebalance", 1));
    let rebalances = Err(GroupError::RebalanceInProgress);
    assert_eq!(second.heartbeat(GROUP, &identity(&old), joined.generation), rebalances);
    let joined = second.join(GROUP, classic_join(&old, &[0, 1])).await;
    assert_eq!((joined.error, &*joined.leader, joined.members.len()), (None, old.as_str(), 1));
}

#[tokio::test(start_paused = true)]
async fn so_it_is_when_a_static_member_comes_back_with_the_classic_protocol() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let old = classic(&coordinator).await;
    ok(&coordinator, Heartbeat { instance_id: Some("i".into()), ..join("m") }).await;
    // What it waits for the first has yet to give up.
    let named = Identity { instance_id: Some("i".into()), ..identity("") };
    let back = JoinRequest { identity: named, ..classic_join("", &[]) };
    assert_eq!(coordinator.join(GROUP, back).await.error, None);
    assert_eq!(coordinator.describe(GROUP).expect("owned").state, "PreparingRebalance");

    let second = fixture.start().await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let described = second.describe(GROUP).expect("owned");
    assert_eq!((described.state, described.members.len()), ("PreparingRebalance", 2));
    assert!(described.members.iter().any(|member| *member.member_id == *old));
}

#[tokio::test]
async fn an_upgrade_before_who_left_is_forgotten_forgets_it_too() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let old = classic(&coordinator).await;
    ok(&coordinator, join("m")).await;
    ok(&coordinator, beat("m", LEAVE)).await;
    let records = fixture.log.records(coordinator.partition_for(GROUP));
    let last = records.last().and_then(|record| record.value.clone()).expect("a group");
    let value = GroupValue::decode(last).expect("a group");
    let (loaded, _) = ClassicGroup::load(coordinator.config(), Now::default(), value);
    let topics = fixture.topics.catalog(0).expect("topics");
    let (group, _) = migrate::upgrade(&loaded, &topics).expect("a group of consumers");
    assert_eq!(group.current[&old].assigned, of(0..4), "as it is still used");
    assert_eq!(group.current["m"].assigned, Assignment::new());
    let classic = group.members["m"].classic.as_ref().expect("a classic member");
    assert_eq!((classic.session_timeout_ms, group.members["m"].topics.len()), (1, 0));
}

/// Another classic member joins and waits, as the group does for the first.
async fn join_waiting(coordinator: &Arc<GroupCoordinator>) -> JoinHandle<JoinReply> {
    let joining = coordinator.clone();
    let answer = tokio::spawn(async move { joining.join(GROUP, classic_join("", &[])).await });
    while coordinator.describe(GROUP).expect("owned").state != "PreparingRebalance" {
        tokio::task::yield_now().await;
    }
    answer
}

#[tokio::test]
async fn what_a_cooperative_member_has_yet_to_give_up_is_not_given_away_by_an_upgrade() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let old = classic(&coordinator).await;
    let other = join_waiting(&coordinator).await;
    let joined = coordinator.join(GROUP, classic_join(&old, &[0, 1, 2, 3])).await;
    let other = other.await.expect("joined").member_id;
    let assignments =
        [(joined.member_id.clone(), assignment(&[0, 1])), (other, assignment(&[]))].into();
    let sync = SyncRequest { assignments, ..sync_request(&joined) };
    assert_eq!(coordinator.sync(GROUP, sync).await.error, None);

    // That answer was lost: it still uses 2 and 3, which its leader gave to nobody.
    let first = ok(&coordinator, join("m")).await;
    assert_eq!(first.assignment, Some(Assignment::new()));
    let second = fixture.start().await;
    assert_eq!(ok(&second, beat("m", first.epoch)).await.assignment, None, "nor after a load");
    let synced = second.sync(GROUP, sync_request(&joined)).await;
    assert_eq!(synced.assignment, assignment(&[0, 1]));
    let rebalances = Err(GroupError::RebalanceInProgress);
    assert_eq!(second.heartbeat(GROUP, &identity(&old), joined.generation), rebalances);

    // It says that it gave them up.
    second.join(GROUP, classic_join(&old, &[0, 1])).await;
    let more = ok(&second, beat("m", first.epoch)).await.assignment.expect("more");
    assert_eq!(more[&TOPIC].len(), 1);
}

#[tokio::test]
async fn what_a_cooperative_member_keeps_while_two_rebalances_begin_is_not_given_away() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let old = classic(&coordinator).await;
    let other = join_waiting(&coordinator).await;
    coordinator.join(GROUP, classic_join(&old, &[0, 1, 2, 3])).await;
    other.await.expect("joined");
    // Nobody has synced as a third comes: the group forgets what it had assigned.
    join_waiting(&coordinator).await;
    let first = ok(&coordinator, join("m")).await;
    assert_eq!(first.assignment, Some(Assignment::new()), "all is in use");
    coordinator.join(GROUP, classic_join(&old, &[])).await;
    let more = ok(&coordinator, beat("m", first.epoch)).await.assignment.expect("more");
    assert_eq!(more[&TOPIC].len(), 1);
}

#[tokio::test]
async fn what_a_member_still_uses_is_not_given_away_by_a_downgrade_and_an_upgrade() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let old = classic(&coordinator).await;
    // Half of what it has is m's to be: it leaves before that is given up, and n comes.
    ok(&coordinator, join("m")).await;
    ok(&coordinator, beat("m", LEAVE)).await;
    assert_eq!(coordinator.describe(GROUP).expect("owned").state, "PreparingRebalance");
    let first = ok(&coordinator, join("n")).await;
    assert_eq!(first.assignment, Some(Assignment::new()), "all is in use");

    // Asked to revoke, it is downgraded amid it: that too is still in use.
    let joined = coordinator.join(GROUP, classic_join(&old, &[0, 1, 2, 3])).await;
    assert_eq!(joined.error, None);
    let synced = coordinator.sync(GROUP, sync_request(&joined)).await;
    assert_eq!(synced.assignment, assignment(&[0, 1]));
    ok(&coordinator, beat("n", LEAVE)).await;
    let second = ok(&coordinator, join("o")).await;
    assert_eq!(second.assignment, Some(Assignment::new()), "2 and 3 are not given up");

    // Once it shows that it has no more than its half, the other half is free.
    let joined = coordinator.join(GROUP, classic_join(&old, &[0, 1])).await;
    assert_eq!(coordinator.sync(GROUP, sync_request(&joined)).await.error, None);
    assert_eq!(ok(&coordinator, beat("o", second.epoch)).await.assignment, Some(of([2, 3])));
}

#[tokio::test]
async fn members_that_wait_in_a_classic_group_are_asked_to_join_the_new_one() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    classic(&coordinator).await;
    let waiting = join_waiting(&coordinator).await;
    ok(&coordinator, join("m")).await;
    let answer = waiting.await.expect("answered");
    assert_eq!(answer.error, Some(GroupError::RebalanceInProgress));
}

#[tokio::test]
async fn the_policy_decides() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    let old = classic(&coordinator).await;
    let strict = GroupConfig {
        initial_rebalance_delay_ms: 0,
        consumer: ConsumerConfig::default(),
        ..GroupConfig::default()
    };
    coordinator.set_config(strict);
    let refused = coordinator.consumer_heartbeat(GROUP, join("m")).await.expect_err("disabled");
    assert_eq!(refused.to_string(), "Group g is not a consumer group.");
    assert_eq!(coordinator.heartbeat(GROUP, &identity(&old), 1), Ok(()), "nothing has changed");
    let leaving = LeavingMember { identity: identity(&old), reason: None };
    assert_eq!(coordinator.leave(GROUP, &[leaving]), Ok(vec![Ok(())]));
    assert_eq!(ok(&coordinator, join("m")).await.epoch, 1, "an empty group may be either");
    let error = coordinator
        .join(GROUP, JoinRequest { protocol_type: "connect".into(), ..classic_join("", &[]) });
    assert_eq!(error.await.error, Some(GroupError::InconsistentGroupProtocol));
    ok(&coordinator, beat("m", LEAVE)).await;
    classic(&coordinator).await;
    assert_eq!(coordinator.list().expect("active").0[0].kind, "classic", "and back");
    let tombstone = (Key::encode_group(GROUP), true);
    let records = fixture.log.records(coordinator.partition_for(GROUP));
    let buried = |r: &crate::coordinator::state_log::StateRecord| {
        (r.key.clone().unwrap_or_default(), r.value.is_none()) == tombstone
    };
    assert!(records.iter().any(buried), "the classic group was buried when it became a new one");
}

#[tokio::test(start_paused = true)]
async fn classic_members_that_do_not_come_back_are_removed() {
    let fixture = Fixture::new();
    let coordinator = fixture.start().await;
    classic(&coordinator).await;
    ok(&coordinator, join("m")).await;
    let mut epoch = 2;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(4)).await;
        epoch = ok(&coordinator, beat("m", epoch)).await.epoch;
    }
    let described = coordinator.describe_consumer(GROUP).expect("a new group").0;
    assert_eq!((described.members.len(), described.state), (1, "Stable"));
    assert_eq!(described.members[0].assigned, of(0..4));
}
