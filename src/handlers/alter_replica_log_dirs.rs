//! AlterReplicaLogDirs (34), v0-2: moves replicas between this broker's directories (KIP-113).
//!
//! v1 none; v2 flexible. The answer comes when the copying has begun; DescribeLogDirs tells how far
//! it is. A partition that is not here yet is answered with REPLICA_NOT_AVAILABLE, and will be made
//! in that directory. Rules: `ReplicaManager.alterReplicaLogDirs`.

use super::RequestContext;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::partition::PartitionError;
use crate::types::{ErrorCode, TopicPartition};
use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::{
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, TopicName,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Begins the moves, and answers each replica.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    // The last directory named for a partition counts.
    let mut wanted: BTreeMap<TopicName, BTreeMap<i32, PathBuf>> = BTreeMap::new();
    for dir in request.dirs {
        for topic in dir.topics {
            let partitions = wanted.entry(topic.name).or_default();
            let path = Path::new(&*dir.path);
            partitions.extend(topic.partitions.iter().map(|index| (*index, path.to_owned())));
        }
    }
    // Makes directories and files: not for a thread that serves connections.
    let broker = broker.clone();
    let results = tokio::task::spawn_blocking(move || {
        let topic = |(name, partitions)| alter_topic(&broker, name, partitions);
        wanted.into_iter().map(topic).collect()
    });
    AlterReplicaLogDirsResponse::default().with_results(results.await.unwrap_or_default())
}

fn alter_topic(
    broker: &Broker,
    name: TopicName,
    partitions: BTreeMap<i32, PathBuf>,
) -> AlterReplicaLogDirTopicResult {
    let results = partitions.into_iter().map(|(index, dir)| {
        let code = alter(broker, &TopicPartition::new(name.as_str(), index), &dir);
        AlterReplicaLogDirPartitionResult::default()
            .with_partition_index(index)
            .with_error_code(code.0)
    });
    let partitions = results.collect();
    AlterReplicaLogDirTopicResult::default().with_topic_name(name).with_partitions(partitions)
}

fn alter(broker: &Broker, id: &TopicPartition, dir: &Path) -> ErrorCode {
    match broker.replicas.alter_log_dir(id, dir) {
        Ok(()) => ErrorCode::NONE,
        Err(error) => {
            tracing::warn!(partition = %id, dir = %dir.display(), %error, "replica not moved");
            match error {
                PartitionError::NotLeader => ErrorCode::REPLICA_NOT_AVAILABLE,
                error => error.error_code(),
            }
        }
    }
}
