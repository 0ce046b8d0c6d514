//! What can go wrong with a replica, a variant per thing that a caller does differently.
//!
//! Mapped to Kafka codes in `handlers/error.rs` only.

use crate::log::{AppendError, LogError, ReadError};

/// Why an operation on a partition failed.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// This broker has no such partition and the controller never spoke of it.
    #[error("no such partition on this broker")]
    Unknown,
    /// This broker is not the leader, or (for reads) not even a replica.
    #[error("this broker is not the leader")]
    NotLeader,
    /// The caller knows an older leader epoch.
    #[error("the leader epoch of the request is older than the partition's")]
    FencedLeaderEpoch,
    /// The caller knows a newer leader epoch.
    #[error("the leader epoch of the request is newer than the partition's")]
    UnknownLeaderEpoch,
    /// acks=-1, and fewer replicas in sync than `min.insync.replicas`; nothing was written.
    #[error("fewer replicas in sync ({isr}) than min.insync.replicas ({min})")]
    NotEnoughReplicas {
        /// Replicas in sync.
        isr: usize,
        /// What is asked for.
        min: usize,
    },
    /// As [`NotEnoughReplicas`](Self::NotEnoughReplicas), seen after the records were written.
    #[error("written, but to fewer replicas in sync than min.insync.replicas")]
    NotEnoughReplicasAfterAppend,
    /// The deadline passed before the high watermark did.
    #[error("not replicated in time")]
    TimedOut,
    /// The fetch offset is before the log start or after the log end.
    #[error("offset {offset} is not within {log_start}..={log_end}")]
    OffsetOutOfRange {
        /// The offset asked for.
        offset: i64,
        /// First offset of the log.
        log_start: i64,
        /// Offset after the last of the log.
        log_end: i64,
    },
    /// A new leader's high watermark has not yet reached the start of its epoch.
    #[error("the high watermark has not caught up since the election")]
    OffsetNotAvailable,
    /// DeleteRecords on a topic whose cleanup policy lacks `delete`.
    #[error("records can be deleted only where cleanup.policy has delete")]
    NotDeletable,
    /// Another operation of the controller came first: its epoch is newer.
    #[error("the controller's epoch is stale")]
    StaleControllerEpoch,
    /// The topic id is not that of the log on disk.
    #[error("the topic id is not that of the partition")]
    InconsistentTopicId,
    /// The log refused the records.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log directory failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl PartitionError {
    /// Whether the disk is full, which passes.
    pub fn is_disk_full(&self) -> bool {
        match self {
            PartitionError::Log(error) | PartitionError::Append(AppendError::Log(error)) => {
                error.is_disk_full()
            }
            _ => false,
        }
    }
}
