//! When records are synced (`flush.messages`, `flush.ms`), and how a start says how far it is.

use super::partition_log::Log;
use super::testing::{Spec, quiet};
use super::upkeep;
use super::{LogDirs, LogDirsConfig, Origin, RecordSet};
use crate::config::TopicConfig;
use crate::types::TopicPartition;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;

fn open(dir: &Path, config: TopicConfig) -> (Arc<LogDirs>, Arc<Log>) {
    let config = Arc::new(config);
    let dirs = LogDirs::open(quiet(&[dir]), &|_| Arc::default(), &|_| {}).expect("opened");
    let id = TopicPartition::new("orders", 0);
    let log = dirs.get_or_create(&id, None, config).expect("created");
    (dirs, log)
}

fn append(log: &Log) {
    let set = RecordSet { records: Spec::of(&["a"]).build() };
    log.append_as_leader(&[set], 1, Origin::Client, 0).remove(0).expect("appended");
}

#[test]
fn flush_messages_counts_the_records_that_may_be_unsynced() {
    let root = tempfile::tempdir().expect("a directory");
    let (_dirs, log) = open(root.path(), TopicConfig { flush_messages: 3, ..Default::default() });
    let mut points = Vec::new();
    for _ in 0..7 {
        append(&log);
        points.push(log.recovery_point());
    }
    assert_eq!(points, [0, 0, 3, 3, 3, 6, 6]);
}

#[test]
fn flush_ms_is_how_long_a_record_may_be_unsynced() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path(), TopicConfig { flush_ms: 3_600_000, ..Default::default() });
    append(&log);
    upkeep::flush(&dirs);
    assert_eq!(log.recovery_point(), 0, "not yet");
    log.set_config(Arc::new(TopicConfig { flush_ms: 0, ..Default::default() }));
    upkeep::flush(&dirs);
    assert_eq!(log.recovery_point(), 1);
}

#[test]
fn a_segment_that_was_rolled_is_synced_whatever_flush_ms_says() {
    let root = tempfile::tempdir().expect("a directory");
    let small = TopicConfig { segment_bytes: 200, ..Default::default() };
    let (dirs, log) = open(root.path(), small);
    (0..4).for_each(|_| append(&log));
    assert!(log.segment_count() > 1);
    upkeep::flush(&dirs);
    assert_eq!(log.recovery_point(), 4);
}

#[test]
fn several_threads_load_a_directory_and_each_log_is_told_once() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path(), TopicConfig::default());
    append(&log);
    for partition in 1..12 {
        let id = TopicPartition::new("orders", partition);
        append(&dirs.get_or_create(&id, None, Arc::default()).expect("created"));
    }
    drop((dirs, log));
    let (told, threads) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    // The first of two threads waits for the second, so that both must be there.
    let both = std::sync::Barrier::new(2);
    let resolve = |_: &str| {
        let this = std::thread::current().id();
        let is_new = !threads.lock().contains(&this);
        if is_new {
            threads.lock().push(this);
            both.wait();
        }
        Arc::default()
    };
    let config = LogDirsConfig { recovery_threads: 2, ..quiet(&[root.path()]) };
    let dirs = LogDirs::open(config, &resolve, &|progress| {
        told.lock().push((progress.loaded, progress.total));
    });
    let dirs = dirs.expect("opened");
    let mut told = told.into_inner();
    told.sort_unstable();
    assert_eq!(told, (1..=12).map(|loaded| (loaded, 12)).collect::<Vec<_>>());
    assert!(dirs.all().iter().all(|log| log.log_end_offset() == 1));
}
