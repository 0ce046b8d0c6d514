//! What a disk does to a log: many waiters of one sync, and a disk that is really full: a small
//! tmpfs, or `OTTLA_SMALL_DISK`, a mount of a few MB.

use super::testing::{Spec, drop_from_cache};
use super::{LogDirs, LogDirsConfig, Origin, ReadBound, ReadError, RecordSet, without_waiting};
use crate::log::testing::quiet;
use crate::types::TopicPartition;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn open(dirs: &[&Path]) -> Arc<LogDirs> {
    let config = quiet(dirs);
    LogDirs::open(config, &|_| Arc::default(), &|_| {}).expect("opened")
}

#[test]
fn every_waiter_of_a_flush_has_its_records_below_the_recovery_point() {
    let root = tempfile::tempdir().expect("a directory");
    let id = TopicPartition::new("orders", 0);
    let log = open(&[root.path()]).get_or_create(&id, None, Arc::default()).expect("created");
    let work = || {
        for _ in 0..50 {
            let set = RecordSet { records: Spec::of(&["a"]).build() };
            let result = log.append_as_leader(&[set], 1, Origin::Client, 0).remove(0);
            let end = result.expect("appended").last_offset + 1;
            log.flush_to(end).expect("flushed");
            assert!(log.recovery_point() >= end);
        }
    };
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(work))));
    assert_eq!((log.log_end_offset(), log.recovery_point()), (400, 400));
}

#[test]
fn a_read_that_must_not_wait_says_so_when_what_it_needs_is_not_in_memory() {
    // Not in /tmp, which may be memory.
    let root = tempfile::tempdir_in(".").expect("a directory");
    let id = TopicPartition::new("orders", 0);
    let log = open(&[root.path()]).get_or_create(&id, None, Arc::default()).expect("created");
    let set = RecordSet { records: Spec::of(&["a"]).build() };
    log.append_as_leader(&[set], 1, Origin::Client, 0).remove(0).expect("appended");
    let read = || without_waiting(|| log.read(0, 1000, true, ReadBound::LogEnd));
    assert!(read().expect("in memory").region.is_some());
    drop_from_cache(&log.dir());
    assert!(matches!(read(), Err(ReadError::Cold)), "{:?}", read());
    log.warm_up(0, 1000);
    assert!(read().expect("in memory again").region.is_some());
}

/// A file system of a few MB, unmounted at the end.
struct SmallDisk {
    path: PathBuf,
    mounted: Option<tempfile::TempDir>,
}

impl SmallDisk {
    /// The one given, else a tmpfs. Says so where neither can be had: mounting takes root.
    fn mount() -> Option<SmallDisk> {
        if let Some(path) = std::env::var_os("OTTLA_SMALL_DISK").map(PathBuf::from) {
            return Some(SmallDisk { path, mounted: None });
        }
        let dir = tempfile::tempdir().expect("a directory");
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "ottla-small-disk"]).arg(dir.path());
        match mount.output() {
            Ok(output) if output.status.success() => {
                Some(SmallDisk { path: dir.path().to_owned(), mounted: Some(dir) })
            }
            refused => {
                // Past the capture of the test's own output, so that it is seen.
                let line = format!("SKIP full disk: no tmpfs can be mounted: {refused:?}\n");
                let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Some(dir) = &self.mounted {
            let _ = std::process::Command::new("umount").arg("-l").arg(dir.path()).status();
        }
    }
}

#[test]
fn a_full_disk_refuses_appends_and_takes_them_again_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let disk = &disk.path;
    let root = disk.join("log");
    let filler = disk.join("filler");
    std::fs::write(&filler, vec![0; 1_000_000]).expect("written");
    let id = TopicPartition::new("orders", 0);
    let dirs = open(&[&root]);
    let log = dirs.get_or_create(&id, None, Arc::default()).expect("created");
    let value = "x".repeat(50_000);
    let append = || {
        let set = RecordSet { records: Spec::of(&[&value]).build() };
        log.append_as_leader(&[set], 1, Origin::Client, 0).remove(0)
    };
    let error = (0..10_000).find_map(|_| append().err()).expect("full");
    assert!(error.to_string().contains("No space left"), "{error}");
    let end = log.log_end_offset();
    dirs.checkpoint();
    assert!(append().is_err() && dirs.dirs().iter().all(|dir| dir.online));
    std::fs::remove_file(&filler).expect("room");
    assert_eq!(append().expect("room again").base_offset, end);
    drop((log, dirs));
    assert_eq!(open(&[&root]).get(&id).expect("there").log_end_offset(), end + 1);
}

/// Takes all the room but `pages` of 4 KiB.
fn fill(disk: &Path, pages: u64) -> PathBuf {
    let filler = disk.join("filler");
    let file = std::fs::File::create(&filler).expect("created");
    let room = || rustix::fs::statvfs(disk).expect("asked").f_bavail;
    while room() > pages {
        let take = ((room() - pages) * 4096).min(1 << 20);
        let at = file.metadata().expect("asked").len();
        let taken =
            std::os::unix::fs::FileExt::write_at(&file, &vec![1; take as usize], at).unwrap_or(0);
        assert!(taken > 0, "no room left to take");
    }
    filler
}

#[test]
fn wherever_the_disk_becomes_full_the_log_stays_and_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let root = disk.path.join("log");
    let config = Arc::new(crate::config::TopicConfig {
        segment_bytes: 20_000,
        segment_index_bytes: 4096,
        index_interval_bytes: 1000,
        file_delete_delay_ms: 0,
        ..Default::default()
    });
    let of_topic = config.clone();
    let open = || {
        let dirs = LogDirsConfig { producer_expiry_ms: i64::MAX, ..quiet(&[&root]) };
        let of_topic = of_topic.clone();
        LogDirs::open(dirs, &move |_| of_topic.clone(), &|_| {})
    };
    let id = TopicPartition::new("orders", 0);
    let mut dirs = open().expect("opened");
    let mut sequence = 0;
    for pages in 0..40 {
        let log = dirs.get_or_create(&id, None, config.clone()).expect("there");
        let value = "x".repeat(3000);
        let append = |sequence: i32, epoch: i32| {
            let spec = Spec { producer: (9, 0, sequence), ..Spec::of(&[&value]) };
            let set = RecordSet { records: spec.build() };
            log.append_as_leader(&[set], epoch, Origin::Client, 0).remove(0)
        };
        let filler = fill(&disk.path, pages);
        // Rolls, snapshots, epochs, truncations, checkpoints: all of them meet the full disk.
        let mut refused = 0;
        while refused < 5 {
            match append(sequence, pages as i32) {
                Ok(appended) => {
                    sequence += 1;
                    assert!(!appended.duplicate);
                }
                Err(error) => {
                    assert!(error.to_string().contains("No space left"), "{error}");
                    refused += 1;
                }
            }
        }
        let end = log.log_end_offset();
        assert_eq!(end, i64::from(sequence));
        log.set_high_watermark(end);
        let _ = log.advance_log_start_offset(end - 3);
        let _ = log.delete_old_segments(0);
        log.assign_epoch_start(1000 + pages as i32, end);
        let _ = log.truncate_to((end - 1).max(log.log_start_offset()));
        sequence = i32::try_from(log.log_end_offset()).expect("small");
        assert!(end - i64::from(sequence) <= 1, "{end} {sequence}");
        dirs.checkpoint();
        assert!(dirs.dirs().iter().all(|dir| dir.online), "offline with {pages} pages left");
        if pages % 3 == 0 {
            dirs.close(1);
        }
        if pages % 3 < 2 {
            drop((log, dirs));
            dirs = open().expect("opened on a full disk");
            let log = dirs.get(&id).expect("there");
            assert_eq!(log.log_end_offset(), i64::from(sequence), "{pages} pages left");
        }
        let _ = std::fs::remove_file(&filler);
        dirs.shared.empty_trash(i64::MAX);
        let log = dirs.get(&id).expect("there");
        let spec = Spec { producer: (9, 0, sequence), ..Spec::of(&[&value]) };
        let set = RecordSet { records: spec.build() };
        let result = log.append_as_leader(&[set], 2000, Origin::Client, 0).remove(0);
        assert_eq!(result.expect("room again").base_offset, i64::from(sequence), "{pages}");
        sequence += 1;
    }
}
