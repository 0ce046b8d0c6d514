//! Reading a replica: for consumers, for followers, and by epoch or timestamp.
//!
//! As `Partition.fetchRecords`, `fetchOffsetForTimestamp` and `lastOffsetForLeaderEpoch`.

use super::state::{FollowerFetch, State};
use super::{Partition, PartitionError};
use crate::log::{LogRead, Query, ReadBound, ReadError, TimestampOffset};
use crate::types::now_ms;

/// Up to where a caller may read.
pub type Bound = ReadBound;

/// What is read.
#[derive(Clone, Copy, Debug)]
pub struct ReadParams {
    /// First offset.
    pub offset: i64,
    /// At most so many bytes.
    pub max_bytes: usize,
    /// The first batch is returned whole even when it is larger than `max_bytes`.
    pub min_one_batch: bool,
    /// Up to where.
    pub bound: Bound,
    /// A follower that fetches; `None` for a consumer.
    pub follower: Option<FollowerFetch>,
    /// The leader epoch that the caller knows.
    pub current_leader_epoch: Option<i32>,
    /// Epoch of the last record that the caller has (KIP-595), to detect divergence.
    pub last_fetched_epoch: Option<i32>,
    /// Whether only a leader may answer.
    pub leader_only: bool,
}

/// What was read, and where the partition stood.
#[derive(Debug)]
pub struct PartitionRead {
    /// The records.
    pub log: LogRead,
    /// High watermark.
    pub high_watermark: i64,
    /// Last stable offset.
    pub last_stable_offset: i64,
    /// Log start.
    pub log_start_offset: i64,
    /// Where the caller's log parts from this one: epoch and its end; then no records are read.
    pub diverging: Option<(i32, i64)>,
}

impl Partition {
    /// Reads records. A follower's read also tells the leader how far it is.
    pub fn read(&self, params: &ReadParams) -> Result<PartitionRead, PartitionError> {
        let state = self.state.read();
        self.check_readable(&state, params.current_leader_epoch, params.leader_only)?;
        if let Some(fetch) = params.follower
            && !state.remotes.contains_key(&fetch.replica)
        {
            return Err(self.stranger_error(params.current_leader_epoch));
        }
        if let Some(diverging) = self.diverging(params)? {
            return self.outcome(LogRead::empty(), Some(diverging));
        }
        let read = self
            .log()
            .read(params.offset, params.max_bytes, params.min_one_batch, params.bound)
            .map_err(|error| self.read_error(error, params.offset))?;
        drop(state);
        let outcome = self.outcome(read, None)?;
        if let Some(fetch) = params.follower {
            self.follower_fetched(fetch);
        }
        Ok(outcome)
    }

    pub(super) fn check_readable(
        &self,
        state: &State,
        epoch: Option<i32>,
        leader_only: bool,
    ) -> Result<(), PartitionError> {
        self.check_epoch(state, epoch)?;
        let is_replica = state.leader_epoch >= 0 && !state.is_stopped;
        if !is_replica || (leader_only && !state.is_leader()) {
            return Err(PartitionError::NotLeader);
        }
        Ok(self.log().check_online()?)
    }

    /// A follower that is not in the assignment: with a matching epoch the leader has not yet
    /// heard of it (KIP-320's retriable error), else it is simply wrong here.
    fn stranger_error(&self, epoch: Option<i32>) -> PartitionError {
        match epoch {
            Some(_) => PartitionError::UnknownLeaderEpoch,
            None => PartitionError::NotLeader,
        }
    }

    fn read_error(&self, error: ReadError, offset: i64) -> PartitionError {
        match error {
            ReadError::OffsetOutOfRange { .. } => PartitionError::OffsetOutOfRange {
                offset,
                log_start: self.log().log_start_offset(),
                log_end: self.log().log_end_offset(),
            },
            other => PartitionError::Read(other),
        }
    }

    /// Example: this log ends epoch 3 at 50; a caller at offset 60 of epoch 3 diverges at (3, 50).
    fn diverging(&self, params: &ReadParams) -> Result<Option<(i32, i64)>, PartitionError> {
        let Some(epoch) = params.last_fetched_epoch else { return Ok(None) };
        let (found, end) = self.log().end_offset_for_epoch(epoch);
        if found < 0 || end < 0 {
            return Err(PartitionError::OffsetOutOfRange {
                offset: params.offset,
                log_start: self.log().log_start_offset(),
                log_end: self.log().log_end_offset(),
            });
        }
        Ok((found < epoch || end < params.offset).then_some((found, end)))
    }

    pub(super) fn outcome(
        &self,
        log: LogRead,
        diverging: Option<(i32, i64)>,
    ) -> Result<PartitionRead, PartitionError> {
        Ok(PartitionRead {
            log,
            high_watermark: self.log().high_watermark(),
            last_stable_offset: self.log().last_stable_offset(),
            log_start_offset: self.log().log_start_offset(),
            diverging,
        })
    }

    /// Whether a fetch at `offset` with this bound would find records, how many bytes at least.
    /// For the long poll: 0 means "wait on".
    pub fn bytes_available(&self, offset: i64, bound: Bound) -> usize {
        let end = match bound {
            ReadBound::LogEnd => self.log().log_end_offset(),
            ReadBound::HighWatermark => self.log().high_watermark(),
            ReadBound::LastStable => self.log().last_stable_offset(),
        };
        usize::try_from(end - offset).unwrap_or(0)
    }

    fn follower_fetched(&self, fetch: FollowerFetch) {
        let now = now_ms();
        let mut state = self.state.write();
        let log_end = self.log().log_end_offset();
        let low_watermark = self.low_watermark(&state);
        if !state.is_leader() || !state.follower_fetched(fetch, log_end, now) {
            return;
        }
        if state.maybe_expand(fetch.replica, self.log().high_watermark()) {
            self.isr_wanted.notify_one();
        }
        // A raised low watermark is what DeleteRecords waits for, without any new record.
        let is_raised = self.low_watermark(&state) > low_watermark;
        let moved = self.raise_high_watermark(&state, now);
        drop(state);
        if moved || is_raised {
            self.waiters.wake();
        }
    }

    /// Where an epoch ends in this log: (epoch found, its end), (-1, -1) for an unknown one.
    pub fn end_offset_for_epoch(
        &self,
        current: Option<i32>,
        epoch: i32,
    ) -> Result<(i32, i64), PartitionError> {
        let state = self.state.read();
        self.check_readable(&state, current, true)?;
        Ok(self.log().end_offset_for_epoch(epoch))
    }

    /// The offset for a time or a special point, as ListOffsets asks.
    ///
    /// `bound` is `LogEnd` for a follower's question. After an election a consumer gets
    /// [`OffsetNotAvailable`](PartitionError::OffsetNotAvailable) until the high watermark has
    /// reached the start of the leader's epoch, so that offsets never go back.
    pub fn offset_for(
        &self,
        query: Query,
        bound: Bound,
        current: Option<i32>,
        leader_only: bool,
    ) -> Result<Option<TimestampOffset>, PartitionError> {
        let state = self.state.read();
        self.check_readable(&state, current, leader_only)?;
        let last = match bound {
            ReadBound::LogEnd => self.log().log_end_offset(),
            ReadBound::HighWatermark => self.log().high_watermark(),
            ReadBound::LastStable => self.log().last_stable_offset(),
        };
        let is_behind = bound != ReadBound::LogEnd
            && state.is_leader()
            && self.log().high_watermark() < state.epoch_start;
        if let Query::Latest(_) = query {
            if is_behind {
                return Err(PartitionError::OffsetNotAvailable);
            }
            let leader_epoch = state.leader_epoch;
            return Ok(Some(TimestampOffset { offset: last, timestamp: -1, leader_epoch }));
        }
        let found = self.log().offset_for_timestamp(query)?;
        let is_special = matches!(query, Query::Earliest | Query::EarliestLocal);
        match found {
            Some(found) if is_special || found.offset < last => Ok(Some(found)),
            _ if is_behind => Err(PartitionError::OffsetNotAvailable),
            _ => Ok(None),
        }
    }
}
