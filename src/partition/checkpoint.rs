//! `replication-offset-checkpoint`: the high watermarks, one file a log directory.
//!
//! As Kafka's `OffsetCheckpointFile`: text, written aside, synced and renamed. Example:
//! `0\n1\norders 3 42\n` (version, count, then topic, partition and offset).

use super::{Partition, PartitionError};
use crate::log::{LogDirs, checkpoint};
use crate::types::TopicPartition;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// Name of the file in each log directory.
pub const FILE: &str = "replication-offset-checkpoint";

/// The high watermarks of all directories; a file that cannot be read counts as empty, which costs
/// a follower a truncation and a sole replica nothing.
pub fn read_all(dirs: &LogDirs) -> HashMap<TopicPartition, i64> {
    let mut all = HashMap::new();
    for dir in dirs.dirs().into_iter().filter(|dir| dir.online) {
        match checkpoint::read(&dir.path.join(FILE)) {
            Ok(offsets) => all.extend(offsets),
            Err(error) => tracing::warn!(%error, dir = %dir.path.display(), "unreadable {FILE}"),
        }
    }
    all
}

/// Writes all directories' files: of the partitions in service, and of those not yet spoken of.
pub fn write_all(
    dirs: &LogDirs,
    partitions: &[Arc<Partition>],
    waiting: &HashMap<TopicPartition, i64>,
) -> Result<(), PartitionError> {
    let mut by_dir: BTreeMap<PathBuf, BTreeMap<TopicPartition, i64>> = BTreeMap::new();
    for dir in dirs.dirs().into_iter().filter(|dir| dir.online) {
        by_dir.insert(dir.path, BTreeMap::new());
    }
    let mut put = |dir: PathBuf, id: &TopicPartition, offset: i64| {
        if let Some(offsets) = by_dir.get_mut(&dir) {
            offsets.insert(id.clone(), offset);
        }
    };
    for (id, offset) in waiting {
        if let Some(log) = dirs.get(id) {
            put(log.parent_dir(), id, *offset);
        }
    }
    for partition in partitions {
        put(partition.log().parent_dir(), partition.id(), partition.log().high_watermark());
    }
    for (dir, offsets) in by_dir {
        checkpoint::write(&dir.join(FILE), &offsets)?;
    }
    Ok(())
}
