//! Appending: checks outside the lock, then producers' checks, offsets, rolls and one write for
//! all sets under it (Kafka's `UnifiedLog.append`).

use super::api::{AppendError, Appended, LogError, Origin, RecordSet};
use super::batch::{self, BatchHeader, HEAD_BYTES, HEADER_BYTES};
use super::legacy;
use super::partition_log::{Log, Writer, jitter};
use super::producer_state::{Marker, Sequence};
use super::recovery::{marker_of, remove, restore};
use super::segment::{Located, Segment};
use super::validate::{self, Checked};
use crate::config::{TimestampType, TopicConfig};
use bytes::Bytes;
use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Batches that have offsets but are not yet written.
struct Pending {
    header: BatchHeader,
    head: [u8; HEAD_BYTES],
    bytes: Bytes,
}

/// An append under way, under the log's lock.
struct Append<'a> {
    log: &'a Log,
    writer: &'a mut Writer,
    config: &'a TopicConfig,
    now_ms: i64,
    next: i64,
    pending: Vec<Pending>,
    pending_bytes: u64,
    /// The disk failed half-way through a set.
    broken: Option<LogError>,
}

impl Log {
    /// Appends each set, with one lock and one write for all that are valid. Each has its own
    /// result; a disk that is full fails those that were to be written, and nothing of them stays.
    pub fn append_as_leader(
        &self,
        sets: &[RecordSet],
        leader_epoch: i32,
        origin: Origin,
        now_ms: i64,
    ) -> Vec<Result<Appended, AppendError>> {
        let config = self.config.load_full();
        let checked: Vec<_> =
            sets.iter().map(|set| validate::check(&set.records, origin, &config, now_ms)).collect();
        let mut writer = self.writer.lock();
        if let Err(error) = self.check_open(&writer) {
            return checked.iter().map(|_| Err(again(&error))).collect();
        }
        let (from, epoch) = (self.log_end_offset(), self.latest_epoch());
        let mut append = Append::new(self, &mut writer, &config, now_ms);
        let mut results: Vec<_> =
            checked.into_iter().map(|set| append.add_set(set?, leader_epoch, origin)).collect();
        if let Err(error) = append.finish() {
            self.undo(&mut writer, from, epoch);
            // What a duplicate repeats can be among what was to be written.
            let is_gone = |a: &Appended| !a.duplicate || a.last_offset >= from;
            for result in results.iter_mut().filter(|r| r.as_ref().is_ok_and(is_gone)) {
                *result = Err(again(&error));
            }
        }
        drop(writer);
        self.flush_if_due(&config, &mut results);
        let end = self.log_end_offset();
        results.iter_mut().flatten().for_each(|appended| appended.leo_after = end);
        results
    }

    /// Appends what a leader sent, as it is: offsets and epochs are the leader's.
    pub fn append_as_follower(&self, records: &Bytes) -> Result<Appended, AppendError> {
        let config = self.config.load_full();
        let mut writer = self.writer.lock();
        self.check_open(&writer)?;
        let (from, epoch) = (self.log_end_offset(), self.latest_epoch());
        let now_ms = crate::types::now_ms();
        let mut append = Append::new(self, &mut writer, &config, now_ms);
        let result = append.add_fetched(records);
        let result = result.and_then(|appended| Ok(append.finish().map(|()| appended)?));
        if matches!(result, Err(AppendError::Log(_))) {
            self.undo(&mut writer, from, epoch);
        }
        drop(writer);
        let mut results = [result];
        self.flush_if_due(&config, &mut results);
        let [result] = results;
        result
    }

    /// Appends what another log of this partition has, as it is.
    pub fn append_copy(&self, records: &Bytes) -> Result<Appended, AppendError> {
        self.append_as_follower(records)
    }

    fn check_open(&self, writer: &Writer) -> Result<(), LogError> {
        self.dir_state.check()?;
        if writer.closed { Err(LogError::Offline(self.dir())) } else { Ok(()) }
    }

    /// Goes back to `end` after a failed write: also whole batches may have come before it.
    ///
    /// An epoch that had begun before stays, though it has no records yet.
    fn undo(&self, writer: &mut Writer, end: i64, epoch: Option<i32>) {
        let result = self.truncate_locked(writer, end);
        if let Some(epoch) = epoch {
            self.epochs.lock().assign(epoch, end);
        }
        if let Err(error) = self.checked(result) {
            tracing::warn!(%error, log = %self.id, "not all of a failed append was undone");
        }
    }

    fn flush_if_due(&self, config: &TopicConfig, results: &mut [Result<Appended, AppendError>]) {
        let end = self.log_end_offset();
        if end.saturating_sub(self.recovery_point()) < config.flush_messages {
            return;
        }
        if let Err(error) = self.flush_to(end) {
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                *result = Err(again(&error));
            }
        }
    }

    /// Seals the active segment and begins another at `offset`.
    pub(super) fn roll_locked(
        &self,
        writer: &mut Writer,
        config: &TopicConfig,
        offset: i64,
        now_ms: i64,
    ) -> Result<Arc<Segment>, LogError> {
        self.write_snapshot(writer, offset)?;
        let mut segments = self.segments.load().as_ref().clone();
        let mut is_new = true;
        if let Some(active) = segments.last() {
            active.seal()?;
            // An empty segment at this very offset, with full indexes, is used anew.
            if active.base_offset == offset {
                active.reset()?;
                segments.pop();
                is_new = false;
            }
        }
        let segment = self.new_segment(config, offset, now_ms).inspect_err(|_| {
            // A file that is no segment of this log would be one at the next start.
            let paths = Segment::paths(&self.dir.load(), offset).into_iter().filter(|_| is_new);
            paths.for_each(|path| drop(remove(&path)));
        })?;
        writer.jitter_ms = jitter(config);
        segments.push(segment.clone());
        self.segments.store(Arc::new(segments));
        Ok(segment)
    }

    pub(super) fn new_segment(
        &self,
        config: &TopicConfig,
        offset: i64,
        now_ms: i64,
    ) -> Result<Arc<Segment>, LogError> {
        let segment = Arc::new(Segment::open(&self.dir, offset, now_ms)?);
        segment.preallocate(config)?;
        segment.offsets.grow_to(config.segment_index_bytes)?;
        segment.times.grow_to(config.segment_index_bytes)?;
        Ok(segment)
    }

    pub(super) fn reload_producers(&self, writer: &mut Writer) -> Result<(), LogError> {
        let segments = self.segments.load_full();
        writer.producers = restore(&self.dir.load(), &segments, self.log_end_offset())?;
        Ok(())
    }
}

/// A compacted topic rolls in time for `max.compaction.lag.ms` (LogConfig.maxSegmentMs).
fn max_segment_ms(config: &TopicConfig) -> i64 {
    match config.cleanup_policy.compact {
        true => config.segment_ms.min(config.max_compaction_lag_ms),
        false => config.segment_ms,
    }
}

/// The same failure for another caller.
fn again(error: &LogError) -> AppendError {
    AppendError::Log(copy_of(error))
}

fn copy_of(error: &LogError) -> LogError {
    let code = match error {
        LogError::Io(error) => error.raw_os_error(),
        _ => None,
    };
    let error = match code {
        Some(code) => std::io::Error::from_raw_os_error(code),
        None => std::io::Error::other(error.to_string()),
    };
    LogError::Io(error)
}

/// The header of a batch that a leader sent, if it can follow `next`.
fn fetched(bytes: &[u8], next: i64) -> Result<BatchHeader, AppendError> {
    if legacy::is_legacy(bytes) {
        return fetched_legacy(bytes, next);
    }
    let Some(header) = BatchHeader::read(bytes) else {
        return Err(AppendError::Corrupt("no whole header"));
    };
    if header.magic != 2 || !batch::crc_is_right(&header, bytes) {
        return Err(AppendError::Corrupt("the CRC is wrong"));
    }
    if header.base_offset < next || header.last_offset_delta < 0 {
        return Err(AppendError::UnexpectedOffset { got: header.base_offset, expected: next });
    }
    Ok(header)
}

/// A message of format 0 or 1 that a leader has kept since before 3.0. Its one offset is that of
/// its last record, and no producer is known.
fn fetched_legacy(bytes: &[u8], next: i64) -> Result<BatchHeader, AppendError> {
    if !legacy::crc_is_right(bytes) {
        return Err(AppendError::Corrupt("the CRC is wrong"));
    }
    let header = legacy::header(bytes).ok_or(AppendError::Corrupt("no whole message"))?;
    if header.base_offset < next {
        return Err(AppendError::UnexpectedOffset { got: header.base_offset, expected: next });
    }
    Ok(header)
}

impl<'a> Append<'a> {
    fn new(
        log: &'a Log,
        writer: &'a mut Writer,
        config: &'a TopicConfig,
        now_ms: i64,
    ) -> Append<'a> {
        let next = log.log_end_offset();
        Append {
            log,
            writer,
            config,
            now_ms,
            next,
            pending: Vec::new(),
            pending_bytes: 0,
            broken: None,
        }
    }

    fn appended(&self, base_offset: i64, last_offset: i64) -> Appended {
        let append_time = self.config.message_timestamp_type == TimestampType::LogAppendTime;
        Appended {
            base_offset,
            last_offset,
            append_time_ms: if append_time { self.now_ms } else { -1 },
            log_start_offset: self.log.log_start_offset(),
            bytes: 0,
            messages: 0,
            leo_after: self.next,
            duplicate: false,
        }
    }

    fn add_set(
        &mut self,
        set: Vec<Checked>,
        leader_epoch: i32,
        origin: Origin,
    ) -> Result<Appended, AppendError> {
        let size = set.iter().map(|batch| batch.bytes.len()).sum();
        let max = usize::try_from(self.config.segment_bytes).unwrap_or(0);
        if size > max {
            return Err(AppendError::LargerThanSegment { size, max });
        }
        let mut markers = Vec::with_capacity(set.len());
        for Checked { header, bytes } in &set {
            let marker = marker_of(header, bytes.get(HEADER_BYTES..).unwrap_or_default());
            markers.push(marker);
            if header.has_producer()
                && let Sequence::Duplicate(found) =
                    self.writer.producers.check(header, marker, origin)?
            {
                let appended = self.appended(found.base_offset(), found.last_offset);
                // As Kafka: a duplicate has the time of the batch that is there, of either type.
                return Ok(Appended {
                    append_time_ms: found.timestamp,
                    duplicate: true,
                    ..appended
                });
            }
        }
        if set.is_empty() {
            // No whole batch, which a client of before v3 may send: nothing is appended, nowhere.
            return Ok(Appended { append_time_ms: -1, ..self.appended(-1, -1) });
        }
        let mut appended = self.appended(self.next, self.next - 1);
        for (Checked { mut header, bytes }, marker) in set.into_iter().zip(markers) {
            header.base_offset = self.next;
            header.leader_epoch = leader_epoch;
            appended.bytes += bytes.len();
            appended.messages += u64::try_from(header.record_count).unwrap_or(0);
            appended.last_offset = header.last_offset();
            let added = self.add(header, bytes, marker);
            if let Err(AppendError::Log(error)) = &added {
                self.broken = Some(copy_of(error));
            }
            added?;
        }
        appended.leo_after = self.next;
        Ok(appended)
    }

    /// All are checked before the first is added: an append that is refused changes nothing.
    fn add_fetched(&mut self, records: &Bytes) -> Result<Appended, AppendError> {
        let mut appended = self.appended(self.next, self.next - 1);
        let mut checked = Vec::new();
        let mut next = self.next;
        for bytes in batch::split(records) {
            let header = fetched(&bytes, next)?;
            next = header.next_offset();
            if checked.is_empty() {
                appended.base_offset = header.base_offset;
            }
            appended.bytes += bytes.len();
            appended.messages += u64::try_from(header.record_count).unwrap_or(0);
            appended.last_offset = header.last_offset();
            checked.push((header, bytes));
        }
        for (header, bytes) in checked {
            let marker = marker_of(&header, bytes.get(HEADER_BYTES..).unwrap_or_default());
            self.add(header, bytes, marker)?;
        }
        appended.leo_after = self.next;
        Ok(appended)
    }

    fn add(
        &mut self,
        header: BatchHeader,
        bytes: Bytes,
        marker: Option<Marker>,
    ) -> Result<(), AppendError> {
        self.roll_if_due(&header, bytes.len() as u64)?;
        if header.base_offset > self.next {
            // Behind a gap, which compaction left at the leader, recovery would not find where an
            // epoch without records began.
            self.log.save_epochs()?;
        }
        if header.magic >= 2 {
            self.log.assign_epoch_start(header.leader_epoch, header.base_offset);
        }
        // Later batches of the same append are checked against this one; a failed write reloads.
        let aborted = self.writer.producers.update(&header, marker);
        if let (Some(txn), Some(active)) = (aborted, self.log.active_segment()) {
            active.aborted.append(txn).map_err(LogError::Io)?;
        }
        self.next = header.next_offset();
        self.pending_bytes += bytes.len() as u64;
        let head = BatchHeader::head(header.base_offset, header.length, header.leader_epoch);
        self.pending.push(Pending { header, head, bytes });
        Ok(())
    }

    fn roll_if_due(&mut self, header: &BatchHeader, size: u64) -> Result<(), LogError> {
        let Some(active) = self.log.active_segment() else { return Ok(()) };
        let held = active.size() + self.pending_bytes;
        let max = u64::try_from(self.config.segment_bytes).unwrap_or(0);
        let waited = active.waited_ms(self.now_ms, header.max_timestamp);
        let due = held + size > max
            || held > 0 && waited > max_segment_ms(self.config) - self.writer.jitter_ms
            || active.offsets.is_full()
            || active.times.is_nearly_full()
            || !active.can_hold(header.last_offset());
        if due && (held > 0 || !active.can_hold(header.last_offset())) {
            self.write_pending()?;
            // The first record of a message that holds several lies before its offset.
            let first = if header.magic < 2 { self.next } else { header.base_offset };
            let (log, at) = (self.log, self.next.max(first));
            log.roll_locked(self.writer, self.config, at, self.now_ms)?;
        }
        Ok(())
    }

    /// One write of all that has offsets.
    fn write_pending(&mut self) -> Result<(), LogError> {
        let Some(active) = self.log.active_segment().filter(|_| !self.pending.is_empty()) else {
            return Ok(());
        };
        let mut slices = Vec::with_capacity(self.pending.len() * 2);
        for batch in &self.pending {
            slices.push(IoSlice::new(&batch.head));
            slices.push(IoSlice::new(batch.bytes.get(HEAD_BYTES..).unwrap_or_default()));
        }
        let mut position = active.write(&slices)?;
        let interval = u64::try_from(self.config.index_interval_bytes).unwrap_or(0);
        for batch in self.pending.drain(..) {
            let header = batch.header;
            let legacy_timestamp = if header.magic < 2 { header.max_timestamp } else { -1 };
            let located = Located { position, header, legacy_timestamp };
            position = located.end();
            active.wrote(&located, interval)?;
        }
        self.pending_bytes = 0;
        self.log.end.store(self.next, Ordering::Release);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), LogError> {
        if let Some(error) = self.broken.take() {
            return self.log.checked(Err(error));
        }
        let result = self.write_pending();
        self.log.checked(result)
    }
}
