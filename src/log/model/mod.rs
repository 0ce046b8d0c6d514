//! Random histories of a log against a list in memory: whatever clients, leaders, operators,
//! clocks, disks and power do, the log is what the model says.
//!
//! A history follows from its seed alone. A failure prints the seed and the steps;
//! `OTTLA_MODEL_SEEDS=from..to cargo test --lib model` runs others.

mod check;
mod crash;
mod produce;
mod state;
mod step;
mod world;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use world::World;

/// Steps of a history.
const STEPS: usize = 500;

/// Histories in `make test`: 100,000 steps and more.
const HISTORIES: u64 = 210;

fn history(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut world = World::new(&mut rng);
    let mut steps = Vec::new();
    let result = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..STEPS {
            let step = step::draw(&mut rng);
            steps.push(step.clone());
            world.take(step);
            if rng.random_range(0..25) == 0 {
                world.check_all();
            }
        }
    }));
    if let Err(panic) = result {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()));
        let mut list = String::new();
        for (n, step) in steps.iter().enumerate() {
            let _ = writeln!(list, "  {n}: {step:?}");
        }
        let what = text.unwrap_or_default();
        panic!(
            "seed {seed} fails at step {}: {what}\nits topic is {:?}\nits steps are\n{list}\
             again by OTTLA_MODEL_SEEDS={seed}..{}",
            steps.len() - 1,
            world.config,
            seed + 1,
        );
    }
}

#[test]
fn whatever_happens_the_log_is_what_the_model_is() {
    let asked = std::env::var("OTTLA_MODEL_SEEDS").unwrap_or_default();
    let number = |text: &str| text.parse::<u64>().expect("a seed");
    let (from, to) = match asked.split_once("..") {
        Some((from, to)) => (number(from), number(to)),
        None => (0, HISTORIES),
    };
    let next = AtomicU64::new(from);
    let work = || {
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                seed if seed < to => history(seed),
                _ => return,
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}
