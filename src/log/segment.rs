//! One segment: a file of batches with its indexes (Kafka's `LogSegment`).
//!
//! Written under the log's lock; read by anybody, since size and indexes only grow until a
//! truncation, which happens on followers only.

use super::api::FileRegion;
use super::batch::{BatchHeader, HEADER_BYTES};
use super::file::LogFile;
use super::index::{OffsetIndex, TimeIndex};
use super::pooled::DirPath;
use super::recovery::remove;
use super::txn_index::TxnIndex;
use crate::config::TopicConfig;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the names of files end with that are being written and are no part of the log yet.
pub const CLEANED: &str = ".cleaned";
/// What the names of files end with that are whole and about to take their place in the log.
pub const SWAP: &str = ".swap";

const SUFFIXES: [&str; 4] = ["log", "index", "timeindex", "txnindex"];

/// The file of a segment: 20 digits of its base offset and the suffix.
pub fn file_name(base_offset: i64, suffix: &str) -> String {
    format!("{base_offset:020}.{suffix}")
}

/// Base offset in the name of a file of a log.
pub fn base_offset_of(name: &str, suffix: &str) -> Option<i64> {
    let digits = name.strip_suffix(suffix)?.strip_suffix('.')?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// A segment.
#[derive(Debug)]
pub struct Segment {
    /// Offset from which on its records are.
    pub base_offset: i64,
    /// Batches.
    pub file: LogFile,
    /// Offset to position.
    pub offsets: OffsetIndex,
    /// Time to offset.
    pub times: TimeIndex,
    /// Aborted transactions.
    pub aborted: TxnIndex,
    size: AtomicU64,
    since_index: AtomicU64,
    max_timestamp: AtomicI64,
    max_timestamp_offset: AtomicI64,
    first_timestamp: AtomicI64,
    created_ms: i64,
    /// The file is longer than its batches.
    preallocated: AtomicBool,
}

/// One batch in a segment: where, and its header (legacy batches have only some fields).
#[derive(Clone, Copy, Debug)]
pub struct Located {
    /// First byte.
    pub position: u64,
    /// Header; `magic` says whether the rest after it means anything.
    pub header: BatchHeader,
    /// Timestamp of a message of format 1; -1 for every other.
    pub legacy_timestamp: i64,
}

impl Located {
    /// Position after it.
    pub fn end(&self) -> u64 {
        self.position + self.header.size() as u64
    }

    /// Offset of the last record, for every format.
    pub fn last_offset(&self) -> i64 {
        if self.header.magic < 2 { self.header.base_offset } else { self.header.last_offset() }
    }

    /// Largest timestamp, or -1.
    pub fn max_timestamp(&self) -> i64 {
        if self.header.magic < 2 { self.legacy_timestamp } else { self.header.max_timestamp }
    }
}

impl Segment {
    /// Opens or creates the segment's files in `dir`.
    pub fn open(dir: &Arc<DirPath>, base_offset: i64, now_ms: i64) -> io::Result<Segment> {
        Segment::open_as(dir, base_offset, "", now_ms)
    }

    /// Makes one that is not yet part of a log: its files' names end with [`CLEANED`].
    pub fn create_cleaned(
        dir: &Arc<DirPath>,
        base_offset: i64,
        now_ms: i64,
    ) -> io::Result<Segment> {
        for suffix in SUFFIXES {
            // Of a pass that failed, and failed to remove it.
            remove(&dir.join(&format!("{}{CLEANED}", file_name(base_offset, suffix))))?;
        }
        Segment::open_as(dir, base_offset, CLEANED, now_ms)
    }

    fn open_as(
        dir: &Arc<DirPath>,
        base_offset: i64,
        ending: &str,
        now_ms: i64,
    ) -> io::Result<Segment> {
        let name = |suffix| format!("{}{ending}", file_name(base_offset, suffix));
        let (file, size) = LogFile::at(dir, name("log"))?;
        if size == 0 {
            file.handle()?;
        }
        Ok(Segment {
            base_offset,
            file,
            offsets: OffsetIndex::open(dir, name("index"))?,
            times: TimeIndex::open(dir, name("timeindex"))?,
            aborted: TxnIndex::open(dir, name("txnindex"))?,
            size: AtomicU64::new(size),
            since_index: AtomicU64::new(0),
            max_timestamp: AtomicI64::new(-1),
            max_timestamp_offset: AtomicI64::new(-1),
            first_timestamp: AtomicI64::new(-1),
            created_ms: now_ms,
            preallocated: AtomicBool::new(false),
        })
    }

    /// All files that the segment may have.
    pub fn paths(dir: &Path, base_offset: i64) -> Vec<PathBuf> {
        let suffixes = ["log", "index", "timeindex", "txnindex", "snapshot"];
        suffixes.iter().map(|suffix| dir.join(file_name(base_offset, suffix))).collect()
    }

    /// Gives its files names that end with `.deleted`; those that are there. Whoever reads it
    /// goes on.
    pub fn rename_deleted(&self) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for (file, suffix) in self.files() {
            if self.rename(file, suffix, ".deleted")? {
                paths.push(file.path());
            }
        }
        Ok(paths)
    }

    /// Gives its files names that end with `ending`, the log first; those that are there.
    pub fn rename_all(&self, ending: &str) -> io::Result<()> {
        let mut files = self.files().into_iter();
        files.try_for_each(|(file, suffix)| self.rename(file, suffix, ending).map(drop))
    }

    /// As [`rename_all`](Self::rename_all), the log last.
    pub fn rename_all_back(&self, ending: &str) -> io::Result<()> {
        let mut files = self.files().into_iter().rev();
        files.try_for_each(|(file, suffix)| self.rename(file, suffix, ending).map(drop))
    }

    /// Removes what [`create_cleaned`](Self::create_cleaned) made and no log has yet. The log is
    /// named `.cleaned` as long as any of the rest is there, so that a start removes that.
    pub fn remove_cleaned(&self) -> io::Result<()> {
        self.rename(&self.file, "log", CLEANED)?;
        self.files().iter().rev().try_for_each(|(file, _)| remove(&file.path()))
    }

    fn files(&self) -> [(&LogFile, &'static str); 4] {
        let [log, index, timeindex, txnindex] = SUFFIXES;
        [
            (&self.file, log),
            (&self.offsets.file, index),
            (&self.times.file, timeindex),
            (&self.aborted.file, txnindex),
        ]
    }

    /// Whether the file was there.
    fn rename(&self, file: &LogFile, suffix: &str, ending: &str) -> io::Result<bool> {
        match file.rename(format!("{}{ending}", file_name(self.base_offset, suffix))) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Bytes of batches.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    fn relative(&self, offset: i64) -> u32 {
        u32::try_from(offset - self.base_offset).unwrap_or(0)
    }

    /// Largest timestamp and the last offset of its batch; (-1, -1) if there is none.
    pub fn max_timestamp(&self) -> (i64, i64) {
        let timestamp = self.max_timestamp.load(Ordering::Acquire);
        (timestamp, self.max_timestamp_offset.load(Ordering::Acquire))
    }

    /// Largest timestamp, else when the file was last written: what retention looks at.
    pub fn age_timestamp(&self) -> i64 {
        let (timestamp, _) = self.max_timestamp();
        if timestamp >= 0 { timestamp } else { self.modified_ms() }
    }

    /// When the file was last written, in ms since 1970.
    pub fn modified_ms(&self) -> i64 {
        let modified = self.file.modified().ok();
        let since = modified.and_then(|time: SystemTime| time.duration_since(UNIX_EPOCH).ok());
        since.map_or(self.created_ms, |since| since.as_millis() as i64)
    }

    /// Time since the first record, by the next record's own clock if it has one.
    pub fn waited_ms(&self, now_ms: i64, timestamp: i64) -> i64 {
        let first = self.first_timestamp.load(Ordering::Relaxed);
        if first >= 0 && timestamp >= 0 { timestamp - first } else { now_ms - self.created_ms }
    }

    /// Timestamp of its first batch, or when it was made.
    pub fn first_timestamp_ms(&self) -> i64 {
        match self.first_timestamp.load(Ordering::Relaxed) {
            first if first >= 0 => first,
            _ => self.created_ms,
        }
    }

    /// Whether `offset` can be an entry of its indexes.
    pub fn can_hold(&self, offset: i64) -> bool {
        i32::try_from(offset - self.base_offset).is_ok_and(|relative| relative >= 0)
    }

    /// Appends with one write; on an error cuts the file back to what it was.
    pub fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<u64> {
        let from = self.size();
        if let Err(error) = self.file.write_at(slices, from) {
            self.file.set_len(from)?;
            return Err(error);
        }
        Ok(from)
    }

    /// Notes a batch that was written at the end: indexes, timestamps, size.
    pub fn wrote(&self, at: &Located, interval: u64) -> io::Result<()> {
        let size = at.header.size() as u64;
        let timestamp = at.max_timestamp();
        if self.first_timestamp.load(Ordering::Relaxed) < 0 {
            self.first_timestamp.store(timestamp, Ordering::Relaxed);
        }
        if timestamp > self.max_timestamp.load(Ordering::Relaxed) {
            self.max_timestamp.store(timestamp, Ordering::Release);
            self.max_timestamp_offset.store(at.last_offset(), Ordering::Release);
        }
        if self.since_index.load(Ordering::Relaxed) > interval {
            self.offsets.append(self.relative(at.last_offset()), at.position as u32)?;
            self.index_max_timestamp()?;
            self.since_index.store(0, Ordering::Relaxed);
        }
        self.since_index.fetch_add(size, Ordering::Relaxed);
        self.size.store(at.end(), Ordering::Release);
        Ok(())
    }

    fn index_max_timestamp(&self) -> io::Result<()> {
        let (timestamp, offset) = self.max_timestamp();
        self.times.append(timestamp, self.relative(offset))
    }

    /// Gives the file of a new segment its full size if the topic says so; what is beyond its
    /// batches is zero. After a crash recovery cuts it, which finds no batch there.
    pub fn preallocate(&self, config: &TopicConfig) -> io::Result<()> {
        if config.preallocate && self.size() == 0 {
            self.preallocated.store(true, Ordering::Relaxed);
            self.file.set_len(u64::try_from(config.segment_bytes).unwrap_or(0))?;
        }
        Ok(())
    }

    /// It is no longer appended to.
    pub fn seal(&self) -> io::Result<()> {
        if self.preallocated.swap(false, Ordering::Relaxed) {
            self.file.set_len(self.size())?;
        }
        self.index_max_timestamp()?;
        self.offsets.trim()?;
        self.times.trim()
    }

    /// Makes all of it survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync()?;
        self.offsets.sync()?;
        self.times.sync()?;
        self.aborted.sync()
    }

    /// The batches from `position` on, headers only, up to `end`; stops at a torn one.
    pub fn batches(&self, position: u64, end: u64) -> Batches<'_> {
        Batches { file: &self.file, position, end, buffer: Vec::new(), at: 0 }
    }

    /// The first batch that ends at or after `offset`. An index that leads to what cannot be a
    /// batch before it is not followed.
    pub fn locate(&self, offset: i64) -> io::Result<Option<Located>> {
        let indexed = u64::from(self.offsets.lookup(self.relative(offset))?);
        for from in [indexed, 0] {
            let mut is_batch = from == 0;
            for batch in self.batches(from, self.size()) {
                let batch = batch?;
                is_batch = is_batch || self.can_precede(&batch.header, offset);
                if !is_batch {
                    break;
                }
                if batch.last_offset() >= offset {
                    return Ok(Some(batch));
                }
            }
            if is_batch {
                break;
            }
        }
        Ok(None)
    }

    fn can_precede(&self, header: &BatchHeader, offset: i64) -> bool {
        (0..=2).contains(&header.magic) && (self.base_offset..=offset).contains(&header.base_offset)
    }

    /// The whole bytes of a batch.
    pub fn bytes(&self, at: &Located) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; at.header.size()];
        self.file.read_exact_at(&mut bytes, at.position)?;
        Ok(bytes)
    }

    /// Bytes of it, for sending.
    pub fn region(&self, position: u64, len: usize) -> io::Result<FileRegion> {
        Ok(FileRegion { file: self.file.handle()?, position, len })
    }

    /// Cuts off `offset` and all that follows; gives the size left.
    pub fn truncate_to(&self, offset: i64) -> io::Result<u64> {
        // Also without a batch there: an append that failed half-way can have left index entries.
        let size = self.locate(offset)?.map_or(self.size(), |at| at.position);
        self.cut(size, offset)
    }

    /// Cuts the file to `size` bytes, and entries at or after `offset` from the indexes.
    pub fn cut(&self, size: u64, offset: i64) -> io::Result<u64> {
        self.offsets.truncate_to(self.relative(offset))?;
        self.times.truncate_to(self.relative(offset))?;
        self.aborted.truncate_to(offset)?;
        self.size.store(size, Ordering::Release);
        self.since_index.store(0, Ordering::Relaxed);
        self.file.set_len(size)?;
        self.load_max_timestamp()?;
        Ok(size)
    }

    /// Finds the largest timestamp again: from the index, and what lies after its last entry.
    pub fn load_max_timestamp(&self) -> io::Result<()> {
        let last = self.times.last()?;
        let (mut timestamp, mut offset) =
            last.map_or((-1, -1), |(t, o)| (t, self.base_offset + i64::from(o)));
        let from = u64::from(self.offsets.lookup(last.map_or(0, |(_, o)| o))?);
        for batch in self.batches(from, self.size()) {
            let batch = batch?;
            if batch.max_timestamp() > timestamp {
                (timestamp, offset) = (batch.max_timestamp(), batch.last_offset());
            }
        }
        let first = self.batches(0, self.size()).next().transpose()?;
        self.first_timestamp.store(first.map_or(-1, |b| b.max_timestamp()), Ordering::Relaxed);
        self.max_timestamp_offset.store(offset, Ordering::Release);
        self.max_timestamp.store(timestamp, Ordering::Release);
        Ok(())
    }

    /// Whether the indexes can be those of its batches (Kafka's `sanityCheck`): whole entries, the
    /// last of which lies within the segment.
    pub fn is_indexed_sanely(&self) -> io::Result<bool> {
        let whole = self.offsets.is_whole()? && self.times.is_whole()?;
        if !whole || !self.aborted.is_sane(self.base_offset)? {
            return Ok(false);
        }
        let offset = self.offsets.last()?;
        let placed = offset.is_none_or(|(o, position)| o > 0 && u64::from(position) < self.size());
        let many = self.times.entries() > 1;
        let timed = self.times.last()?.is_none_or(|(time, o)| time >= 0 && (o > 0 || !many));
        Ok(placed && timed)
    }

    /// Closes the indexes until they are needed again.
    pub fn release(&self) {
        self.offsets.release();
        self.times.release();
    }

    /// Makes the indexes anew for a segment whose batches are noted again with `wrote`.
    pub fn reset(&self) -> io::Result<()> {
        self.offsets.clear()?;
        self.times.clear()?;
        self.aborted.clear()?;
        self.size.store(0, Ordering::Release);
        self.since_index.store(0, Ordering::Relaxed);
        self.max_timestamp.store(-1, Ordering::Release);
        self.max_timestamp_offset.store(-1, Ordering::Release);
        self.first_timestamp.store(-1, Ordering::Relaxed);
        Ok(())
    }
}

const CHUNK_BYTES: usize = 4096;

/// See [`Segment::batches`].
pub struct Batches<'a> {
    file: &'a LogFile,
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    at: u64,
}

impl<'a> Batches<'a> {
    /// The batches of a file up to `end`.
    pub fn of(file: &'a LogFile, end: u64) -> Batches<'a> {
        Batches { file, position: 0, end, buffer: Vec::new(), at: 0 }
    }

    /// The timestamp of the message whose header was just read.
    fn legacy_timestamp(&self) -> i64 {
        let at = usize::try_from(self.position.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let bytes = self.buffer.get(at..).and_then(|message| message.get(18..26));
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or(-1, i64::from_be_bytes)
    }

    fn header(&mut self) -> io::Result<Option<BatchHeader>> {
        let inside = self.position.checked_sub(self.at).map(|at| at as usize);
        let bytes = |buffer: &[u8], at: Option<usize>| {
            let rest = buffer.get(at?..)?;
            (rest.len() >= HEADER_BYTES).then(|| BatchHeader::read(rest)).flatten()
        };
        if let Some(header) = bytes(&self.buffer, inside) {
            return Ok(Some(header));
        }
        let left = usize::try_from(self.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        self.buffer.resize(left.min(CHUNK_BYTES), 0);
        let read = self.file.read_at(&mut self.buffer, self.position)?;
        self.buffer.truncate(read);
        self.at = self.position;
        // A message of format 0 or 1 can be smaller than a header of format 2.
        let legacy = self.buffer.get(16).is_some_and(|magic| *magic < 2);
        if legacy && self.buffer.len() < HEADER_BYTES {
            self.buffer.resize(HEADER_BYTES, 0);
        }
        Ok(bytes(&self.buffer, Some(0)))
    }
}

impl Iterator for Batches<'_> {
    type Item = io::Result<Located>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = match self.header() {
            Ok(header) => header?,
            Err(error) => return Some(Err(error)),
        };
        let legacy_timestamp = if header.magic == 1 { self.legacy_timestamp() } else { -1 };
        let located = Located { position: self.position, header, legacy_timestamp };
        let smallest = if header.magic < 2 { 26 } else { HEADER_BYTES };
        if header.size() < smallest || located.end() > self.end {
            return None;
        }
        self.position = located.end();
        Some(Ok(located))
    }
}
