//! A batch read back from an internal topic: records, or one control marker.
//!
//! As the parts of Kafka's `RecordBatch` that the coordinators' loading looks at.

use bytes::Bytes;

/// One batch.
#[derive(Clone, Debug)]
pub struct StateBatch {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Offset after the last record.
    pub next_offset: i64,
    /// The producer, -1 without.
    pub producer_id: i64,
    /// Records of an open transaction until its marker comes.
    pub is_transactional: bool,
    /// Set when the batch is a control batch: the end of a transaction.
    pub marker: Option<ControlMarker>,
    /// The records; empty for a control batch.
    pub records: Vec<StateRecord>,
}

/// One record.
#[derive(Clone, Debug)]
pub struct StateRecord {
    /// Offset.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The key; internal topics have no records without one.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlMarker {
    /// Its records count.
    Commit,
    /// Its records are to be dropped.
    Abort,
}

impl ControlMarker {
    /// From a control record's key: `{version: int16, type: int16}`, type 0 abort, 1 commit.
    pub fn from_key(key: &[u8]) -> Option<ControlMarker> {
        match key.get(2..4)? {
            [0, 0] => Some(ControlMarker::Abort),
            [0, 1] => Some(ControlMarker::Commit),
            _ => None,
        }
    }
}
