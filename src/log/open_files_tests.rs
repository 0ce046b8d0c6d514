//! The budget: what is closed, what is not, and logs that never notice.

use super::*;
use crate::config::TopicConfig;
use crate::log::batch::{BatchHeader, HEADER_BYTES};
use crate::log::file::LogFile;
use crate::log::pooled::DirPath;
use crate::log::record::records;
use crate::log::segment::Segment;
use crate::log::testing::quiet;
use crate::log::testing::{Spec, directory};
use crate::log::{FileRegion, Log, LogDirs, LogDirsConfig, Origin, ReadBound, RecordSet};
use crate::types::TopicPartition;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::io::IoSlice;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

fn file(dir: &Arc<DirPath>, name: &str) -> LogFile {
    LogFile::at(dir, name.to_owned()).expect("a file").0
}

fn write(file: &LogFile, text: &str) {
    file.write_at(&[IoSlice::new(text.as_bytes())], 0).expect("written");
}

fn read(file: &LogFile, len: usize) -> String {
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, 0).expect("read");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn the_budget_holds_and_a_file_that_was_closed_is_opened_again() {
    let root = tempfile::tempdir().expect("a directory");
    let pool = Arc::new(OpenFiles::with_budget(8));
    let dir = DirPath::new(root.path().to_owned(), pool.clone());
    let files: Vec<_> = (0..40).map(|n| file(&dir, &format!("{n}"))).collect();
    for (n, file) in files.iter().enumerate() {
        write(file, &format!("{n:02}"));
        assert!(pool.open() <= 8, "{}", pool.open());
    }
    for (n, file) in files.iter().enumerate().rev() {
        assert_eq!(read(file, 2), format!("{n:02}"));
        assert!(pool.open() <= 8);
    }
    drop(files);
    assert_eq!((pool.open(), pool.unsynced.load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn what_is_in_hand_and_what_is_unsynced_stays_open_as_long_as_others_can_be_closed() {
    let root = tempfile::tempdir().expect("a directory");
    let pool = Arc::new(OpenFiles::with_budget(8));
    let dir = DirPath::new(root.path().to_owned(), pool.clone());
    let (sent, unsynced) = (file(&dir, "sent"), file(&dir, "unsynced"));
    write(&sent, "sent");
    sent.sync().expect("synced");
    write(&unsynced, "unsynced");
    let region = sent.handle().expect("open");
    let others: Vec<_> = (0..20).map(|n| file(&dir, &format!("{n}"))).collect();
    others.iter().for_each(|other| drop(other.handle().expect("open")));
    assert_eq!(pool.unsynced.load(Ordering::Relaxed), 1, "closed without a sync");
    // The file is gone from its directory and from the pool's reach: the region is not.
    std::fs::remove_file(sent.path()).expect("removed");
    drop(sent);
    let mut bytes = [0; 4];
    region.read_exact_at(&mut bytes, 0).expect("still open");
    assert_eq!(&bytes, b"sent");
    // Nothing but unsynced ones: they are synced, then closed.
    others.iter().for_each(|other| write(other, "x"));
    assert!(pool.open() <= 8 && pool.unsynced.load(Ordering::Relaxed) <= 8);
    assert_eq!(read(&unsynced, 8), "unsynced");
}

#[test]
fn unsynced_files_are_synced_ahead_when_they_are_many() {
    let root = tempfile::tempdir().expect("a directory");
    let pool = Arc::new(OpenFiles::with_budget(16));
    let dir = DirPath::new(root.path().to_owned(), pool.clone());
    let files: Vec<_> = (0..16).map(|n| file(&dir, &format!("{n}"))).collect();
    files.iter().for_each(|file| write(file, "x"));
    assert_eq!(pool.sync_ahead() + pool.sync_ahead(), 8);
    assert_eq!(pool.unsynced.load(Ordering::Relaxed), 8);
    assert_eq!(pool.sync_ahead(), 0);
}

#[test]
fn a_file_is_found_under_its_new_names_and_another_at_its_old_one_is_not_taken_for_it() {
    let root = tempfile::tempdir().expect("a directory");
    let pool = Arc::new(OpenFiles::with_budget(8));
    let place = root.path().join("a");
    std::fs::create_dir(&place).expect("made");
    let dir = DirPath::new(place, pool.clone());
    let old = file(&dir, "0.log");
    write(&old, "old");
    old.sync().expect("synced");
    old.release();
    old.rename("0.log.deleted".into()).expect("renamed");
    let new = file(&dir, "0.log");
    write(&new, "new");
    assert_eq!((read(&old, 3), read(&new, 3)), ("old".into(), "new".into()));
    dir.rename_to(&root.path().join("b")).expect("renamed");
    old.release();
    assert_eq!(read(&old, 3), "old");
    old.release();
    std::fs::rename(old.path(), root.path().join("kept")).expect("renamed");
    std::fs::write(old.path(), "other").expect("written");
    let error = old.handle().expect_err("another file");
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_sync_that_fails_once_fails_for_ever() {
    let root = tempfile::tempdir().expect("a directory");
    let file = file(&DirPath::unlimited(root.path()), "0.log");
    write(&file, "x");
    file.faults.fail_sync();
    assert!(file.sync().is_err());
    assert!(file.sync().is_err(), "what the kernel dropped is not there the second time");
    assert!(file.write_at(&[IoSlice::new(b"y")], 1).is_err());
}

#[test]
fn a_sync_while_a_write_is_under_way_does_not_count_for_it() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = DirPath::unlimited(root.path());
    let (file, _) = Pooled::at(dir, "0.log".to_owned()).expect("a file");
    let open = file.to_write().expect("open");
    file.sync().expect("a sync of what was there before");
    open.write_all_at(b"x", 0).expect("written");
    file.written();
    file.faults.fail_sync();
    assert!(file.sync().is_err(), "nothing was synced");
}

/// What a segment costs beside its files: index entries are read from the files, so the memory of
/// indexes is this, however many entries they have.
#[test]
fn a_segment_takes_less_than_a_kilobyte_of_memory() {
    let names = 4 * "00000000000000000000.timeindex.deleted".len();
    let fixed = size_of::<Segment>() + 4 * (size_of::<Pooled>() + 2 * size_of::<usize>());
    assert!(fixed + names < 1024, "{fixed} + {names}");
}

fn open(dir: &Path) -> Arc<LogDirs> {
    let config = LogDirsConfig { recovery_threads: 2, ..quiet(&[dir]) };
    LogDirs::open(config, &|_| topic(), &|_| {}).expect("opened")
}

fn topic() -> Arc<TopicConfig> {
    let small = TopicConfig {
        segment_bytes: 600,
        index_interval_bytes: 100,
        segment_index_bytes: 240,
        ..Default::default()
    };
    Arc::new(small)
}

fn append(log: &Log, value: &str) -> std::io::Result<()> {
    let set = RecordSet { records: Spec::of(&[value]).build() };
    let result = log.append_as_leader(&[set], 1, Origin::Client, 1000).remove(0);
    result.map(|_| ()).map_err(|error| std::io::Error::other(error.to_string()))
}

fn value_of(region: &FileRegion) -> String {
    let mut bytes = vec![0; region.len];
    region.file.read_exact_at(&mut bytes, region.position).expect("there");
    let header = BatchHeader::read(&bytes).expect("whole");
    let record = records(&bytes[HEADER_BYTES..header.size()]).next().expect("one").expect("whole");
    String::from_utf8(record.value.expect("some").to_vec()).expect("text")
}

/// `partitions` logs under a budget of `budget` files, `steps` random appends and reads of them,
/// then all of it once more, before and after a restart.
fn many_partitions(partitions: i32, budget: usize, steps: usize) {
    let root = directory();
    let dirs = open(root.path());
    dirs.open_files().set_budget(Some(budget));
    let ids: Vec<_> = (0..partitions).map(|n| TopicPartition::new("many", n)).collect();
    let made = ids.iter().map(|id| dirs.get_or_create(id, None, topic()).expect("made"));
    let logs: Vec<Arc<Log>> = made.collect();
    let mut model = vec![0; logs.len()];
    let mut rng = StdRng::seed_from_u64(7);
    let mut held: VecDeque<(usize, i64, FileRegion)> = VecDeque::new();
    for _ in 0..steps {
        let at = rng.random_range(0..logs.len());
        let (log, end): (&Log, &mut i64) = (&logs[at], &mut model[at]);
        if *end == 0 || rng.random_bool(0.5) {
            append(log, &format!("{at} {end}")).expect("appended");
            *end += 1;
        } else {
            let offset = rng.random_range(0..*end);
            let read = log.read(offset, 1, true, ReadBound::LogEnd).expect("read");
            held.push_back((at, offset, read.region.expect("records")));
        }
        assert!(dirs.open_files().open() <= budget + 4);
        if held.len() > 3 {
            let (at, offset, region) = held.pop_front().expect("some");
            assert_eq!(value_of(&region), format!("{at} {offset}"));
        }
    }
    held.clear();
    drop(logs);
    check(&dirs, &ids, &model);
    dirs.close(1);
    drop(dirs);
    let dirs = open(root.path());
    dirs.open_files().set_budget(Some(budget));
    check(&dirs, &ids, &model);
}

fn check(dirs: &LogDirs, ids: &[TopicPartition], model: &[i64]) {
    for (at, id) in ids.iter().enumerate() {
        let log = dirs.get(id).expect("there");
        assert_eq!(log.log_end_offset(), model[at]);
        for offset in 0..model[at] {
            let read = log.read(offset, 1, true, ReadBound::LogEnd).expect("read");
            assert_eq!(value_of(&read.region.expect("records")), format!("{at} {offset}"));
        }
    }
}

/// Of 200 partitions; `OTTLA_PARTITIONS=10000 cargo test --lib partitions_live` takes minutes.
#[test]
fn partitions_live_with_a_twelfth_as_many_open_files() {
    let asked = std::env::var("OTTLA_PARTITIONS").map(|n| n.parse().expect("a number"));
    let partitions: i32 = asked.unwrap_or(200);
    many_partitions(partitions, partitions as usize / 12, partitions as usize * 20);
}

#[test]
fn a_process_without_descriptors_refuses_appends_and_loses_nothing() {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = open(root.path());
    let log = dirs.get_or_create(&TopicPartition::new("a", 0), None, topic()).expect("made");
    append(&log, "0").expect("appended");
    log.segments.load()[0].file.faults.refuse_open(true);
    log.segments.load()[0].file.sync().expect("synced");
    log.segments.load()[0].file.release();
    let error = append(&log, "1").expect_err("no descriptor");
    assert!(error.to_string().contains("ulimit -n"), "{error}");
    assert!(log.read(0, 1, true, ReadBound::LogEnd).is_err());
    assert!(dirs.dirs()[0].online, "the disk is not at fault");
    log.segments.load()[0].file.faults.refuse_open(false);
    append(&log, "1").expect("appended");
    for offset in 0..2 {
        let read = log.read(offset, 1, true, ReadBound::LogEnd).expect("read");
        assert_eq!(value_of(&read.region.expect("records")), offset.to_string());
    }
}
