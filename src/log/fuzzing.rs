//! What must hold whatever bytes are on disk or come from a client: corrupt input is found, named
//! and survived. One function a target; `fuzz/` gives them to libFuzzer, the tests below give them
//! mutations of files that Kafka wrote.
//!
//! Compiled for tests and under `cfg(fuzzing)` only.

#[cfg(test)]
pub(crate) mod mutations;
mod on_disk;
mod on_wire;

pub use on_disk::{checkpoints, indexes, properties, segments, snapshots};
pub use on_wire::{batches, legacy_sets};

/// A target.
pub type Target = fn(&[u8]);

/// All targets by name, and the folder of `fuzz/corpus` with their seeds.
pub const TARGETS: &[(&str, &str, Target)] = &[
    ("batches", "segments", batches),
    ("legacy_sets", "legacy_sets", legacy_sets),
    ("segments", "segments", segments),
    ("indexes", "indexes", indexes),
    ("snapshots", "snapshots", snapshots),
    ("checkpoints", "checkpoints", checkpoints),
    ("properties", "properties", properties),
];
