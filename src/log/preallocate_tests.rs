//! `preallocate=true`: files that are longer than what is in them, until they are full or closed.

use super::partition_log::Log;
use super::testing::{Spec, quiet};
use super::{LogDirs, Origin, ReadBound, RecordSet};
use crate::config::TopicConfig;
use crate::types::TopicPartition;
use std::path::Path;
use std::sync::Arc;

const SEGMENT_BYTES: u64 = 1500;

fn config(preallocate: bool) -> Arc<TopicConfig> {
    let segment_bytes = SEGMENT_BYTES as i32;
    Arc::new(TopicConfig { segment_bytes, preallocate, ..Default::default() })
}

fn open(dir: &Path) -> (Arc<LogDirs>, Arc<Log>) {
    let dirs = LogDirs::open(quiet(&[dir]), &|_| config(true), &|_| {}).expect("opened");
    let id = TopicPartition::new("orders", 0);
    let log = dirs.get_or_create(&id, None, config(true)).expect("there");
    (dirs, log)
}

fn append(log: &Log, count: usize) {
    for _ in 0..count {
        let set = RecordSet { records: Spec::of(&["a"]).build() };
        log.append_as_leader(&[set], 1, Origin::Client, 0).remove(0).expect("appended");
    }
}

/// Bytes of the files of all segments, and of what is in them.
fn lengths(log: &Log) -> Vec<(u64, u64)> {
    let all = log.segments.load();
    all.iter().map(|s| (s.file.len().expect("there"), s.size())).collect()
}

#[test]
fn a_new_segment_has_its_full_size_and_is_cut_when_it_is_rolled_or_closed() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    assert_eq!(lengths(&log), [(SEGMENT_BYTES, 0)]);
    append(&log, 30);
    let all = lengths(&log);
    let (active, rolled) = all.split_last().expect("segments");
    assert!(active.0 == SEGMENT_BYTES && active.1 < SEGMENT_BYTES && !rolled.is_empty());
    assert!(rolled.iter().all(|(file, size)| file == size), "{all:?}");
    assert_eq!(log.size(), all.iter().map(|(_, size)| size).sum::<u64>());
    let read = log.read(29, 1 << 20, true, ReadBound::LogEnd).expect("read");
    let region = read.region.expect("a record");
    assert_eq!(region.position + region.len as u64, active.1, "no zeros are served");
    dirs.close(1);
    assert!(lengths(&log).iter().all(|(file, size)| file == size));
    drop((dirs, log));
    assert_eq!(open(root.path()).1.log_end_offset(), 30);
}

#[test]
fn after_a_kill_the_zeros_are_cut_off_and_nothing_else() {
    for count in [0, 1, 30] {
        let root = tempfile::tempdir().expect("a directory");
        let (dirs, log) = open(root.path());
        append(&log, count);
        log.flush().expect("flushed");
        dirs.checkpoint();
        append(&log, 1);
        drop((dirs, log));
        let (_dirs, log) = open(root.path());
        assert_eq!(log.log_end_offset(), count as i64 + 1);
        assert!(lengths(&log).iter().all(|(file, size)| file == size));
        append(&log, 1);
        log.truncate_to(count as i64).expect("cut");
        assert_eq!(log.log_end_offset(), count as i64);
    }
}

#[test]
fn a_log_that_was_killed_while_it_was_empty_takes_records() {
    let root = tempfile::tempdir().expect("a directory");
    drop(open(root.path()));
    let (_dirs, log) = open(root.path());
    assert_eq!(log.log_end_offset(), 0);
    append(&log, 1);
    assert_eq!(lengths(&log)[0].1, log.size());
}

#[test]
fn a_segment_keeps_the_size_it_began_with_when_the_topic_changes() {
    let root = tempfile::tempdir().expect("a directory");
    let (_dirs, log) = open(root.path());
    append(&log, 1);
    log.set_config(config(false));
    append(&log, 30);
    let all = lengths(&log);
    assert!(all.len() > 1 && all.iter().all(|(file, size)| file == size), "{all:?}");
}
