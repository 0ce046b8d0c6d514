//! What a disk does to a log: many waiters of one sync, and a disk that is really full: a small
//! tmpfs, or `OTTLA_SMALL_DISK`, a mount of a few MB.

use super::cleaner::CleanerConfig;
use super::testing::Spec;
use super::{LogDirs, LogDirsConfig, Origin, RecordSet};
use crate::types::TopicPartition;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

fn open(dirs: &[&Path]) -> Arc<LogDirs> {
    let config = LogDirsConfig {
        dirs: dirs.iter().map(|dir| dir.to_path_buf()).collect(),
        recovery_threads: 1,
        checkpoint_interval: Duration::from_secs(3600),
        retention_interval: Duration::from_secs(3600),
        producer_expiry_ms: 86_400_000,
        cleaner: CleanerConfig::off(),
    };
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
