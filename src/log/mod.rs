//! Stub: the seam as others code against it, with a log that works well enough to try the rest.
#![allow(missing_docs, clippy::all, unused)]
use crate::config::TopicConfig;
use crate::types::*;
use arc_swap::ArcSwap;
use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

/// One record of a batch that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Index of the record in its batch, from 0.
    pub index: i32,
    /// Why, as the producer is to read it.
    pub message: String,
}

/// Why records were not appended, a variant per Kafka code.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// CRC or lengths are wrong.
    #[error("the records are corrupt: {0}")]
    Corrupt(&'static str),
    /// Records break a rule of the topic or the format.
    #[error("{message}")]
    InvalidRecord {
        /// The records at fault, if single ones are.
        errors: Vec<RecordError>,
        /// Of the whole batch.
        message: String,
    },
    /// Timestamps are too far from the broker's clock.
    #[error("one or more records have been rejected due to invalid timestamp")]
    InvalidTimestamp {
        /// The records at fault.
        errors: Vec<RecordError>,
    },
    /// The codec is unknown, or not allowed for this format.
    #[error("unsupported compression")]
    UnsupportedCompression,
    /// A batch is larger than `max.message.bytes`.
    #[error("a batch of {size} bytes is larger than max.message.bytes ({max})")]
    TooLarge {
        /// Bytes of the batch.
        size: usize,
        /// What is allowed.
        max: usize,
    },
    /// The records are larger than a segment.
    #[error("{size} bytes are more than segment.bytes ({max})")]
    LargerThanSegment {
        /// Bytes of the records.
        size: usize,
        /// What is allowed.
        max: usize,
    },
    /// The producer skipped a sequence number.
    #[error("out of order sequence number {got} of producer {producer_id}, expected {expected}")]
    OutOfOrderSequence {
        /// Producer.
        producer_id: i64,
        /// First sequence number of the batch.
        got: i32,
        /// What should have come.
        expected: i32,
    },
    /// The producer's epoch is older than that known.
    #[error("epoch {got} of producer {producer_id} is older than {current}")]
    InvalidProducerEpoch {
        /// Producer.
        producer_id: i64,
        /// Its epoch.
        got: i16,
        /// The newest known.
        current: i16,
    },
    /// A marker comes from a coordinator that was replaced.
    #[error("the transaction coordinator is fenced")]
    CoordinatorFenced,
    /// Records outside a transaction while one of the same producer is open.
    #[error("the producer has an open transaction")]
    InvalidTxnState,
    /// A follower got records that do not follow its own.
    #[error("offset {got} does not follow {expected}")]
    UnexpectedOffset {
        /// First offset got.
        got: i64,
        /// Log end offset.
        expected: i64,
    },
    /// The directory is offline or the write failed; nothing was appended.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Why records were not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The offset is before the start or after the end.
    #[error("offset is not within {log_start}..={log_end}")]
    OffsetOutOfRange {
        /// First offset.
        log_start: i64,
        /// Offset after the last.
        log_end: i64,
    },
    /// The disk failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// The disk, or what lies on it, is at fault.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// An operation failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The log directory failed before and takes no more.
    #[error("log directory {} is offline", .0.display())]
    Offline(PathBuf),
    /// A file cannot be understood.
    #[error("{}: {why}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A log start offset beyond the high watermark, or before 0.
    #[error("offset {offset} is not within {log_start}..={high_watermark}")]
    OffsetOutOfRange {
        /// What was asked for.
        offset: i64,
        /// First offset.
        log_start: i64,
        /// High watermark.
        high_watermark: i64,
    },
    /// The topic id on disk is another.
    #[error("the topic id on disk is another")]
    InconsistentTopicId,
    /// Another process holds the directory.
    #[error("{} is locked by another process", .0.display())]
    Locked(PathBuf),
    /// All directories are offline.
    #[error("no log directory is online")]
    NoDirectory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBound {
    LogEnd,
    HighWatermark,
    LastStable,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    Earliest,
    Latest(ReadBound),
    MaxTimestamp,
    EarliestLocal,
    LatestTiered,
    At(i64),
}
#[derive(Clone, Copy, Debug)]
pub struct TimestampOffset {
    pub offset: i64,
    pub timestamp: i64,
    pub leader_epoch: i32,
}
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    Client,
    Coordinator,
}
#[derive(Clone, Debug)]
pub struct RecordSet {
    pub records: Bytes,
}
#[derive(Clone, Debug)]
pub struct Appended {
    pub base_offset: i64,
    pub last_offset: i64,
    pub append_time_ms: i64,
    pub log_start_offset: i64,
    pub bytes: usize,
    pub messages: u64,
    pub leo_after: i64,
    pub duplicate: bool,
}
#[derive(Debug, Clone)]
pub struct AbortedTransaction {
    pub producer_id: i64,
    pub first_offset: i64,
}
#[derive(Debug)]
pub struct FileRegion {
    pub file: Arc<File>,
    pub position: u64,
    pub len: usize,
}
#[derive(Debug)]
pub struct LogRead {
    pub region: Option<FileRegion>,
    pub aborted: Vec<AbortedTransaction>,
}
impl LogRead {
    pub fn empty() -> Self {
        LogRead { region: None, aborted: vec![] }
    }
}
pub struct ProducerStateEntry {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub last_sequence: i32,
    pub last_timestamp: i64,
    pub coordinator_epoch: i32,
    pub current_txn_first_offset: Option<i64>,
}
#[derive(Debug)]
pub struct Progress;
pub struct LogDirsConfig(PathBuf);
impl LogDirsConfig {
    pub fn from_broker(c: &crate::config::BrokerConfig) -> Self {
        LogDirsConfig(c.log_dirs().remove(0))
    }
}
pub struct Meta {
    pub cluster_id: Option<String>,
    pub broker_id: Option<i32>,
}
#[derive(Clone, Copy)]
struct Batch {
    base: i64,
    last: i64,
    at: u64,
    len: usize,
    max_ts: i64,
}
pub struct Log {
    id: TopicPartition,
    topic_id: ArcSwap<Option<TopicId>>,
    dir: PathBuf,
    file: Arc<File>,
    config: ArcSwap<TopicConfig>,
    batches: Mutex<Vec<Batch>>,
    start: AtomicI64,
    end: AtomicI64,
    hw: AtomicI64,
}
fn i32_at(b: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(b[at..at + 4].try_into().unwrap())
}
fn i64_at(b: &[u8], at: usize) -> i64 {
    i64::from_be_bytes(b[at..at + 8].try_into().unwrap())
}
impl Log {
    fn open(
        parent: &Path,
        id: TopicPartition,
        t: Option<TopicId>,
        c: Arc<TopicConfig>,
    ) -> Result<Log, LogError> {
        let dir = parent.join(id.to_string());
        std::fs::create_dir_all(&dir)?;
        let file = File::options()
            .create(true)
            .read(true)
            .append(true)
            .open(dir.join("00000000000000000000.log"))?;
        let data = std::fs::read(dir.join("00000000000000000000.log"))?;
        let (mut at, mut batches, mut end) = (0, vec![], 0);
        while at + 61 <= data.len() {
            let b = &data[at..];
            let len = 12 + i32_at(b, 8) as usize;
            let base = i64_at(b, 0);
            let last = base + i32_at(b, 23) as i64;
            batches.push(Batch { base, last, at: at as u64, len, max_ts: i64_at(b, 35) });
            end = last + 1;
            at += len;
        }
        Ok(Log {
            id,
            topic_id: ArcSwap::from_pointee(t),
            dir: parent.into(),
            file: Arc::new(file),
            config: ArcSwap::new(c),
            batches: Mutex::new(batches),
            start: 0.into(),
            end: end.into(),
            hw: 0.into(),
        })
    }
    pub fn append_as_leader(
        &self,
        sets: &[RecordSet],
        e: i32,
        o: Origin,
        now: i64,
    ) -> Vec<Result<Appended, AppendError>> {
        let mut batches = self.batches.lock();
        sets.iter()
            .map(|set| {
                let b = &set.records;
                if b.len() < 61 {
                    return Err(AppendError::Corrupt(""));
                }
                let base = self.end.load(SeqCst);
                let last = base + i32_at(b, 23) as i64;
                let mut out = BytesMut::with_capacity(b.len());
                out.put_i64(base);
                out.put_slice(&b[8..12]);
                out.put_i32(e);
                out.put_slice(&b[16..]);
                let at = batches.last().map_or(0, |b| b.at + b.len as u64);
                self.file.write_all_at(&out, at).map_err(|_| AppendError::Corrupt(""))?;
                batches.push(Batch { base, last, at, len: out.len(), max_ts: i64_at(b, 35) });
                self.end.store(last + 1, SeqCst);
                Ok(Appended {
                    base_offset: base,
                    last_offset: last,
                    append_time_ms: -1,
                    log_start_offset: self.start.load(SeqCst),
                    bytes: out.len(),
                    messages: (last - base + 1) as u64,
                    leo_after: last + 1,
                    duplicate: false,
                })
            })
            .collect()
    }
    pub fn read(
        &self,
        offset: i64,
        max: usize,
        one: bool,
        b: ReadBound,
    ) -> Result<LogRead, ReadError> {
        let (log_start, log_end) = (self.log_start_offset(), self.log_end_offset());
        if offset < log_start || offset > log_end {
            return Err(ReadError::OffsetOutOfRange { log_start, log_end });
        }
        let bound = if b == ReadBound::LogEnd { log_end } else { self.high_watermark() };
        let batches = self.batches.lock();
        let from = batches.partition_point(|b| b.last < offset);
        let mut len = 0;
        for (i, b) in batches[from..].iter().enumerate() {
            if b.last >= bound || (len + b.len > max && !(i == 0 && one)) {
                break;
            }
            len += b.len;
        }
        let region = (len > 0).then(|| FileRegion {
            file: self.file.clone(),
            position: batches[from].at,
            len,
        });
        Ok(LogRead { region, aborted: vec![] })
    }
    pub fn append_as_follower(&self, records: &Bytes) -> Result<(), AppendError> {
        let mut batches = self.batches.lock();
        let mut b = records.clone();
        while b.len() >= 61 {
            let len = 12 + i32_at(&b, 8) as usize;
            if len > b.len() {
                break;
            }
            let (base, last) = (i64_at(&b, 0), i64_at(&b, 0) + i32_at(&b, 23) as i64);
            let at = batches.last().map_or(0, |b| b.at + b.len as u64);
            self.file.write_all_at(&b[..len], at).map_err(|_| AppendError::Corrupt(""))?;
            batches.push(Batch { base, last, at, len, max_ts: i64_at(&b, 35) });
            self.end.store(last + 1, SeqCst);
            b = b.split_off(len);
        }
        Ok(())
    }
    pub fn latest_epoch(&self) -> Option<i32> {
        None
    }
    pub fn truncate_to(&self, to: i64) -> Result<(), LogError> {
        Ok(())
    }
    pub fn truncate_fully_and_start_at(&self, to: i64) -> Result<(), LogError> {
        Ok(())
    }
    pub fn log_start_offset(&self) -> i64 {
        self.start.load(SeqCst)
    }
    pub fn log_end_offset(&self) -> i64 {
        self.end.load(SeqCst)
    }
    pub fn high_watermark(&self) -> i64 {
        self.hw.load(SeqCst)
    }
    pub fn last_stable_offset(&self) -> i64 {
        self.hw.load(SeqCst)
    }
    pub fn set_high_watermark(&self, o: i64) -> i64 {
        self.hw.store(o, SeqCst);
        o
    }
    pub fn advance_log_start_offset(&self, o: i64) -> Result<(), LogError> {
        self.start.fetch_max(o, SeqCst);
        Ok(())
    }
    pub fn offset_for_timestamp(&self, q: Query) -> Result<Option<TimestampOffset>, LogError> {
        let at =
            |offset, timestamp| Ok(Some(TimestampOffset { offset, timestamp, leader_epoch: 0 }));
        match q {
            Query::Earliest | Query::EarliestLocal => at(self.log_start_offset(), -1),
            Query::At(t) => match self.batches.lock().iter().find(|b| b.max_ts >= t) {
                Some(b) => at(b.base, b.max_ts),
                None => Ok(None),
            },
            _ => at(-1, -1),
        }
    }
    pub fn end_offset_for_epoch(&self, e: i32) -> (i32, i64) {
        (e, self.log_end_offset())
    }
    pub fn assign_epoch_start(&self, e: i32, o: i64) -> Result<(), LogError> {
        Ok(())
    }
    pub fn config(&self) -> Arc<TopicConfig> {
        self.config.load_full()
    }
    pub fn set_config(&self, c: Arc<TopicConfig>) {
        self.config.store(c)
    }
    pub fn topic_id(&self) -> Option<TopicId> {
        **self.topic_id.load()
    }
    pub fn assign_topic_id(&self, id: TopicId) -> Result<(), LogError> {
        self.topic_id.store(Arc::new(Some(id)));
        Ok(())
    }
    pub fn offsets_before(&self, t: i64, max: usize) -> Vec<i64> {
        vec![self.log_end_offset()]
    }
    pub fn active_producers(&self) -> Vec<ProducerStateEntry> {
        vec![]
    }
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.id
    }
    pub fn size(&self) -> u64 {
        self.batches.lock().last().map_or(0, |b| b.at + b.len as u64)
    }
    pub fn parent_dir(&self) -> PathBuf {
        self.dir.clone()
    }
}
pub struct DirStatus {
    pub path: PathBuf,
    pub online: bool,
}
pub struct LogDirs {
    dir: PathBuf,
    logs: Mutex<HashMap<TopicPartition, Arc<Log>>>,
}
impl LogDirs {
    pub fn open(
        c: LogDirsConfig,
        r: &dyn Fn(&str) -> Arc<TopicConfig>,
        p: &dyn Fn(Progress),
    ) -> Result<Arc<LogDirs>, LogError> {
        std::fs::create_dir_all(&c.0)?;
        Ok(Arc::new(LogDirs { dir: c.0, logs: Mutex::default() }))
    }
    pub fn meta(&self) -> Meta {
        Meta { cluster_id: None, broker_id: None }
    }
    pub fn write_meta(&self, id: i32, c: &str) -> Result<(), LogError> {
        Ok(())
    }
    pub fn close(&self, epoch: i64) {}
    pub fn all(&self) -> Vec<Arc<Log>> {
        self.logs.lock().values().cloned().collect()
    }
    pub fn get(&self, id: &TopicPartition) -> Option<Arc<Log>> {
        self.logs.lock().get(id).cloned()
    }
    pub fn get_or_create(
        &self,
        id: &TopicPartition,
        t: Option<TopicId>,
        c: Arc<TopicConfig>,
    ) -> Result<Arc<Log>, LogError> {
        let mut logs = self.logs.lock();
        if let Some(log) = logs.get(id) {
            return Ok(log.clone());
        }
        let log = Arc::new(Log::open(&self.dir, id.clone(), t, c)?);
        logs.insert(id.clone(), log.clone());
        Ok(log)
    }
    pub fn delete(&self, id: &TopicPartition) -> Result<(), LogError> {
        self.logs.lock().remove(id);
        std::fs::remove_dir_all(self.dir.join(id.to_string()))?;
        Ok(())
    }
    pub fn dirs(&self) -> Vec<DirStatus> {
        vec![DirStatus { path: self.dir.clone(), online: true }]
    }
}
pub mod checkpoint {
    use super::*;
    pub fn read(p: &Path) -> Result<BTreeMap<TopicPartition, i64>, LogError> {
        let mut all = BTreeMap::new();
        let Ok(text) = std::fs::read_to_string(p) else { return Ok(all) };
        for line in text.lines().skip(2) {
            if let [t, p, o] = line.split(' ').collect::<Vec<_>>()[..] {
                all.insert(TopicPartition::new(t, p.parse().unwrap_or(0)), o.parse().unwrap_or(0));
            }
        }
        Ok(all)
    }
    pub fn write(p: &Path, o: &BTreeMap<TopicPartition, i64>) -> Result<(), LogError> {
        let mut text = format!("0\n{}\n", o.len());
        for (id, offset) in o {
            text += &format!("{} {} {}\n", id.topic, id.partition, offset);
        }
        std::fs::write(p, text)?;
        Ok(())
    }
}
