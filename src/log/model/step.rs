//! What may happen to a log, and how it is drawn. A step holds numbers only, so that a printed one
//! says what was done.

use crate::log::ReadBound;
use crate::log::compress::Codec;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How a producer behaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manner {
    /// The next sequence number.
    Next,
    /// The batch `n` before the last again.
    Again(usize),
    /// A sequence number that leaves some out.
    Gap,
    /// The next epoch, from 0, or from elsewhere.
    NewEpoch(bool),
    /// An epoch of the past.
    OldEpoch,
}

/// One batch to append.
#[derive(Clone, Debug)]
pub(super) enum Draft {
    Plain {
        count: usize,
        codec: Codec,
        late: i64,
        seed: u64,
    },
    Produced {
        producer: i64,
        manner: Manner,
        transactional: bool,
        count: usize,
        seed: u64,
    },
    Marker {
        producer: i64,
        commit: bool,
        coordinator: i32,
    },
    /// A batch whose CRC is wrong.
    Torn,
    /// A record without a key.
    Keyless,
}

/// What goes wrong while a step is done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The disk is full after so many bytes.
    Full(usize),
    /// The nth sync fails.
    Sync(usize),
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Append(Vec<Draft>, Option<Fault>),
    Follow { batches: usize, gap: i64, behind: bool, seed: u64, fault: Option<Fault> },
    Truncate(f64, Option<Fault>),
    RestartAt(i64),
    HighWatermark(f64),
    DeleteRecords(f64),
    Retain,
    Clean(f64),
    Flush(Option<Fault>),
    Checkpoint,
    Clock(i64),
    Read { at: f64, max: usize, whole: bool, bound: ReadBound },
    Time(f64),
    NewLeader,
    Restart,
    Kill,
    PowerCut(u64),
    Budget(usize),
}

fn fault(rng: &mut StdRng) -> Option<Fault> {
    match rng.random_range(0..60) {
        0..3 => Some(Fault::Full(rng.random_range(0..400))),
        3 => Some(Fault::Sync(rng.random_range(0..3))),
        _ => None,
    }
}

fn draft(rng: &mut StdRng) -> Draft {
    let count = rng.random_range(1..4);
    let seed = rng.random();
    let producer = rng.random_range(0..4);
    match rng.random_range(0..40) {
        0 => Draft::Torn,
        1 => Draft::Keyless,
        2..16 => {
            let codec = Codec::from_number(rng.random_range(-8i16..5).max(0)).expect("a codec");
            let late = rng.random_range(-3000..3000i64) * rng.random_range(0..2i64);
            Draft::Plain { count, codec, late, seed }
        }
        16..34 => {
            let manner = match rng.random_range(0..24) {
                0..2 => Manner::Again(rng.random_range(0..6)),
                2 => Manner::Gap,
                3 => Manner::NewEpoch(rng.random_bool(0.8)),
                4 => Manner::OldEpoch,
                _ => Manner::Next,
            };
            // Two producers write in transactions, two do not, as a rule.
            let transactional = (producer < 2) != rng.random_bool(0.03);
            Draft::Produced { producer, manner, transactional, count, seed }
        }
        _ => {
            let coordinator = 5 - i32::from(rng.random_bool(0.1));
            let producer = rng.random_range(0..2);
            Draft::Marker { producer, commit: rng.random(), coordinator }
        }
    }
}

/// The next step.
pub(super) fn draw(rng: &mut StdRng) -> Step {
    match rng.random_range(0..400) {
        0..140 => {
            let count = if rng.random_bool(0.8) { 1 } else { rng.random_range(2..5) };
            Step::Append((0..count).map(|_| draft(rng)).collect(), fault(rng))
        }
        140..165 => Step::Follow {
            batches: rng.random_range(1..4),
            gap: rng.random_range(0..30) * i64::from(rng.random_bool(0.2)),
            behind: rng.random_bool(0.05),
            seed: rng.random(),
            fault: fault(rng),
        },
        165..175 => Step::Truncate(rng.random(), fault(rng)),
        175 => Step::RestartAt(rng.random_range(0..40)),
        176..236 => Step::HighWatermark(rng.random()),
        236..244 => Step::DeleteRecords(rng.random()),
        244..252 => Step::Retain,
        252..260 => Step::Clean(rng.random()),
        260..275 => Step::Flush(fault(rng)),
        275..285 => Step::Checkpoint,
        285..295 => Step::Clock(rng.random_range(-20_000..40_000)),
        295..345 => Step::Read {
            at: rng.random_range(-0.05..1.05),
            max: rng.random_range(0..1500),
            whole: rng.random_bool(0.7),
            bound: match rng.random_range(0..3) {
                0 => ReadBound::LogEnd,
                1 => ReadBound::HighWatermark,
                _ => ReadBound::LastStable,
            },
        },
        345..375 => Step::Time(rng.random_range(-0.05..1.05)),
        375..380 => Step::NewLeader,
        380..385 => Step::Restart,
        385..390 => Step::Kill,
        390..396 => Step::PowerCut(rng.random()),
        _ => Step::Budget(rng.random_range(8..24)),
    }
}

/// A generator of its own for what a step draws when it is done.
pub(super) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}
