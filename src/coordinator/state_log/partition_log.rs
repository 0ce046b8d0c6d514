//! An internal topic that is kept in this broker's partitions.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::{Appended, NewBatch, StateBatch, StateLog, StateLogError, format};
use crate::log::{AppendError, Origin, ReadBound, RecordSet};
use crate::metadata::image::Published;
use crate::partition::{Partition, PartitionError, Replicas};

/// The real thing behind [`StateLog`].
pub struct PartitionLog {
    topic: &'static str,
    /// The number of partitions while the topic does not exist.
    configured: i32,
    replicas: Arc<Replicas>,
    image: Arc<Published>,
}

impl PartitionLog {
    /// The topic `topic`, which will have `configured` partitions if it is created from now on.
    pub fn new(
        topic: &'static str,
        configured: i32,
        replicas: Arc<Replicas>,
        image: Arc<Published>,
    ) -> Self {
        PartitionLog { topic, configured, replicas, image }
    }

    fn get(&self, partition: i32) -> Result<Arc<Partition>, StateLogError> {
        self.replicas.get(self.topic, partition).ok_or(StateLogError::UnknownPartition)
    }
}

#[async_trait]
impl StateLog for PartitionLog {
    fn partitions(&self) -> i32 {
        let image = self.image.load();
        let known = image.topics.get(self.topic).map(|topic| topic.partitions.len());
        known.and_then(|count| i32::try_from(count).ok()).unwrap_or(self.configured)
    }

    fn append(&self, partition: i32, batch: &NewBatch) -> Result<Appended, StateLogError> {
        let set = RecordSet { records: format::encode(batch) };
        let acks = if batch.require_min_insync { -1 } else { 1 };
        let mut results = self.get(partition)?.append(&[set], Origin::Coordinator, acks);
        let appended = results.pop().ok_or(StateLogError::UnknownPartition)??;
        let end_offset = appended.last_offset + 1;
        Ok(Appended { base_offset: appended.base_offset, end_offset })
    }

    async fn committed(
        &self,
        partition: i32,
        end_offset: i64,
        timeout: Duration,
    ) -> Result<(), StateLogError> {
        let partition = self.get(partition)?;
        Ok(partition.committed(end_offset, Instant::now() + timeout).await?)
    }

    fn bounds(&self, partition: i32) -> Result<std::ops::Range<i64>, StateLogError> {
        let partition = self.get(partition)?;
        Ok(partition.log().log_start_offset()..partition.log().log_end_offset())
    }

    fn read(
        &self,
        partition: i32,
        offset: i64,
        max_bytes: usize,
    ) -> Result<Vec<StateBatch>, StateLogError> {
        let partition = self.get(partition)?;
        let read = partition.log().read(offset, max_bytes, true, ReadBound::LogEnd);
        let read = read.map_err(|error| StateLogError::Storage(error.to_string()))?;
        let Some(region) = read.region else {
            return Ok(Vec::new());
        };
        let mut bytes = vec![0; region.len];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let position = region.position + filled as u64;
            match rustix::io::pread(region.file.as_fd(), rest, position) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(StateLogError::Storage(error.to_string())),
            }
        }
        bytes.truncate(filled);
        format::decode(Bytes::from(bytes))
    }
}

impl From<PartitionError> for StateLogError {
    fn from(error: PartitionError) -> Self {
        match error {
            PartitionError::Unknown => StateLogError::UnknownPartition,
            PartitionError::NotLeader
            | PartitionError::FencedLeaderEpoch
            | PartitionError::UnknownLeaderEpoch
            | PartitionError::StaleControllerEpoch => StateLogError::NotLeader,
            PartitionError::NotEnoughReplicas { .. } => StateLogError::NotEnoughReplicas,
            PartitionError::NotEnoughReplicasAfterAppend => {
                StateLogError::NotEnoughReplicasAfterAppend
            }
            PartitionError::TimedOut => StateLogError::TimedOut,
            PartitionError::Append(
                AppendError::TooLarge { .. } | AppendError::LargerThanSegment { .. },
            ) => StateLogError::TooLarge,
            PartitionError::Append(AppendError::InvalidProducerEpoch { .. }) => {
                StateLogError::InvalidProducerEpoch
            }
            PartitionError::Append(AppendError::InvalidTxnState) => {
                StateLogError::InvalidTransactionState
            }
            PartitionError::OffsetOutOfRange { .. }
            | PartitionError::OffsetNotAvailable
            | PartitionError::NotDeletable
            | PartitionError::InconsistentTopicId
            | PartitionError::Append(_)
            | PartitionError::Read(_)
            | PartitionError::Log(_) => StateLogError::Storage(error.to_string()),
        }
    }
}
