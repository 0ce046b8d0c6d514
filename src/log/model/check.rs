//! What readers, lookups, retention and compaction give, against the model.

use super::state::{Meta, Producer, Producers, Rec, State, Stored};
use super::step::Fault;
use super::world::World;
use crate::log::batch;
use crate::log::cleaner::{Budget, Throttle, clean};
use crate::log::{FileRegion, ProducerStateEntry, Query, ReadBound, ReadError};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::FileExt;

fn bytes_of(region: &FileRegion) -> Bytes {
    let mut bytes = vec![0; region.len];
    region.file.read_exact_at(&mut bytes, region.position).expect("there");
    bytes.into()
}

/// The first that is not the same in both.
fn first_difference<T: Clone + PartialEq>(a: &[T], b: &[T]) -> Option<(Option<T>, Option<T>)> {
    let at = (0..a.len().max(b.len())).find(|at| a.get(*at) != b.get(*at))?;
    Some((a.get(at).cloned(), b.get(at).cloned()))
}

impl State {
    /// What compaction may have taken of producers, the log need not know after a restart.
    pub(super) fn forget_compacted(&mut self, known: &[ProducerStateEntry]) {
        if !self.compacted {
            return;
        }
        self.producers
            .retain(|id, p| p.open.is_some() || known.iter().any(|k| k.producer_id == *id));
        for entry in known {
            if let Some(producer) = self.producers.get_mut(&entry.producer_id) {
                producer.coordinator_epoch =
                    producer.coordinator_epoch.min(entry.coordinator_epoch);
                producer.timestamp = producer.timestamp.min(entry.last_timestamp);
                // What was the last batch once is not kept when another was, which was then cut.
                let last = |b: &Meta| b.last == entry.last_sequence;
                let kept = producer.batches.iter().rposition(last).map_or(0, |at| at + 1);
                producer.batches.truncate(kept);
                producer.sure = producer.sure.min(kept);
            }
        }
    }
}

impl World {
    pub(super) fn producers(&self) -> Vec<ProducerStateEntry> {
        self.log().active_producers()
    }

    /// What costs nothing to compare, after every step.
    pub(super) fn check_state(&self) {
        let (log, model) = (self.log(), &self.model);
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (model.start, model.end));
        assert_eq!(log.high_watermark(), model.high_watermark, "high watermark");
        let (low, high) = model.stable();
        let stable = log.last_stable_offset();
        assert!((low..=high).contains(&stable), "last stable {stable}, not {low}..={high}");
        let wanted = entries(&model.producers);
        let difference = first_difference(&self.producers(), &wanted).map(|d| format!("{d:?}"));
        assert_eq!(difference, None, "producers");
        assert_eq!(log.epochs.lock().entries(), model.epochs, "leader epochs");
        let open = self.shared.files.open();
        assert!(open <= self.shared.files.budget(), "{open} files are open");
    }

    /// Every byte.
    pub(super) fn check_all(&self) {
        let found = self.physical();
        let bases = |all: &[Stored]| all.iter().map(Stored::base).collect::<Vec<_>>();
        assert_eq!(bases(&found), bases(&self.model.batches));
        assert!(found == self.model.batches, "the bytes of a batch have changed");
    }

    /// The batches from `offset` on, as a follower fetches them.
    pub(super) fn read_from(&self, mut offset: i64) -> Vec<Stored> {
        let mut all = Vec::new();
        loop {
            let read = self.log().read(offset, 1 << 20, true, ReadBound::LogEnd).expect("readable");
            let Some(region) = read.region else { return all };
            let found: Vec<_> = batch::split(&bytes_of(&region)).map(Stored::of).collect();
            offset = found.last().expect("a whole batch").last() + 1;
            all.extend(found);
        }
    }

    pub(super) fn check_read(&self, at: f64, max: usize, whole: bool, bound: ReadBound) {
        let model = &self.model;
        let offset =
            model.start + ((model.end - model.start) as f64 * at) as i64 - i64::from(at < 0.0);
        let result = self.log().read(offset, max, whole, bound);
        if offset < model.start || offset > model.end {
            assert!(matches!(result, Err(ReadError::OffsetOutOfRange { .. })));
            return;
        }
        let read = result.expect("readable");
        let end = match bound {
            ReadBound::LogEnd => model.end,
            ReadBound::HighWatermark => model.high_watermark,
            ReadBound::LastStable => self.log().last_stable_offset(),
        };
        let visible = |b: &&Stored| b.last() >= offset && b.base() < end && offset < end;
        let mut wanted = model.batches.iter().filter(visible);
        let Some(region) = read.region else {
            let first = wanted.next();
            assert!(first.is_none_or(|_| max == 0 && !whole), "{offset}: {first:?} is not given");
            return;
        };
        let bytes = bytes_of(&region);
        let found: Vec<_> = batch::split(&bytes).map(Stored::of).collect();
        for batch in &found {
            assert_eq!(Some(batch), wanted.next(), "read from {offset}");
        }
        let size = found.iter().map(|b| b.bytes.len()).sum::<usize>();
        assert!(!whole || !found.is_empty(), "not even one whole batch");
        assert!(bytes.len() <= max || whole && found.len() == 1 && size == bytes.len());
        if bound == ReadBound::LastStable {
            let aborted = read.aborted.iter().map(|txn| (txn.first_offset, txn.producer_id));
            self.check_committed(&found, aborted.collect());
        }
    }

    /// What a consumer shows of these batches, given the aborted transactions (as the Java
    /// client's `CompletedFetch` does it), is what was committed.
    fn check_committed(&self, found: &[Stored], mut ahead: BTreeSet<(i64, i64)>) {
        let mut aborted = BTreeSet::new();
        for batch in found {
            while ahead.first().is_some_and(|(first, _)| *first <= batch.last()) {
                aborted.extend(ahead.pop_first().map(|(_, producer)| producer));
            }
            let producer = batch.header.producer_id;
            if batch.is_control() {
                if !batch.commits() {
                    aborted.remove(&producer);
                }
                continue;
            }
            let hidden = batch.header.has(batch::TRANSACTIONAL) && aborted.contains(&producer);
            assert_eq!(hidden, self.model.is_aborted(batch), "of {producer} at {}", batch.base());
        }
    }

    pub(super) fn check_time(&self, at: f64) {
        let model = &self.model;
        let index = (model.batches.len() as f64 * at.max(0.0)) as usize;
        let near = model.batches.get(index).map_or(self.now, |b| b.header.max_timestamp);
        for timestamp in [near - 1, near, near + 1] {
            let found = self.log().offset_for_timestamp(Query::At(timestamp)).expect("read");
            let found = found.map(|f| (f.offset, f.timestamp));
            assert_eq!(found, model.at_time(timestamp), "at time {timestamp}");
        }
        let latest = self.log().offset_for_timestamp(Query::MaxTimestamp).expect("read");
        let all = || model.batches.iter().flat_map(|b| &b.records);
        let whole = model.batches.first().is_none_or(|b| b.base() >= model.start);
        if whole && !model.compacted {
            let wanted = all().map(|r| r.timestamp).max();
            assert_eq!(latest.map(|l| l.timestamp), wanted, "latest time");
            let there =
                |r: &Rec| Some((r.offset, r.timestamp)) == latest.map(|l| (l.offset, l.timestamp));
            assert!(wanted.is_none() || all().any(there), "{latest:?}");
        }
    }

    /// Base offset, bytes and age of each segment, from the model.
    fn segments(&self) -> Vec<(i64, u64, i64)> {
        let bases: Vec<_> = self.log().segments.load().iter().map(|s| s.base_offset).collect();
        let of = |at: usize| {
            let next = bases.get(at + 1).copied().unwrap_or(i64::MAX);
            let inside =
                self.model.batches.iter().filter(|b| (bases[at]..next).contains(&b.base()));
            let size = inside.clone().map(|b| b.bytes.len() as u64).sum();
            (bases[at], size, inside.map(|b| b.header.max_timestamp).max().unwrap_or(-1))
        };
        (0..bases.len()).map(of).collect()
    }

    pub(super) fn retain(&mut self) {
        let segments = self.segments();
        let (config, model) = (&self.config, &self.model);
        let deletes = config.cleanup_policy.delete;
        let total: u64 = segments.iter().map(|s| s.1).sum();
        let (mut left, mut gone) = (total, 0);
        for (at, (_, size, latest)) in segments.iter().enumerate() {
            let next = segments.get(at + 1).map_or(model.end, |s| s.0);
            let is_active = at + 1 == segments.len();
            let old =
                deletes && config.retention_ms >= 0 && self.now - latest > config.retention_ms;
            let max = config.retention_bytes;
            let over = deletes && max >= 0 && left > max as u64 && left - size >= max as u64;
            let unreachable = !is_active && next <= model.start;
            let free = next <= model.high_watermark && !(is_active && *size == 0);
            if !free || !(old || over || unreachable) {
                break;
            }
            (left, gone) = (left - size, gone + 1);
        }
        let deleted = self.log().delete_old_segments(self.now).expect("deleted");
        // The age of a segment that compaction has emptied is that of its file.
        if !self.model.compacted {
            assert_eq!(deleted, gone, "segments {segments:?}");
        }
        if deleted > 0 {
            let first = self.first_base();
            self.model.batches.retain(|b| b.base() >= first);
            self.model.advance_start(first);
        }
    }

    pub(super) fn clean(&mut self, at: f64) {
        if !self.config.cleanup_policy.compact {
            return;
        }
        let (start, log_end) = (self.model.start, self.model.end);
        let known = (start..=log_end).contains(&self.clean_to);
        let first_dirty = if known { self.clean_to } else { start };
        let bases: Vec<_> = self.segments().iter().map(|s| s.0).collect();
        let stable = self.model.stable().0;
        let is_end = |base: &i64| *base > first_dirty && *base <= stable;
        let mut ends = bases.into_iter().skip(1).filter(is_end);
        let count = ends.clone().count();
        let Some(end) = ends.nth((count as f64 * at) as usize) else { return };
        let budget = Budget { map_bytes: 1 << 16, load_factor: 0.9 };
        let throttle = Throttle::new(f64::MAX);
        // From the digits of a number that is drawn anyway: the histories stay as they were.
        let room = (at * 1e6) as usize % 4000;
        self.arm((room < 2000).then_some(Fault::Full(room)));
        self.rewritten_to = self.rewritten_to.max(end);
        let cleaned = clean(self.log(), first_dirty, end, self.now, budget, &throttle);
        self.disarm();
        let Ok(Some(outcome)) = cleaned else {
            assert!(self.tripped, "{cleaned:?}");
            return self.cleaned_in_part(first_dirty, end);
        };
        assert_eq!(outcome.clean_to, end);
        self.clean_to = end;
        let found = self.physical();
        let survivors = self.survivors(first_dirty, end);
        let data = |all: &[Stored]| -> Vec<Rec> {
            all.iter().filter(|b| !b.is_control()).flat_map(|b| b.records.clone()).collect()
        };
        let left = data(&found);
        let difference = first_difference(&left, &survivors);
        assert_eq!(difference, None, "left and wanted, cleaned {first_dirty}..{end}");
        let markers = |all: &[Stored]| -> BTreeSet<i64> {
            all.iter().filter(|b| b.is_control()).map(Stored::base).collect()
        };
        assert!(markers(&found).is_subset(&markers(&self.model.batches)));
        self.model.batches = found;
        self.model.compacted = true;
    }

    /// The disk was full amid a pass: some groups of segments are cleaned, the others as before.
    fn cleaned_in_part(&mut self, first_dirty: i64, end: i64) {
        let found = self.physical();
        let offsets = |all: &[Stored]| -> BTreeSet<i64> {
            all.iter().flat_map(|b| &b.records).map(|r| r.offset).collect()
        };
        let left = offsets(&found);
        assert!(left.is_subset(&offsets(&self.model.batches)));
        let survivors = self.survivors(first_dirty, end);
        let lost = survivors.iter().find(|record| !left.contains(&record.offset));
        assert!(lost.is_none(), "{lost:?} is lost");
        self.model.compacted |= found != self.model.batches;
        self.model.batches = found;
    }

    /// Records that are left when the segments before `end` are cleaned.
    fn survivors(&self, first_dirty: i64, end: i64) -> Vec<Rec> {
        let data = || self.model.batches.iter().filter(|b| !b.is_control());
        let committed = || data().filter(|b| b.base() >= end || !self.model.is_aborted(b));
        let mut latest = BTreeMap::new();
        for record in committed().flat_map(|b| &b.records) {
            if (first_dirty..end).contains(&record.offset) {
                latest.insert(&record.key, record.offset);
            }
        }
        let mut all = Vec::new();
        for batch in committed() {
            let due = batch.header.delete_horizon().is_some_and(|at| at <= self.now);
            let stays = |r: &&Rec| {
                let is_latest = latest.get(&r.key).is_none_or(|last| r.offset >= *last);
                r.offset >= end || is_latest && (r.value.is_some() || !due)
            };
            all.extend(batch.records.iter().filter(stays).cloned());
        }
        all
    }
}

/// What a log that knows these producers says of them.
pub(super) fn entries(producers: &Producers) -> Vec<ProducerStateEntry> {
    let entry = |(id, p): (&i64, &Producer)| ProducerStateEntry {
        producer_id: *id,
        producer_epoch: p.epoch,
        last_sequence: p.batches.last().map_or(-1, |b| b.last),
        last_timestamp: p.timestamp,
        coordinator_epoch: p.coordinator_epoch,
        current_txn_first_offset: p.open,
    };
    producers.iter().map(entry).collect()
}
