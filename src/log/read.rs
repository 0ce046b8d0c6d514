//! Reading: which bytes of which file hold the records from an offset on, and which offset a
//! time stands for. Nothing is copied: the caller sends the region.

use super::api::{
    AbortedTransaction, LogError, LogRead, Query, ReadBound, ReadError, TimestampOffset,
};
use super::batch::{HEADER_BYTES, LOG_APPEND_TIME};
use super::compress::{self, Codec, DECOMPRESSED_BYTES_MAX};
use super::legacy;
use super::partition_log::{Log, Segments, floor};
use super::record::records;
use super::segment::{Located, Segment};
use std::io;

impl Log {
    /// Records from `offset` on, at most `max_bytes`; but the first batch whole, if asked so.
    pub fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        min_one_batch: bool,
        bound: ReadBound,
    ) -> Result<LogRead, ReadError> {
        self.dir_state.check()?;
        let (log_start, log_end) = (self.log_start_offset(), self.log_end_offset());
        if offset < log_start || offset > log_end {
            return Err(ReadError::OffsetOutOfRange { log_start, log_end });
        }
        let end = self.bound(bound).min(log_end);
        if offset >= end {
            return Ok(LogRead::empty());
        }
        let read = self.on_segments(|segments| {
            self.read_below(segments, offset, end, max_bytes, min_one_batch, bound)
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(ReadError::Cold),
            read => Ok(self.checked(read.map_err(LogError::Io))?),
        }
    }

    /// Brings what finds `offset` into the page cache: all that a read needs but the records.
    pub fn warm_up(&self, offset: i64, max_bytes: usize) {
        for bound in [ReadBound::LogEnd, ReadBound::LastStable] {
            // An error is for the read that follows.
            drop(self.read(offset, max_bytes, true, bound));
        }
    }

    fn bound(&self, bound: ReadBound) -> i64 {
        match bound {
            ReadBound::LogEnd => self.log_end_offset(),
            ReadBound::HighWatermark => self.high_watermark(),
            ReadBound::LastStable => self.last_stable_offset(),
        }
    }

    fn read_below(
        &self,
        segments: &Segments,
        offset: i64,
        end: i64,
        max_bytes: usize,
        min_one_batch: bool,
        bound: ReadBound,
    ) -> io::Result<LogRead> {
        let first = floor(segments, offset).unwrap_or(0);
        for (at, segment) in segments.iter().enumerate().skip(first) {
            let Some(from) = segment.locate(offset.max(segment.base_offset))? else { continue };
            if from.header.base_offset >= end {
                break;
            }
            let next = segments.get(at + 1).map(|next| next.base_offset);
            let limit = match next {
                Some(next) if next <= end => segment.size(),
                _ if bound == ReadBound::LogEnd => segment.size(),
                _ => self.position_of(end, segment)?,
            };
            let available = usize::try_from(limit.saturating_sub(from.position));
            let first_batch = if min_one_batch { from.header.size() } else { 0 };
            let len = max_bytes.max(first_batch).min(available.unwrap_or(usize::MAX));
            let region = segment.region(from.position, len)?;
            let aborted = match bound {
                ReadBound::LastStable => self.aborted_in(segment, &from, len, next, offset)?,
                _ => Vec::new(),
            };
            return Ok(LogRead { region: (len > 0).then_some(region), aborted });
        }
        Ok(LogRead::empty())
    }

    /// Where `end` is in the segment, or will be.
    ///
    /// An append grows the segment first and the log end after it. So if `end` is the log end
    /// after the size was taken, nothing beyond `end` was within that size.
    fn position_of(&self, end: i64, segment: &Segment) -> io::Result<u64> {
        let size = segment.size();
        if end == self.log_end_offset() {
            return Ok(size);
        }
        Ok(segment.locate(end)?.map_or(size, |batch| batch.position))
    }

    fn aborted_in(
        &self,
        segment: &Segment,
        from: &Located,
        len: usize,
        next: Option<i64>,
        offset: i64,
    ) -> io::Result<Vec<AbortedTransaction>> {
        let upper = segment.offsets.offset_after(from.position + len as u64)?;
        let upper = upper.map(|relative| segment.base_offset + i64::from(relative));
        let upper = upper.or(next).unwrap_or(self.log_end_offset());
        self.aborted_between(offset, upper)
    }

    /// The offset asked for; `None` if there is no such record.
    pub fn offset_for_timestamp(&self, query: Query) -> Result<Option<TimestampOffset>, LogError> {
        let at = |offset: i64, epoch: Option<i32>| {
            let leader_epoch = epoch.unwrap_or(-1);
            Some(TimestampOffset { offset, timestamp: -1, leader_epoch })
        };
        match query {
            Query::Earliest | Query::EarliestLocal => {
                let start = self.log_start_offset();
                let epochs = self.epochs.lock();
                let first = epochs.entries().first().filter(|(_, from)| *from <= start);
                Ok(at(start, first.map(|(epoch, _)| *epoch)))
            }
            Query::Latest(bound) => Ok(at(self.bound(bound), self.latest_epoch())),
            Query::LatestTiered => Ok(at(-1, None)),
            Query::MaxTimestamp => {
                let result = self.on_segments(|segments| self.find_max_timestamp(segments));
                let result = result.map_err(LogError::Io);
                self.checked(result)
            }
            Query::At(timestamp) => {
                let result = self.on_segments(|segments| self.find_timestamp(segments, timestamp));
                let result = result.map_err(LogError::Io);
                self.checked(result)
            }
        }
    }

    fn find_max_timestamp(&self, segments: &Segments) -> io::Result<Option<TimestampOffset>> {
        let mut best: Option<&Segment> = None;
        for segment in segments.iter() {
            if segment.max_timestamp().0 > best.map_or(-1, |b| b.max_timestamp().0) {
                best = Some(segment);
            }
        }
        let Some(segment) = best else { return Ok(None) };
        let (timestamp, offset) = segment.max_timestamp();
        let Some(batch) = segment.locate(offset)? else { return Ok(None) };
        // Also of a record below the log's start, as `UnifiedLog.fetchOffsetByTimestamp`.
        first_record(segment, &batch, timestamp, 0)
    }

    fn find_timestamp(
        &self,
        segments: &Segments,
        timestamp: i64,
    ) -> io::Result<Option<TimestampOffset>> {
        let start = self.log_start_offset();
        let late = |segment: &&std::sync::Arc<Segment>| segment.max_timestamp().0 >= timestamp;
        for segment in segments.iter().filter(late) {
            let from = segment.times.lookup(timestamp)?;
            let from = u64::from(segment.offsets.lookup(from)?);
            for batch in segment.batches(from, segment.size()) {
                let batch = batch?;
                if batch.max_timestamp() >= timestamp
                    && batch.last_offset() >= start
                    && let Some(found) = first_record(segment, &batch, timestamp, start)?
                {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// At most `max` segment starts before a time, newest first (ListOffsets v0).
    pub fn offsets_before(&self, timestamp: i64, max: usize) -> Vec<i64> {
        let end = self.high_watermark();
        if timestamp == -2 {
            return std::iter::once(self.log_start_offset()).take(max).collect();
        }
        let segments = self.segments.load_full();
        let active_holds = segments.last().is_some_and(|segment| segment.size() > 0);
        let latest = timestamp == -1;
        let mut all = Vec::new();
        if active_holds && (latest || crate::types::now_ms() <= timestamp) {
            all.push(end);
        }
        let old = segments.iter().rev().skip_while(|s| !latest && s.modified_ms() > timestamp);
        all.extend(old.map(|segment| segment.base_offset.max(self.log_start_offset())));
        all.truncate(max);
        all
    }
}

/// The first record of the batch at or after the time and offset.
fn first_record(
    segment: &Segment,
    batch: &Located,
    timestamp: i64,
    from: i64,
) -> io::Result<Option<TimestampOffset>> {
    let bytes = segment.bytes(batch)?;
    let header = &batch.header;
    let found = |offset, timestamp| {
        Ok(Some(TimestampOffset { offset, timestamp, leader_epoch: header.leader_epoch }))
    };
    if header.magic < 2 {
        let Ok((messages, _)) = legacy::read(&bytes.into()) else { return Ok(None) };
        let mut messages = messages.into_iter();
        let message = messages.find(|m| m.timestamp >= timestamp && m.offset >= from);
        return Ok(message.map(|message| TimestampOffset {
            offset: message.offset,
            timestamp: message.timestamp,
            leader_epoch: -1,
        }));
    }
    let append_time = header.has(LOG_APPEND_TIME);
    // Of one that was compacted the first record can be gone.
    if append_time && i64::from(header.record_count) == i64::from(header.last_offset_delta) + 1 {
        return found(header.base_offset.max(from), header.max_timestamp);
    }
    let packed = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let codec = Codec::from_number(header.codec()).unwrap_or(Codec::None);
    let plain = compress::decompress(codec, packed, DECOMPRESSED_BYTES_MAX)?;
    for record in records(&plain).flatten() {
        let offset = header.base_offset + i64::from(record.offset_delta);
        let time = match append_time {
            true => header.max_timestamp,
            false => header.base_timestamp.wrapping_add(record.timestamp_delta),
        };
        if time >= timestamp && offset >= from {
            return found(offset, time);
        }
    }
    Ok(None)
}
