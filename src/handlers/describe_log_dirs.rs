//! DescribeLogDirs (35), v0-4: what is in each log directory (KIP-113).
//!
//! v1 none; v2 flexible; v3 a code for the whole; v4 size of the volume (KIP-827). Rules:
//! `ReplicaManager.describeLogDirs`.

use super::RequestContext;
use crate::broker::Broker;
use crate::log::{DirStatus, Log};
use crate::types::{ErrorCode, TopicPartition};
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Lists the directories with the partitions asked for; all, if none are named.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    let asked: Option<HashSet<TopicPartition>> = request.topics.map(|topics| {
        let ids = topics.into_iter().flat_map(|topic| {
            let name: Arc<str> = Arc::from(&*topic.topic.0);
            let partitions = topic.partitions.into_iter();
            partitions.map(move |index| TopicPartition::new(name.clone(), index))
        });
        ids.collect()
    });
    let is_asked =
        |log: &Arc<Log>| asked.as_ref().is_none_or(|asked| asked.contains(log.topic_partition()));
    let logs = broker.log_dirs.all().into_iter().map(|log| (log, false));
    let futures = broker.log_dirs.all_futures().into_iter().map(|log| (log, true));
    let logs: Vec<_> = logs.chain(futures).filter(|(log, _)| is_asked(log)).collect();
    let dirs = broker.log_dirs.dirs();
    let results = dirs.iter().map(|dir| result(broker, context.api_version, dir, &logs));
    DescribeLogDirsResponse::default().with_results(results.collect())
}

/// How far a log, or a copy of it, is behind: -1 where the replica is not in service.
fn lag(broker: &Broker, log: &Log, is_future: bool) -> i64 {
    let id = log.topic_partition();
    let Some(replica) = broker.replicas.get(&id.topic, id.partition) else { return -1 };
    let current = replica.log();
    match is_future {
        _ if current.check_online().is_err() => -1,
        true => current.log_end_offset() - log.log_end_offset(),
        false => (current.high_watermark() - log.log_end_offset()).max(0),
    }
}

fn result(
    broker: &Broker,
    version: i16,
    dir: &DirStatus,
    logs: &[(Arc<Log>, bool)],
) -> DescribeLogDirsResult {
    let path = StrBytes::from_string(dir.path.to_string_lossy().into_owned());
    let mut result = DescribeLogDirsResult::default().with_log_dir(path);
    if !dir.online {
        return result.with_error_code(ErrorCode::KAFKA_STORAGE_ERROR.0);
    }
    let mut topics: BTreeMap<&str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for (log, is_future) in logs.iter().filter(|(log, _)| log.parent_dir() == dir.path) {
        let id = log.topic_partition();
        topics.entry(&id.topic).or_default().push(
            DescribeLogDirsPartition::default()
                .with_partition_index(id.partition)
                .with_partition_size(i64::try_from(log.size()).unwrap_or(i64::MAX))
                .with_offset_lag(lag(broker, log, *is_future))
                .with_is_future_key(*is_future),
        );
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        DescribeLogDirsTopic::default()
            .with_name(StrBytes::from_string(name.to_owned()).into())
            .with_partitions(partitions)
    });
    result.topics = topics.collect();
    if version >= 4
        && let Ok(volume) = rustix::fs::statvfs(&dir.path)
    {
        let bytes = |blocks: u64| i64::try_from(blocks * volume.f_frsize).unwrap_or(i64::MAX);
        result.total_bytes = bytes(volume.f_blocks);
        result.usable_bytes = bytes(volume.f_bavail);
    }
    result
}
