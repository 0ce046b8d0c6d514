//! What must hold, one scene after the other.

use super::*;
use crate::coordinator::state_log::StateLogError;
use crate::coordinator::transaction::machine::Outcome::{Abort, Commit};

#[tokio::test(start_paused = true)]
async fn a_transaction_is_committed_at_once_and_its_end_may_be_repeated() {
    let f = Fixture::new().await;
    let p = f.init(None).await.expect("a producer");
    assert_eq!(p, Producer { id: 1000, epoch: 0 });
    f.add(p, 0).await.expect("added");
    f.add(p, 1).await.expect("added");
    let asked = [partition(0), partition(5)];
    assert_eq!(f.coordinator.verify(ID, p, &asked), Ok(vec![true, false]));
    f.end(p, Commit).await.expect("ended");
    assert_eq!(f.state(), State::CompleteCommit, "the answer came after the markers");
    assert_eq!(f.markers(), [(true, 0), (true, 1)]);
    f.end(p, Commit).await.expect("ended already");
    assert_eq!(f.end(p, Abort).await, Err(TransactionError::InvalidState));
    f.add(p, 0).await.expect("the next transaction meets no CONCURRENT_TRANSACTIONS");
}

#[tokio::test(start_paused = true)]
async fn requests_go_to_the_coordinator_only() {
    let f = Fixture::new().await;
    let p = f.init(None).await.expect("a producer");
    f.coordinator.on_resignation(f.coordinator.partition_for(ID));
    assert_eq!(f.add(p, 0).await, Err(TransactionError::NotCoordinator));
    assert_eq!(f.init(None).await, Err(TransactionError::NotCoordinator));
    let none = f.coordinator.add_partitions("", p, vec![]).await;
    assert_eq!(none, Err(TransactionError::InvalidRequest));
}

#[tokio::test(start_paused = true)]
async fn unknown_ids_and_bad_timeouts_are_refused() {
    let f = Fixture::new().await;
    let stranger = Producer { id: 5, epoch: 0 };
    assert_eq!(f.end(stranger, Commit).await, Err(TransactionError::ProducerIdMapping));
    assert_eq!(f.coordinator.describe(ID).err(), Some(TransactionError::NotFound));
    for timeout_ms in [0, -1, 900_001] {
        let request = InitRequest { transactional_id: ID.into(), timeout_ms, expected: None };
        let result = f.coordinator.init(request).await;
        assert_eq!(result, Err(TransactionError::InvalidTimeout));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_producer_aborts_what_the_old_one_left_open() {
    let f = Fixture::new().await;
    let old = f.init(None).await.expect("a producer");
    f.add(old, 2).await.expect("added");
    assert_eq!(f.init(None).await, Err(TransactionError::Concurrent));
    f.until(State::CompleteAbort).await;
    assert_eq!(f.markers(), [(false, 2)]);
    let new = f.init(None).await.expect("a producer");
    assert_eq!(new, Producer { id: old.id, epoch: 2 });
    assert_eq!(f.add(old, 2).await, Err(TransactionError::ProducerFenced));
    assert_eq!(f.end(old, Commit).await, Err(TransactionError::ProducerFenced));
}

#[tokio::test(start_paused = true)]
async fn markers_are_tried_until_they_are_written() {
    let f = Fixture::new().await;
    let p = f.init(None).await.expect("a producer");
    f.add(p, 0).await.expect("added");
    *f.partitions.next.lock() = vec![MarkerOutcome::Retry; 40].into();
    f.end(p, Commit).await.expect("answered without the markers");
    assert_eq!(f.state(), State::PrepareCommit);
    assert_eq!(f.add(p, 0).await, Err(TransactionError::Concurrent));
    assert_eq!(f.end(p, Commit).await, Err(TransactionError::Concurrent));
    f.until(State::CompleteCommit).await;
    assert_eq!(f.markers(), [(true, 0)]);
}

#[tokio::test(start_paused = true)]
async fn partitions_that_are_gone_or_fence_the_producer_end_nothing_but_themselves() {
    let f = Fixture::new().await;
    let p = f.init(None).await.expect("a producer");
    f.add(p, 0).await.expect("added");
    f.add(p, 1).await.expect("added");
    let mut outcomes = vec![MarkerOutcome::ProducerFenced];
    outcomes.extend([MarkerOutcome::Unknown; 10]);
    *f.partitions.next.lock() = outcomes.into();
    f.end(p, Abort).await.expect("ended");
    f.until(State::CompleteAbort).await;
    assert_eq!(f.markers(), []);
}

#[tokio::test(start_paused = true)]
async fn the_next_coordinator_finishes_what_was_decided() {
    let mut f = Fixture::new().await;
    let p = f.init(None).await.expect("a producer");
    f.add(p, 0).await.expect("added");
    *f.partitions.next.lock() = vec![MarkerOutcome::Retry; 40].into();
    f.end(p, Commit).await.expect("decided");
    f.coordinator.shutdown();
    f.partitions.next.lock().clear();
    f.move_to_another(1).await;
    f.until(State::CompleteCommit).await;
    assert_eq!(f.markers(), [(true, 0)]);
    assert_eq!(f.partitions.written.lock()[0].0.coordinator_epoch, 1);
    f.end(p, Commit).await.expect("Flink asks again after a restore");
}

#[tokio::test(start_paused = true)]
async fn a_failed_append_changes_nothing_and_may_be_tried_again() {
    let f = Fixture::new().await;
    let p = f.init(None).await.expect("a producer");
    f.log.fail_appends(Some(StateLogError::NotEnoughReplicas));
    assert_eq!(f.add(p, 0).await, Err(TransactionError::NotAvailable));
    assert_eq!(f.state(), State::Empty);
    f.log.fail_appends(None);
    f.add(p, 0).await.expect("added");
    f.log.fail_commits(Some(StateLogError::TimedOut));
    assert_eq!(f.end(p, Commit).await, Err(TransactionError::NotAvailable));
    assert_eq!(f.state(), State::Ongoing);
    f.log.fail_commits(None);
    f.end(p, Commit).await.expect("ended");
    assert_eq!(f.markers(), [(true, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_is_open_too_long_is_aborted_and_its_producer_fenced() {
    let f = Fixture::new().await;
    let p = f.init(None).await.expect("a producer");
    f.add(p, 0).await.expect("added");
    let now = crate::types::now_ms();
    f.coordinator.abort_timed_out(now).await;
    assert_eq!(f.state(), State::Ongoing);
    f.log.fail_appends(Some(StateLogError::NotEnoughReplicas));
    f.coordinator.abort_timed_out(now + 70_000).await;
    f.log.fail_appends(None);
    f.coordinator.abort_timed_out(now + 70_000).await;
    assert_eq!(f.state(), State::CompleteAbort);
    assert_eq!(f.end(p, Commit).await, Err(TransactionError::ProducerFenced));
    assert_eq!(f.partitions.written.lock()[0].0.producer.epoch, p.epoch + 1);
}

#[tokio::test(start_paused = true)]
async fn idle_ids_are_forgotten_with_tombstones() {
    let mut f = Fixture::new().await;
    f.init(None).await.expect("a producer");
    let later = crate::types::now_ms() + 8 * 24 * 3_600_000;
    f.log.fail_appends(Some(StateLogError::NotEnoughReplicas));
    f.coordinator.forget_expired(later).await;
    f.log.fail_appends(None);
    assert_eq!(f.state(), State::Empty, "not forgotten without a tombstone");
    f.coordinator.forget_expired(later).await;
    assert_eq!(f.coordinator.describe(ID).err(), Some(TransactionError::NotFound));
    let records = f.log.records(f.coordinator.partition_for(ID));
    assert!(records.last().is_some_and(|record| record.value.is_none()));
    f.move_to_another(1).await;
    assert_eq!(f.coordinator.describe(ID).err(), Some(TransactionError::NotFound));
}

#[tokio::test(start_paused = true)]
async fn lists_are_filtered_by_state_producer_and_duration() {
    let f = Fixture::new().await;
    let p = f.init(None).await.expect("a producer");
    f.add(p, 0).await.expect("added");
    let list = |states: &[&str], producer_ids: &[i64], duration_ms| {
        let states = states.iter().map(|s| s.to_string()).collect();
        let filter = ListFilter { states, producer_ids: producer_ids.to_vec(), duration_ms };
        f.coordinator.list(&filter).expect("listed")
    };
    assert_eq!(list(&[], &[], -1).0.len(), 1);
    assert_eq!(list(&["Ongoing"], &[p.id], -1).0[0].state, State::Ongoing);
    assert_eq!(list(&["Empty"], &[], -1).0, []);
    assert_eq!(list(&[], &[p.id + 1], -1).0, []);
    assert_eq!(list(&[], &[], 3_600_000).0, []);
    assert_eq!(list(&["Nonsense"], &[], -1), (vec![], vec!["Nonsense".to_owned()]));
}
