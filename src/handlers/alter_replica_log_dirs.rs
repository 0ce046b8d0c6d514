//! AlterReplicaLogDirs (34), v0-2: moves replicas between this broker's directories (KIP-113).
//!
//! v1 none; v2 flexible. A replica that is where it should be needs nothing; moving one while it
//! is in service is not done yet and answered with KAFKA_STORAGE_ERROR. Rules: `ReplicaManager.
//! alterReplicaLogDirs`.

use super::RequestContext;
use crate::broker::Broker;
use crate::types::{ErrorCode, TopicPartition};
use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::{
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, TopicName,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Answers each replica.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    let mut topics: BTreeMap<TopicName, Vec<AlterReplicaLogDirPartitionResult>> = BTreeMap::new();
    for dir in &request.dirs {
        for topic in &dir.topics {
            let results = topic.partitions.iter().map(|index| {
                let code = check(broker, Path::new(&*dir.path), &topic.name, *index);
                AlterReplicaLogDirPartitionResult::default()
                    .with_partition_index(*index)
                    .with_error_code(code.0)
            });
            topics.entry(topic.name.clone()).or_default().extend(results);
        }
    }
    let results = topics.into_iter().map(|(name, partitions)| {
        AlterReplicaLogDirTopicResult::default().with_topic_name(name).with_partitions(partitions)
    });
    AlterReplicaLogDirsResponse::default().with_results(results.collect())
}

fn check(broker: &Broker, dir: &Path, topic: &str, index: i32) -> ErrorCode {
    let dirs = broker.log_dirs.dirs();
    let Some(status) = dirs.iter().find(|status| status.path == dir) else {
        return ErrorCode::LOG_DIR_NOT_FOUND;
    };
    if !status.online {
        return ErrorCode::KAFKA_STORAGE_ERROR;
    }
    let id = TopicPartition::new(topic, index);
    match broker.log_dirs.get(&id) {
        Some(log) if log.parent_dir() == dir => ErrorCode::NONE,
        Some(_) => ErrorCode::KAFKA_STORAGE_ERROR,
        None => ErrorCode::REPLICA_NOT_AVAILABLE,
    }
}
