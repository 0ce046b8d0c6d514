//! What a coordinator needs of an internal topic's partitions: append, wait, read back.
//!
//! The seam between coordinators and `partition`; `memory` is its twin for tests. As the calls of
//! Kafka's `GroupMetadataManager` and `TransactionStateManager` into `ReplicaManager`. Knows
//! nothing of what the records mean.

pub mod batch;
pub(crate) mod format;
#[cfg(test)]
pub mod memory;
mod partition_log;
mod walk;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use batch::{ControlMarker, StateBatch, StateRecord};
pub use partition_log::PartitionLog;
pub use walk::walk;

/// An internal topic, as its coordinator sees it.
#[async_trait]
pub trait StateLog: Send + Sync + 'static {
    /// The number of partitions of the topic: the live one, or the configured one before it
    /// exists.
    fn partitions(&self) -> i32;

    /// Appends one batch to `partition`, which this broker must lead. Does not block on replicas.
    fn append(&self, partition: i32, batch: &NewBatch) -> Result<Appended, StateLogError>;

    /// Waits until all in-sync replicas have everything below `end_offset` of `partition`.
    async fn committed(
        &self,
        partition: i32,
        end_offset: i64,
        timeout: Duration,
    ) -> Result<(), StateLogError>;

    /// Where the log of `partition` begins and ends now, as `start..end`.
    fn bounds(&self, partition: i32) -> Result<std::ops::Range<i64>, StateLogError>;

    /// Reads whole batches from `offset`: about `max_bytes`, at least one batch unless at the end,
    /// and those before an unreadable one. Blocks on the disk.
    fn read(
        &self,
        partition: i32,
        offset: i64,
        max_bytes: usize,
    ) -> Result<Vec<StateBatch>, StateLogError>;
}

/// Records to be appended as one batch.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// The records, in order. A `None` value is a tombstone.
    pub records: Vec<(Bytes, Option<Bytes>)>,
    /// The timestamp of each record: milliseconds since 1970.
    pub timestamp: i64,
    /// Set when the batch is part of a producer's transaction.
    pub producer: Option<Producer>,
    /// Base sequence: -1, but 0 for committed offsets as Kafka has it. It is never checked.
    pub base_sequence: i32,
    /// Kafka's number of the compression: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub compression: i8,
    /// Refuse when fewer than `min.insync.replicas` replicas are in sync (acks=-1).
    pub require_min_insync: bool,
}

impl Default for NewBatch {
    fn default() -> Self {
        NewBatch {
            records: Vec::new(),
            timestamp: 0,
            producer: None,
            base_sequence: -1,
            compression: 0,
            require_min_insync: true,
        }
    }
}

/// Who writes a transactional batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Producer id.
    pub id: i64,
    /// Producer epoch.
    pub epoch: i16,
}

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: i64,
    /// One more than the offset of the last record: what to wait for.
    pub end_offset: i64,
}

/// Why an append, a wait or a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateLogError {
    /// The partition does not exist here.
    #[error("no such partition on this broker")]
    UnknownPartition,
    /// Another broker leads the partition.
    #[error("not the leader")]
    NotLeader,
    /// Too few replicas are in sync; nothing was appended.
    #[error("fewer in-sync replicas than min.insync.replicas")]
    NotEnoughReplicas,
    /// Appended, then too few replicas were in sync.
    #[error("appended to fewer in-sync replicas than min.insync.replicas")]
    NotEnoughReplicasAfterAppend,
    /// The replicas did not follow in time.
    #[error("timed out waiting for replicas")]
    TimedOut,
    /// The batch exceeds `max.message.bytes` or `segment.bytes`.
    #[error("the batch is too large")]
    TooLarge,
    /// The log directory is offline or the disk failed.
    #[error("log storage failed: {0}")]
    Storage(String),
    /// The producer's epoch is old.
    #[error("a newer producer epoch exists")]
    InvalidProducerEpoch,
    /// The transaction was not verified, or has ended.
    #[error("the transaction is not in a state to append")]
    InvalidTransactionState,
    /// The batch at the offset that was asked for cannot be read.
    #[error("a batch is not readable")]
    Corrupt {
        /// Where the next batch begins, by the header of this one: not to be trusted.
        next: i64,
    },
}

/// The partition of an internal topic that holds `key`: as Kafka's `Utils.abs(key.hashCode)`, the
/// absolute value (0 for the least number), not `Utils.toPositive`, which clears the sign bit.
///
/// Example: `partition_of("orders", 50)` hashes the UTF-16 units of `orders` as Java does.
pub fn partition_of(key: &str, partitions: i32) -> i32 {
    let hash = key
        .encode_utf16()
        .fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Kafka's `Utils.abs` is `Math.abs`, except that it gives 0 for the least integer.
    hash.checked_abs().unwrap_or(0).checked_rem(partitions).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::partition_of;

    #[test]
    fn partitions_are_those_of_java_string_hash() {
        assert_eq!(partition_of("", 50), 0);
        assert_eq!(partition_of("a", 50), 97 % 50);
        // "polygenelubricants".hashCode() is Integer.MIN_VALUE, for which Utils.abs gives 0.
        assert_eq!(partition_of("polygenelubricants", 50), 0);
        // A negative hash, -1032686141: the absolute value counts, not the low 31 bits.
        assert_eq!(partition_of("ctp-6507883130893", 50), 41);
        // "hello".hashCode() is 99162322.
        assert_eq!(partition_of("hello", 50), 99_162_322 % 50);
        // "keepers".hashCode() is -833096767: Apache Kafka keeps that group in partition 2 of 5.
        assert_eq!(partition_of("keepers", 5), 2);
    }
}
