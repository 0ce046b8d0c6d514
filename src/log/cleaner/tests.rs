//! Whole passes over real directories: what survives, and what every crash leaves.

use super::clean::{Budget, clean};
use super::schedule::{Cleaner, CleanerConfig};
use super::survivors::plain;
use super::throttle::Throttle;
use crate::config::{CleanupPolicy, TimestampType, TopicConfig};
use crate::log::batch::{self, BatchHeader, HEADER_BYTES, TRANSACTIONAL};
use crate::log::compress::Codec;
use crate::log::record::records;
use crate::log::testing::{Draft, Frame, Spec, marker, quiet};
use crate::log::{Log, LogDirs, LogDirsConfig, Origin, Query, ReadBound, RecordSet};
use crate::types::TopicPartition;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn config() -> Arc<TopicConfig> {
    Arc::new(TopicConfig {
        segment_bytes: 700,
        index_interval_bytes: 100,
        cleanup_policy: CleanupPolicy { delete: false, compact: true },
        min_cleanable_dirty_ratio: 0.0,
        file_delete_delay_ms: 0,
        ..Default::default()
    })
}

fn cleaner_config() -> CleanerConfig {
    let budget = Budget { map_bytes: 1 << 20, load_factor: 0.9 };
    CleanerConfig { budget, ..CleanerConfig::off() }
}

fn open(dir: &Path) -> Arc<LogDirs> {
    let dirs = LogDirsConfig { cleaner: cleaner_config(), ..quiet(&[dir]) };
    LogDirs::open(dirs, &|_| config(), &|_| {}).expect("opened")
}

fn id() -> TopicPartition {
    TopicPartition::new("state", 0)
}

fn batch(pairs: &[(String, Option<String>)], codec: Codec) -> Bytes {
    let draft = |(delta, (key, value)): (usize, &(String, Option<String>))| Draft {
        later: delta as i64,
        key: Some(key.clone().into_bytes()),
        value: value.clone().map(String::into_bytes),
    };
    let drafts: Vec<_> = pairs.iter().enumerate().map(draft).collect();
    Frame::of(codec).around(&drafts)
}

fn append(log: &Log, pairs: &[(String, Option<String>)], codec: Codec) {
    let set = RecordSet { records: batch(pairs, codec) };
    let results = log.append_as_leader(&[set], 0, Origin::Client, 2000);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    log.set_high_watermark(log.log_end_offset());
}

/// All records that a reader from the start sees: offset, key, value.
fn all(log: &Log) -> Vec<(i64, String, Option<String>)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let mut out = Vec::new();
    let mut at = log.log_start_offset();
    while at < log.log_end_offset() {
        let read = log.read(at, 1 << 20, true, ReadBound::LogEnd).expect("read");
        let Some(region) = read.region else { break };
        let mut bytes = vec![0; region.len];
        rustix::io::pread(&*region.file, &mut bytes, region.position).expect("bytes");
        for bytes in batch::split(&Bytes::from(bytes)) {
            let header = BatchHeader::read(&bytes).expect("a header");
            assert!(batch::crc_is_right(&header, &bytes), "at {}", header.base_offset);
            assert!(bytes.len() >= HEADER_BYTES && header.next_offset() > at);
            for record in records(&plain(&bytes, &header).expect("plain")) {
                let record = record.expect("a record");
                let offset = header.base_offset + i64::from(record.offset_delta);
                let key = text(record.key.expect("a key"));
                if offset >= at {
                    out.push((offset, key, record.value.map(text)));
                }
            }
            at = header.next_offset();
        }
    }
    out
}

/// What must survive of records before `end`: the last of each key; all of the rest.
fn expected(
    records: &[(i64, String, Option<String>)],
    end: i64,
) -> Vec<(i64, String, Option<String>)> {
    let mut last = BTreeMap::new();
    for (offset, key, _) in records.iter().filter(|(offset, ..)| *offset < end) {
        last.insert(key.clone(), *offset);
    }
    let stays = |(offset, key, _): &&(i64, String, Option<String>)| {
        *offset >= end || last.get(key) == Some(offset)
    };
    records.iter().filter(stays).cloned().collect()
}

fn fill(log: &Log, seed: u64, batches: usize) {
    let mut state = seed * 2 + 1;
    let mut next = move |n: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % n
    };
    let codecs = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
    for n in 0..batches {
        let pair = |i: u64| {
            let value = (i != 0).then(|| format!("value {n} {i} {}", "x".repeat(i as usize)));
            (format!("key {}", i % 13), value)
        };
        let count = 1 + next(4);
        let pairs: Vec<_> = (0..count).map(|_| pair(next(40))).collect();
        append(log, &pairs, codecs[next(5) as usize]);
    }
}

fn cleaned_to(dir: &Path) -> i64 {
    let path = dir.join("cleaner-offset-checkpoint");
    crate::log::checkpoint::read(&path).expect("read").get(&id()).copied().unwrap_or(0)
}

#[test]
fn what_survives_is_the_last_of_each_key_at_its_own_offset_before_and_after_a_restart() {
    for seed in 0..8 {
        let root = tempfile::tempdir().expect("a directory");
        let dirs = open(root.path());
        let log = dirs.get_or_create(&id(), None, config()).expect("created");
        fill(&log, seed, 60);
        let before = all(&log);
        let size = log.size();
        let cleaner = Cleaner::new(cleaner_config());
        assert!(cleaner.clean_one(&dirs));
        assert_eq!(cleaner.uncleanable(), []);
        let end = cleaned_to(root.path());
        assert!(end > 0 && log.size() < size, "seed {seed}");
        let after = expected(&before, end);
        assert_eq!(all(&log), after, "seed {seed}");
        assert!(!cleaner.clean_one(&dirs), "nothing is dirty");
        fill(&log, seed + 100, 30);
        let before = all(&log);
        assert!(cleaner.clean_one(&dirs));
        let after = expected(&before, cleaned_to(root.path()));
        assert_eq!(all(&log), after, "seed {seed}, second pass");
        let found = log.read(0, 1, true, ReadBound::LogEnd).expect("readable from a gap");
        assert!(found.region.is_some());
        drop(log);
        dirs.close(1);
        let log = open(root.path()).get(&id()).expect("there");
        assert_eq!(all(&log), after, "seed {seed}, restarted");
    }
}

#[test]
fn a_full_map_cleans_part_of_the_log_and_the_next_pass_goes_on() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let log = dirs.get_or_create(&id(), None, config()).expect("created");
    for n in 0..300 {
        append(&log, &[(format!("key {}", n / 2), Some("v".repeat(30)))], Codec::None);
    }
    let before = all(&log);
    let mut small = cleaner_config();
    small.budget.map_bytes = 24 * 40;
    let cleaner = Cleaner::new(small);
    let mut passes = 0;
    while cleaner.clean_one(&dirs) {
        passes += 1;
        assert_eq!(all(&log), expected(&before, cleaned_to(root.path())), "pass {passes}");
        assert!(passes < 50, "no progress");
    }
    assert!(passes > 2, "the map was never full");
    let active = log.segments.load().last().map(|segment| segment.base_offset);
    assert_eq!(Some(cleaned_to(root.path())), active, "to the end of the last segment");
}

/// A crash may come between any two steps of a swap: what is there then is put right at start.
#[test]
fn every_state_that_a_crash_can_leave_recovers_to_the_same_records() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let log = dirs.get_or_create(&id(), None, config()).expect("created");
    fill(&log, 1, 60);
    let before = all(&log);
    let dir = log.dir();
    dirs.close(1);
    drop((log, dirs));
    std::fs::remove_file(root.path().join(".kafka_cleanshutdown")).expect("as after a crash");
    let old = copy(&dir);
    let dirs = open(root.path());
    let log = dirs.get(&id()).expect("there");
    log.set_high_watermark(log.log_end_offset());
    assert!(Cleaner::new(cleaner_config()).clean_one(&dirs));
    let end = cleaned_to(root.path());
    let cleaned = copy(&dir);
    let bases = cleaned
        .keys()
        .filter(|name| name.ends_with(".log") && old.get(*name) != cleaned.get(*name));
    let swapped: Vec<&str> = bases.filter_map(|name| name.strip_suffix("log")).collect();
    assert!(!swapped.is_empty());
    drop((log, dirs));
    let wanted = expected(&before, end);
    let kinds = ["log", "index", "timeindex", "txnindex"];
    // So many of the new files are named `.swap`, the others still `.cleaned`; or not there, as
    // older versions left it.
    let named = (0..=kinds.len()).map(|count| (count, true)).chain([(1, false)]);
    for (count, others) in named {
        let other = tempfile::tempdir().expect("a directory");
        let dir = other.path().join("state-0");
        std::fs::create_dir_all(&dir).expect("made");
        let write = |name: &str, bytes: &[u8]| std::fs::write(dir.join(name), bytes).expect("made");
        old.iter().for_each(|(name, bytes)| write(name, bytes));
        for (at, kind) in kinds.iter().enumerate().filter(|(at, _)| *at < count || others) {
            let ending = if at < count { "swap" } else { "cleaned" };
            for base in &swapped {
                let Some(bytes) = cleaned.get(&format!("{base}{kind}")) else { continue };
                write(&format!("{base}{kind}.{ending}"), bytes);
            }
        }
        let log = open(other.path()).get(&id()).expect("there");
        // None of these segments has aborted transactions.
        let is_whole = count >= 3 || !others;
        let wanted = if is_whole { &wanted } else { &before };
        assert_eq!(&all(&log), wanted, "{count} are named, others: {others}");
    }
}

/// Adds records of a fresh key until so many segments were rolled.
fn roll(log: &Log, segments: usize) {
    let wanted = log.segment_count() + segments;
    for n in 0.. {
        append(log, &[(format!("filler {n}"), Some("v".repeat(60)))], Codec::None);
        if log.segment_count() >= wanted {
            return;
        }
    }
}

#[test]
fn records_of_a_transaction_that_began_segments_before_its_abort_go_at_once() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let log = dirs.get_or_create(&id(), None, config()).expect("created");
    let one = |value: &str, producer, attributes, origin| {
        let spec = Spec { key: Some(b"a"), producer, attributes, ..Spec::of(&[value]) };
        let set = RecordSet { records: spec.build() };
        assert!(log.append_as_leader(&[set], 0, origin, 2000).iter().all(Result::is_ok));
    };
    one("decided", (-1, -1, -1), 0, Origin::Client);
    one("aborted", (7, 0, 0), TRANSACTIONAL, Origin::Client);
    roll(&log, 2);
    let set = RecordSet { records: marker(7, 0, 0) };
    log.append_as_leader(&[set], 0, Origin::Coordinator, 2000);
    roll(&log, 2);
    let cleaner = Cleaner::new(cleaner_config());
    let values = || -> Vec<String> {
        let of_key = all(&log).into_iter().filter(|(_, key, _)| key == "a");
        of_key.filter_map(|(.., value)| value).collect()
    };
    assert!(cleaner.clean_one(&dirs));
    assert_eq!(values(), ["decided"], "an aborted record supersedes nothing");
    let end = log.log_end_offset();
    assert_eq!(log.aborted_between(0, end).expect("read").len(), 1, "as records were seen");
    // Of the same producer, after the aborted one's place in the index is gone.
    for value in ["second", "third"] {
        roll(&log, 2);
        let sequence = if value == "second" { 1 } else { 2 };
        one(value, (7, 0, sequence), TRANSACTIONAL, Origin::Client);
        let set = RecordSet { records: marker(7, 0, 1) };
        log.append_as_leader(&[set], 0, Origin::Coordinator, 2000);
        roll(&log, 2);
        assert!(cleaner.clean_one(&dirs));
        assert_eq!(values(), [value]);
    }
}

#[test]
fn a_corrupt_log_is_marked_and_left_as_it_is_until_another_takes_its_name() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let log = dirs.get_or_create(&id(), None, config()).expect("created");
    fill(&log, 3, 60);
    let path = log.dir().join("00000000000000000000.log");
    let mut bytes = std::fs::read(&path).expect("there");
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).expect("written");
    let before = copy(&log.dir());
    let cleaner = Cleaner::new(cleaner_config());
    cleaner.clean_one(&dirs);
    assert_eq!(cleaner.uncleanable(), [id()]);
    assert_eq!(copy(&log.dir()), before);
    assert!(!cleaner.clean_one(&dirs), "it is not tried again");
    let (count, bytes) = cleaner.metrics(&dirs).uncleanable[root.path()];
    assert!(count == 1 && bytes > 700, "{count} {bytes}");
    drop(log);
    dirs.delete(&id()).expect("deleted");
    let log = dirs.get_or_create(&id(), None, config()).expect("created");
    fill(&log, 4, 60);
    assert!(cleaner.clean_one(&dirs), "another log");
    assert!(cleaned_to(root.path()) > 0);
    assert_eq!(cleaner.metrics(&dirs).uncleanable[root.path()], (0, 0));
}

#[test]
fn a_time_by_the_brokers_clock_leads_to_a_record_that_is_left() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let by_broker = TopicConfig {
        message_timestamp_type: TimestampType::LogAppendTime,
        ..TopicConfig::clone(&config())
    };
    let log = dirs.get_or_create(&id(), None, Arc::new(by_broker)).expect("created");
    let pairs = |names: &[&str]| -> Vec<(String, Option<String>)> {
        names.iter().map(|name| (name.to_string(), Some("v".repeat(50)))).collect()
    };
    append(&log, &pairs(&["a", "b"]), Codec::None);
    append(&log, &pairs(&["a"]), Codec::None);
    roll(&log, 2);
    assert!(Cleaner::new(cleaner_config()).clean_one(&dirs));
    assert_eq!(all(&log)[0].0, 1, "the first record is gone, its batch begins with it");
    let found = log.offset_for_timestamp(Query::At(0)).expect("read").expect("found");
    assert_eq!(found.offset, 1);
}

#[test]
fn a_tombstone_goes_when_it_is_due_though_the_dirty_part_is_a_hole() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let log = dirs.get_or_create(&id(), None, config()).expect("created");
    append(&log, &[("a".to_owned(), None)], Codec::None);
    append(&log, &[("b".to_owned(), Some("v".to_owned()))], Codec::None);
    let end = log.log_end_offset();
    log.roll_locked(&mut log.writer.lock(), &config(), end, 0).expect("rolled");
    let pass = |from, to, now_ms| {
        let throttle = Throttle::new(f64::MAX);
        clean(&log, from, to, now_ms, cleaner_config().budget, &throttle).expect("cleaned");
    };
    pass(0, end, 5000);
    assert_eq!(all(&log).len(), 2, "it is not yet due");
    // Too far for the segment that is there, which stays empty.
    let far = end + i64::from(i32::MAX) + 10;
    let bytes = batch(&[("c".to_owned(), Some("v".to_owned()))], Codec::None);
    let header = BatchHeader::read(&bytes).expect("a header");
    let head = BatchHeader::head(far, header.length, 0);
    let moved = [&head[..], &bytes[head.len()..]].concat();
    log.append_as_follower(&moved.into()).expect("appended");
    log.set_high_watermark(log.log_end_offset());
    pass(end, far, 5000 + config().delete_retention_ms);
    let keys: Vec<_> = all(&log).into_iter().map(|(_, key, _)| key).collect();
    assert_eq!(keys, ["b", "c"]);
}

fn copy(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("text");
        // The upkeep thread writes the epochs when it likes.
        let is_of_upkeep = name.starts_with("leader-epoch-checkpoint");
        if !name.ends_with(".deleted") && !is_of_upkeep {
            files.insert(name, std::fs::read(entry.path()).expect("read"));
        }
    }
    files
}
