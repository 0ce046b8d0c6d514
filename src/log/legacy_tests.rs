//! Logs of a topic that is older than Kafka 0.11: segments of formats 0 and 1, as Kafka's own
//! `MemoryRecordsBuilder` wrote them (`fuzz/corpus/segments/format0` and `format1`).
//!
//! Each holds twelve batches of three records: plain, gzip, snappy, lz4, and again. Record `i` of
//! batch `b` has the key `(3b + i) % 5`, the last of every third batch is a tombstone. In format 1
//! its time is 1000 + 10b + i, from batch 8 on that of the broker, 1009 + 10b.

use super::cleaner::{Budget, Throttle, clean};
use super::down_convert::down_convert;
use super::partition_log::Log;
use super::testing::{Spec, quiet};
use super::{LogDirs, Origin, Query, ReadBound, RecordSet, batch, legacy};
use crate::config::{CleanupPolicy, TopicConfig};
use crate::types::TopicPartition;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

const FORMATS: [&[u8]; 2] = [
    include_bytes!("../../fuzz/corpus/segments/format0"),
    include_bytes!("../../fuzz/corpus/segments/format1"),
];
const END: i64 = 36;

type Row = (i64, i64, String, Option<String>);

fn expected(magic: usize) -> Vec<Row> {
    let row = |n: i64| {
        let (b, i) = (n / 3, n % 3);
        let time = match (magic, b) {
            (0, _) => -1,
            (_, ..8) => 1000 + b * 10 + i,
            _ => 1009 + b * 10,
        };
        let value = (i != 2 || b % 3 != 0).then(|| format!("value {b} {i}"));
        (n, time, format!("key {}", n % 5), value)
    };
    (0..END).map(row).collect()
}

fn config() -> Arc<TopicConfig> {
    Arc::new(TopicConfig {
        cleanup_policy: CleanupPolicy { delete: false, compact: true },
        index_interval_bytes: 200,
        segment_bytes: 600,
        file_delete_delay_ms: 0,
        ..Default::default()
    })
}

fn id() -> TopicPartition {
    TopicPartition::new("old", 0)
}

fn dirs(paths: &[&Path]) -> Arc<LogDirs> {
    LogDirs::open(quiet(paths), &|_| config(), &|_| {}).expect("opened")
}

/// A broker that starts on the segment, of which nothing else is there.
fn opened(magic: usize, root: &Path) -> (Arc<LogDirs>, Arc<Log>) {
    let dir = root.join("old-0");
    std::fs::create_dir_all(&dir).expect("made");
    std::fs::write(dir.join("00000000000000000000.log"), FORMATS[magic]).expect("written");
    let dirs = dirs(&[root]);
    let log = dirs.get(&id()).expect("loaded");
    log.set_high_watermark(END);
    (dirs, log)
}

/// The bytes that a replica fetches, read by read.
fn fetched(log: &Log, mut at: i64) -> Vec<Bytes> {
    let mut all = Vec::new();
    while at < log.log_end_offset() {
        let read = log.read(at, 500, true, ReadBound::LogEnd).expect("read");
        let region = read.region.expect("records");
        let mut bytes = vec![0; region.len];
        region.file.read_exact_at(&mut bytes, region.position).expect("bytes");
        let whole: Vec<_> = batch::split(&bytes.into()).collect();
        let last = whole.last().expect("a whole batch");
        at = legacy::header(last).expect("a header").base_offset + 1;
        all.push(whole.concat().into());
    }
    all
}

fn rows(bytes: &Bytes) -> Vec<Row> {
    let text = |b: &Bytes| String::from_utf8(b.to_vec()).expect("text");
    let (all, _) = legacy::read(bytes).expect("a set");
    let row = |m: legacy::Message| {
        (
            m.offset,
            m.timestamp,
            m.key.as_ref().map(text).expect("a key"),
            m.value.as_ref().map(text),
        )
    };
    all.into_iter().map(row).collect()
}

fn all_rows(log: &Log) -> Vec<Row> {
    fetched(log, 0).iter().flat_map(rows).collect()
}

/// Inner messages of append time have the time of the one that holds them.
fn by_broker(rows: Vec<Row>) -> Vec<Row> {
    let time = |row: &Row| if row.1 >= 1000 && row.0 >= 24 { 1009 + row.0 / 3 * 10 } else { row.1 };
    rows.into_iter().map(|row| (row.0, time(&row), row.2, row.3)).collect()
}

#[test]
fn a_log_of_an_old_format_is_recovered_and_read_from_every_offset() {
    for magic in [0, 1] {
        let root = tempfile::tempdir().expect("a directory");
        let (_dirs, log) = opened(magic, root.path());
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, END));
        assert_eq!((log.latest_epoch(), log.active_producers()), (None, Vec::new()));
        assert_eq!(by_broker(all_rows(&log)), expected(magic));
        let active = log.active_segment().expect("active");
        assert!(active.offsets.entries() > 3, "it is indexed");
        assert_eq!(active.times.entries() > 3, magic == 1, "by time, if there is any");
        for offset in 0..END {
            let first = fetched(&log, offset).remove(0);
            let found = rows(&first).into_iter().map(|row| row.0).find(|at| *at >= offset);
            assert_eq!(found, Some(offset), "the batch with {offset} comes first");
        }
    }
}

#[test]
fn records_of_format_1_are_found_by_their_times_and_of_format_0_by_none() {
    for magic in [0, 1] {
        let root = tempfile::tempdir().expect("a directory");
        let (_dirs, log) = opened(magic, root.path());
        for time in 990..1130 {
            let found = log.offset_for_timestamp(Query::At(time)).expect("read");
            let right = expected(magic).into_iter().find(|row| row.1 >= time);
            assert_eq!(found.map(|f| (f.offset, f.timestamp)), right.map(|r| (r.0, r.1)), "{time}");
        }
        let latest = log.offset_for_timestamp(Query::MaxTimestamp).expect("read");
        assert_eq!(latest.map(|l| l.timestamp), (magic == 1).then_some(1119));
    }
}

#[test]
fn a_torn_end_of_an_old_format_is_cut_off() {
    for magic in [0, 1] {
        let root = tempfile::tempdir().expect("a directory");
        let dir = root.path().join("old-0");
        std::fs::create_dir_all(&dir).expect("made");
        let torn = &FORMATS[magic][..FORMATS[magic].len() - 20];
        std::fs::write(dir.join("00000000000000000000.log"), torn).expect("written");
        let dirs = dirs(&[root.path()]);
        let log = dirs.get(&id()).expect("loaded");
        assert_eq!(log.log_end_offset(), END - 3, "the last batch is not whole");
        log.truncate_to(28).expect("cut");
        assert_eq!(log.log_end_offset(), 27, "28 lies within a compressed message");
        let set = RecordSet { records: Spec { key: Some(b"k"), ..Spec::of(&["new"]) }.build() };
        log.append_as_leader(&[set], 3, Origin::Client, 0).remove(0).expect("appended");
        assert_eq!(log.end_offset_for_epoch(3), (3, 28));
    }
}

#[test]
fn compaction_leaves_the_last_of_each_key_at_its_offset() {
    for magic in [0, 1] {
        let root = tempfile::tempdir().expect("a directory");
        let (dirs, log) = opened(magic, root.path());
        // A batch of today rolls the log, so that the old ones can be cleaned.
        let value = "v".repeat(300);
        let set = RecordSet { records: Spec { key: Some(b"k"), ..Spec::of(&[&value]) }.build() };
        log.append_as_leader(&[set], 3, Origin::Client, 0).remove(0).expect("appended");
        assert_eq!(log.segment_count(), 2);
        let budget = Budget { map_bytes: 1 << 16, load_factor: 0.9 };
        clean(&log, 0, END, 2_000_000_000_000, budget, &Throttle::new(f64::MAX)).expect("cleaned");
        let mut last = BTreeMap::new();
        expected(magic).into_iter().for_each(|row| drop(last.insert(row.2.clone(), row)));
        let mut wanted: Vec<_> = last.into_values().collect();
        wanted.sort();
        let left = |log: &Log| {
            let bytes = fetched(log, 0).concat();
            let old: Vec<_> = batch::split(&bytes.into()).filter(|b| b[16] < 2).collect();
            old.iter().flat_map(rows).collect::<Vec<_>>()
        };
        let found = by_broker(left(&log)).into_iter().filter(|row| row.3.is_some());
        let wanted: Vec<_> = wanted.into_iter().filter(|row| row.3.is_some()).collect();
        assert_eq!(found.collect::<Vec<_>>(), wanted);
        let before = left(&log);
        drop((dirs, log));
        let dirs = self::dirs(&[root.path()]);
        assert_eq!(left(&dirs.get(&id()).expect("loaded")), before, "also after a crash");
    }
}

#[test]
fn a_follower_and_a_copy_in_another_directory_get_the_same_bytes() {
    for magic in [0, 1] {
        let (root, other) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
        let (_dirs, log) = opened(magic, root.path());
        let set = RecordSet { records: Spec { key: Some(b"k"), ..Spec::of(&["new"]) }.build() };
        log.append_as_leader(&[set], 3, Origin::Client, 0).remove(0).expect("appended");
        let dirs = dirs(&[other.path()]);
        let follower = dirs.get_or_create(&id(), None, config()).expect("created");
        for bytes in fetched(&log, 0) {
            follower.append_as_follower(&bytes).expect("appended");
        }
        assert_eq!(follower.log_end_offset(), END + 1);
        assert_eq!(fetched(&follower, 0).concat(), fetched(&log, 0).concat());
        assert_eq!((follower.latest_epoch(), follower.end_offset_for_epoch(3)), (Some(3), (3, 37)));
        assert!(follower.segment_count() > 2, "it rolled amid them");
        for time in [1000, 1041, 1109] {
            let found = |log: &Log| log.offset_for_timestamp(Query::At(time)).expect("read");
            assert_eq!(found(&follower).map(|f| f.offset), found(&log).map(|f| f.offset), "{time}");
        }
        let again = follower.append_as_follower(&Bytes::from_static(FORMATS[magic]));
        assert!(again.is_err(), "what is there already does not follow");
        let mut torn = FORMATS[magic].to_vec();
        torn[20] ^= 1;
        assert!(dirs.get(&id()).expect("there").append_as_follower(&torn.into()).is_err());
        dirs.close(1);
        drop((dirs, follower));
        let dirs = self::dirs(&[other.path()]);
        let follower = dirs.get(&id()).expect("loaded");
        assert_eq!(fetched(&follower, 0).concat(), fetched(&log, 0).concat());
    }
}

#[test]
fn an_old_client_gets_its_own_format_or_the_one_before() {
    for (stored, asked) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let root = tempfile::tempdir().expect("a directory");
        let (_dirs, log) = opened(stored, root.path());
        let bytes = fetched(&log, 0).concat().into();
        let converted = down_convert(&bytes, asked, 0).expect("converted");
        let whole = batch::split(&converted).filter(|b| b[..8] != [0xff; 8]);
        let mut found = Vec::new();
        for entry in whole {
            assert!(i8::try_from(entry[16]).expect("small") <= asked);
            found.extend(rows(&entry));
        }
        let wanted = expected(stored).into_iter().map(|row| match stored > asked as usize {
            true => (row.0, -1, row.2, row.3),
            false => row,
        });
        assert_eq!(by_broker(found), wanted.take(36).collect::<Vec<_>>(), "{stored} as {asked}");
    }
}
