//! One pass over one log: learn the last offset of every key in the dirty part, then write every
//! segment before its end anew without what is superseded (Kafka's `Cleaner.doClean`).

use super::offset_map::{ENTRY_BYTES, OffsetMap};
use super::survivors::{self, Left, Rules};
use super::throttle::Throttle;
use super::transactions::Transactions;
use crate::log::LogError;
use crate::log::batch::{CONTROL, TRANSACTIONAL};
use crate::log::file::LogFile;
use crate::log::partition_log::Log;
use crate::log::record::records;
use crate::log::recovery::marker_of;
use crate::log::segment::{Segment, file_name};
use crate::log::txn_index::AbortedTxn;
use bytes::Bytes;
use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// Bytes written at once.
const WRITE_BYTES: usize = 1 << 20;

/// What a pass may use.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Memory for the map of keys, bytes.
    pub map_bytes: usize,
    /// Part of it that is used, 0 to 1.
    pub load_factor: f64,
    /// Bytes read and written a second.
    pub bytes_per_second: f64,
}

/// What a pass has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Everything before it is clean now.
    pub clean_to: i64,
    /// Bytes of segments read.
    pub read: u64,
    /// Bytes of segments written.
    pub written: u64,
}

/// Cleans the segments before `end` (a segment's base offset), of which those from `first_dirty`
/// on were never cleaned.
pub fn clean(
    log: &Log,
    first_dirty: i64,
    end: i64,
    now_ms: i64,
    budget: Budget,
) -> Result<Outcome, LogError> {
    let all = log.segments.load_full();
    let segments: Vec<Arc<Segment>> = all.iter().filter(|s| s.base_offset < end).cloned().collect();
    let mut throttle = Throttle::new(budget.bytes_per_second);
    let (map, clean_to) = learn(&all, &segments, first_dirty, end, budget, &mut throttle)?;
    let producers = last_of_producers(log);
    let config = log.config();
    let rules = Rules {
        map: &map,
        now_ms,
        delete_retention_ms: config.delete_retention_ms,
        producers: &producers,
    };
    let mut outcome = Outcome { clean_to, ..Outcome::default() };
    let mut transactions = Transactions::default();
    transactions.add(aborted_between(&all, 0, clean_to)?);
    let max = u64::try_from(config.segment_bytes).unwrap_or(0);
    let cleanable: Vec<_> = segments.into_iter().filter(|s| s.base_offset < clean_to).collect();
    for group in groups(&cleanable, max, config.segment_index_bytes) {
        let (read, written) = clean_group(log, group, &mut transactions, &rules, &mut throttle)?;
        outcome.read += read;
        outcome.written += written;
    }
    Ok(outcome)
}

/// The last offsets of keys from `first_dirty` to `end`, and how far they could be learnt.
fn learn(
    all: &[Arc<Segment>],
    segments: &[Arc<Segment>],
    first_dirty: i64,
    end: i64,
    budget: Budget,
    throttle: &mut Throttle,
) -> Result<(OffsetMap, i64), LogError> {
    let from = segments.partition_point(|s| s.base_offset <= first_dirty).saturating_sub(1);
    let dirty = segments.get(from..).unwrap_or_default();
    let mut records_at_most = 0usize;
    for segment in dirty {
        for batch in segment.batches(0, segment.size()) {
            records_at_most += usize::try_from(batch?.header.record_count).unwrap_or(0);
        }
    }
    // No larger than needed: a broker that compacts little uses little memory.
    let wanted = (records_at_most + 2) as f64 / budget.load_factor.max(0.1);
    let bytes = budget.map_bytes.min((wanted as usize + 1) * ENTRY_BYTES);
    let mut map = OffsetMap::new(bytes, budget.load_factor);
    let mut transactions = Transactions::default();
    // Of those before it the markers are not passed.
    transactions.add(aborted_between(all, first_dirty, end)?);
    for segment in dirty {
        for at in segment.batches(0, segment.size()) {
            let at = at?;
            let header = &at.header;
            if header.last_offset() < first_dirty {
                continue;
            }
            let bytes = Bytes::from(segment.bytes(&at)?);
            throttle.spend(bytes.len());
            let body = survivors::plain(&bytes, header)?;
            if header.has(CONTROL) {
                let commit = marker_of(header, &body).is_none_or(|m| m.commit);
                transactions.pass_marker(header.producer_id, commit, header.last_offset());
            } else {
                let transactional = header.has(TRANSACTIONAL);
                let id = header.producer_id;
                if !transactions.pass_records(id, transactional, header.last_offset()) {
                    for record in records(&body) {
                        let record = record.map_err(|e| io::Error::other(e.to_string()))?;
                        let offset = header.base_offset + i64::from(record.offset_delta);
                        let Some(key) = record.key.filter(|_| offset >= first_dirty) else {
                            continue;
                        };
                        if map.put(key, offset).is_err() {
                            return Ok((full(map)?, header.base_offset));
                        }
                    }
                }
            }
            map.advance_latest_offset(header.last_offset());
        }
    }
    Ok((map, end))
}

/// Aborted transactions with offsets in `from..to`. The marker can be in a segment further on, and
/// that segment's index has the transaction.
fn aborted_between(all: &[Arc<Segment>], from: i64, to: i64) -> io::Result<Vec<AbortedTxn>> {
    let mut aborted = Vec::new();
    for segment in all {
        let inside = |txn: &AbortedTxn| txn.last_offset >= from && txn.first_offset < to;
        aborted.extend(segment.aborted.read()?.into_iter().filter(inside));
    }
    Ok(aborted)
}

/// A full map is of use as long as it holds anything.
fn full(map: OffsetMap) -> io::Result<OffsetMap> {
    match map.is_empty() {
        true => Err(io::Error::other("log.cleaner.dedupe.buffer.size is too small for one batch")),
        false => Ok(map),
    }
}

fn last_of_producers(log: &Log) -> HashMap<i64, (Option<i64>, i16)> {
    let writer = log.writer.lock();
    let entries = writer.producers.entries.iter();
    entries.map(|(id, e)| (*id, (e.batches.last().map(|b| b.last_offset), e.epoch))).collect()
}

/// Neighbours that fit into one segment together: 1, 2, 3 of 400, 300 and 500 bytes at a limit of
/// 1000 are [1, 2], [3].
fn groups(segments: &[Arc<Segment>], max: u64, index_max: i32) -> Vec<&[Arc<Segment>]> {
    let mut groups = Vec::new();
    let mut from = 0;
    let (mut size, mut entries) = (0, 0);
    let index_entries = u64::try_from(index_max).unwrap_or(0) / 12;
    for (at, segment) in segments.iter().enumerate() {
        let base = segments.get(from).map_or(0, |first| first.base_offset);
        let next = segments.get(at + 1).map_or(segment.base_offset, |next| next.base_offset);
        let fits = size + segment.size() <= max
            && entries + segment.offsets.entries() <= index_entries
            && next - base <= i64::from(i32::MAX);
        if at > from && !fits {
            groups.extend(segments.get(from..at));
            (from, size, entries) = (at, 0, 0);
        }
        size += segment.size();
        entries += segment.offsets.entries();
    }
    groups.extend(segments.get(from..).filter(|last| !last.is_empty()));
    groups
}

fn clean_group(
    log: &Log,
    group: &[Arc<Segment>],
    transactions: &mut Transactions,
    rules: &Rules<'_>,
    throttle: &mut Throttle,
) -> Result<(u64, u64), LogError> {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return Ok((0, 0)) };
    let path = log.dir().join(format!("{}.cleaned", file_name(first.base_offset, "log")));
    let file = LogFile::open(&path)?;
    file.set_len(0)?;
    let mut out = Output { file: &file, buffer: Vec::new(), written: 0 };
    let mut read = 0;
    let mut changed = group.len() > 1;
    for segment in group {
        for at in segment.batches(0, segment.size()) {
            let at = at?;
            let bytes = Bytes::from(segment.bytes(&at)?);
            throttle.spend(bytes.len());
            read += bytes.len() as u64;
            match survivors::of(&bytes, &at.header, transactions, rules)? {
                Left::Whole => out.push(&bytes)?,
                Left::Batch(left) => {
                    changed = true;
                    throttle.spend(left.len());
                    out.push(&left)?;
                }
                Left::Nothing => changed = true,
            }
        }
    }
    out.flush()?;
    let written = out.written;
    let aborted = transactions.take_kept();
    if !changed {
        // As it was: nothing to put in its place.
        std::fs::remove_file(&path)?;
        return Ok((read, written));
    }
    let modified = u64::try_from(last.age_timestamp()).unwrap_or(0);
    file.set_modified(UNIX_EPOCH + Duration::from_millis(modified))?;
    file.sync()?;
    log.replace_segments(group, &path, &aborted)?;
    Ok((read, written))
}

struct Output<'a> {
    file: &'a LogFile,
    buffer: Vec<u8>,
    written: u64,
}

impl Output<'_> {
    fn push(&mut self, batch: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(batch);
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(&[IoSlice::new(&self.buffer)], self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
