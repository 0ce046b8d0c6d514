//! What a log must be: batches in a list, producers in a map, and Kafka's rules about both written
//! down a second time, as simply as can be.

use crate::log::batch::{self, BatchHeader, CONTROL, HEADER_BYTES, TRANSACTIONAL};
use crate::log::compress::{self, Codec};
use crate::log::record::records;
use bytes::Bytes;
use std::collections::BTreeMap;

/// A record as a reader sees it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Rec {
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
}

impl std::fmt::Debug for Rec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |bytes: &Option<Vec<u8>>| {
            bytes.as_deref().map(|b| String::from_utf8_lossy(b).into_owned())
        };
        write!(
            f,
            "{}@{} {:?}={:?}",
            self.offset,
            self.timestamp,
            text(&self.key),
            text(&self.value)
        )
    }
}

/// A batch as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) header: BatchHeader,
    pub(super) bytes: Bytes,
    pub(super) records: Vec<Rec>,
}

impl Stored {
    pub(super) fn of(bytes: Bytes) -> Stored {
        let header = BatchHeader::read(&bytes).expect("a header");
        assert!(batch::crc_is_right(&header, &bytes), "a torn batch at {}", header.base_offset);
        let codec = Codec::from_number(header.codec()).expect("a codec");
        let plain = compress::decompress(codec, &bytes[HEADER_BYTES..], 1 << 20).expect("plain");
        let append_time = header.has(batch::LOG_APPEND_TIME);
        let time = |delta| match append_time {
            true => header.max_timestamp,
            false => header.base_timestamp + delta,
        };
        let rec = |record: crate::log::record::Record<'_>| Rec {
            offset: header.base_offset + i64::from(record.offset_delta),
            timestamp: time(record.timestamp_delta),
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
        };
        let all = match header.record_count {
            0 => Vec::new(),
            _ => records(&plain).map(|r| rec(r.expect("a record"))).collect(),
        };
        assert_eq!(all.len(), header.record_count as usize);
        Stored { header, bytes, records: all }
    }

    pub(super) fn base(&self) -> i64 {
        self.header.base_offset
    }

    pub(super) fn last(&self) -> i64 {
        self.header.last_offset()
    }

    pub(super) fn is_control(&self) -> bool {
        self.header.has(CONTROL)
    }

    /// Commit, else abort; of a control batch.
    pub(super) fn commits(&self) -> bool {
        self.records.first().is_some_and(|r| r.key.as_deref() == Some(&[0, 0, 0, 1]))
    }
}

/// A batch of the past, by sequence numbers and offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) first: i32,
    pub(super) last: i32,
    pub(super) base: i64,
    pub(super) end: i64,
}

/// A producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) epoch: i16,
    pub(super) coordinator_epoch: i32,
    pub(super) timestamp: i64,
    pub(super) open: Option<i64>,
    /// Its last five batches, oldest first.
    pub(super) batches: Vec<Meta>,
    /// Of those, how many the log knows for sure: a snapshot holds only the last.
    pub(super) sure: usize,
}

/// A transaction that is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Txn {
    pub(super) producer: i64,
    pub(super) first: i64,
    pub(super) marker: i64,
    pub(super) commit: bool,
}

/// What the log must answer to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    New,
    Duplicate(Meta),
    /// Either: it is one of the batches that a snapshot leaves out.
    DuplicateOrGap(Meta),
    Gap,
    OldEpoch,
    InTransaction,
    Fenced,
}

pub(super) type Producers = BTreeMap<i64, Producer>;

/// The log, in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) batches: Vec<Stored>,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) high_watermark: i64,
    pub(super) producers: Producers,
    /// Producers as they were before an offset, by offset.
    history: BTreeMap<i64, Producers>,
    pub(super) decided: Vec<Txn>,
    /// Markers before this offset were read back from disk: whether they wait for the high
    /// watermark is not known any more.
    pub(super) reloaded_to: i64,
    pub(super) epochs: Vec<(i32, i64)>,
    /// Compaction may have taken a producer's last batch.
    pub(super) compacted: bool,
    /// The producers were read back since the model was compared with the log.
    pub(super) read_back: bool,
}

impl State {
    /// A leader of this epoch begins at this offset.
    pub(super) fn assign_epoch(&mut self, epoch: i32, offset: i64) {
        if self.epochs.last().is_none_or(|(last, _)| *last != epoch) {
            self.epochs.retain(|(e, from)| *e < epoch && *from < offset);
            self.epochs.push((epoch, offset));
        }
    }

    /// A batch lies at the end of the log.
    pub(super) fn push(&mut self, stored: Stored) {
        assert!(stored.base() >= self.end, "{} before {}", stored.base(), self.end);
        if self.history.is_empty() {
            self.history.insert(self.end, self.producers.clone());
        }
        self.assign_epoch(stored.header.leader_epoch, stored.base());
        self.end = stored.last() + 1;
        let decided = note(&mut self.producers, &stored);
        self.decided.extend(decided);
        self.batches.push(stored);
        self.history.insert(self.end, self.producers.clone());
        while self.history.len() > 500 {
            self.history.pop_first();
        }
    }

    /// The log read its producers back from disk.
    pub(super) fn reloaded(&mut self) {
        self.reloaded_to = self.end;
        self.read_back = true;
        self.producers.values_mut().for_each(|p| p.sure = p.sure.min(1));
    }

    /// The producers as they were when the log ended at `offset`.
    pub(super) fn producers_at(&self, offset: i64) -> Option<Producers> {
        self.history.range(..=offset).next_back().map(|(_, producers)| producers.clone())
    }

    /// The log knows these producers at its end.
    pub(super) fn know(&mut self, producers: Producers) {
        self.history.insert(self.end, producers.clone());
        self.producers = producers;
    }

    /// All batches with records at or after `offset` are gone; the log ends at `end`.
    pub(super) fn truncate(&mut self, offset: i64, end: i64) {
        self.batches.retain(|b| b.last() < offset);
        self.history.retain(|at, _| *at <= end);
        self.producers = self.history.last_key_value().map(|(_, p)| p.clone()).unwrap_or_default();
        self.decided.retain(|txn| txn.marker < end);
        self.epochs.retain(|(_, from)| *from < end);
        self.end = end;
        self.high_watermark = self.high_watermark.min(end);
        self.reloaded();
    }

    /// The log ends at `end`, where an empty segment begins. As Kafka, it keeps what its file says
    /// of `epochs` that began before that, though their records are lost.
    pub(super) fn end_after_a_hole(&mut self, end: i64, epochs: &[(i32, i64)]) {
        if end == self.end {
            return;
        }
        let last = self.epochs.last().map_or(-1, |(epoch, _)| *epoch);
        let kept = epochs.iter().filter(|(epoch, from)| *epoch > last && *from < end);
        self.epochs.extend(kept);
        self.end = end;
    }

    /// Nothing is left; the log begins and ends at `offset`.
    pub(super) fn restart_at(&mut self, offset: i64) {
        *self = State { start: offset, end: offset, high_watermark: offset, ..State::default() };
    }

    /// The log begins at `to`.
    pub(super) fn advance_start(&mut self, to: i64) {
        self.start = self.start.max(to);
        self.truncate_epochs_from_start(self.start);
    }

    /// Whether the epochs are those of the batches, and begin with those from `from` on at latest.
    pub(super) fn is_told_by(&self, epochs: &[(i32, i64)], from: i64) -> bool {
        self.batches.iter().filter(|batch| batch.last() >= self.start).all(|batch| {
            let base = batch.base().max(self.start);
            let of = epochs.iter().rfind(|(_, first)| *first <= base);
            of.map_or(base < from, |(epoch, _)| *epoch == batch.header.leader_epoch)
        })
    }

    /// The epoch in which the log begins, begins with it.
    pub(super) fn truncate_epochs_from_start(&mut self, to: i64) {
        if let Some(at) = self.epochs.iter().rposition(|(_, from)| *from <= to) {
            self.epochs.drain(..at);
            self.epochs[0].1 = to;
        }
    }

    /// Where the last stable offset may be: between these, which are the same unless a restart
    /// came between a marker and the high watermark.
    pub(super) fn stable(&self) -> (i64, i64) {
        let open = self.producers.values().filter_map(|p| p.open).min();
        let waiting = |sure: bool| {
            let waits = |t: &&Txn| t.marker >= self.high_watermark;
            let known = |t: &&Txn| !sure || t.marker >= self.reloaded_to;
            self.decided.iter().filter(waits).filter(known).map(|t| t.first).min()
        };
        let bound = |sure| {
            let first = open.into_iter().chain(waiting(sure)).min().unwrap_or(i64::MAX);
            first.min(self.high_watermark).max(self.start)
        };
        (bound(false), bound(true))
    }

    /// Whether the records of a batch are of a transaction that was aborted.
    pub(super) fn is_aborted(&self, stored: &Stored) -> bool {
        let of = |t: &Txn| {
            t.producer == stored.header.producer_id && (t.first..t.marker).contains(&stored.base())
        };
        stored.header.has(TRANSACTIONAL)
            && !stored.is_control()
            && self.decided.iter().any(|txn| of(txn) && !txn.commit)
    }

    /// The first record at or after a time.
    pub(super) fn at_time(&self, timestamp: i64) -> Option<(i64, i64)> {
        let all = self.batches.iter().flat_map(|b| &b.records);
        let mut late = all.filter(|r| r.offset >= self.start && r.timestamp >= timestamp);
        late.next().map(|r| (r.offset, r.timestamp))
    }
}

/// What becomes of a batch with this header, appended by a leader.
pub(super) fn verdict(producers: &Producers, header: &BatchHeader, marker: Option<i32>) -> Verdict {
    if !header.has_producer() {
        return Verdict::New;
    }
    let Some(known) = producers.get(&header.producer_id) else { return Verdict::New };
    if let Some(coordinator_epoch) = marker {
        return match () {
            () if header.producer_epoch < known.epoch => Verdict::OldEpoch,
            () if coordinator_epoch < known.coordinator_epoch => Verdict::Fenced,
            () => Verdict::New,
        };
    }
    let (first, last) = (header.base_sequence, header.last_sequence());
    let same = |meta: &Meta| (meta.first, meta.last) == (first, last);
    if header.producer_epoch == known.epoch
        && let Some(at) = known.batches.iter().position(same)
    {
        let meta = known.batches[at];
        let sure = known.batches.len() - at <= known.sure;
        let follows = follows(known, header);
        return match sure || follows {
            true => Verdict::Duplicate(meta),
            false => Verdict::DuplicateOrGap(meta),
        };
    }
    match () {
        () if header.producer_epoch < known.epoch => Verdict::OldEpoch,
        () if !follows(known, header) => Verdict::Gap,
        () if known.open.is_some() && !header.has(TRANSACTIONAL) => Verdict::InTransaction,
        () => Verdict::New,
    }
}

fn follows(known: &Producer, header: &BatchHeader) -> bool {
    let next = match known.batches.last() {
        Some(last) if header.producer_epoch == known.epoch => match last.last {
            i32::MAX => 0,
            last => last + 1,
        },
        _ => 0,
    };
    header.base_sequence == next
}

/// A batch lies in the log; gives the transaction that it decides.
pub(super) fn note(producers: &mut Producers, stored: &Stored) -> Option<Txn> {
    let header = stored.header;
    if !header.has_producer() {
        return None;
    }
    let producer = producers.entry(header.producer_id).or_insert(Producer {
        epoch: header.producer_epoch,
        coordinator_epoch: -1,
        timestamp: 0,
        open: None,
        batches: Vec::new(),
        sure: 0,
    });
    if producer.epoch != header.producer_epoch {
        producer.epoch = header.producer_epoch;
        producer.batches.clear();
        producer.sure = 0;
    }
    producer.timestamp = header.max_timestamp;
    if stored.is_control() {
        let value = stored.records[0].value.as_deref().expect("a value");
        producer.coordinator_epoch = i32::from_be_bytes(value[2..6].try_into().expect("4"));
        let (id, commit, marker) = (header.producer_id, stored.commits(), stored.base());
        return producer.open.take().map(|first| Txn { producer: id, first, marker, commit });
    }
    if producer.batches.len() == 5 {
        producer.batches.remove(0);
    }
    producer.sure = (producer.sure + 1).min(5);
    producer.batches.push(Meta {
        first: header.base_sequence,
        last: header.last_sequence(),
        base: stored.base(),
        end: stored.last(),
    });
    if header.has(TRANSACTIONAL) && producer.open.is_none() {
        producer.open = Some(stored.base());
    }
    None
}
