//! Appends: batches from drafts, what the log answers, and what lies there then.

use super::state::{self, Producers, Stored, Verdict};
use super::step::{Draft, Fault, Manner, rng};
use super::world::World;
use crate::config::{CompressionType, TimestampType};
use crate::log::batch::{self, BatchHeader, CONTROL, HEAD_BYTES, TRANSACTIONAL};
use crate::log::compress::Codec;
use crate::log::testing::{self, Frame};
use crate::log::{AppendError, Appended, Origin, RecordSet};
use bytes::Bytes;
use rand::RngExt;

/// A batch that was made, and what is to become of it.
struct Made {
    bytes: Bytes,
    origin: Origin,
    verdict: Result<Verdict, &'static str>,
    /// As it will lie in the log, but for timestamps and codec.
    stored: Option<Stored>,
}

/// Records with random keys (few), values and tombstones.
fn drafts(count: usize, seed: u64, keyed: bool) -> Vec<testing::Draft> {
    let mut rng = rng(seed);
    let draft = |_| {
        let key = format!("key {}", rng.random_range(0..12));
        let value = format!("{:x}", rng.random::<u64>()).repeat(rng.random_range(1..4));
        testing::Draft {
            later: rng.random_range(0..20i64),
            key: keyed.then(|| key.into_bytes()),
            value: rng.random_bool(0.8).then(|| value.into_bytes()),
        }
    };
    (0..count).map(draft).collect()
}

/// The batch at its offset, as a leader of this epoch stores it.
fn placed(bytes: &Bytes, base: i64, epoch: i32) -> Bytes {
    let header = BatchHeader::read(bytes).expect("a header");
    let head = BatchHeader::head(base, header.length, epoch);
    [&head[..], &bytes[HEAD_BYTES..]].concat().into()
}

impl World {
    fn make(&self, draft: &Draft, producers: &Producers) -> Bytes {
        let keyed = true;
        let plain = |count, codec, timestamp, seed, keyed| {
            Frame { timestamp, ..Frame::of(codec) }.around(&drafts(count, seed, keyed))
        };
        match draft {
            Draft::Plain { count, codec, late, seed } => {
                plain(*count, *codec, self.now + late, *seed, keyed)
            }
            Draft::Torn => {
                let mut bytes = plain(1, Codec::None, self.now, 1, keyed).to_vec();
                bytes[70] ^= 1;
                bytes.into()
            }
            Draft::Keyless => plain(1, Codec::None, self.now, 1, false),
            Draft::Produced { producer, manner, transactional, count, seed } => {
                let id = 1000 + producer;
                let known = producers.get(&id);
                let epoch = known.map_or(0, |p| p.epoch);
                let last = known.and_then(|p| p.batches.last());
                let next = last.map_or(0, |b| b.last.checked_add(1).unwrap_or(0));
                let mut count = *count;
                let (epoch, sequence) = match manner {
                    Manner::Next => (epoch, next),
                    Manner::Gap => (epoch, next.saturating_add(3)),
                    Manner::NewEpoch(right) => (epoch + 1, if *right { 0 } else { 7 }),
                    Manner::OldEpoch => (epoch - 1, next),
                    Manner::Again(back) => {
                        let all = known.map_or(&[][..], |p| &p.batches);
                        let of = all.len().checked_sub(1 + back).and_then(|at| all.get(at));
                        count = of.map_or(count, |b| (b.end - b.base + 1) as usize);
                        (epoch, of.map_or(next, |b| b.first))
                    }
                };
                let attributes = if *transactional { TRANSACTIONAL } else { 0 };
                let producer = (id, epoch.max(0), sequence);
                let (codec, timestamp) = (Codec::None, self.now);
                let frame = Frame { timestamp, codec, producer, attributes };
                frame.around(&drafts(count, *seed, keyed))
            }
            Draft::Marker { producer, commit, coordinator } => {
                let id = 1000 + producer;
                let epoch = producers.get(&id).map_or(0, |p| p.epoch);
                testing::marker_at(id, epoch, i16::from(*commit), self.now, *coordinator)
            }
        }
    }

    fn judge(&self, draft: &Draft, producers: &Producers) -> Made {
        let bytes = self.make(draft, producers);
        let header = BatchHeader::read(&bytes).expect("a header");
        let (mut origin, mut marker) = (Origin::Client, None);
        if let Draft::Marker { coordinator, .. } = draft {
            (origin, marker) = (Origin::Coordinator, Some(*coordinator));
        }
        let verdict = match draft {
            Draft::Torn => Err("corrupt"),
            Draft::Keyless if self.config.cleanup_policy.compact => Err("invalid"),
            _ => Ok(state::verdict(producers, &header, marker)),
        };
        Made { bytes, origin, verdict, stored: None }
    }

    /// Appends as a leader: neighbours of one origin go together in one call.
    pub(super) fn append(&mut self, drafts: &[Draft], fault: Option<Fault>) {
        let mut rest = drafts;
        while let Some(first) = rest.first() {
            let is_marker = |d: &Draft| matches!(d, Draft::Marker { .. });
            let alike = rest.iter().take_while(|d| is_marker(d) == is_marker(first)).count();
            let (now, later) = rest.split_at(alike);
            rest = later;
            self.append_together(now, fault);
            if !self.dir_state.is_online() {
                return;
            }
        }
    }

    fn append_together(&mut self, drafts: &[Draft], fault: Option<Fault>) {
        let mut producers = self.model.producers.clone();
        let mut end = self.model.end;
        let mut all = Vec::new();
        for draft in drafts {
            let mut made = self.judge(draft, &producers);
            if made.verdict == Ok(Verdict::New) {
                let stored = Stored::of(placed(&made.bytes, end, self.leader_epoch));
                state::note(&mut producers, &stored);
                end = stored.last() + 1;
                made.stored = Some(stored);
            }
            all.push(made);
        }
        let set = |made: &Made| RecordSet { records: made.bytes.clone() };
        let sets: Vec<_> = all.iter().map(set).collect();
        self.arm(fault);
        let results =
            self.log().append_as_leader(&sets, self.leader_epoch, all[0].origin, self.now);
        self.disarm();
        let lost = |(made, result): (&Made, &Result<Appended, AppendError>)| {
            made.stored.is_some() && result.is_err()
        };
        if all.iter().zip(&results).any(lost) {
            assert!(self.tripped, "{results:?}");
            let before = self.model.end;
            let was_there = |a: &Appended| a.duplicate && a.last_offset < before;
            let kept = results.iter().flatten().all(was_there);
            assert!(kept, "some of a failed append is acknowledged: {results:?}");
            self.model.reloaded();
            return;
        }
        for (made, result) in all.iter().zip(&results) {
            check_result(made, result);
        }
        let stored: Vec<_> = all.into_iter().filter_map(|made| made.stored).collect();
        if !self.dir_state.is_online() {
            // It is there; whether it will be after the restart is another thing.
            return;
        }
        self.check_appended(stored, true);
    }

    /// Reads back what was appended, compares, and takes it into the model.
    fn check_appended(&mut self, expected: Vec<Stored>, as_leader: bool) {
        let Some(first) = expected.first() else { return };
        let found = self.read_from(first.base());
        assert_eq!(found.len(), expected.len(), "batches appended");
        for (found, expected) in found.into_iter().zip(expected) {
            self.check_batch(&found, &expected, as_leader);
            self.model.push(found);
        }
    }

    fn check_batch(&self, found: &Stored, expected: &Stored, as_leader: bool) {
        if !as_leader {
            assert_eq!(found.bytes, expected.bytes);
            return;
        }
        let append_time = self.config.message_timestamp_type == TimestampType::LogAppendTime;
        let mut wanted = expected.records.clone();
        if append_time {
            wanted.iter_mut().for_each(|record| record.timestamp = self.now);
        }
        assert_eq!(found.records, wanted);
        let latest = wanted.iter().map(|r| r.timestamp).max().expect("a record");
        assert_eq!(found.header.max_timestamp, latest);
        assert_eq!(found.header.has(batch::LOG_APPEND_TIME), append_time);
        let codec = match self.config.compression_type {
            CompressionType::Producer => expected.header.codec(),
            _ if found.header.has(CONTROL) => 0,
            CompressionType::Zstd => Codec::Zstd as i16,
            _ => Codec::None as i16,
        };
        assert_eq!(found.header.codec(), codec);
        let fields = |h: &BatchHeader| {
            let flags = h.attributes & (TRANSACTIONAL | CONTROL);
            (h.base_offset, h.leader_epoch, h.producer_id, h.producer_epoch, h.base_sequence, flags)
        };
        assert_eq!(fields(&found.header), fields(&expected.header));
    }

    /// Appends as a follower what some leader has.
    pub(super) fn follow(
        &mut self,
        count: usize,
        gap: i64,
        behind: bool,
        seed: u64,
        fault: Option<Fault>,
    ) {
        let mut rng = rng(seed);
        let gap = if self.config.cleanup_policy.compact { gap } else { 0 };
        let mut producers = self.model.producers.clone();
        let (mut next, mut stored) = (self.model.end + gap, Vec::new());
        for _ in 0..count {
            let draft = follower_draft(&mut rng);
            let made = self.judge(&draft, &producers);
            if made.verdict == Ok(Verdict::New) {
                let batch = Stored::of(placed(&made.bytes, next, self.leader_epoch));
                state::note(&mut producers, &batch);
                next = batch.last() + 1;
                stored.push(batch);
            }
        }
        let mut records: Vec<Bytes> = stored.iter().map(|batch| batch.bytes.clone()).collect();
        let behind = behind && next > 0;
        if behind {
            let draft = Draft::Plain { count: 1, codec: Codec::None, late: 0, seed };
            let bytes = self.make(&draft, &producers);
            records.push(placed(&bytes, next - 1, self.leader_epoch));
        }
        self.arm(fault);
        let result = self.log().append_as_follower(&records.concat().into());
        self.disarm();
        match result {
            Ok(_) => {
                assert!(!behind, "a batch that does not follow is taken");
                if self.dir_state.is_online() {
                    self.check_appended(stored, false);
                }
            }
            Err(AppendError::UnexpectedOffset { .. }) => {
                assert!(behind);
                self.model.reloaded();
            }
            Err(error) => {
                assert!(self.tripped, "{error}");
                self.model.reloaded();
            }
        }
    }
}

fn follower_draft(rng: &mut rand::rngs::StdRng) -> Draft {
    let (producer, seed, count) = (rng.random_range(0..2), rng.random(), rng.random_range(1..4));
    match rng.random_range(0..3) {
        0 => Draft::Plain { count, codec: Codec::None, late: rng.random_range(-500..500), seed },
        1 => {
            let (manner, transactional) = (Manner::Next, true);
            Draft::Produced { producer, manner, transactional, count, seed }
        }
        _ => Draft::Marker { producer, commit: rng.random(), coordinator: 5 },
    }
}

fn check_result(made: &Made, result: &Result<Appended, AppendError>) {
    let of = |appended: &Appended| (appended.base_offset, appended.last_offset);
    let gap = |r: &Result<Appended, AppendError>| {
        matches!(r, Err(AppendError::OutOfOrderSequence { .. }))
    };
    let duplicate = |meta: &state::Meta| {
        result.as_ref().is_ok_and(|a| a.duplicate && of(a) == (meta.base, meta.end))
    };
    let right = match &made.verdict {
        Err("corrupt") => matches!(result, Err(AppendError::Corrupt(_))),
        Err(_) => matches!(result, Err(AppendError::InvalidRecord { .. })),
        Ok(Verdict::New) => {
            let stored = made.stored.as_ref().expect("new ones are stored");
            result.as_ref().is_ok_and(|a| !a.duplicate && of(a) == (stored.base(), stored.last()))
        }
        Ok(Verdict::Duplicate(meta)) => duplicate(meta),
        Ok(Verdict::DuplicateOrGap(meta)) => duplicate(meta) || gap(result),
        Ok(Verdict::Gap) => gap(result),
        Ok(Verdict::OldEpoch) => matches!(result, Err(AppendError::InvalidProducerEpoch { .. })),
        Ok(Verdict::InTransaction) => matches!(result, Err(AppendError::InvalidTxnState)),
        Ok(Verdict::Fenced) => matches!(result, Err(AppendError::CoordinatorFenced)),
    };
    assert!(right, "{:?} is wanted, {result:?} is answered", made.verdict);
}
