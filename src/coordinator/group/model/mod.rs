//! Random histories of the coordinator against what clients were told: members of classic groups
//! come and go, answers are lost, time passes, appends fail before or after, the coordinator moves.
//!
//! A history follows from its seed alone. A failure prints the seed and the steps;
//! `OTTLA_MODEL_SEEDS=from..to cargo test --lib model` runs others.

mod check;
mod client;
mod log;
mod members;
mod mixed;
mod offsets;
mod world;

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::SeedableRng;
use rand::rngs::StdRng;

use world::World;

/// Steps of a history before all is quiet.
const STEPS: usize = 200;

/// Histories in `make test`.
const HISTORIES: u64 = 60;

/// The seeds that are asked for, or the first few.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let asked = std::env::var("OTTLA_MODEL_SEEDS").unwrap_or_default();
    let number = |text: &str| text.parse::<u64>().expect("a seed");
    asked.split_once("..").map_or(0..usual, |(from, to)| number(from)..number(to))
}

/// Runs a history on a clock of its own; what fails is told with its steps.
fn run(seed: u64, history: impl AsyncFnOnce(StdRng, &mut Vec<String>)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let mut steps = Vec::new();
    let result = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(history(StdRng::seed_from_u64(seed), &mut steps));
    }));
    if let Err(panic) = result {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()));
        let mut list = String::new();
        for (n, step) in steps.iter().enumerate() {
            let _ = writeln!(list, "  {n}: {step}");
        }
        panic!(
            "seed {seed} fails: {}\nits steps are\n{list}\
             again by OTTLA_MODEL_SEEDS={seed}..{}",
            text.unwrap_or_default(),
            seed + 1,
        );
    }
}

#[test]
fn whatever_happens_a_classic_group_keeps_what_it_has_acknowledged() {
    for seed in seeds(HISTORIES) {
        run(seed, async |rng, steps| {
            let mut world = World::new(rng).await;
            for _ in 0..STEPS {
                world.step(steps).await;
            }
            steps.push("all is quiet".into());
            world.quiet().await;
        });
    }
}
