//! The rules of the high watermark and the in-sync set.

use super::*;

fn leader(isr: &[BrokerId]) -> State {
    let mut state = State::new(1);
    let told = LeaderAndIsr {
        leader: 1,
        leader_epoch: 4,
        isr: isr.to_vec(),
        replicas: vec![1, 2, 3],
        partition_epoch: 7,
        ..LeaderAndIsr::default()
    };
    assert!(state.apply(&told, 100, 1_000));
    state
}

fn fetch(replica: BrokerId, offset: i64) -> FollowerFetch {
    FollowerFetch { replica, offset, log_start: 0, broker_epoch: -1 }
}

#[test]
fn a_sole_replica_in_sync_commits_its_own_log_end() {
    let mut state = leader(&[1]);
    state.remotes.clear();
    assert_eq!(state.high_watermark(100, 1, 2_000, 30_000), Some(100));
}

#[test]
fn the_high_watermark_is_the_least_log_end_of_the_in_sync_replicas() {
    let mut state = leader(&[1, 2]);
    assert!(state.follower_fetched(fetch(2, 60), 100, 2_000));
    assert_eq!(state.high_watermark(100, 1, 2_000, 30_000), Some(60));
}

#[test]
fn an_in_sync_replica_that_has_not_fetched_holds_the_high_watermark() {
    assert_eq!(leader(&[1, 2]).high_watermark(100, 1, 2_000, 30_000), Some(-1));
}

#[test]
fn below_min_insync_replicas_the_high_watermark_stands_still() {
    assert_eq!(leader(&[1]).high_watermark(100, 2, 2_000, 30_000), None);
}

#[test]
fn a_replica_joins_only_from_the_start_of_the_leaders_epoch() {
    let mut state = leader(&[1]);
    state.follower_fetched(fetch(2, 99), 120, 2_000);
    assert!(!state.maybe_expand(2, 90));
    state.follower_fetched(fetch(2, 100), 120, 2_001);
    assert!(state.maybe_expand(2, 90));
    assert_eq!(state.pending.as_ref().map(|p| p.isr.clone()), Some(vec![1, 2]));
}

#[test]
fn a_replica_that_lags_too_long_is_to_leave_unless_at_the_log_end() {
    let mut state = leader(&[1, 2, 3]);
    state.follower_fetched(fetch(2, 100), 100, 2_000);
    state.follower_fetched(fetch(3, 50), 100, 2_000);
    assert!(!state.maybe_shrink(100, 20_000, 30_000));
    assert!(state.maybe_shrink(100, 40_000, 30_000));
    assert_eq!(state.pending.as_ref().map(|p| p.isr.clone()), Some(vec![1, 2]));
}

#[test]
fn a_fetch_from_a_stranger_is_not_noted() {
    assert!(!leader(&[1]).follower_fetched(fetch(9, 0), 100, 0));
}

#[test]
fn a_replica_whose_broker_died_holds_nothing_up_though_it_was_caught_up_just_now() {
    let mut state = leader(&[1, 2]);
    state.follower_fetched(fetch(2, 100), 100, 102_000);
    let told = LeaderAndIsr {
        leader: 1,
        leader_epoch: 5,
        isr: vec![1],
        replicas: vec![1, 2, 3],
        partition_epoch: 8,
        ..LeaderAndIsr::default()
    };
    state.apply(&told, 100, 102_100);
    assert_eq!(state.high_watermark(120, 1, 103_000, 30_000), Some(120));
    state.follower_fetched(fetch(2, 120), 120, 103_001);
    assert_eq!(state.high_watermark(130, 1, 103_002, 30_000), Some(120), "it is about to join");
}
