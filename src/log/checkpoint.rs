//! The small text files of a log directory: the four offset checkpoints, `partition.metadata`,
//! `meta.properties` and `.kafka_cleanshutdown` (Kafka's `CheckpointFile` and friends).
//!
//! A checkpoint: `0`, count, then `topic partition offset` a line, e.g. `0\n1\norders 3 42\n`.

use super::api::LogError;
use super::file;
use crate::types::{TopicId, TopicPartition, id_from_base64, id_to_base64};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Offsets up to which logs are known to be on disk.
pub const RECOVERY_POINT: &str = "recovery-point-offset-checkpoint";
/// Log start offsets that are not those of the first segment.
pub const LOG_START: &str = "log-start-offset-checkpoint";
/// High watermarks.
pub const HIGH_WATERMARK: &str = "replication-offset-checkpoint";
/// First offsets that are not compacted.
pub const CLEANER: &str = "cleaner-offset-checkpoint";
/// Whose directory it is.
pub const META: &str = "meta.properties";
/// Topic id of a partition.
pub const PARTITION_METADATA: &str = "partition.metadata";
/// There only after a clean shutdown.
pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

fn malformed(path: &Path, why: impl Into<String>) -> LogError {
    LogError::Malformed { path: path.to_owned(), why: why.into() }
}

fn read_text(path: &Path) -> Result<Option<String>, LogError> {
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(malformed(path, "not text")),
        },
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Reads a checkpoint; a missing file is empty.
pub fn read(path: &Path) -> Result<BTreeMap<TopicPartition, i64>, LogError> {
    let Some(text) = read_text(path)? else { return Ok(BTreeMap::new()) };
    let mut lines = text.lines();
    if lines.next() != Some("0") {
        return Err(malformed(path, "version is not 0"));
    }
    let count: usize = lines
        .next()
        .and_then(|line| line.parse().ok())
        .ok_or_else(|| malformed(path, "no count"))?;
    let mut all = BTreeMap::new();
    for line in lines {
        let mut words = line.split(' ');
        let entry = (|| {
            let topic = words.next()?;
            let partition = words.next()?.parse().ok()?;
            let offset: i64 = words.next()?.parse().ok()?;
            words.next().is_none().then(|| (TopicPartition::new(topic, partition), offset))
        })();
        let (id, offset) = entry.ok_or_else(|| malformed(path, format!("line {line:?}")))?;
        all.insert(id, offset);
    }
    if all.len() != count {
        return Err(malformed(path, "another number of lines than it says"));
    }
    Ok(all)
}

/// Writes a checkpoint whole or not at all.
pub fn write(path: &Path, offsets: &BTreeMap<TopicPartition, i64>) -> Result<(), LogError> {
    let mut text = format!("0\n{}\n", offsets.len());
    for (id, offset) in offsets {
        text.push_str(&format!("{} {} {offset}\n", id.topic, id.partition));
    }
    Ok(file::replace(path, text.as_bytes())?)
}

/// The topic id in a partition's directory, if it has one.
pub fn read_topic_id(dir: &Path) -> Result<Option<TopicId>, LogError> {
    let path = dir.join(PARTITION_METADATA);
    let Some(text) = read_text(&path)? else { return Ok(None) };
    let id = text.lines().find_map(|line| line.strip_prefix("topic_id: "));
    let id = id.and_then(|id| id_from_base64(id.trim()));
    // One that is missing is written anew, with what the controller says.
    id.map(Some).ok_or_else(|| malformed(&path, "no topic id; remove the file and start again"))
}

/// Writes it: `version: 0`, `topic_id: <base64>`, no newline at the end. The first sync of the log
/// makes its name survive a power cut.
pub fn write_topic_id(dir: &Path, id: TopicId) -> Result<(), LogError> {
    let text = format!("version: 0\ntopic_id: {}", id_to_base64(id));
    Ok(file::create(&dir.join(PARTITION_METADATA), text.as_bytes())?)
}

/// Whose directory it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Cluster, if it has joined one.
    pub cluster_id: Option<String>,
    /// Broker, if it has one.
    pub broker_id: Option<i32>,
}

/// Reads `meta.properties` of version 0; a missing file is nobody's.
pub fn read_meta(dir: &Path) -> Result<Meta, LogError> {
    let path = dir.join(META);
    let Some(text) = read_text(&path)? else { return Ok(Meta::default()) };
    let mut meta = Meta::default();
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        match key.trim() {
            "version" if value.trim() != "0" => {
                return Err(malformed(&path, format!("version {value}: not in ZooKeeper mode")));
            }
            "cluster.id" => meta.cluster_id = Some(value.trim().replace('\\', "")),
            "broker.id" => {
                let id = value.trim().parse().map_err(|_| malformed(&path, "broker.id"))?;
                meta.broker_id = Some(id);
            }
            _ => {}
        }
    }
    Ok(meta)
}

/// Writes it.
pub fn write_meta(dir: &Path, broker_id: i32, cluster_id: &str) -> Result<(), LogError> {
    let cluster_id = cluster_id.replace('=', "\\=");
    let text = format!("#\nbroker.id={broker_id}\ncluster.id={cluster_id}\nversion=0\n");
    Ok(file::replace(&dir.join(META), text.as_bytes())?)
}

/// Leaves word that nothing needs recovery.
pub fn write_clean_shutdown(dir: &Path, broker_epoch: i64) -> Result<(), LogError> {
    let text = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
    Ok(file::replace(&dir.join(CLEAN_SHUTDOWN), text.as_bytes())?)
}

/// Whether there was a clean shutdown; the word is taken away.
pub fn take_clean_shutdown(dir: &Path) -> Result<bool, LogError> {
    match std::fs::remove_file(dir.join(CLEAN_SHUTDOWN)) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back_and_a_wrong_count_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(HIGH_WATERMARK);
        assert!(read(&path).expect("none").is_empty());
        let offsets = BTreeMap::from([(TopicPartition::new("orders", 3), 42)]);
        write(&path, &offsets).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "0\n1\norders 3 42\n");
        assert_eq!(read(&path).expect("read"), offsets);
        for wrong in [&b"0\n2\norders 3 42\n"[..], b"\xff\xfe\n"] {
            std::fs::write(&path, wrong).expect("written");
            assert!(matches!(read(&path), Err(LogError::Malformed { .. })));
        }
    }

    #[test]
    fn the_other_files_read_back() {
        let dir = tempfile::tempdir().expect("a directory");
        write_meta(dir.path(), 4, "c-1").expect("written");
        let meta = read_meta(dir.path()).expect("read");
        assert_eq!((meta.broker_id, meta.cluster_id.as_deref()), (Some(4), Some("c-1")));
        let id = TopicId::from_u128(7);
        write_topic_id(dir.path(), id).expect("written");
        assert_eq!(read_topic_id(dir.path()).expect("read"), Some(id));
        write_clean_shutdown(dir.path(), 9).expect("written");
        assert!(take_clean_shutdown(dir.path()).expect("taken"));
        assert!(!take_clean_shutdown(dir.path()).expect("gone"));
        std::fs::write(dir.path().join(META), "version=1\nnode.id=1\n").expect("written");
        assert!(read_meta(dir.path()).is_err());
    }
}
