//! One small test for each thing that the model (`model/`) found, and for single faults.

use super::dirs::{LogDirs, LogDirsConfig};
use super::partition_log::Log;
use super::testing::Spec;
use super::{Origin, RecordSet};
use crate::config::TopicConfig;
use crate::types::TopicPartition;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
    let dirs = LogDirsConfig {
        dirs: vec![dir.to_owned()],
        recovery_threads: 1,
        checkpoint_interval: Duration::from_secs(3600),
        retention_interval: Duration::from_secs(3600),
        producer_expiry_ms: 86_400_000,
        cleaner: crate::log::cleaner::CleanerConfig::off(),
    };
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
