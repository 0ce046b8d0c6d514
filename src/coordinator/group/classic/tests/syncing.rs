//! Syncs, assignments and what happens when they cannot be stored.

use super::*;

fn joined_pair(script: &mut Script) -> (Arc<str>, Arc<str>) {
    let (a, b) = (script.send_join(request("a")), script.send_join(request("b")));
    script.advance(0);
    let (a, b) = (script.join_reply(a).expect("a"), script.join_reply(b).expect("b"));
    (a.member_id, b.member_id)
}

#[test]
fn followers_wait_for_the_leader_and_for_the_store() {
    let mut script = Script::new();
    script.stores_at_once = false;
    let (a, b) = joined_pair(&mut script);
    let follower = script.send_sync(sync(&b, 1, &[]));
    let leader = script.send_sync(sync(&a, 1, &[(&a, "left"), (&b, "right")]));
    assert_eq!(script.syncs, vec![], "nothing before it is stored");
    let store = script.stores.pop().expect("the assignment");
    assert_eq!(store.value.members.len(), 2);
    let effects = script.group.stored(script.now(), store.purpose, Ok(()));
    script.absorb(effects);
    assert_eq!(script.sync_reply(leader).expect("leader").assignment, "left");
    assert_eq!(script.sync_reply(follower).expect("follower").assignment, "right");
    assert_eq!(script.group.state(), State::Stable);
}

#[test]
fn a_member_the_leader_forgot_gets_an_empty_assignment() {
    let mut script = Script::new();
    let (a, b) = joined_pair(&mut script);
    script.send_sync(sync(&a, 1, &[(&a, "all"), ("stranger", "x")]));
    let late = script.send_sync(sync(&b, 1, &[]));
    let reply = script.sync_reply(late).expect("a stable group answers at once");
    assert_eq!((reply.error, reply.assignment), (None, Bytes::new()));
}

#[test]
fn a_store_that_fails_is_told_to_all_and_rebalances() {
    let mut script = Script::new();
    script.stores_at_once = false;
    let (a, b) = joined_pair(&mut script);
    let follower = script.send_sync(sync(&b, 1, &[]));
    script.send_sync(sync(&a, 1, &[]));
    let store = script.stores.pop().expect("the assignment");
    let error = GroupError::CoordinatorNotAvailable;
    let effects = script.group.stored(script.now(), store.purpose, Err(error.clone()));
    script.absorb(effects);
    assert_eq!(script.sync_reply(follower).expect("told").error, Some(error));
    assert_eq!(script.group.state(), State::PreparingRebalance);
}

#[test]
fn a_store_of_an_old_generation_changes_nothing() {
    let mut script = Script::new();
    script.stores_at_once = false;
    let (a, b) = joined_pair(&mut script);
    let waiting = script.send_sync(sync(&a, 1, &[(&a, "all")]));
    script.send_join(request("c"));
    let told = script.sync_reply(waiting).expect("the rebalance cancels it");
    assert_eq!(told.error, Some(GroupError::RebalanceInProgress));
    script.send_join(again("a", &a));
    script.send_join(again("b", &b));
    assert_eq!(script.group.generation(), 2);
    let store = script.stores.remove(0);
    let effects = script.group.stored(script.now(), store.purpose, Ok(()));
    script.absorb(effects);
    assert_eq!(script.group.state(), State::CompletingRebalance);
}

#[test]
fn syncs_are_checked_by_member_generation_and_protocol() {
    let mut script = Script::new();
    let id = script.stable_with_one();
    let mut error = |request| {
        let token = script.send_sync(request);
        script.sync_reply(token).expect("at once").error
    };
    assert_eq!(error(sync("x", 1, &[])), Some(GroupError::UnknownMemberId));
    assert_eq!(error(sync(&id, 2, &[])), Some(GroupError::IllegalGeneration));
    let kind = SyncRequest { protocol_type: Some("connect".into()), ..sync(&id, 1, &[]) };
    assert_eq!(error(kind), Some(GroupError::InconsistentGroupProtocol));
    let protocol = SyncRequest { protocol: Some("sticky".into()), ..sync(&id, 1, &[]) };
    assert_eq!(error(protocol), Some(GroupError::InconsistentGroupProtocol));
    assert_eq!(error(sync(&id, 1, &[])), None);
    script.send_join(request("b"));
    let token = script.send_sync(sync(&id, 1, &[]));
    let reply = script.sync_reply(token).expect("at once");
    assert_eq!(reply.error, Some(GroupError::RebalanceInProgress));
}

#[test]
fn members_that_never_sync_are_removed_after_the_rebalance_timeout() {
    let mut script = Script::new();
    let (a, b) = joined_pair(&mut script);
    script.send_sync(sync(&a, 1, &[]));
    for _ in 0..6 {
        script.advance(9_000);
        assert_eq!(script.heartbeat(&a, 1), Ok(()));
        assert_eq!(script.heartbeat(&b, 1), Ok(()));
    }
    script.advance(6_000);
    assert_eq!(script.heartbeat(&a, 1), Err(GroupError::RebalanceInProgress));
    assert_eq!(script.heartbeat(&b, 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn commits_are_allowed_to_members_but_not_between_join_and_sync() {
    let mut script = Script::new();
    let (a, _) = joined_pair(&mut script);
    let now = script.now();
    let mut commit = |id: &str, generation, is_transactional| {
        script.group.check_commit(now, &identity(id), generation, is_transactional).0
    };
    assert_eq!(commit(&a, 1, false), Err(GroupError::RebalanceInProgress));
    assert_eq!(commit(&a, 0, false), Err(GroupError::IllegalGeneration));
    assert_eq!(commit("", -1, false), Err(GroupError::UnknownMemberId));
    assert_eq!(commit("", -1, true), Ok(()), "an old transactional producer");
    assert_eq!(commit("x", -1, true), Err(GroupError::UnknownMemberId));
    script.send_sync(sync(&a, 1, &[]));
    let now = script.now();
    assert_eq!(script.group.check_commit(now, &identity(&a), 1, false).0, Ok(()));
}

#[test]
fn an_empty_group_takes_commits_of_anybody_without_generation() {
    let mut script = Script::new();
    let now = script.now();
    assert_eq!(script.group.check_commit(now, &identity(""), -1, false).0, Ok(()));
    assert_eq!(script.group.check_commit(now, &identity("x"), -1, false).0, Ok(()));
    let claims = script.group.check_commit(now, &identity("x"), 0, false).0;
    assert_eq!(claims, Err(GroupError::UnknownMemberId));
}
