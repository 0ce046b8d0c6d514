//! Reading the partitions of a Fetch, within its limits.
//!
//! As `ReplicaManager.readFromLog`: in order, each within what the ones before left; while nothing
//! was found, the first batch may exceed every limit.

use super::request::Plan;
use super::{convert, near};
use crate::broker::Broker;
use crate::handlers::error::ToErrorCode;
use crate::handlers::lookup::{self, Node};
use crate::handlers::{Part, RequestContext};
use crate::log::{self, AbortedTransaction, LogRead, ReadError};
use crate::partition::sessions::{Answer, Cached, Key};
use crate::partition::{FollowerFetch, Partition, PartitionError, PartitionRead, ReadParams};
use crate::telemetry::counters::{FAILED_FETCH, REPLICATION_BYTES_OUT};
use crate::types::{BrokerId, ErrorCode};
use std::sync::Arc;

/// The answer of one partition.
#[derive(Debug)]
pub(super) struct Row {
    pub key: Key,
    pub code: ErrorCode,
    pub high_watermark: i64,
    pub last_stable_offset: i64,
    pub log_start_offset: i64,
    /// `None` is written as null.
    pub aborted: Option<Vec<AbortedTransaction>>,
    pub diverging: Option<(i32, i64)>,
    pub records: Option<Part>,
    /// A replica to fetch from instead (KIP-392).
    pub preferred: Option<BrokerId>,
    /// The records are those of a replica that is being moved (KIP-73).
    pub is_throttled: bool,
}

impl Row {
    pub fn error(key: Key, code: ErrorCode) -> Row {
        Row {
            key,
            code,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            aborted: Some(Vec::new()),
            diverging: None,
            records: None,
            preferred: None,
            is_throttled: false,
        }
    }

    /// Bytes of records.
    pub fn records_len(&self) -> usize {
        self.records.as_ref().map_or(0, Part::len)
    }

    /// Whether there is no such topic or partition.
    pub fn is_unknown(&self) -> bool {
        matches!(self.code, ErrorCode::UNKNOWN_TOPIC_ID | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
    }

    /// What its session has to know.
    pub fn as_answer(&self) -> Answer {
        Answer {
            has_records: self.records_len() > 0,
            high_watermark: self.high_watermark,
            log_start: self.log_start_offset,
            is_error: self.code != ErrorCode::NONE,
            is_always_sent: self.diverging.is_some() || self.preferred.is_some(),
        }
    }
}

/// The replicas among the partitions, to wait on.
pub(super) fn replicas(broker: &Broker, partitions: &[Cached]) -> Vec<Arc<Partition>> {
    let find = |cached: &Cached| {
        let topic = cached.key.topic.as_deref()?;
        broker.replicas.get(topic, cached.key.partition)
    };
    partitions.iter().filter_map(find).collect()
}

/// Counts what is answered.
pub(super) fn count(broker: &Broker, plan: &Plan, rows: &[Row]) {
    for row in rows {
        let len = row.records_len();
        if row.code != ErrorCode::NONE {
            FAILED_FETCH.add(1);
        } else if plan.follower.is_some() {
            REPLICATION_BYTES_OUT.add(len as u64);
        } else if len > 0
            && let Some(topic) = row.key.topic.as_deref()
            && let Some(replica) = broker.replicas.get(topic, row.key.partition)
        {
            replica.traffic().count_out(len);
        }
    }
}

/// Whether the client need not wait for more.
pub(super) fn is_enough(plan: &Plan, rows: &[Row]) -> bool {
    let bytes: usize = rows.iter().map(Row::records_len).sum();
    let is_urgent = |row: &Row| {
        row.code != ErrorCode::NONE || row.diverging.is_some() || row.preferred.is_some()
    };
    plan.max_wait_ms == 0
        || rows.is_empty()
        || bytes >= plan.min_bytes
        || rows.iter().any(is_urgent)
}

/// So often records may be pushed out of the page cache again before they are read.
const WARM_UPS: usize = 3;

/// What finds the records of a partition is not in memory.
struct Cold {
    partition: Arc<Partition>,
    offset: i64,
    max_bytes: usize,
}

/// Reads all partitions in order. What has to come from the disk first is waited for elsewhere.
pub(super) async fn read_all(
    broker: &Broker,
    context: &RequestContext,
    plan: &Plan,
    partitions: &[Cached],
) -> Vec<Row> {
    for _ in 0..WARM_UPS {
        let mut cold = Vec::new();
        let rows = log::without_waiting(|| read_once(broker, context, plan, partitions, &mut cold));
        if cold.is_empty() {
            return rows;
        }
        let warm_up = move || {
            for Cold { partition, offset, max_bytes } in cold {
                partition.log().warm_up(offset, max_bytes);
            }
        };
        // If it panicked, the next read says why.
        let _ = tokio::task::spawn_blocking(warm_up).await;
    }
    read_once(broker, context, plan, partitions, &mut Vec::new())
}

fn read_once(
    broker: &Broker,
    context: &RequestContext,
    plan: &Plan,
    partitions: &[Cached],
    cold: &mut Vec<Cold>,
) -> Vec<Row> {
    let mut left = plan.max_bytes;
    let mut min_one_batch = !plan.is_limit_hard;
    let mut rows = Vec::with_capacity(partitions.len());
    for cached in partitions {
        let row = read_one(broker, context, plan, cached, left, min_one_batch);
        let row = row.unwrap_or_else(|missing| {
            cold.push(missing);
            failed(cached.key.clone(), ErrorCode::KAFKA_STORAGE_ERROR)
        });
        let len = row.records_len();
        min_one_batch &= len == 0;
        left = left.saturating_sub_unsigned(len as u64).max(0);
        rows.push(row);
    }
    rows
}

fn read_one(
    broker: &Broker,
    context: &RequestContext,
    plan: &Plan,
    cached: &Cached,
    left: i64,
    min_one_batch: bool,
) -> Result<Row, Cold> {
    let key = cached.key.clone();
    let Some(topic) = key.topic.clone() else {
        return Ok(Row::error(key, ErrorCode::UNKNOWN_TOPIC_ID));
    };
    // A replica may still be here while its topic is being deleted.
    if !lookup::is_known(broker, &topic, key.partition) {
        return Ok(Row::error(key, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    }
    let partition = match lookup::replica(broker, &topic, key.partition) {
        Ok(partition) => partition,
        Err(code) => return Ok(failed(key, code)),
    };
    if plan.uses_topic_ids && partition.topic_id().is_some_and(|id| id != key.topic_id) {
        return Ok(failed(key, ErrorCode::INCONSISTENT_TOPIC_ID));
    }
    let wanted = &cached.wanted;
    if let Some(preferred) = near::preferred(broker, context, plan, &partition, wanted.offset) {
        return Ok(instead(&partition, key, wanted.leader_epoch, preferred));
    }
    let is_throttled = plan.follower.is_some() && is_throttled(broker, &partition);
    let is_held_back = is_throttled && is_held_back(broker, plan, &partition);
    let limit = left.min(wanted.max_bytes.into());
    let is_negative = limit < 0;
    let params = ReadParams {
        offset: wanted.offset,
        max_bytes: if is_held_back { 0 } else { limit.max(0) as usize },
        min_one_batch: (min_one_batch || is_negative) && !is_held_back,
        bound: plan.bound,
        follower: plan.follower.map(|(replica, broker_epoch)| FollowerFetch {
            replica,
            offset: wanted.offset,
            log_start: wanted.log_start,
            broker_epoch,
        }),
        current_leader_epoch: wanted.leader_epoch,
        last_fetched_epoch: wanted.last_fetched_epoch,
        leader_only: plan.leader_only,
    };
    match partition.read(&params) {
        Ok(read) if is_negative && read.log.region.is_some() => {
            Ok(failed(key, ErrorCode::UNKNOWN_SERVER_ERROR))
        }
        Ok(read) => {
            let mut row = row(plan, &partition, key, wanted.offset, read);
            row.is_throttled = is_throttled;
            Ok(row)
        }
        Err(PartitionError::Read(ReadError::Cold)) => {
            Err(Cold { partition, offset: params.offset, max_bytes: params.max_bytes })
        }
        Err(error) => Ok(failed(key, error.error_code())),
    }
}

/// Whether the topic's configuration has the quota of moved replicas count what is sent of this.
fn is_throttled(broker: &Broker, partition: &Partition) -> bool {
    let throttled = &partition.log().config().leader_replication_throttled_replicas;
    throttled.contains(partition.id().partition, broker.id)
}

/// Whether a throttled follower gets nothing for now (`shouldLeaderThrottle`).
fn is_held_back(broker: &Broker, plan: &Plan, partition: &Partition) -> bool {
    let in_sync = plan.follower.is_some_and(|(replica, _)| partition.is_in_sync(replica));
    !in_sync && broker.replication.leader.is_exceeded()
}

/// The answer that sends a consumer to another replica.
fn instead(partition: &Partition, key: Key, epoch: Option<i32>, preferred: BrokerId) -> Row {
    match partition.snapshot(epoch) {
        Ok(at) => Row {
            high_watermark: at.high_watermark,
            last_stable_offset: at.last_stable_offset,
            log_start_offset: at.log_start_offset,
            preferred: Some(preferred),
            ..failed(key, ErrorCode::NONE)
        },
        Err(error) => failed(key, error.error_code()),
    }
}

/// An error of the replica, as against one found before it: aborted transactions are null.
fn failed(key: Key, code: ErrorCode) -> Row {
    let mut row = Row::error(key, code);
    row.aborted = None;
    row
}

fn row(plan: &Plan, partition: &Partition, key: Key, offset: i64, read: PartitionRead) -> Row {
    let PartitionRead { log, high_watermark, last_stable_offset, log_start_offset, diverging } =
        read;
    let aborted = (plan.bound == crate::partition::Bound::LastStable).then(|| aborted(&log));
    let records = match records(plan, partition, log, offset) {
        Ok(records) => records,
        Err(code) => return Row::error(key, code),
    };
    Row {
        key,
        code: ErrorCode::NONE,
        high_watermark,
        last_stable_offset,
        log_start_offset,
        aborted,
        diverging,
        records,
        preferred: None,
        is_throttled: false,
    }
}

fn aborted(read: &LogRead) -> Vec<AbortedTransaction> {
    read.aborted.clone()
}

/// The records as a piece of the response: a region of the file, or for old clients a conversion.
fn records(
    plan: &Plan,
    partition: &Partition,
    read: LogRead,
    offset: i64,
) -> Result<Option<Part>, ErrorCode> {
    let Some(region) = read.region.filter(|region| region.len > 0) else { return Ok(None) };
    convert::records(plan, partition, region, offset).map(Some)
}

/// For an error that a new leader explains (v16+): who leads, and where.
pub(super) fn new_leader(
    broker: &Broker,
    context: &RequestContext,
    row: &Row,
) -> Option<((i32, i32), Option<Node>)> {
    let is_moved =
        matches!(row.code, ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::FENCED_LEADER_EPOCH);
    if context.api_version < 16 || !is_moved {
        return None;
    }
    let (id, epoch) = lookup::leader(broker, row.key.topic.as_deref()?, row.key.partition);
    Some(((id, epoch), lookup::node(broker, id, &context.listener_name)))
}
