//! Static members (KIP-345) and skipped assignments (KIP-814).

use super::*;

fn of(instance: &str, id: &str) -> Identity {
    Identity { member_id: id.into(), instance_id: Some(instance.into()) }
}

fn static_join(instance: &str, id: &str) -> JoinRequest {
    JoinRequest { identity: of(instance, id), ..request("c") }
}

/// A stable group of the static members `i` (leader) and `j`.
fn stable_pair(script: &mut Script) -> (Arc<str>, Arc<str>) {
    let (i, j) = (script.send_join(static_join("i", "")), script.send_join(static_join("j", "")));
    script.advance(0);
    let (i, j) = (script.join_reply(i).expect("i"), script.join_reply(j).expect("j"));
    let (i, j) = (i.member_id, j.member_id);
    let all = [(&*i, "left"), (&*j, "right")];
    script.send_sync(SyncRequest { identity: of("i", &i), ..sync(&i, 1, &all) });
    script.send_sync(SyncRequest { identity: of("j", &j), ..sync(&j, 1, &[]) });
    assert_eq!(script.group.state(), State::Stable);
    (i, j)
}

#[test]
fn a_static_member_needs_no_known_id_and_is_named_by_its_instance() {
    let mut script = Script::new();
    let (i, _) = stable_pair(&mut script);
    assert!(i.starts_with("i-"));
}

#[test]
fn a_static_member_that_comes_back_keeps_its_assignment_without_rebalance() {
    let mut script = Script::new();
    let (i, j) = stable_pair(&mut script);
    script.stores_at_once = false;
    let token = script.send_join(static_join("j", ""));
    assert_eq!(script.join_reply(token), None, "the new id is to be stored first");
    let store = script.stores.pop().expect("the new id");
    let effects = script.group.stored(script.now(), store.purpose, Ok(()));
    script.absorb(effects);
    let reply = script.join_reply(token).expect("joined");
    assert_ne!(reply.member_id, j);
    assert_eq!((reply.generation, reply.leader), (1, i));
    assert_eq!(script.group.state(), State::Stable);
    let id = reply.member_id;
    let sync = script.send_sync(SyncRequest { identity: of("j", &id), ..sync(&id, 1, &[]) });
    assert_eq!(script.sync_reply(sync).expect("synced").assignment, "right");
}

#[test]
fn the_old_self_of_a_static_member_is_fenced() {
    let mut script = Script::new();
    let (_, j) = stable_pair(&mut script);
    script.send_join(static_join("j", ""));
    let now = script.now();
    let fenced = GroupError::FencedInstanceId;
    assert_eq!(script.group.heartbeat(now, &of("j", &j), 1).0, Err(fenced.clone()));
    assert_eq!(script.heartbeat(&j, 1), Err(GroupError::UnknownMemberId));
    assert_eq!(script.join_now(static_join("j", &j)).error, Some(fenced.clone()));
    let sync = script.send_sync(SyncRequest { identity: of("j", &j), ..sync(&j, 1, &[]) });
    assert_eq!(script.sync_reply(sync).expect("fenced").error, Some(fenced.clone()));
    let leaving = LeavingMember { identity: of("j", &j), reason: None };
    assert_eq!(script.leave(&[leaving]), Ok(vec![Err(fenced.clone())]));
    assert_eq!(script.group.check_commit(now, &of("j", &j), 1, false).0, Err(fenced));
    let unknown = script.group.heartbeat(now, &of("k", &j), 1).0;
    assert_eq!(unknown, Err(GroupError::UnknownMemberId));
}

#[test]
fn a_leader_that_comes_back_is_told_the_old_leader_or_to_skip_assignment() {
    let mut script = Script::new();
    let (i, _) = stable_pair(&mut script);
    let token = script.send_join(static_join("i", ""));
    let old = script.join_reply(token).expect("before v9");
    assert_eq!((old.leader, old.members.len(), old.skip_assignment), (i, 0, false));
    let token = script.send_join(JoinRequest { can_skip_assignment: true, ..static_join("i", "") });
    let new = script.join_reply(token).expect("v9");
    assert_eq!((new.leader, new.members.len(), new.skip_assignment), (new.member_id, 2, true));
}

#[test]
fn a_replacement_that_cannot_be_stored_is_undone() {
    let mut script = Script::new();
    let (i, j) = stable_pair(&mut script);
    script.stores_at_once = false;
    let token = script.send_join(static_join("j", ""));
    let store = script.stores.pop().expect("the new id");
    let error = GroupError::NotCoordinator;
    let effects = script.group.stored(script.now(), store.purpose, Err(error.clone()));
    script.absorb(effects);
    let reply = script.join_reply(token).expect("refused");
    assert_eq!((reply.error, reply.leader, reply.generation), (Some(error), i, 1));
    let now = script.now();
    assert_eq!(script.group.heartbeat(now, &of("j", &j), 1).0, Ok(()));
}

#[test]
fn a_replacement_that_changes_the_protocol_rebalances() {
    let mut script = Script::new();
    let one = |names: &[&str], id: &str| JoinRequest {
        protocols: protocols(names),
        ..static_join("i", id)
    };
    let token = script.send_join(one(&["range"], ""));
    script.advance(0);
    let i = script.join_reply(token).expect("i").member_id;
    script.send_sync(SyncRequest { identity: of("i", &i), ..sync(&i, 1, &[]) });
    let token = script.send_join(one(&["sticky", "range"], ""));
    let reply = script.join_reply(token).expect("alone, so at once");
    assert_eq!((reply.generation, reply.protocol.as_deref()), (2, Some("sticky")));
}

#[test]
fn a_replacement_between_join_and_sync_rebalances_and_fences_who_waits() {
    let mut script = Script::new();
    let (i, j) = (script.send_join(static_join("i", "")), script.send_join(static_join("j", "")));
    script.advance(0);
    let j_id = script.join_reply(j).expect("j").member_id;
    assert!(script.join_reply(i).is_some());
    let waiting = script.send_sync(SyncRequest { identity: of("j", &j_id), ..sync(&j_id, 1, &[]) });
    script.send_join(static_join("j", ""));
    let reply = script.sync_reply(waiting).expect("fenced");
    assert_eq!(reply.error, Some(GroupError::FencedInstanceId));
    assert_eq!(script.group.state(), State::PreparingRebalance);
}

#[test]
fn absent_static_members_stay_through_a_rebalance_until_their_session_ends() {
    let mut script = Script::new();
    let long =
        |instance: &str| JoinRequest { session_timeout_ms: 200_000, ..static_join(instance, "") };
    let (i, j) = (script.send_join(long("i")), script.send_join(long("j")));
    script.advance(0);
    let i = script.join_reply(i).expect("i").member_id;
    assert!(script.join_reply(j).is_some());
    script.send_sync(SyncRequest { identity: of("i", &i), ..sync(&i, 1, &[]) });
    // The leader asks for a rebalance in which j never joins.
    let token = script.send_join(JoinRequest { identity: of("i", &i), ..long("i") });
    script.advance(60_000);
    let reply = script.join_reply(token).expect("the rebalance timeout is over");
    assert_eq!((reply.generation, reply.members.len()), (2, 2), "j is still a member");
}
