//! Segments that retention takes away while somebody still has them in hand: their files are not
//! there, and no disk is at fault.

use super::cleaner::{Budget, Throttle, clean, clean_of};
use super::partition_log::Log;
use super::replace_tests::{fill, open};
use super::{Query, ReadBound, testing};
use std::cell::Cell;
use std::sync::Arc;

fn filled(root: &std::path::Path) -> Log {
    let log = open(root, 400);
    fill(&log);
    // As files are that were not used for a while: closed, and opened by name.
    log.close().expect("closed");
    drop(log);
    open(root, 400)
}

/// Retention takes the first segment, and its files go at once.
fn take_first(log: &Log) {
    let second = log.segments.load()[1].base_offset;
    log.advance_log_start_offset(second).expect("advanced");
    assert_eq!(log.delete_old_segments(0).expect("deleted"), 1);
    for segment in log.segments.load().iter() {
        segment.file.release();
        segment.release();
    }
    log.shared.empty_trash(i64::MAX);
}

fn release(log: &Log) {
    for segment in log.segments.load().iter() {
        for file in [&segment.file, &segment.offsets.file, &segment.times.file] {
            file.release();
        }
        segment.aborted.file.release();
    }
}

#[test]
fn a_pass_over_a_segment_that_is_gone_ends_and_the_next_one_cleans_the_rest() {
    let root = testing::directory();
    let log = filled(root.path());
    let before = log.segments.load_full();
    let end = before.last().expect("a segment").base_offset;
    release(&log);
    take_first(&log);
    let budget = Budget { map_bytes: 1 << 16, load_factor: 0.9 };
    let throttle = Throttle::new(f64::MAX);
    let outcome = clean_of(&log, &before, 0, end, 5000, budget, &throttle).expect("no fault");
    assert_eq!(outcome, None);
    let start = log.log_start_offset();
    // A group of which some are there is left for the next pass, also if it can be read.
    let outcome = clean_of(&log, &before, start, end, 5000, budget, &throttle).expect("no fault");
    assert_eq!(outcome, None);
    let outcome = clean(&log, start, end, 5000, budget, &throttle).expect("cleaned");
    let outcome = outcome.expect("nothing is gone");
    assert!(outcome.clean_to == end && outcome.written < outcome.read, "{outcome:?}");
    let names = std::fs::read_dir(log.dir()).expect("a directory").map(|e| e.expect("an entry"));
    let names: Vec<_> = names.map(|e| e.file_name().into_string().expect("text")).collect();
    assert!(!names.iter().any(|name| name.ends_with(".cleaned")), "{names:?}");
}

#[test]
fn a_reader_of_a_segment_that_is_gone_reads_those_that_are_there() {
    let root = testing::directory();
    let log = filled(root.path());
    release(&log);
    let looks = Cell::new(0);
    let first = log.on_segments(|segments| {
        // More often than once.
        if looks.replace(looks.get() + 1) < 3 {
            take_first(&log);
        }
        Ok(segments[0].locate(segments[0].base_offset)?.map(|at| at.header.base_offset))
    });
    assert_eq!(first.expect("read"), Some(log.segments.load()[0].base_offset));
    assert_eq!(looks.get(), 4);
    let start = log.log_start_offset();
    assert!(log.read(start, 1 << 20, true, ReadBound::LogEnd).expect("read").region.is_some());
    assert!(log.offset_for_timestamp(Query::At(0)).expect("read").is_some());
    assert!(log.dir_state.is_online());
}

#[test]
fn a_sync_of_a_segment_that_is_gone_has_nothing_to_do() {
    let root = testing::directory();
    let log = filled(root.path());
    release(&log);
    let first = Arc::clone(&log.segments.load()[0]);
    take_first(&log);
    assert!(first.sync().is_err(), "its files are there");
    log.sync_one(&first).expect("nothing to do");
}

#[test]
fn a_flush_of_a_log_that_is_gone_fails_and_its_disk_does_not() {
    let root = testing::directory();
    let log = open(root.path(), 400);
    fill(&log);
    let to = root.path().join("state-0.deleted");
    log.retire(&to).expect("retired");
    std::fs::remove_dir_all(&to).expect("removed");
    assert!(log.flush().is_err(), "there is nothing to flush to");
    assert!(log.dir_state.is_online());
}

#[test]
fn a_file_of_a_segment_that_is_there_must_be_there() {
    let root = testing::directory();
    let log = filled(root.path());
    release(&log);
    let first = Arc::clone(&log.segments.load()[0]);
    std::fs::remove_file(first.file.path()).expect("removed");
    assert!(log.sync_one(&first).is_err());
    assert!(log.read(0, 1 << 20, true, ReadBound::LogEnd).is_err());
    assert!(!log.dir_state.is_online());
}
