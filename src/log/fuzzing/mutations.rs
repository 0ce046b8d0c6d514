//! A small mutation loop over the seeds of `fuzz/corpus`, from a printed seed, so that the targets
//! are run by every `cargo test`.
//!
//! `OTTLA_FUZZ_SECONDS=300 cargo test --lib fuzzing` runs each target for that long;
//! `OTTLA_FUZZ_SEED` repeats a run.

use super::{TARGETS, Target};
use crate::log::batch;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

/// Inputs a target gets in a plain test run.
const INPUTS: usize = 1000;

fn seeds(folder: &str) -> Vec<Vec<u8>> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(folder);
    let mut files: Vec<_> =
        std::fs::read_dir(dir).expect("seeds").map(|entry| entry.expect("a seed").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("read")).collect()
}

/// One to four changes: bits, bytes, numbers, pieces taken away, doubled or of another seed.
fn mutate(rng: &mut StdRng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut data = pick(rng, seeds).clone();
    for _ in 0..rng.random_range(1..5) {
        let at = rng.random_range(0..data.len().max(1));
        let len = rng.random_range(0..=(data.len() - at.min(data.len())).min(64));
        match rng.random_range(0..10) {
            0 => data.truncate(at),
            1 => drop(data.drain(at..at + len)),
            2 => {
                let piece = data[at..at + len].to_vec();
                data.splice(at..at, piece);
            }
            3 => {
                let other = pick(rng, seeds);
                let from = rng.random_range(0..other.len().max(1));
                data.truncate(at);
                data.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            4 | 5 => {
                let numbers = [0, 1, -1, 61, 0x7f, 0xff, i64::from(i32::MAX), i64::MAX, i64::MIN];
                let number = pick(rng, &numbers).to_be_bytes();
                let width = *pick(rng, &[1, 2, 4, 8]);
                put(&mut data, at, &number[8 - width..]);
            }
            6 => put(&mut data, at, &[rng.random()]),
            _ => {
                let bit = 1 << rng.random_range(0..8);
                let flipped = data.get(at).copied().unwrap_or(0) ^ bit;
                put(&mut data, at, &[flipped]);
            }
        }
    }
    if rng.random_bool(0.5) {
        seal_all(&mut data);
    }
    data
}

fn pick<'a, T>(rng: &mut StdRng, all: &'a [T]) -> &'a T {
    &all[rng.random_range(0..all.len())]
}

fn put(data: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in data.iter_mut().skip(at).zip(bytes) {
        *place = *byte;
    }
}

/// Makes checksums right, so that what lies behind them is reached: of batches, and that of a
/// snapshot.
fn seal_all(data: &mut [u8]) {
    if data.first_chunk() == Some(&[0, 1]) && data.len() > 6 {
        let crc = batch::crc32c(&data[6..]);
        put(data, 2, &crc.to_be_bytes());
        return;
    }
    let mut at = 0;
    while let Some(length) = data.get(at + 8..at + 12) {
        let length = i32::from_be_bytes(length.try_into().expect("four bytes"));
        let Ok(length) = usize::try_from(length) else { return };
        let end = at + 12 + length;
        let Some(magic) = data.get(at..end).and_then(|batch| batch.get(16)).copied() else {
            return;
        };
        let from = if magic < 2 { 16 } else { 21 };
        let Some(covered) = data.get(at + from..end) else { return };
        let algorithm = match magic {
            ..2 => crc_fast::CrcAlgorithm::Crc32IsoHdlc,
            _ => crc_fast::CrcAlgorithm::Crc32Iscsi,
        };
        let crc = (crc_fast::checksum(algorithm, covered) as u32).to_be_bytes();
        put(data, at + from - 4, &crc);
        at = end;
    }
}

/// Gives a target its seeds, and mutations of them: `inputs`, or as many as there is time for.
pub(crate) fn survive(name: &str, folder: &str, target: Target, inputs: usize) {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = given("OTTLA_FUZZ_SECONDS").map(Duration::from_secs);
    let seed = given("OTTLA_FUZZ_SEED").unwrap_or_else(rand::random);
    if std::env::var("OTTLA_FUZZ_TARGET").is_ok_and(|only| only != name) {
        return;
    }
    let seeds = seeds(folder);
    seeds.iter().for_each(|seed| target(seed));
    let mut rng = StdRng::seed_from_u64(seed);
    let begun = Instant::now();
    for n in 0.. {
        if seconds.map_or(n >= inputs, |limit| begun.elapsed() >= limit) {
            break;
        }
        let data = mutate(&mut rng, &seeds);
        let result = std::panic::catch_unwind(|| target(&data));
        if result.is_err() {
            let file = std::env::temp_dir().join(format!("ottla-{name}-{seed}-{n}"));
            std::fs::write(&file, &data).expect("kept");
            panic!("{name}: input {n} of seed {seed}, kept in {}", file.display());
        }
    }
}

#[test]
fn every_target_survives_its_seeds_and_mutations_of_them() {
    for (name, folder, target) in TARGETS {
        survive(name, folder, *target, INPUTS);
    }
}
