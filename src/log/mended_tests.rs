//! What a start finds wrong in a directory it mends there too, not only in memory: the next start
//! may not look at it again.

use super::faulty;
use super::full_tests::{append, fill, open, open_with, told};
use super::testing::Spec;
use super::{Origin, leader_epochs};
use crate::config::{CleanupPolicy, TopicConfig};
use std::sync::Arc;

#[test]
fn an_epoch_whose_records_a_crash_took_leaves_the_file_of_a_compacted_log_at_the_start() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    append(&log, Spec::of(&["a"]).build(), Origin::Client);
    log.flush().expect("flushed");
    let path = log.dir().join(leader_epochs::FILE);
    let told = std::fs::read_to_string(&path).expect("a file");
    drop((dirs, log));
    std::fs::write(&path, told.replacen("\n1\n", "\n2\n", 1) + "5 1\n").expect("written");
    let cleanup_policy = CleanupPolicy { delete: false, compact: true };
    let topic = Arc::new(TopicConfig { cleanup_policy, ..TopicConfig::default() });
    let (_dirs, log) = open_with(root.path(), &topic);
    assert_eq!(log.latest_epoch(), Some(1));
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), told);
}

#[test]
fn indexes_made_anew_before_the_recovery_point_are_synced() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    fill(&log);
    let (first, aborted) = (log.segments.load()[0].clone(), told(&log));
    dirs.close(1);
    drop((dirs, log));
    std::fs::write(first.offsets.file.path(), [9; 7]).expect("written");
    faulty::take_unsynced(&root.path().join("orders-0"));
    let (_dirs, log) = open(root.path());
    let unsynced = faulty::take_unsynced(&log.dir());
    let left = unsynced.keys().find(|path| **path == first.aborted.file.path());
    assert_eq!((left, told(&log)), (None, aborted));
}
