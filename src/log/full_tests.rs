//! What a log does on a full disk beside refusing appends: starts, truncations, retention.

use super::faulty::{self, Disk};
use super::partition_log::Log;
use super::testing::{Spec, marker, quiet};
use super::{LogDirs, Origin, ReadBound, RecordSet, batch};
use crate::config::TopicConfig;
use crate::types::TopicPartition;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

fn config() -> Arc<TopicConfig> {
    Arc::new(TopicConfig {
        segment_bytes: 900,
        index_interval_bytes: 150,
        segment_index_bytes: 96,
        file_delete_delay_ms: 0,
        ..Default::default()
    })
}

pub(super) fn open(dir: &Path) -> (Arc<LogDirs>, Arc<Log>) {
    open_with(dir, &config())
}

pub(super) fn open_with(dir: &Path, topic: &Arc<TopicConfig>) -> (Arc<LogDirs>, Arc<Log>) {
    let dirs = LogDirs::open(quiet(&[dir]), &|_| topic.clone(), &|_| {}).expect("opened");
    let id = TopicPartition::new("orders", 0);
    let log = dirs.get_or_create(&id, None, topic.clone()).expect("there");
    (dirs, log)
}

fn disk(log: &Log) -> Arc<Disk> {
    faulty::disk_of(&log.dir())
}

pub(super) fn append(log: &Log, batch: bytes::Bytes, origin: Origin) {
    let result = log.append_as_leader(&[RecordSet { records: batch }], 1, origin, 0).remove(0);
    result.expect("appended");
    log.set_high_watermark(log.log_end_offset());
}

/// Four aborted transactions among other records, over several segments.
pub(super) fn fill(log: &Log) {
    for turn in 0..4 {
        let attributes = batch::TRANSACTIONAL;
        let spec = Spec { producer: (7, 0, turn), attributes, ..Spec::of(&["a"]) };
        append(log, spec.build(), Origin::Client);
        for _ in 0..5 {
            append(log, Spec::of(&["b"]).build(), Origin::Client);
        }
        append(log, marker(7, 0, 0), Origin::Coordinator);
    }
}

/// First offsets of aborted transactions as read_committed is told of them, and how far it reads.
pub(super) fn told(log: &Log) -> (BTreeSet<i64>, i64) {
    log.set_high_watermark(log.log_end_offset());
    let (mut at, mut aborted) = (0, BTreeSet::new());
    while at < log.last_stable_offset() {
        let read = log.read(at, 1 << 20, true, ReadBound::LastStable).expect("read");
        let region = read.region.expect("records");
        let mut bytes = vec![0; region.len];
        rustix::io::pread(&*region.file, &mut bytes, region.position).expect("bytes");
        let last = batch::split(&bytes.into()).last().expect("a batch");
        at = batch::BatchHeader::read(&last).expect("a header").next_offset();
        aborted.extend(read.aborted.iter().map(|txn| txn.first_offset));
    }
    (aborted, at)
}

fn files(log: &Log, suffix: &str) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(log.dir()).expect("a directory");
    let all = all.map(|entry| entry.expect("an entry").path());
    all.filter(|path| path.extension().is_some_and(|e| e == suffix)).collect()
}

#[test]
fn a_start_without_room_for_any_index_serves_all_and_so_does_the_next() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    fill(&log);
    let before = told(&log);
    assert_eq!((before.0.len(), log.segment_count() > 2), (4, true));
    let at_time = || log.offset_for_timestamp(super::Query::At(900)).expect("read");
    assert!(at_time().is_some());
    log.flush().expect("flushed");
    dirs.checkpoint();
    // As a kill leaves them that came before they were written.
    for suffix in ["index", "timeindex", "txnindex", "snapshot"] {
        files(&log, suffix).iter().for_each(|path| std::fs::remove_file(path).expect("removed"));
    }
    let disk = disk(&log);
    drop((dirs, log));
    for _ in 0..3 {
        disk.set_room(Some(0));
        let (dirs, log) = open(root.path());
        assert_eq!(told(&log), before);
        assert!(dirs.dirs()[0].online);
        let set = RecordSet { records: Spec::of(&["c"]).build() };
        assert!(log.append_as_leader(&[set], 1, Origin::Client, 0)[0].is_err());
        drop((dirs, log));
    }
    disk.set_room(None);
    let (dirs, log) = open(root.path());
    dirs.close(1);
    let all = files(&log, "txnindex");
    let sizes = all.iter().map(|path| path.metadata().expect("there").len());
    assert_eq!(sizes.sum::<u64>(), 4 * 34, "all are on disk when there is room");
    drop((dirs, log));
    assert_eq!(told(&open(root.path()).1), before);
}

#[test]
fn a_log_that_cannot_begin_elsewhere_for_want_of_a_file_stays_as_it_was() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    fill(&log);
    let (before, end) = (told(&log), log.log_end_offset());
    let path = log.dir().join(super::segment::file_name(1000, "log"));
    faulty::of(&path).refuse_open(true);
    assert!(log.truncate_fully_and_start_at(1000).is_err());
    assert_eq!((told(&log), log.log_end_offset()), (before, end));
    assert!(dirs.dirs()[0].online && files(&log, "deleted").is_empty());
    append(&log, Spec::of(&["d"]).build(), Origin::Client);
    faulty::of(&path).refuse_open(false);
    log.truncate_fully_and_start_at(1000).expect("there is a file");
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (1000, 1000));
}

#[test]
fn a_log_begins_elsewhere_on_a_full_disk_and_forgets_its_epochs_there() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    fill(&log);
    let disk = disk(&log);
    disk.set_room(Some(0));
    log.truncate_fully_and_start_at(20).expect("nothing is to be written");
    assert_eq!((log.latest_epoch(), log.log_end_offset()), (None, 20));
    drop((dirs, log));
    let (_dirs, log) = open(root.path());
    assert_eq!((log.latest_epoch(), log.log_end_offset()), (None, 20));
    disk.set_room(None);
}

#[test]
fn an_epoch_that_was_cut_off_on_a_full_disk_does_not_come_back() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    append(&log, Spec::of(&["a"]).build(), Origin::Client);
    log.assign_epoch_start(5, 1);
    let batch = || RecordSet { records: Spec::of(&["b", "c"]).build() };
    log.append_as_leader(&[batch()], 5, Origin::Client, 0).remove(0).expect("appended");
    let disk = disk(&log);
    disk.set_room(Some(0));
    log.truncate_to(1).expect("nothing is to be written");
    disk.set_room(None);
    // The old epoch again: the file has to be right before the log grows beyond where 5 began.
    append(&log, batch().records, Origin::Client);
    drop((dirs, log));
    assert_eq!(open(root.path()).1.latest_epoch(), Some(1));
}

#[test]
fn retention_makes_room_on_a_full_disk() {
    let root = tempfile::tempdir().expect("a directory");
    let (_dirs, log) = open(root.path());
    fill(&log);
    let count = log.segment_count();
    disk(&log).set_room(Some(0));
    // All are old, and there is no room for a new one: the active one stays for now.
    let old = 1000 + config().retention_ms + 10_000;
    assert_eq!(log.delete_old_segments(old).expect("deleted"), count - 1);
    disk(&log).set_room(None);
    assert_eq!(log.delete_old_segments(old).expect("deleted"), 1);
    assert_eq!(log.log_start_offset(), log.log_end_offset());
}

#[test]
fn a_topic_id_is_noted_on_a_full_disk_and_written_when_there_is_room() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    let id = crate::types::TopicId::from_u128(7);
    disk(&log).set_room(Some(0));
    log.assign_topic_id(id).expect("noted");
    assert_eq!(log.topic_id(), Some(id));
    let on_disk = || super::checkpoint::read_topic_id(&log.dir()).expect("read");
    dirs.checkpoint();
    assert!(on_disk().is_none() && dirs.dirs()[0].online);
    disk(&log).set_room(None);
    dirs.checkpoint();
    assert_eq!(on_disk(), Some(id));
}
