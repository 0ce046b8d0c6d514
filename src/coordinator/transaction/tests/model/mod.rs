//! Random histories of the whole coordinator: producers come, renew themselves, are fenced and
//! forget to end; replicas and partitions are slow, refuse, lose answers or are silent; the
//! coordinator moves and loads what is left of the log; the clock is a parameter.
//!
//! Whatever happens, a transaction has one outcome and that which was answered, epochs only grow,
//! who is fenced is not served, a marker follows its decision, a refused append changes nothing,
//! and nothing is open once the brokers answer. A history follows from its seed alone;
//! `OTTLA_MODEL_SEEDS=from..to cargo test --lib transaction::tests::model` runs others.

mod clients;
mod cluster;
mod history;

use super::*;
use history::History;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::fmt::Write;
use std::sync::atomic::AtomicU64;

/// Data partitions of a history.
const PARTITIONS: i32 = 4;
/// Steps of a history.
const STEPS: usize = 250;
/// Histories in `make test`: 50,000 steps.
const HISTORIES: u64 = 200;

fn run(seed: u64) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut history = History::begin(seed).await;
        for _ in 0..STEPS {
            history.step().await;
            if let Some(wrong) = history.wrong() {
                fail(seed, &history, &wrong);
            }
        }
        history.settle().await;
        if let Some(wrong) = history.wrong() {
            fail(seed, &history, &wrong);
        }
        history.committed()
    })
}

fn fail(seed: u64, history: &History, wrong: &str) -> ! {
    let mut steps = String::new();
    for (n, step) in history.steps.iter().enumerate() {
        let _ = writeln!(steps, "  {n}: {step}");
    }
    panic!(
        "seed {seed}: {wrong}\nits steps are\n{steps}again by OTTLA_MODEL_SEEDS={seed}..{}",
        seed + 1
    );
}

#[test]
fn every_transaction_has_the_one_outcome_that_was_answered_and_none_hangs() {
    let asked = std::env::var("OTTLA_MODEL_SEEDS").unwrap_or_default();
    let number = |text: &str| text.parse::<u64>().expect("a seed");
    let (from, to) = match asked.split_once("..") {
        Some((from, to)) => (number(from), number(to)),
        None => (0, HISTORIES),
    };
    let (next, ended) = (AtomicU64::new(from), AtomicU64::new(0));
    let work = || {
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                seed if seed < to => ended.fetch_add(run(seed), Ordering::Relaxed),
                _ => return,
            };
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let ended = ended.load(Ordering::Relaxed);
    assert!(ended >= (to - from) * 3, "only {ended} transactions with writes were ended");
}
