//! Random schedules against a model: appends and waits fail, markers fail, coordinators move and
//! producers come and go. No transaction hangs, and each ends once and in one way everywhere.

use super::*;
use crate::coordinator::state_log::StateLogError;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;

/// What the client knows of its transaction.
#[derive(Default)]
struct Client {
    producer: Option<Producer>,
    /// Partitions that were added with success since the last end.
    added: Vec<i32>,
    /// Partitions that may have been added: the answer was an error.
    perhaps: bool,
    /// Ends that were answered with success: producer, outcome, partitions.
    ended: Vec<(Producer, Outcome, Vec<i32>)>,
}

#[tokio::test(start_paused = true)]
async fn no_transaction_hangs_and_each_ends_once() {
    for seed in 0..60 {
        run(seed).await;
    }
}

async fn run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut f = Fixture::new().await;
    let mut client = Client::default();
    let mut epoch = 0;
    for _ in 0..80 {
        f.log.fail_appends(failure(&mut random));
        f.log.fail_commits(failure(&mut random));
        let retries = random.random_range(0..4);
        *f.partitions.next.lock() = vec![MarkerOutcome::Retry; retries].into();
        match random.random_range(0..12) {
            0 => {
                epoch += 1;
                f.move_to_another(epoch).await;
            }
            1 => {
                let later = crate::types::now_ms() + 70_000;
                f.coordinator.abort_timed_out(later).await;
            }
            2 => client = restart(&f, client).await,
            3..=7 => add(&f, &mut client, random.random_range(0..3)).await,
            _ => end(&f, &mut client, random.random_bool(0.6)).await,
        }
    }
    f.log.fail_appends(None);
    f.log.fail_commits(None);
    f.partitions.next.lock().clear();
    settle(&f, seed).await;
    check(&f, &client, seed);
}

fn failure(random: &mut StdRng) -> Option<StateLogError> {
    random.random_bool(0.15).then_some(StateLogError::NotEnoughReplicas)
}

async fn restart(f: &Fixture, client: Client) -> Client {
    let producer = f.init(None).await.ok();
    Client { producer, ended: client.ended, ..Client::default() }
}

async fn add(f: &Fixture, client: &mut Client, index: i32) {
    let Some(producer) = client.producer else { return };
    match f.add(producer, index).await {
        Ok(()) if !client.added.contains(&index) => client.added.push(index),
        Ok(()) | Err(TransactionError::Concurrent) => {}
        Err(TransactionError::ProducerFenced) => client.producer = None,
        Err(_) => client.perhaps = true,
    }
}

async fn end(f: &Fixture, client: &mut Client, is_commit: bool) {
    let Some(producer) = client.producer else { return };
    let outcome = if is_commit { Outcome::Commit } else { Outcome::Abort };
    match f.end(producer, outcome).await {
        Ok(()) => {
            let added = std::mem::take(&mut client.added);
            if !client.perhaps && !added.is_empty() {
                client.ended.push((producer, outcome, added));
            }
            client.perhaps = false;
        }
        Err(TransactionError::ProducerFenced) => client.producer = None,
        // It may be decided: this client asks no more of this producer.
        Err(_) => client.producer = None,
    }
}

/// With time, whatever was begun comes to its end.
async fn settle(f: &Fixture, seed: u64) {
    let later = crate::types::now_ms() + 70_000;
    for _ in 0..200 {
        f.coordinator.abort_timed_out(later).await;
        let open = f.coordinator.list(&ListFilter { duration_ms: -1, ..Default::default() });
        let open = open.expect("listed").0;
        if open.iter().all(|listed| listed.state.may_expire()) {
            let next = f.init(None).await;
            assert!(next.is_ok(), "seed {seed}: {next:?}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    panic!("seed {seed}: a transaction hangs");
}

/// Every end that was answered is in the partitions, and none has the opposite for the same
/// producer epoch unless another transaction of it ended so.
fn check(f: &Fixture, client: &Client, seed: u64) {
    let mut seen: BTreeMap<(i64, i16, bool, i32), usize> = BTreeMap::new();
    for (marker, partition) in f.partitions.written.lock().iter() {
        let Producer { id, epoch } = marker.producer;
        *seen.entry((id, epoch, marker.is_commit, partition.partition)).or_default() += 1;
    }
    let mut wanted: BTreeMap<(i64, i16, bool, i32), usize> = BTreeMap::new();
    for (producer, outcome, added) in &client.ended {
        for index in added {
            let key = (producer.id, producer.epoch, *outcome == Outcome::Commit, *index);
            *wanted.entry(key).or_default() += 1;
        }
    }
    for (key, count) in wanted {
        let found = seen.get(&key).copied().unwrap_or(0);
        assert!(found >= count, "seed {seed}: {key:?} was written {found} times, not {count}");
    }
}
