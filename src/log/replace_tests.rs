//! What an end of the process between any two steps of a swap leaves, and an error in any of them.

use super::cleaner::{Budget, Throttle, clean};
use super::faulty::{self, Disk};
use super::leftovers::sweep;
use super::partition_log::{Known, Log, Place};
use super::shared::{DirState, Shared};
use super::testing::{self, Spec, marker};
use super::{LogError, Origin, RecordSet, batch};
use crate::config::{CleanupPolicy, TopicConfig};
use crate::types::TopicPartition;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Names and contents.
type Files = BTreeMap<String, Vec<u8>>;

fn config(segment_bytes: i32) -> Arc<TopicConfig> {
    Arc::new(TopicConfig {
        segment_bytes,
        index_interval_bytes: 150,
        cleanup_policy: CleanupPolicy { delete: true, compact: true },
        file_delete_delay_ms: 0,
        ..Default::default()
    })
}

/// The log of a directory, with nothing that happens by the clock.
pub(super) fn open(root: &Path, segment_bytes: i32) -> Log {
    let shared: Arc<Shared> = Arc::default();
    let place = Place {
        id: TopicPartition::new("state", 0),
        dir: root.join("state-0"),
        dir_state: Arc::new(DirState::new(root.to_owned(), shared.clone())),
        shared,
        config: config(segment_bytes),
    };
    let log = Log::open(place, Known { clean: true, ..Known::default() }, 1000).expect("opened");
    log.set_high_watermark(log.log_end_offset());
    log
}

/// Aborted transactions among records of few keys, over several segments.
pub(super) fn fill(log: &Log) {
    let append = |batch: bytes::Bytes, origin| {
        let result = log.append_as_leader(&[RecordSet { records: batch }], 1, origin, 0).remove(0);
        result.expect("appended");
    };
    let keys: [&[u8]; 3] = [b"x", b"y", b"z"];
    for turn in 0..4 {
        let (producer, attributes) = ((7, 0, turn), batch::TRANSACTIONAL);
        let spec = Spec { key: Some(b"a"), producer, attributes, ..Spec::of(&["aborted"]) };
        append(spec.build(), Origin::Client);
        for key in keys {
            append(Spec { key: Some(key), ..Spec::of(&["kept"]) }.build(), Origin::Client);
        }
        append(marker(7, 0, 0), Origin::Coordinator);
    }
    log.set_high_watermark(log.log_end_offset());
}

/// A closed log of which all segments but the last become one, and that last one's base offset.
fn small_segments() -> (TempDir, i64) {
    let root = testing::directory();
    let log = open(root.path(), 400);
    fill(&log);
    let active = log.segments.load().last().expect("a segment").base_offset;
    assert!(log.segment_count() > 3);
    log.close().expect("closed");
    (root, active)
}

fn copy(from: &Path) -> (TempDir, Log) {
    let root = testing::directory();
    let dir = root.path().join("state-0");
    std::fs::create_dir(&dir).expect("made");
    for entry in std::fs::read_dir(from.join("state-0")).expect("a directory") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), dir.join(entry.file_name())).expect("copied");
    }
    let log = open(root.path(), 1 << 20);
    (root, log)
}

fn compact(log: &Log, end: i64) -> Result<(), LogError> {
    let budget = Budget { map_bytes: 1 << 16, load_factor: 0.9 };
    let outcome = clean(log, 0, end, 5000, budget, &Throttle::new(f64::MAX))?;
    assert!(outcome.is_some_and(|outcome| outcome.written < outcome.read));
    Ok(())
}

/// The files of segments before `end`, whatever their names end with.
fn files(dir: &Path, end: i64) -> Files {
    let entries =
        std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry"));
    let named = entries.map(|entry| (entry.file_name().into_string().expect("text"), entry.path()));
    let is_of_segment = |name: &str| {
        let offset = name.split_once('.').and_then(|(offset, _)| offset.parse::<i64>().ok());
        offset.is_some_and(|offset| offset < end) && !name.contains(".snapshot")
    };
    let of_segments = named.filter(|(name, _)| is_of_segment(name));
    of_segments.map(|(name, path)| (name, std::fs::read(path).expect("read"))).collect()
}

/// Before and after a swap.
struct Swap {
    root: TempDir,
    end: i64,
    old: Files,
    new: Files,
}

impl Swap {
    fn new() -> Swap {
        let (root, end) = small_segments();
        let old = files(&root.path().join("state-0"), end);
        let (_root, log) = copy(root.path());
        compact(&log, end).expect("compacted");
        log.shared.empty_trash(i64::MAX);
        let new = files(&log.dir(), end);
        let names = [".index", ".log", ".timeindex", ".txnindex"].map(|s| format!("{:020}{s}", 0));
        assert!(new.keys().eq(&names), "one segment, with aborted transactions: {:?}", new.keys());
        assert_eq!(new[&names[3]].len(), 3 * 34, "the fourth ended in the active segment");
        Swap { root, end, old, new }
    }

    fn copy(&self) -> (TempDir, Log, Arc<Disk>) {
        let (root, log) = copy(self.root.path());
        let disk = faulty::disk_of(&log.dir());
        (root, log, disk)
    }

    /// A start puts it right, however often it ends early; whether it is the new one then.
    fn recovers_to(&self, dir: &Path, disk: &Disk, what: &str) -> bool {
        let left: Vec<_> = files(dir, self.end).into_keys().collect();
        let mut steps = 0;
        loop {
            disk.fail_names(None, Some(steps));
            if sweep(dir).is_ok() {
                break;
            }
            steps += 1;
        }
        disk.fail_names(None, None);
        let found = files(dir, self.end);
        let is_new = found == self.new;
        assert!(is_new || found == self.old, "{what}: {left:?} became {:?}", found.keys());
        is_new
    }
}

#[test]
fn an_end_between_any_two_steps_leaves_the_old_segments_or_the_new_one_with_its_indexes() {
    let swap = Swap::new();
    let mut was_new = false;
    for step in 0.. {
        let (_root, log, disk) = swap.copy();
        disk.fail_names(None, Some(step));
        let ended = compact(&log, swap.end).is_ok();
        let dir = log.dir();
        drop(log);
        let is_new = swap.recovers_to(&dir, &disk, &format!("ended at {step}"));
        assert!(is_new || !was_new, "at {step} it is the old one again");
        was_new = is_new;
        if ended {
            assert!(is_new && step > 12, "there are more steps than {step}");
            return;
        }
    }
}

#[test]
fn an_error_in_any_step_undoes_those_before_and_so_does_a_start_amid_that() {
    let swap = Swap::new();
    let mut undone = 0;
    'steps: for step in 0.. {
        for more in 0.. {
            let (_root, log, disk) = swap.copy();
            let end = step + 1 + more;
            disk.fail_names(Some(step), Some(end));
            if compact(&log, swap.end).is_ok() {
                break 'steps;
            }
            let whole = disk.names_changed() <= end;
            disk.fail_names(None, None);
            if whole {
                assert_eq!(files(&log.dir(), swap.end), swap.old, "an error at {step}");
                log.read(0, 1 << 20, true, super::ReadBound::LogEnd).expect("read");
                compact(&log, swap.end).expect("compacted");
                log.shared.empty_trash(i64::MAX);
                assert_eq!(files(&log.dir(), swap.end), swap.new, "after an error at {step}");
                undone += 1;
                continue 'steps;
            }
            let dir = log.dir();
            drop(log);
            swap.recovers_to(&dir, &disk, &format!("an error at {step}, ended {more} later"));
        }
    }
    assert!(undone > 12, "{undone} errors were undone");
}
