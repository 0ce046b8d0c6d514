//! One small test for each thing that the model (`model/`) found, and for single faults.

use super::dirs::LogDirs;
use super::partition_log::Log;
use super::testing::Spec;
use super::{Origin, RecordSet};
use crate::config::TopicConfig;
use crate::log::testing::quiet;
use crate::types::TopicPartition;
use std::path::Path;
use std::sync::Arc;

fn config() -> Arc<TopicConfig> {
    let small = TopicConfig {
        segment_bytes: 900,
        index_interval_bytes: 150,
        segment_index_bytes: 96,
        ..Default::default()
    };
    Arc::new(small)
}

fn open(dir: &Path) -> (Arc<LogDirs>, Arc<Log>) {
    let dirs = quiet(&[dir]);
    let dirs = LogDirs::open(dirs, &|_| config(), &|_| {}).expect("opened");
    let id = TopicPartition::new("model", 0);
    let log = dirs.get_or_create(&id, None, config()).expect("created");
    (dirs, log)
}

#[test]
fn a_failed_sync_takes_the_directory_offline() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    let set = RecordSet { records: Spec::of(&["a"]).build() };
    let append = || log.append_as_leader(std::slice::from_ref(&set), 1, Origin::Client, 0);
    assert!(append()[0].is_ok());
    log.active_segment().expect("active").file.faults.fail_sync();
    assert!(log.flush().is_err());
    assert!(append()[0].is_err());
    assert!(!dirs.dirs()[0].online);
}

#[test]
fn a_write_cut_short_leaves_nothing_and_the_log_goes_on() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    let set = RecordSet { records: Spec::of(&["a"]).build() };
    let sets = [set.clone(), set];
    assert!(log.append_as_leader(&sets, 1, Origin::Client, 0).iter().all(Result::is_ok));
    log.active_segment().expect("active").file.faults.write_short(100);
    assert!(log.append_as_leader(&sets, 2, Origin::Client, 0).iter().all(Result::is_err));
    assert_eq!((log.log_end_offset(), log.latest_epoch()), (2, Some(1)));
    assert!(dirs.dirs()[0].online);
    let results = log.append_as_leader(&sets, 2, Origin::Client, 0);
    assert!(results[0].as_ref().is_ok_and(|appended| appended.base_offset == 2));
    assert_eq!(log.end_offset_for_epoch(1), (1, 2));
}

fn produced(sequence: i32) -> RecordSet {
    RecordSet { records: Spec { producer: (7, 0, sequence), ..Spec::of(&["a"]) }.build() }
}

#[test]
fn a_duplicate_of_what_a_full_disk_refused_is_refused_too() {
    let root = tempfile::tempdir().expect("a directory");
    let (_dirs, log) = open(root.path());
    log.active_segment().expect("active").file.faults.write_short(10);
    let results = log.append_as_leader(&[produced(0), produced(0)], 1, Origin::Client, 0);
    assert!(results.iter().all(Result::is_err), "{results:?}");
    assert_eq!(log.log_end_offset(), 0);
}

#[test]
fn a_fetched_set_that_is_refused_leaves_no_producers_behind() {
    let root = tempfile::tempdir().expect("a directory");
    let (_dirs, log) = open(root.path());
    // Both begin at 0: the second does not follow the first.
    let twice = [produced(0).records, produced(1).records].concat();
    assert!(log.append_as_follower(&twice.into()).is_err());
    assert_eq!((log.log_end_offset(), log.active_producers()), (0, Vec::new()));
}

#[test]
fn a_roll_that_fails_leaves_no_segment_for_the_next_start() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    let disk = super::faulty::disk_of(&log.dir());
    let append = || log.append_as_leader(&[produced(0)], -1, Origin::Coordinator, 0).remove(0);
    append().expect("appended");
    disk.set_room(Some(0));
    while log.active_segment().expect("active").size() < 800 {
        disk.set_room(None);
        append().expect("appended");
        disk.set_room(Some(0));
    }
    let big = RecordSet { records: Spec::of(&["x".repeat(400).as_str()]).build() };
    assert!(log.append_as_leader(&[big], -1, Origin::Client, 0)[0].is_err());
    disk.set_room(None);
    append().expect("appended");
    let end = log.log_end_offset();
    dirs.close(1);
    drop((log, dirs));
    assert_eq!(open(root.path()).1.log_end_offset(), end, "an acknowledged record is lost");
}

#[test]
fn a_truncation_below_the_recovery_point_is_checkpointed_at_once() {
    let root = tempfile::tempdir().expect("a directory");
    let (dirs, log) = open(root.path());
    let sets = [produced(0), produced(1), produced(2)];
    assert!(log.append_as_leader(&sets, 1, Origin::Client, 0).iter().all(Result::is_ok));
    log.flush().expect("flushed");
    dirs.checkpoint();
    log.truncate_to(1).expect("cut");
    let path = root.path().join(super::checkpoint::RECOVERY_POINT);
    let written = super::checkpoint::read(&path).expect("read");
    assert_eq!(written.get(log.topic_partition()), Some(&1));
}

#[test]
fn index_entries_of_an_append_that_failed_do_not_hide_records_from_the_next_start() {
    let root = tempfile::tempdir().expect("a directory");
    let (_dirs, log) = open(root.path());
    let sets = [produced(0), produced(1)];
    assert!(log.append_as_leader(&sets, 1, Origin::Client, 0).iter().all(Result::is_ok));
    let active = log.active_segment().expect("active");
    // Room for what fills the segment and its index entries, none for the snapshot of the roll.
    super::faulty::disk_of(&log.dir()).set_room(Some(820));
    let more: Vec<_> = (2..20).map(produced).collect();
    assert!(log.append_as_leader(&more, 1, Origin::Client, 0).iter().all(Result::is_err));
    super::faulty::disk_of(&log.dir()).set_room(None);
    assert_eq!((log.segment_count(), log.log_end_offset()), (1, 2));
    assert_eq!(active.offsets.last().expect("read"), None);
}
