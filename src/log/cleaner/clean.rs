//! One pass over one log: learn the last offset of every key in the dirty part, then write every
//! segment before its end anew without what is superseded (Kafka's `Cleaner.doClean`).

use super::offset_map::{ENTRY_BYTES, OffsetMap};
use super::old_format;
use super::survivors::{self, Left, Rules};
use super::throttle::Throttle;
use super::transactions::Transactions;
use crate::log::LogError;
use crate::log::batch::{self, CONTROL, TRANSACTIONAL};
use crate::log::file::LogFile;
use crate::log::legacy;
use crate::log::partition_log::Log;
use crate::log::record::records;
use crate::log::recovery::marker_of;
use crate::log::segment::{Located, Segment};
use crate::log::txn_index::AbortedTxn;
use crate::types::now_ms;
use bytes::Bytes;
use std::collections::HashMap;
use std::io::ErrorKind::NotFound;
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
    /// Keys in the map, in percent of its room.
    pub map_used_percent: u8,
}

/// Cleans the segments before `end` (a segment's base offset), of which those from `first_dirty`
/// on were never cleaned. Gives `None` if segments were taken away meanwhile: the others are as
/// good as before, and the next pass begins where this one did.
pub fn clean(
    log: &Log,
    first_dirty: i64,
    end: i64,
    now_ms: i64,
    budget: Budget,
    throttle: &Throttle,
) -> Result<Option<Outcome>, LogError> {
    clean_of(log, &log.segments.load_full(), first_dirty, end, now_ms, budget, throttle)
}

/// As [`clean`], given the segments that the log had when it began.
pub(crate) fn clean_of(
    log: &Log,
    all: &[Arc<Segment>],
    first_dirty: i64,
    end: i64,
    now_ms: i64,
    budget: Budget,
    throttle: &Throttle,
) -> Result<Option<Outcome>, LogError> {
    let segments: Vec<Arc<Segment>> = all.iter().filter(|s| s.base_offset < end).cloned().collect();
    let learnt = aborted_in(all).map_err(LogError::Io).and_then(|aborted| {
        let before = Transactions::before(first_dirty, aborted.clone());
        Ok((learn(&segments, first_dirty, end, budget, before, throttle)?, aborted))
    });
    let Some(((map, clean_to), aborted)) = unless_gone(log, all, learnt)? else {
        return Ok(None);
    };
    let producers = last_of_producers(log);
    let config = log.config();
    let rules = Rules {
        map: &map,
        now_ms,
        delete_retention_ms: config.delete_retention_ms,
        producers: &producers,
    };
    let last_clean = segments.iter().rev().find(|segment| segment.base_offset < first_dirty);
    let old_horizon_ms = last_clean
        .map_or(0, |segment| segment.modified_ms().saturating_sub(config.delete_retention_ms));
    let mut outcome =
        Outcome { clean_to, map_used_percent: map.used_percent(), ..Outcome::default() };
    let mut pass = Pass {
        log,
        rules,
        throttle,
        old_horizon_ms,
        transactions: Transactions::before(i64::MIN, aborted),
    };
    let max = u64::try_from(config.segment_bytes).unwrap_or(0);
    let cleanable: Vec<_> = segments.into_iter().filter(|s| s.base_offset < clean_to).collect();
    for group in groups(&cleanable, max, config.segment_index_bytes) {
        let cleaned = pass.clean_group(group);
        let Some((read, written)) = unless_gone(log, group, cleaned)?.flatten() else {
            return Ok(None);
        };
        outcome.read += read;
        outcome.written += written;
    }
    Ok(Some(outcome))
}

/// `None` for a file that is not there because the log has one of these segments no longer:
/// retention or a truncation took it, which is no fault of the disk.
fn unless_gone<T>(
    log: &Log,
    segments: &[Arc<Segment>],
    result: Result<T, LogError>,
) -> Result<Option<T>, LogError> {
    match result {
        Err(LogError::Io(e)) if e.kind() == NotFound && !log.has_all(segments) => Ok(None),
        result => result.map(Some),
    }
}

/// The aborted transactions of all segments, those to come too: a transaction can begin in one
/// and end in another.
fn aborted_in(segments: &[Arc<Segment>]) -> io::Result<Vec<AbortedTxn>> {
    let mut all = Vec::new();
    for segment in segments {
        all.extend(segment.aborted.read()?);
    }
    Ok(all)
}

/// The last offsets of keys from `first_dirty` to `end`, and how far they could be learnt.
fn learn(
    segments: &[Arc<Segment>],
    first_dirty: i64,
    end: i64,
    budget: Budget,
    mut transactions: Transactions,
    throttle: &Throttle,
) -> Result<(OffsetMap, i64), LogError> {
    let from = segments.partition_point(|s| s.base_offset <= first_dirty).saturating_sub(1);
    let dirty = segments.get(from..).unwrap_or_default();
    let mut records_at_most = 0usize;
    for segment in dirty {
        for batch in segment.batches(0, segment.size()) {
            let header = batch?.header;
            records_at_most += match header.magic {
                // An inner message takes some bytes even when it is compressed.
                ..2 => header.size() / 8,
                _ => usize::try_from(header.record_count).unwrap_or(0),
            };
        }
    }
    // No larger than needed: a broker that compacts little uses little memory.
    let wanted = (records_at_most + 2) as f64 / budget.load_factor.max(0.1);
    let bytes = budget.map_bytes.min((wanted as usize + 1) * ENTRY_BYTES);
    let mut map = OffsetMap::new(bytes, budget.load_factor);
    for (number, segment) in dirty.iter().enumerate() {
        for at in segment.batches(0, segment.size()) {
            let at = at?;
            let header = &at.header;
            if at.last_offset() < first_dirty {
                continue;
            }
            let bytes = read_batch(segment, &at, throttle)?;
            if header.magic < 2 {
                for message in old_format::messages(&bytes)?.0 {
                    let Some(key) = message.key.filter(|_| message.offset >= first_dirty) else {
                        continue;
                    };
                    if map.put(&key, message.offset).is_err() {
                        return Ok((full(map)?, header.base_offset));
                    }
                }
                map.advance_latest_offset(at.last_offset());
                continue;
            }
            let body = survivors::plain(&bytes, header)?;
            if header.has(CONTROL) {
                let commit = marker_of(header, &body).map(|m| m.commit);
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
        // Its end may be empty: what lies there is known, too.
        let next = dirty.get(number + 1).map_or(end, |next| next.base_offset);
        map.advance_latest_offset(next - 1);
    }
    Ok((map, end))
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
/// 1000 are [1, 2], [3]. `index_max` is `segment.index.bytes`, which each index is to stay within.
fn groups(segments: &[Arc<Segment>], max: u64, index_max: i32) -> Vec<&[Arc<Segment>]> {
    let index_max = u64::try_from(index_max).unwrap_or(0);
    let mut groups = Vec::new();
    let mut from = 0;
    let (mut size, mut offsets, mut times) = (0, 0, 0);
    for (at, segment) in segments.iter().enumerate() {
        let base = segments.get(from).map_or(0, |first| first.base_offset);
        let next = segments.get(at + 1).map_or(segment.base_offset, |next| next.base_offset);
        let fits = size + segment.size() <= max
            && offsets + (segment.offsets.entries() * 8) <= index_max
            && times + (segment.times.entries() * 12) <= index_max
            && next - base <= i64::from(i32::MAX);
        if at > from && !fits {
            groups.extend(segments.get(from..at));
            (from, size, offsets, times) = (at, 0, 0, 0);
        }
        size += segment.size();
        offsets += segment.offsets.entries() * 8;
        times += segment.times.entries() * 12;
    }
    groups.extend(segments.get(from..).filter(|last| !last.is_empty()));
    groups
}

/// A batch, checked: what is corrupt must not be written anew with a checksum that is right.
fn read_batch(segment: &Segment, at: &Located, throttle: &Throttle) -> io::Result<Bytes> {
    let bytes = Bytes::from(segment.bytes(at)?);
    throttle.spend(bytes.len());
    let whole = match at.header.magic {
        ..2 => legacy::crc_is_right(&bytes),
        _ => batch::crc_is_right(&at.header, &bytes),
    };
    if whole { Ok(bytes) } else { Err(corrupt(at.header.base_offset)) }
}

fn corrupt(offset: i64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("corrupt batch at offset {offset}"))
}

/// One pass over the segments of a log.
struct Pass<'a> {
    log: &'a Log,
    rules: Rules<'a>,
    throttle: &'a Throttle,
    transactions: Transactions,
    /// Tombstones of old formats in segments written before it go.
    old_horizon_ms: i64,
}

impl Pass<'_> {
    /// Puts one segment in the place of a group; bytes read and written. `None` if one of the
    /// group was taken away meanwhile.
    fn clean_group(&mut self, group: &[Arc<Segment>]) -> Result<Option<(u64, u64)>, LogError> {
        let Some(first) = group.first() else { return Ok(Some((0, 0))) };
        let new = Segment::create_cleaned(&self.log.dir, first.base_offset, now_ms())?;
        match self.clean_into(group, &new) {
            Ok(Some((read, true))) => {
                let written = new.size();
                let is_here = self.log.replace_segments(group, new)?;
                Ok(is_here.then_some((read, written)))
            }
            // As it was: nothing to put in its place.
            Ok(Some((read, false))) => {
                let written = new.size();
                new.remove_cleaned()?;
                Ok(Some((read, written)))
            }
            failed => {
                // Nobody else removes it before the next start, and a disk may be full of it.
                let removed = new.remove_cleaned();
                failed?;
                removed?;
                Ok(None)
            }
        }
    }

    /// Bytes read, and whether what is in `new`, synced, is other than what is in the group.
    fn clean_into(
        &mut self,
        group: &[Arc<Segment>],
        new: &Segment,
    ) -> Result<Option<(u64, bool)>, LogError> {
        let Some(last) = group.last() else { return Ok(None) };
        let mut out = Output { file: &new.file, buffer: Vec::new(), written: 0 };
        let mut read = 0;
        let mut changed = group.len() > 1;
        for segment in group {
            let end = segment.size();
            let mut position = 0;
            for at in segment.batches(0, end) {
                let at = at?;
                position = at.end();
                let bytes = read_batch(segment, &at, self.throttle)?;
                let left = self.left(segment, &bytes, &at)?;
                changed |= left != Left::Whole;
                let kept = match left {
                    Left::Whole => bytes,
                    Left::Batch(less) => less,
                    Left::Nothing => continue,
                };
                self.throttle.spend(kept.len());
                out.push(&kept)?;
            }
            if position < end {
                // Retention may have taken the segment away under the walk.
                let is_here = self.log.has_all(group);
                return if is_here { Err(corrupt(segment.base_offset).into()) } else { Ok(None) };
            }
            read += end;
        }
        out.flush()?;
        let written = out.written;
        let aborted = self.transactions.take_kept();
        self.index(new, written, &aborted)?;
        if changed {
            // Retention goes by it where no record is left.
            let modified = u64::try_from(last.modified_ms()).unwrap_or(0);
            new.file.set_modified(UNIX_EPOCH + Duration::from_millis(modified))?;
            new.sync()?;
            new.release();
        }
        Ok(Some((read, changed)))
    }

    /// Makes the indexes of a segment whose batches are written.
    fn index(&self, new: &Segment, written: u64, aborted: &[AbortedTxn]) -> Result<(), LogError> {
        let config = self.log.config();
        new.offsets.grow_to(config.segment_index_bytes)?;
        new.times.grow_to(config.segment_index_bytes)?;
        let interval = u64::try_from(config.index_interval_bytes).unwrap_or(0);
        for batch in new.batches(0, written) {
            new.wrote(&batch?, interval)?;
        }
        aborted.iter().try_for_each(|txn| new.aborted.append(*txn))?;
        Ok(new.seal()?)
    }

    fn left(&mut self, segment: &Segment, bytes: &Bytes, at: &Located) -> io::Result<Left> {
        if at.header.magic < 2 {
            let keeps_tombstones = segment.modified_ms() > self.old_horizon_ms;
            return old_format::of(bytes, &self.rules, keeps_tombstones);
        }
        survivors::of(bytes, &at.header, &mut self.transactions, &self.rules)
    }
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
