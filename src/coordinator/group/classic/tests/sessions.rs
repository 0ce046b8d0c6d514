//! Heartbeats, sessions, leaving, loading and unloading.

use super::*;

#[test]
fn heartbeats_keep_a_member_and_silence_removes_it() {
    let mut script = Script::new();
    let id = script.stable_with_one();
    script.advance(9_999);
    assert_eq!(script.heartbeat(&id, 1), Ok(()));
    script.advance(9_999);
    assert_eq!(script.heartbeat(&id, 1), Ok(()));
    script.advance(10_000);
    assert_eq!(script.heartbeat(&id, 1), Err(GroupError::UnknownMemberId));
    assert_eq!((script.group.state(), script.group.generation()), (State::Empty, 2));
}

#[test]
fn heartbeats_are_checked_by_member_and_generation() {
    let mut script = Script::new();
    let id = script.stable_with_one();
    assert_eq!(script.heartbeat(&id, 0), Err(GroupError::IllegalGeneration));
    assert_eq!(script.heartbeat("x", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_member_waiting_for_others_needs_no_heartbeats() {
    let mut script = Script::new();
    let a = script.stable_with_one();
    let joined = script.send_join(request("b"));
    let waiting = script.send_join(again("a", &a));
    assert!(script.join_reply(joined).is_some() && script.join_reply(waiting).is_some());
    let b = script.join_reply(joined).expect("b").member_id;
    // Both are to sync; b waits for the leader, which only heartbeats.
    script.send_sync(sync(&b, 2, &[]));
    for _ in 0..3 {
        script.advance(9_000);
        assert_eq!(script.heartbeat(&a, 2), Ok(()));
    }
    assert_eq!(script.group.members().count(), 2);
}

#[test]
fn a_new_member_may_wait_five_minutes_for_its_first_join() {
    let mut script = Script::new();
    let slow =
        JoinRequest { rebalance_timeout_ms: 900_000, session_timeout_ms: 900_000, ..request("a") };
    let token = script.send_join(slow);
    script.advance(0);
    let a = script.join_reply(token).expect("a").member_id;
    script.send_sync(sync(&a, 1, &[]));
    let token = script.send_join(request("b"));
    script.advance(299_999);
    assert_eq!(script.join_reply(token), None);
    script.advance(1);
    let reply = script.join_reply(token).expect("given up");
    assert_eq!(reply.error, Some(GroupError::UnknownMemberId));
    assert_eq!(script.group.members().count(), 1);
}

#[test]
fn the_last_member_to_leave_empties_the_group_and_that_is_stored() {
    let mut script = Script::new();
    let id = script.stable_with_one();
    script.stores_at_once = false;
    assert_eq!(script.leave(&[leaving(&id)]), Ok(vec![Ok(())]));
    assert_eq!((script.group.state(), script.group.generation()), (State::Empty, 2));
    let store = script.stores.pop().expect("the empty group");
    assert_eq!((store.value.protocol, store.value.leader), (None, None));
    assert_eq!(&*store.value.protocol_type, "consumer");
}

#[test]
fn several_members_leave_at_once_each_with_its_own_result() {
    let mut script = Script::new();
    let a = script.send_join(request("a"));
    let static_b = JoinRequest {
        identity: Identity { member_id: "".into(), instance_id: Some("i".into()) },
        ..request("b")
    };
    script.send_join(static_b);
    script.advance(0);
    let a = script.join_reply(a).expect("a").member_id;
    let by_instance = |id: &str| LeavingMember {
        identity: Identity { member_id: "".into(), instance_id: Some(id.into()) },
        reason: None,
    };
    let left = script.leave(&[leaving("x"), leaving(&a), by_instance("i"), by_instance("j")]);
    let unknown = Err(GroupError::UnknownMemberId);
    assert_eq!(left, Ok(vec![unknown.clone(), Ok(()), Ok(()), unknown]));
    assert_eq!(script.group.state(), State::Empty);
}

#[test]
fn a_pending_member_that_leaves_lets_the_others_go_on() {
    let mut script = Script::new();
    let a = script.stable_with_one();
    let ask = JoinRequest { require_known_member_id: true, ..request("b") };
    let b = script.join_now(ask).member_id;
    let token = script.send_join(again("a", &a));
    assert_eq!(script.join_reply(token), None);
    assert_eq!(script.leave(&[leaving(&b)]), Ok(vec![Ok(())]));
    assert_eq!(script.join_reply(token).expect("alone").generation, 2);
}

#[test]
fn a_member_that_leaves_while_it_waits_is_answered() {
    let mut script = Script::new();
    let (a, b) = (script.send_join(request("a")), script.send_join(request("b")));
    script.advance(0);
    let b = script.join_reply(b).expect("b").member_id;
    let waiting = script.send_sync(sync(&b, 1, &[]));
    script.leave(&[leaving(&b)]).expect("left");
    let reply = script.sync_reply(waiting).expect("answered");
    assert_eq!(reply.error, Some(GroupError::UnknownMemberId));
    assert!(script.join_reply(a).is_some());
}

#[test]
fn a_stored_group_is_loaded_as_it_was() {
    let mut script = Script::new();
    let id = script.stable_with_one();
    let value = script.group.value_with(|m| m.assignment.clone());
    let config = script.group.config.clone();
    let (loaded, effects) = ClassicGroup::load(config.clone(), script.now(), value.clone());
    assert_eq!(loaded.value_with(|m| m.assignment.clone()), value);
    assert_eq!((loaded.state(), loaded.generation()), (State::Stable, 1));
    assert_eq!(effects.wake, Some(script.ticks + 10_000), "sessions begin anew");
    assert!(loaded.is_subscribed_to("t") && !loaded.is_subscribed_to("u"));
    script.group = loaded;
    assert_eq!(script.heartbeat(&id, 1), Ok(()));
    script.advance(10_000);
    assert_eq!(script.group.state(), State::Empty);
}

#[test]
fn a_loaded_group_that_is_too_large_rebalances() {
    let mut script = Script::new();
    script.stable_with_one();
    let value = script.group.value_with(|m| m.assignment.clone());
    let config = GroupConfig { max_size: 0, ..GroupConfig::default() };
    let (loaded, _) = ClassicGroup::load(Arc::new(config), script.now(), value);
    assert_eq!(loaded.state(), State::PreparingRebalance);
}

#[test]
fn those_who_wait_are_told_when_the_group_moves_away() {
    let mut script = Script::new();
    let a = script.stable_with_one();
    let join = script.send_join(request("b"));
    let effects = script.group.unload(script.now());
    script.absorb(effects);
    assert_eq!(script.join_reply(join).expect("told").error, Some(GroupError::NotCoordinator));
    assert_eq!(script.heartbeat(&a, 1), Err(GroupError::CoordinatorNotAvailable));
}
