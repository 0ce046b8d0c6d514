//! What callers of the log give and get: records, results, errors. Knows no wire types.

use super::txn_index::AbortedTxn;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// One record of a batch that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Index of the record in its batch, from 0.
    pub index: i32,
    /// Why.
    pub fault: RecordFault,
}

/// What is wrong with a record. Times are in ms since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordFault {
    /// It has no key, and its topic is compacted.
    NoKey,
    /// Its time is too far from the broker's.
    OutOfRange {
        /// Its offset in the batch.
        offset: i32,
        /// Its time.
        timestamp: i64,
        /// The first that is accepted.
        earliest: i64,
        /// The last that is accepted.
        latest: i64,
    },
    /// It claims the time of the append, as it is printed.
    AppendTime(String),
}

impl RecordFault {
    /// In Kafka's words, for a record of this partition.
    pub fn told(&self, topic: &str, partition: i32) -> String {
        match self {
            RecordFault::NoKey => format!(
                "Compacted topic cannot accept message without key in topic partition \
                 {topic}-{partition}"
            ),
            RecordFault::OutOfRange { offset, timestamp, earliest, latest } => format!(
                "Timestamp {timestamp} of message with offset {offset} is out of range. \
                 The timestamp should be within [{earliest}, {latest}]"
            ),
            RecordFault::AppendTime(record) => format!(
                "Invalid timestamp type in message {record}. \
                 Producer should not set timestamp type to LogAppendTime."
            ),
        }
    }
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
    #[error("One or more records have been rejected due to invalid timestamp")]
    InvalidTimestamp {
        /// The records at fault.
        errors: Vec<RecordError>,
    },
    /// What is compressed cannot be read, or not be written anew.
    #[error("the records cannot be read: {0}")]
    Unreadable(&'static str),
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
    /// What finds the offset is not in the page cache, and the caller does not wait for the disk.
    #[error("not in memory")]
    Cold,
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
    /// It is none of the log directories.
    #[error("{} is not a log directory", .0.display())]
    UnknownDir(PathBuf),
    /// A future log of it would have too long a name.
    #[error("the topic name is too long")]
    NameTooLong,
}

impl LogError {
    /// Whether an operation on the disk failed.
    pub fn is_of_disk(&self) -> bool {
        matches!(self, LogError::Io(_))
    }

    /// Whether the disk (or a quota on it) is full: what was there stays readable.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, LogError::Io(error) if super::pooled::is_disk_full(error))
    }
}

/// How far a reader may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBound {
    /// A replica: to the end.
    LogEnd,
    /// A consumer: what is committed.
    HighWatermark,
    /// A consumer in read_committed: what is decided.
    LastStable,
}

impl LogError {
    /// Whether room or descriptors ran out: the disk is not at fault.
    pub fn is_shortage(&self) -> bool {
        matches!(self, LogError::Io(error) if super::pooled::is_shortage(error))
    }
}

/// What offset is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// -2: the log start.
    Earliest,
    /// -1: the end, as this reader sees it.
    Latest(ReadBound),
    /// -3: the record with the largest timestamp.
    MaxTimestamp,
    /// -4: the start of what is on this disk.
    EarliestLocal,
    /// -5: the last offset in tiered storage.
    LatestTiered,
    /// The first record at or after this time, ms.
    At(i64),
}

/// An answer to a [`Query`]; -1 where something is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// Offset.
    pub offset: i64,
    /// ms since 1970.
    pub timestamp: i64,
    /// Epoch of the leader that appended it.
    pub leader_epoch: i32,
}

/// Who appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A Produce request.
    Client,
    /// A coordinator: state or transaction markers. Sequences are not checked.
    Coordinator,
}

/// Records of one request for one partition.
#[derive(Clone, Debug)]
pub struct RecordSet {
    /// Batches of format 2, or a message set of format 0 or 1.
    pub records: bytes::Bytes,
}

/// What was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// The broker's time if the topic uses LogAppendTime, else -1.
    pub append_time_ms: i64,
    /// Log start offset.
    pub log_start_offset: i64,
    /// Bytes written.
    pub bytes: usize,
    /// Records written.
    pub messages: u64,
    /// Log end offset afterwards.
    pub leo_after: i64,
    /// It was there already; offsets are those of the first time.
    pub duplicate: bool,
}

/// A transaction that was aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Producer.
    pub producer_id: i64,
    /// Its first offset in the transaction.
    pub first_offset: i64,
}

impl From<AbortedTxn> for AbortedTransaction {
    fn from(txn: AbortedTxn) -> Self {
        AbortedTransaction { producer_id: txn.producer_id, first_offset: txn.first_offset }
    }
}

/// Bytes of a segment, to be sent from the file.
#[derive(Clone, Debug)]
pub struct FileRegion {
    /// The segment.
    pub file: Arc<File>,
    /// First byte.
    pub position: u64,
    /// Bytes.
    pub len: usize,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct LogRead {
    /// The batches; `None` if there are none yet. The first may begin before the offset.
    pub region: Option<FileRegion>,
    /// Aborted transactions among them, for [`ReadBound::LastStable`] only.
    pub aborted: Vec<AbortedTransaction>,
}

impl LogRead {
    /// Nothing.
    pub fn empty() -> Self {
        LogRead::default()
    }
}

/// A producer that the log knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerStateEntry {
    /// Producer.
    pub producer_id: i64,
    /// Its newest epoch.
    pub producer_epoch: i16,
    /// Its last sequence number, or -1.
    pub last_sequence: i32,
    /// ms since 1970.
    pub last_timestamp: i64,
    /// Of the last marker, or -1.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction.
    pub current_txn_first_offset: Option<i64>,
}

/// How far loading is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Log directory.
    pub dir: PathBuf,
    /// Logs loaded.
    pub loaded: usize,
    /// Logs to load.
    pub total: usize,
}
