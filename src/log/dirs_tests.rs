//! Directories: creation, restart after a clean shutdown and after a crash, deletion.

use super::*;
use crate::log::testing::quiet;
use crate::log::testing::{Spec, marker};
use crate::log::{Origin, Query, ReadBound, RecordSet};

fn config(dir: &std::path::Path) -> LogDirsConfig {
    LogDirsConfig { recovery_threads: 2, ..quiet(&[dir]) }
}

fn small() -> Arc<TopicConfig> {
    let small = TopicConfig { segment_bytes: 600, index_interval_bytes: 100, ..Default::default() };
    Arc::new(small)
}

fn open(dir: &std::path::Path) -> Arc<LogDirs> {
    LogDirs::open(config(dir), &|_| small(), &|_| {}).expect("opened")
}

fn append(log: &Log, spec: &Spec) -> crate::log::Appended {
    let set = RecordSet { records: spec.build() };
    let mut results = log.append_as_leader(&[set], 3, Origin::Client, 2000);
    results.pop().expect("one").expect("appended")
}

fn fill(log: &Log) {
    for n in 0..40 {
        let spec =
            Spec { timestamp: 1000 + n * 10, producer: (9, 0, n as i32), ..Spec::of(&["v"]) };
        assert_eq!(append(log, &spec).base_offset, n);
    }
}

fn check(log: &Log) {
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, 40));
    assert_eq!(log.active_producers()[0].last_sequence, 39);
    assert_eq!(log.end_offset_for_epoch(3), (3, 40));
    let found = log.offset_for_timestamp(Query::At(1195)).expect("found").expect("some");
    assert_eq!((found.offset, found.timestamp), (20, 1200));
    let read = log.read(20, 1, true, ReadBound::LogEnd).expect("read").region.expect("some");
    assert_eq!(read.len, Spec::of(&["v"]).build().len());
    let max = log.offset_for_timestamp(Query::MaxTimestamp).expect("found").expect("some");
    assert_eq!((max.offset, max.timestamp), (39, 1390));
}

#[test]
fn a_log_is_the_same_after_a_clean_shutdown_and_after_a_crash() {
    let root = tempfile::tempdir().expect("a directory");
    let id = TopicPartition::new("orders", 3);
    let dirs = open(root.path());
    let log = dirs.get_or_create(&id, Some(TopicId::from_u128(1)), small()).expect("created");
    fill(&log);
    assert!(log.segment_count() > 4);
    check(&log);
    dirs.close(7);
    let again = open(root.path());
    let log = again.get(&id).expect("there");
    assert_eq!(log.topic_id(), Some(TopicId::from_u128(1)));
    check(&log);
    // No clean close, and half a batch at the end.
    let path = log.active_segment().expect("active").offsets.path().with_extension("log");
    drop((again, log));
    let torn = [std::fs::read(&path).expect("read"), vec![1; 30]].concat();
    std::fs::write(&path, torn).expect("written");
    let after = open(root.path());
    let log = after.get(&id).expect("there");
    check(&log);
    let spec = Spec { producer: (9, 0, 39), ..Spec::of(&["v"]) };
    assert!(append(&log, &spec).duplicate);
}

#[test]
fn after_a_crash_only_what_is_above_the_recovery_point_is_read() {
    let root = tempfile::tempdir().expect("a directory");
    let id = TopicPartition::new("orders", 0);
    let dirs = open(root.path());
    let log = dirs.get_or_create(&id, None, small()).expect("created");
    fill(&log);
    log.flush().expect("flushed");
    dirs.checkpoint();
    assert_eq!(log.recovery_point(), 40);
    let newest = Spec { producer: (9, 0, 40), ..Spec::of(&["torn"]) };
    assert_eq!(append(&log, &newest).base_offset, 40);
    let active = log.active_segment().expect("active").offsets.path().with_extension("log");
    drop((dirs, log));
    // The last byte of the first segment, which is flushed, and of the newest batch, which is not.
    let first = root.path().join("orders-0/00000000000000000000.log");
    let damage = |path: &std::path::Path| {
        let mut bytes = std::fs::read(path).expect("read");
        let used = bytes.iter().rposition(|byte| *byte != 0).expect("batches");
        bytes[used] ^= 0x55;
        std::fs::write(path, bytes).expect("written");
    };
    assert_ne!(first, active);
    damage(&first);
    damage(&active);
    let log = open(root.path()).get(&id).expect("there");
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, 40));
}

#[test]
fn whoever_writes_checkpoints_at_once_does_not_take_the_directory_offline() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let id = TopicPartition::new("orders", 0);
    let log = dirs.get_or_create(&id, None, small()).expect("made");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|_| dirs.checkpoint()));
        }
    });
    assert!(log.check_online().is_ok());
}

#[test]
fn a_deleted_log_is_renamed_and_the_next_one_is_empty() {
    let root = tempfile::tempdir().expect("a directory");
    let id = TopicPartition::new("orders", 0);
    let dirs = open(root.path());
    fill(&dirs.get_or_create(&id, None, small()).expect("created"));
    dirs.delete(&id).expect("deleted");
    assert!(dirs.get(&id).is_none() && !root.path().join("orders-0").exists());
    let names = std::fs::read_dir(root.path()).expect("listed").flatten();
    let names: Vec<_> = names.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    assert!(names.iter().any(|n| n.starts_with("orders-0.") && n.ends_with("-delete")));
    assert_eq!(dirs.get_or_create(&id, None, small()).expect("new").log_end_offset(), 0);
}

/// Writes a directory for `kafka-dump-log`, if asked by a variable in the environment.
#[test]
fn a_directory_for_other_tools_has_every_kind_of_file() {
    let root = tempfile::tempdir().expect("a directory");
    let path = std::env::var("OTTLA_LOG_DIR").map_or(root.path().to_owned(), PathBuf::from);
    let id = TopicPartition::new("oracle", 0);
    let dirs = open(&path);
    let log = dirs.get_or_create(&id, Some(TopicId::from_u128(5)), small()).expect("created");
    fill(&log);
    use crate::log::compress::Codec;
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        append(&log, &Spec { codec, timestamp: 3000, ..Spec::of(&["aaaa", "bbbb"]) });
    }
    let attributes = crate::log::batch::TRANSACTIONAL;
    append(&log, &Spec { producer: (11, 0, 0), attributes, ..Spec::of(&["x"]) });
    log.set_high_watermark(i64::MAX);
    assert_eq!(log.last_stable_offset(), 48);
    let set = RecordSet { records: marker(11, 0, 0) };
    let results = log.append_as_leader(&[set], 3, Origin::Coordinator, 2000);
    assert!(results.iter().all(Result::is_ok));
    log.set_high_watermark(i64::MAX);
    assert_eq!(log.last_stable_offset(), 50);
    let read = log.read(48, 1000, true, ReadBound::LastStable).expect("read");
    assert_eq!((read.aborted[0].producer_id, read.aborted[0].first_offset), (11, 48));
    dirs.close(1);
    assert!(path.join(checkpoint::CLEAN_SHUTDOWN).exists());
}

#[test]
fn old_segments_go_by_size_and_the_start_follows() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let log = dirs.get_or_create(&TopicPartition::new("a", 0), None, small()).expect("created");
    fill(&log);
    let by_size = TopicConfig { retention_bytes: 1200, retention_ms: -1, ..(*small()).clone() };
    log.set_config(Arc::new(by_size));
    assert_eq!(log.delete_old_segments(2000).expect("none"), 0, "nothing is committed");
    log.set_high_watermark(40);
    assert_eq!(log.delete_old_segments(2000).expect("some"), 2);
    assert_eq!((log.log_start_offset(), log.segment_count()), (16, 3));
    let by_time = TopicConfig { retention_ms: 1, ..(*small()).clone() };
    log.set_config(Arc::new(by_time));
    assert_eq!(log.delete_old_segments(10_000).expect("all"), 3);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (40, 40));
    assert!(log.read(39, 1, true, ReadBound::LogEnd).is_err());
}

#[test]
fn a_follower_takes_batches_as_they_are_and_cuts_them_at_an_offset() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let leader = dirs.get_or_create(&TopicPartition::new("a", 0), None, small()).expect("created");
    let follower =
        dirs.get_or_create(&TopicPartition::new("b", 0), None, small()).expect("created");
    fill(&leader);
    while follower.log_end_offset() < leader.log_end_offset() {
        let from = follower.log_end_offset();
        let read = leader.read(from, 500, true, ReadBound::LogEnd).expect("read");
        let region = read.region.expect("some");
        let mut bytes = vec![0; region.len];
        let at = region.position;
        std::os::unix::fs::FileExt::read_exact_at(&*region.file, &mut bytes, at).expect("there");
        follower.append_as_follower(&bytes.into()).expect("appended");
    }
    check(&follower);
    follower.truncate_to(25).expect("cut");
    assert_eq!(follower.log_end_offset(), 25);
    assert_eq!(follower.active_producers()[0].last_sequence, 24);
    follower.truncate_fully_and_start_at(100).expect("cut");
    assert_eq!((follower.log_start_offset(), follower.log_end_offset()), (100, 100));
}

#[test]
fn a_missing_or_torn_index_is_rebuilt_after_a_clean_shutdown() {
    let root = tempfile::tempdir().expect("a directory");
    for (suffix, torn) in [("index", false), ("timeindex", false), ("index", true)] {
        let dirs = open(root.path());
        let id = TopicPartition::new("orders", 0);
        let log = dirs.get_or_create(&id, None, Arc::default()).expect("created");
        let set = RecordSet { records: Spec::of(&["a"]).build() };
        assert!(log.append_as_leader(&[set], 1, Origin::Client, 0)[0].is_ok());
        let end = log.log_end_offset();
        let path = log.active_segment().expect("active").offsets.path().with_extension(suffix);
        dirs.close(1);
        drop((log, dirs));
        match torn {
            true => std::fs::write(&path, [9; 13]).expect("torn"),
            false => std::fs::remove_file(&path).expect("removed"),
        }
        let log = open(root.path()).get(&id).expect("there");
        assert_eq!(log.log_end_offset(), end);
        let segment = log.active_segment().expect("active");
        assert!(segment.is_indexed_sanely().expect("looked at"), "{suffix}");
        assert_eq!(segment.max_timestamp(), (1000, 0));
    }
}

#[test]
fn messages_of_format_1_keep_their_times_and_a_corrupt_one_is_cut_off_in_recovery() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("old-0");
    std::fs::create_dir_all(&dir).expect("made");
    let mut out = bytes::BytesMut::new();
    for offset in 0..3 {
        let value = Some(bytes::Bytes::from_static(b"v"));
        let timestamp = 500 + offset;
        let message = crate::log::legacy::Message { offset, timestamp, key: None, value };
        crate::log::legacy::write(&mut out, 1, &message, false);
    }
    let last = out.len() - 1;
    out[last] ^= 1;
    std::fs::write(dir.join("00000000000000000000.log"), &out).expect("written");
    let log = open(root.path()).get(&TopicPartition::new("old", 0)).expect("there");
    assert_eq!(log.log_end_offset(), 2);
    assert_eq!(log.active_segment().expect("active").max_timestamp(), (501, 1));
    let found = log.offset_for_timestamp(crate::log::Query::At(501)).expect("read");
    assert_eq!(found.map(|found| (found.offset, found.timestamp)), Some((1, 501)));
}

#[test]
fn a_reader_of_a_segment_that_was_taken_away_makes_no_new_index() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("0.index");
    let dir = crate::log::pooled::DirPath::unlimited(root.path());
    let index = crate::log::index::OffsetIndex::open(&dir, "0.index".into()).expect("opened");
    index.append(5, 100).expect("added");
    index.sync().expect("synced");
    index.trim().expect("closed");
    std::fs::rename(&path, root.path().join("0.index.deleted")).expect("renamed");
    let error = index.lookup(9).expect_err("gone");
    assert_eq!((error.kind(), path.exists()), (std::io::ErrorKind::NotFound, false));
}
