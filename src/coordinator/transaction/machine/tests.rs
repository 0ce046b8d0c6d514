//! One transactional id through its states, one scene after the other.

use super::*;

const TIMEOUT: i32 = 1000;

fn partition(name: &str) -> TopicPartition {
    TopicPartition::new(name, 0)
}

fn append(t: &mut Transaction, transit: Transit) {
    t.complete(transit);
}

fn started() -> (Transaction, Producer) {
    let mut t = Transaction::new(9, TIMEOUT, 0);
    let producer = init(&mut t, None).expect("a new id");
    (t, producer)
}

fn init(t: &mut Transaction, expected: Option<Producer>) -> Result<Producer, Refusal> {
    match t.init(TIMEOUT, expected, None, 1)? {
        Init::Append(transit) => {
            append(t, transit);
            Ok(Producer { id: t.current().producer_id, epoch: t.current().producer_epoch })
        }
        Init::AbortFirst(fenced) => {
            let End::Append(transit) = t.end(fenced, Outcome::Abort, false, 2)? else {
                panic!("a fenced transaction was ended already")
            };
            append(t, transit);
            Err(Refusal::Concurrent)
        }
    }
}

fn begin(t: &mut Transaction, producer: Producer) {
    let transit = t.add_partitions(producer, [partition("a")], 10).expect("may add");
    append(t, transit.expect("a new partition"));
}

fn end(t: &mut Transaction, producer: Producer, outcome: Outcome) -> Result<(), Refusal> {
    if let End::Append(transit) = t.end(producer, outcome, true, 20)? {
        append(t, transit);
        let transit = t.markers_written(21)?;
        append(t, transit);
    }
    Ok(())
}

#[test]
fn a_new_id_starts_at_epoch_zero_and_every_init_fences_the_one_before() {
    let (mut t, first) = started();
    assert_eq!(first, Producer { id: 9, epoch: 0 });
    let second = init(&mut t, None).expect("no transaction is open");
    assert_eq!(second.epoch, 1);
    assert_eq!(t.add_partitions(first, [partition("a")], 3), Err(Refusal::Fenced));
}

#[test]
fn commit_goes_through_prepare_and_can_be_repeated() {
    let (mut t, p) = started();
    begin(&mut t, p);
    let End::Append(transit) = t.end(p, Outcome::Commit, true, 20).expect("may end") else {
        panic!("nothing to append")
    };
    assert_eq!(transit.0.state, State::PrepareCommit);
    assert_eq!(t.end(p, Outcome::Commit, true, 20), Err(Refusal::Concurrent), "under way");
    append(&mut t, transit);
    assert_eq!(t.end(p, Outcome::Commit, true, 20), Err(Refusal::Concurrent), "no markers yet");
    assert_eq!(t.end(p, Outcome::Abort, true, 20), Err(Refusal::InvalidState));
    let transit = t.markers_written(21).expect("prepared");
    append(&mut t, transit);
    assert_eq!(t.end(p, Outcome::Commit, true, 22), Ok(End::Already));
    assert_eq!(t.end(p, Outcome::Abort, true, 22), Err(Refusal::InvalidState));
    assert!(t.current().partitions.is_empty());
}

#[test]
fn an_end_without_a_transaction_is_refused() {
    let (mut t, p) = started();
    assert_eq!(end(&mut t, p, Outcome::Commit), Err(Refusal::InvalidState));
    let stranger = Producer { id: 8, epoch: 0 };
    assert_eq!(end(&mut t, stranger, Outcome::Commit), Err(Refusal::ProducerIdMapping));
}

#[test]
fn adding_what_is_there_already_appends_nothing() {
    let (mut t, p) = started();
    begin(&mut t, p);
    assert_eq!(t.add_partitions(p, [partition("a")], 11), Ok(None));
    assert_eq!(t.current().start_ms, 10);
    assert_eq!(t.verify(p, &[partition("a"), partition("b")]), Ok(vec![true, false]));
}

#[test]
fn init_during_a_transaction_aborts_it_with_a_higher_epoch() {
    let (mut t, p) = started();
    begin(&mut t, p);
    assert_eq!(init(&mut t, None), Err(Refusal::Concurrent));
    assert_eq!(t.current().state, State::PrepareAbort);
    assert_eq!(t.current().producer_epoch, p.epoch + 1);
    assert_eq!(t.end(p, Outcome::Commit, true, 30), Err(Refusal::Fenced));
    assert_eq!(init(&mut t, None), Err(Refusal::Concurrent), "markers are not written");
    let transit = t.markers_written(31).expect("prepared");
    append(&mut t, transit);
    assert_eq!(init(&mut t, None).map(|p| p.epoch), Ok(2));
    assert_eq!(t.current().start_ms, 10, "as Kafka: -1 in the log only");
}

#[test]
fn only_an_old_transaction_times_out() {
    let (mut t, p) = started();
    assert_eq!(t.time_out(i64::MAX), None, "nothing is open");
    begin(&mut t, p);
    assert_eq!(t.time_out(10 + i64::from(TIMEOUT)), None);
    let fenced = t.time_out(11 + i64::from(TIMEOUT)).expect("it is late");
    assert_eq!(fenced.epoch, p.epoch + 1);
    assert!(matches!(t.end(fenced, Outcome::Abort, false, 0), Ok(End::Append(_))));
}

#[test]
fn a_fence_that_could_not_be_written_is_tried_again_with_the_same_epoch() {
    let (mut t, p) = started();
    begin(&mut t, p);
    let fenced = t.time_out(i64::MAX).expect("late");
    let Ok(End::Append(transit)) = t.end(fenced, Outcome::Abort, false, 0) else { panic!() };
    t.give_up(&transit);
    assert_eq!(t.pending(), None);
    assert_eq!(t.end(p, Outcome::Commit, true, 0), Err(Refusal::Fenced));
    assert_eq!(t.time_out(i64::MAX), Some(fenced));
}

#[test]
fn a_producer_that_names_itself_keeps_its_id_over_a_lost_answer() {
    let (mut t, p) = started();
    let bumped = init(&mut t, Some(p)).expect("KIP-360");
    assert_eq!(bumped.epoch, 1);
    assert_eq!(init(&mut t, Some(p)).map(|p| p.epoch), Ok(1), "the same answer again");
    let third = init(&mut t, Some(bumped)).expect("goes on");
    assert_eq!(third.epoch, 2);
    assert_eq!(init(&mut t, Some(p)), Err(Refusal::Fenced));
    assert_eq!(init(&mut t, Some(Producer { id: 1, epoch: 2 })), Err(Refusal::Fenced));
}

#[test]
fn used_up_epochs_lead_to_a_fresh_producer_id() {
    let (mut t, p) = started();
    let mut last = t.current().clone();
    last.producer_epoch = LAST_EPOCH;
    let mut t2 = Transaction::load(last);
    std::mem::swap(&mut t, &mut t2);
    assert!(t.wants_fresh_id(None));
    let Ok(Init::Append(transit)) = t.init(TIMEOUT, None, Some(77), 5) else { panic!() };
    append(&mut t, transit);
    assert_eq!((t.current().producer_id, t.current().producer_epoch), (77, 0));
    assert_eq!(t.add_partitions(p, [partition("a")], 6), Err(Refusal::ProducerIdMapping));
}

#[test]
fn epochs_that_another_used_up_since_it_was_asked_wait_for_a_fresh_id() {
    let (mut t, p) = started();
    t.current.producer_epoch = LAST_EPOCH - 1;
    assert!(!t.wants_fresh_id(None));
    assert_eq!(init(&mut t, None).map(|p| p.epoch), Ok(LAST_EPOCH));
    assert_eq!(t.init(TIMEOUT, None, None, 5), Err(Refusal::Concurrent));
    assert_eq!(t.current().producer_epoch, LAST_EPOCH, "the one above is for fencing it");
    let used_up = Some(Producer { id: p.id, epoch: LAST_EPOCH });
    for fresh_id in [77, 78] {
        let Ok(Init::Append(transit)) = t.init(TIMEOUT, used_up, Some(fresh_id), 5) else {
            panic!()
        };
        append(&mut t, transit);
        assert_eq!((t.current().producer_id, t.current().producer_epoch), (77, 0));
    }
}

#[test]
fn a_change_under_way_is_waited_for_before_a_producer_is_judged() {
    let (mut t, p) = started();
    let transit = t.add_partitions(p, [partition("a")], 10).expect("may add");
    let wrong = Some(Producer { id: 1, epoch: 0 });
    assert_eq!(init(&mut t, wrong), Err(Refusal::Concurrent));
    append(&mut t, transit.expect("a new partition"));
    assert_eq!(init(&mut t, wrong), Err(Refusal::Fenced));
}

#[test]
fn only_an_idle_id_expires_and_nothing_happens_to_it_meanwhile() {
    let (mut t, p) = started();
    assert!(!t.expire(0), "used since");
    assert!(t.expire(1));
    assert_eq!(t.add_partitions(p, [partition("a")], 6), Err(Refusal::Concurrent));
    t.give_up_pending();
    begin(&mut t, p);
    assert!(!t.expire(i64::MAX), "a transaction is open");
}

#[test]
fn a_fence_with_the_last_epoch_that_could_not_be_written_may_be_tried_again() {
    let (mut t, _) = started();
    t.current.producer_epoch = LAST_EPOCH;
    begin(&mut t, Producer { id: 9, epoch: LAST_EPOCH });
    let fenced = t.time_out(5000).expect("open too long");
    let Ok(End::Append(transit)) = t.end(fenced, Outcome::Abort, false, 5000) else {
        panic!("nothing to abort")
    };
    t.give_up(&transit);
    assert_eq!(t.current().producer_epoch, i16::MAX);
    assert_eq!(init(&mut t, None), Err(Refusal::Concurrent), "it is being aborted");
    assert_eq!(t.current().state, State::PrepareAbort);
}
