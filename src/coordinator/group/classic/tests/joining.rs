//! Joins: ids, delays, votes, limits.

use super::*;

#[test]
fn a_first_join_from_v4_on_only_gets_a_member_id() {
    let mut script = Script::new();
    let ask = JoinRequest { require_known_member_id: true, ..request("a") };
    let reply = script.join_now(ask.clone());
    assert_eq!(reply.error, Some(GroupError::MemberIdRequired));
    assert!(reply.member_id.starts_with("a-"));
    assert_eq!(script.group.state(), State::Empty);

    let token = script.send_join(JoinRequest { identity: identity(&reply.member_id), ..ask });
    script.advance(0);
    let joined = script.join_reply(token).expect("joined");
    assert_eq!((joined.error, joined.generation), (None, 1));
    assert_eq!(joined.leader, reply.member_id);
}

#[test]
fn a_member_id_given_out_expires_with_the_session_timeout() {
    let mut script = Script::new();
    let ask = JoinRequest { require_known_member_id: true, ..request("a") };
    let id = script.join_now(ask).member_id;
    script.advance(10_000);
    assert_eq!(script.join_now(again("a", &id)).error, Some(GroupError::UnknownMemberId));
}

#[test]
fn a_rebalance_waits_for_members_that_were_given_an_id() {
    let mut script = Script::new();
    let a = script.stable_with_one();
    let ask = JoinRequest { require_known_member_id: true, ..request("b") };
    let b = script.join_now(ask).member_id;
    let token = script.send_join(again("a", &a));
    assert_eq!(script.join_reply(token), None, "b is expected");
    script.send_join(again("b", &b));
    assert_eq!(script.join_reply(token).expect("both are there").members.len(), 2);
}

#[test]
fn the_initial_delay_is_extended_while_members_come_and_ends_with_the_rebalance_timeout() {
    let config = GroupConfig { initial_rebalance_delay_ms: 3_000, ..GroupConfig::default() };
    let mut script = Script::with(config);
    let ask = || JoinRequest { rebalance_timeout_ms: 7_000, ..request("a") };
    let first = script.send_join(ask());
    script.advance(2_000);
    script.send_join(ask());
    script.advance(2_000); // The delay ended at 3000 and goes on to 6000.
    script.send_join(ask());
    script.advance(2_500); // It ended at 6000 and goes on, by what is left, to 7000.
    assert_eq!(script.join_reply(first), None);
    script.advance(500);
    assert_eq!(script.join_reply(first).expect("delay over").members.len(), 3);
}

#[test]
fn an_initial_delay_without_newcomers_ends_after_once() {
    let config = GroupConfig { initial_rebalance_delay_ms: 3_000, ..GroupConfig::default() };
    let mut script = Script::with(config);
    let first = script.send_join(request("a"));
    script.advance(2_999);
    assert_eq!(script.join_reply(first), None);
    script.advance(1);
    assert_eq!(script.join_reply(first).expect("delay over").generation, 1);
}

#[test]
fn only_the_leader_is_told_the_members() {
    let mut script = Script::new();
    let (a, b) = (script.send_join(request("a")), script.send_join(request("b")));
    script.advance(0);
    let (a, b) = (script.join_reply(a).expect("a"), script.join_reply(b).expect("b"));
    assert_eq!(a.leader, a.member_id, "the first to come leads");
    assert_eq!(b.leader, a.member_id);
    assert_eq!((a.members.len(), b.members.len()), (2, 0));
    assert_eq!(a.protocol.as_deref(), Some("range"));
    assert_eq!(a.protocol_type.as_deref(), Some("consumer"));
}

#[test]
fn the_protocol_most_members_prefer_among_those_all_support_is_chosen() {
    let mut script = Script::new();
    let of = |names: &[&str]| JoinRequest { protocols: protocols(names), ..request("a") };
    script.send_join(of(&["own", "range", "sticky"]));
    script.send_join(of(&["sticky", "range"]));
    let token = script.send_join(of(&["sticky", "range"]));
    script.advance(0);
    assert_eq!(script.join_reply(token).expect("joined").protocol.as_deref(), Some("sticky"));
}

#[test]
fn members_without_a_protocol_in_common_are_refused() {
    let mut script = Script::new();
    script.stable_with_one();
    let other = JoinRequest { protocols: protocols(&["sticky"]), ..request("b") };
    let kind = JoinRequest { protocol_type: "connect".into(), ..request("b") };
    let inconsistent = Some(GroupError::InconsistentGroupProtocol);
    assert_eq!(script.join_now(other).error, inconsistent);
    assert_eq!(script.join_now(kind).error, inconsistent);
}

#[test]
fn an_empty_group_refuses_members_without_protocol() {
    let mut script = Script::new();
    let none = JoinRequest { protocols: Vec::new(), ..request("a") };
    let kind = JoinRequest { protocol_type: "".into(), ..request("a") };
    let inconsistent = Some(GroupError::InconsistentGroupProtocol);
    assert_eq!(script.join_now(none).error, inconsistent);
    assert_eq!(script.join_now(kind).error, inconsistent);
}

#[test]
fn session_timeouts_have_bounds() {
    let mut script = Script::new();
    for timeout in [5_999, 1_800_001] {
        let ask = JoinRequest { session_timeout_ms: timeout, ..request("a") };
        assert_eq!(script.join_now(ask).error, Some(GroupError::InvalidSessionTimeout));
    }
}

#[test]
fn a_full_group_refuses_newcomers_and_keeps_members() {
    let config =
        GroupConfig { initial_rebalance_delay_ms: 0, max_size: 1, ..GroupConfig::default() };
    let mut script = Script::with(config);
    let a = script.stable_with_one();
    let refused = script.join_now(request("b"));
    assert_eq!(refused.error, Some(GroupError::GroupMaxSizeReached));
    assert_eq!(&*refused.member_id, "");
    assert_eq!(script.join_now(again("a", &a)).generation, 2);
}

#[test]
fn a_member_id_that_nobody_gave_out_is_unknown() {
    let mut script = Script::new();
    script.stable_with_one();
    assert_eq!(script.join_now(again("b", "b-1")).error, Some(GroupError::UnknownMemberId));
}

#[test]
fn a_leader_that_joins_again_asks_for_a_rebalance_and_a_follower_does_not() {
    let mut script = Script::new();
    let a = script.send_join(request("a"));
    let b = script.send_join(request("b"));
    script.advance(0);
    let (a, b) = (script.join_reply(a).expect("a"), script.join_reply(b).expect("b"));
    let leader = a.member_id.clone();
    script.send_sync(sync(&leader, 1, &[]));

    let same = script.join_now(again("b", &b.member_id));
    assert_eq!((same.generation, same.members.len()), (1, 0));
    assert_eq!(script.group.state(), State::Stable);

    let changed =
        JoinRequest { protocols: protocols(&["range", "sticky"]), ..again("b", &b.member_id) };
    script.send_join(changed);
    assert_eq!(script.group.state(), State::PreparingRebalance);
    let token = script.send_join(again("a", &leader));
    assert_eq!(script.join_reply(token).expect("both are there").generation, 2);

    script.send_sync(sync(&leader, 2, &[]));
    script.send_join(again("a", &leader));
    assert_eq!(script.group.state(), State::PreparingRebalance);
}

#[test]
fn a_repeated_join_gets_the_current_generation_until_the_leader_syncs() {
    let mut script = Script::new();
    let token = script.send_join(request("a"));
    script.advance(0);
    let first = script.join_reply(token).expect("joined");
    let repeated = script.join_now(again("a", &first.member_id));
    assert_eq!(repeated, first);
}

#[test]
fn members_that_do_not_rejoin_in_time_are_removed() {
    let mut script = Script::new();
    let a = script.stable_with_one();
    let token = script.send_join(JoinRequest { session_timeout_ms: 600_000, ..request("b") });
    for _ in 0..6 {
        script.advance(9_999);
        assert_eq!(script.heartbeat(&a, 1), Err(GroupError::RebalanceInProgress));
        assert_eq!(script.join_reply(token), None);
    }
    script.advance(10);
    let reply = script.join_reply(token).expect("the rebalance timeout of a is over");
    assert_eq!((reply.leader, reply.members.len()), (reply.member_id, 1));
    assert_eq!(script.heartbeat(&a, 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_dead_group_answers_that_the_coordinator_is_not_available() {
    let mut script = Script::new();
    script.group.kill(Now::default());
    assert_eq!(script.join_now(request("a")).error, Some(GroupError::CoordinatorNotAvailable));
    assert_eq!(script.heartbeat("a", 1), Err(GroupError::CoordinatorNotAvailable));
    assert_eq!(script.leave(&[leaving("a")]), Err(GroupError::CoordinatorNotAvailable));
}

/// Cooperative members say with each join what they own; the leader must see what they say now.
#[test]
fn a_member_that_says_something_new_rebalances_and_the_leader_is_told_it() {
    let mut script = Script::new();
    let a = script.send_join(request("a"));
    let b = script.send_join(request("b"));
    script.advance(0);
    let (a, b) = (script.join_reply(a).expect("a"), script.join_reply(b).expect("b"));
    let leader = a.member_id.clone();
    script.send_sync(sync(&leader, 1, &[]));
    let owns =
        Bytes::from_static(b"\0\x01\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\x01\0\x01t\0\0\0\0");
    let says = vec![Protocol { name: "range".into(), metadata: owns.clone() }];
    let follower = script.send_join(JoinRequest { protocols: says, ..again("b", &b.member_id) });
    assert_eq!(script.heartbeat(&leader, 1), Err(GroupError::RebalanceInProgress));
    let reply = script.join_now(again("a", &leader));
    assert_eq!((reply.generation, reply.members.len()), (2, 2));
    let told = reply.members.iter().find(|member| member.member_id == b.member_id);
    assert_eq!(told.map(|member| &member.metadata), Some(&owns));
    assert_eq!(script.join_reply(follower).expect("both are there").generation, 2);
}
