//! Stub: the seam as others code against it.
#![allow(missing_docs, clippy::all, unused)]
use crate::config::TopicConfig;
use crate::types::*;
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
#[error("append")]
pub enum AppendError {
    Corrupt,
}
#[derive(Debug, thiserror::Error)]
#[error("read")]
pub enum ReadError {
    OffsetOutOfRange { log_start: i64, log_end: i64 },
    Io,
}
#[derive(Debug, thiserror::Error)]
#[error("log")]
pub enum LogError {
    Io,
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
pub struct AbortedTransaction { pub producer_id: i64, pub first_offset: i64 }
#[derive(Debug)]
pub struct FileRegion { pub file: Arc<std::fs::File>, pub position: u64, pub len: usize }
#[derive(Debug)]
pub struct LogRead { pub region: Option<FileRegion>, pub aborted: Vec<AbortedTransaction> }
impl LogRead { pub fn empty() -> Self { LogRead { region: None, aborted: vec![] } } }
pub struct ProducerStateEntry { pub producer_id: i64, pub producer_epoch: i16, pub last_sequence: i32, pub last_timestamp: i64, pub coordinator_epoch: i32, pub current_txn_first_offset: Option<i64> }
#[derive(Debug)]
pub struct Progress;
pub struct LogDirsConfig;
impl LogDirsConfig { pub fn from_broker(c: &crate::config::BrokerConfig) -> Self { LogDirsConfig } }
pub struct Meta { pub cluster_id: Option<String>, pub broker_id: Option<i32> }
pub struct Log;
impl Log {
    pub fn append_as_leader(
        &self,
        sets: &[RecordSet],
        e: i32,
        o: Origin,
        now: i64,
    ) -> Vec<Result<Appended, AppendError>> {
        vec![]
    }
    pub fn read(
        &self,
        offset: i64,
        max: usize,
        one: bool,
        b: ReadBound,
    ) -> Result<LogRead, ReadError> {
        Ok(LogRead::empty())
    }
    pub fn log_start_offset(&self) -> i64 {
        0
    }
    pub fn log_end_offset(&self) -> i64 {
        0
    }
    pub fn high_watermark(&self) -> i64 {
        0
    }
    pub fn last_stable_offset(&self) -> i64 {
        0
    }
    pub fn set_high_watermark(&self, o: i64) -> i64 {
        0
    }
    pub fn advance_log_start_offset(&self, o: i64) -> Result<(), LogError> {
        Ok(())
    }
    pub fn offset_for_timestamp(&self, q: Query) -> Result<Option<TimestampOffset>, LogError> {
        Ok(None)
    }
    pub fn end_offset_for_epoch(&self, e: i32) -> (i32, i64) {
        (0, 0)
    }
    pub fn assign_epoch_start(&self, e: i32, o: i64) -> Result<(), LogError> {
        Ok(())
    }
    pub fn config(&self) -> Arc<TopicConfig> {
        Arc::default()
    }
    pub fn set_config(&self, c: Arc<TopicConfig>) {}
    pub fn topic_id(&self) -> Option<TopicId> {
        None
    }
    pub fn assign_topic_id(&self, id: TopicId) -> Result<(), LogError> {
        Ok(())
    }
    pub fn offsets_before(&self, t: i64, max: usize) -> Vec<i64> { vec![] }
    pub fn active_producers(&self) -> Vec<ProducerStateEntry> { vec![] }
    pub fn topic_partition(&self) -> &TopicPartition { unreachable!() }
    pub fn size(&self) -> u64 { 0 }
    pub fn parent_dir(&self) -> PathBuf {
        PathBuf::new()
    }
}
pub struct DirStatus {
    pub path: PathBuf,
    pub online: bool,
}
pub struct LogDirs;
impl LogDirs {
    pub fn get(&self, id: &TopicPartition) -> Option<Arc<Log>> {
        None
    }
    pub fn get_or_create(
        &self,
        id: &TopicPartition,
        t: Option<TopicId>,
        c: Arc<TopicConfig>,
    ) -> Result<Arc<Log>, LogError> {
        Err(LogError::Io)
    }
    pub fn delete(&self, id: &TopicPartition) -> Result<(), LogError> {
        Ok(())
    }
    pub fn open(c: LogDirsConfig, r: &dyn Fn(&str) -> Arc<TopicConfig>, p: &dyn Fn(Progress)) -> Result<Arc<LogDirs>, LogError> { Ok(Arc::new(LogDirs)) }
    pub fn meta(&self) -> Meta { Meta { cluster_id: None, broker_id: None } }
    pub fn write_meta(&self, id: i32, c: &str) -> Result<(), LogError> { Ok(()) }
    pub fn close(&self, epoch: i64) {}
    pub fn all(&self) -> Vec<Arc<Log>> { vec![] }
    pub fn dirs(&self) -> Vec<DirStatus> {
        vec![]
    }
}
pub mod checkpoint {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::Path;
    pub fn read(p: &Path) -> Result<BTreeMap<TopicPartition, i64>, LogError> {
        Ok(BTreeMap::new())
    }
    pub fn write(p: &Path, o: &BTreeMap<TopicPartition, i64>) -> Result<(), LogError> {
        Ok(())
    }
}
