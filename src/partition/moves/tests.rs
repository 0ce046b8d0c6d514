//! Replicas that are moved while they are written to, cut and stopped.

use super::*;
use crate::config::TopicConfig;
use crate::log::testing::Spec;
use crate::log::{CleanerConfig, LogDirsConfig, Origin, ReadBound, RecordSet};
use crate::partition::LeaderAndIsr;
use crate::types::TopicId;
use std::path::PathBuf;

struct Fixture {
    dirs: [PathBuf; 2],
    log_dirs: Arc<LogDirs>,
    replicas: Replicas,
    epoch: i32,
    _root: tempfile::TempDir,
}

fn id() -> TopicPartition {
    TopicPartition::new("orders", 3)
}

fn fixture() -> Fixture {
    fixture_on(&[])
}

/// With these bytes as the log's only segment.
fn fixture_on(segment: &[u8]) -> Fixture {
    let root = tempfile::tempdir().expect("a directory");
    let dirs = [root.path().join("a"), root.path().join("b")];
    let log = dirs[0].join("orders-3");
    if !segment.is_empty() {
        std::fs::create_dir_all(&log).expect("made");
        std::fs::write(log.join("00000000000000000000.log"), segment).expect("written");
    }
    let config = LogDirsConfig {
        dirs: dirs.to_vec(),
        recovery_threads: 1,
        checkpoint_interval: Duration::from_secs(3600),
        retention_interval: Duration::from_secs(3600),
        producer_expiry_ms: i64::MAX,
        cleaner: CleanerConfig::off(),
    };
    let topic = Arc::new(TopicConfig { segment_bytes: 2000, ..Default::default() });
    let of_topic = topic.clone();
    let log_dirs = LogDirs::open(config, &move |_| of_topic.clone(), &|_| {}).expect("opened");
    let resolve = Box::new(move |_: &str| topic.clone());
    let replicas = Replicas::new(1, log_dirs.clone(), resolve, 30_000);
    log_dirs.prefer(&id(), &dirs[0]);
    Fixture { dirs, log_dirs, replicas, epoch: 0, _root: root }
}

impl Fixture {
    fn lead(&mut self, leader: i32) -> Arc<Partition> {
        self.epoch += 1;
        let order = LeaderAndIsr {
            topic: "orders".to_owned(),
            partition: 3,
            topic_id: TopicId::from_u128(5),
            leader,
            leader_epoch: self.epoch,
            isr: vec![leader],
            replicas: vec![1, 2],
            is_new: true,
            ..Default::default()
        };
        let told = self.replicas.apply_leader_and_isr(1, &[order]).expect("told");
        assert!(told.outcomes.iter().all(Result::is_ok), "{told:?}");
        self.replicas.get("orders", 3).expect("hosted")
    }

    fn await_move(&self, dir: &Path) {
        let partition = self.replicas.get("orders", 3).expect("hosted");
        let waited = std::time::Instant::now();
        while partition.log().parent_dir() != dir || self.log_dirs.future(&id()).is_some() {
            assert!(waited.elapsed() < Duration::from_secs(60), "not moved");
            std::thread::yield_now();
        }
    }
}

fn append(partition: &Partition, sequence: i32) -> i64 {
    let spec = Spec { producer: (9, 0, sequence), ..Spec::of(&["some value"]) };
    let set = RecordSet { records: spec.build() };
    let result = partition.append(&[set], Origin::Client, 1).remove(0);
    result.expect("appended").base_offset
}

fn offsets(log: &Log) -> Vec<i64> {
    let mut all = Vec::new();
    let mut next = log.log_start_offset();
    while next < log.log_end_offset() {
        let read = log.read(next, 1, true, ReadBound::LogEnd).expect("read");
        let region = read.region.expect("a batch");
        let mut head = [0; 8];
        std::os::unix::fs::FileExt::read_exact_at(&*region.file, &mut head, region.position)
            .expect("a head");
        let offset = i64::from_be_bytes(head);
        all.push(offset);
        next = offset + 1;
    }
    all
}

#[test]
fn a_replica_moves_to_and_fro_while_it_is_written_to_and_keeps_every_record() {
    let mut fixture = fixture();
    let partition = fixture.lead(1);
    let mut sequence = 0;
    for dir in [1, 0, 1, 0, 1] {
        for _ in 0..50 {
            assert_eq!(append(&partition, sequence), i64::from(sequence));
            sequence += 1;
        }
        let dir = fixture.dirs[dir].clone();
        fixture.replicas.alter_log_dir(&id(), &dir).expect("begun");
        while fixture.log_dirs.future(&id()).is_some() {
            assert_eq!(append(&partition, sequence), i64::from(sequence));
            sequence += 1;
        }
        fixture.await_move(&dir);
    }
    let log = partition.log();
    assert_eq!(offsets(&log), (0..i64::from(sequence)).collect::<Vec<_>>());
    assert_eq!(log.high_watermark(), i64::from(sequence));
    assert_eq!(log.active_producers()[0].last_sequence, sequence - 1);
}

/// All bytes of the segments of the log in a directory, in their order.
fn bytes_in(dir: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(dir.join("orders-3")).expect("a log");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "log"));
    files.sort();
    files.iter().flat_map(|file| std::fs::read(file).expect("read")).collect()
}

#[test]
fn a_log_that_begins_in_an_old_format_is_moved_byte_for_byte_and_written_to_after() {
    for old in [
        include_bytes!("../../../fuzz/corpus/segments/format0").as_slice(),
        include_bytes!("../../../fuzz/corpus/segments/format1"),
    ] {
        let mut fixture = fixture_on(old);
        let partition = fixture.lead(1);
        assert_eq!(append(&partition, 0), 36, "after what was there");
        let before = bytes_in(&fixture.dirs[0]);
        assert!(before.starts_with(old) && before.len() > old.len());
        let there = fixture.dirs[1].clone();
        fixture.replicas.alter_log_dir(&id(), &there).expect("begun");
        fixture.await_move(&there);
        assert_eq!(bytes_in(&there), before);
        assert_eq!(append(&partition, 1), 37);
        assert_eq!((partition.log().log_start_offset(), partition.log().log_end_offset()), (0, 38));
    }
}

#[test]
fn a_throttled_move_shows_its_lag_and_is_cancelled_by_a_move_back() {
    let mut fixture = fixture();
    let partition = fixture.lead(1);
    (0..100).for_each(|n| assert_eq!(append(&partition, n), i64::from(n)));
    fixture.replicas.moves().set_limits(1, 1.0);
    let [here, there] = fixture.dirs.clone();
    fixture.replicas.alter_log_dir(&id(), &there).expect("begun");
    let future = fixture.log_dirs.future(&id()).expect("a copy");
    assert!(future.log_end_offset() < 100);
    fixture.replicas.alter_log_dir(&id(), &here).expect("given up");
    assert!(fixture.log_dirs.future(&id()).is_none() && future.is_closed());
    assert_eq!(partition.log().parent_dir(), here);
    fixture.replicas.moves().set_limits(1, f64::MAX);
    fixture.replicas.alter_log_dir(&id(), &there).expect("begun again");
    fixture.await_move(&there);
}

#[test]
fn a_log_that_a_new_leader_cut_is_moved_as_it_is_then() {
    let mut fixture = fixture();
    let partition = fixture.lead(1);
    (0..30).for_each(|n| assert_eq!(append(&partition, n), i64::from(n)));
    let future = fixture.log_dirs.create_future(&id(), &fixture.dirs[1]).expect("made");
    let future = future.expect("a copy");
    while copy::advance(&partition.log(), &future, 1000).expect("copied") > 0 {}
    assert_eq!(future.log_end_offset(), 30);
    // Another leads and cuts to 20; then this one writes other records in a newer epoch.
    fixture.lead(2);
    partition.log().truncate_to(20).expect("cut");
    let partition = fixture.lead(1);
    let spec = Spec { producer: (9, 1, 0), ..Spec::of(&["another value"]) };
    let set = RecordSet { records: spec.build() };
    partition.append(&[set], Origin::Client, 1).remove(0).expect("appended");
    fixture.replicas.alter_log_dir(&id(), &fixture.dirs[1]).expect("goes on");
    fixture.await_move(&fixture.dirs[1]);
    let log = partition.log();
    assert_eq!(offsets(&log), (0..21).collect::<Vec<_>>());
    assert_eq!(log.latest_epoch(), Some(fixture.epoch));
    assert_eq!(log.end_offset_for_epoch(1), (1, 20));
}

#[test]
fn records_deleted_while_a_copy_is_behind_are_not_copied() {
    let mut fixture = fixture();
    let partition = fixture.lead(1);
    (0..60).for_each(|n| assert_eq!(append(&partition, n), i64::from(n)));
    let future = fixture.log_dirs.create_future(&id(), &fixture.dirs[1]).expect("made");
    let future = future.expect("a copy");
    copy::advance(&partition.log(), &future, 500).expect("copied");
    partition.log().advance_log_start_offset(50).expect("deleted");
    fixture.replicas.alter_log_dir(&id(), &fixture.dirs[1]).expect("goes on");
    fixture.await_move(&fixture.dirs[1]);
    assert_eq!(offsets(&partition.log()), (50..60).collect::<Vec<_>>());
}

#[test]
fn a_move_stops_with_its_replica_and_goes_on_with_it() {
    let mut fixture = fixture();
    let partition = fixture.lead(1);
    (0..60).for_each(|n| assert_eq!(append(&partition, n), i64::from(n)));
    fixture.replicas.moves().set_limits(1, 1.0);
    fixture.replicas.alter_log_dir(&id(), &fixture.dirs[1]).expect("begun");
    fixture.replicas.stop_replica(&id(), -1, false).expect("stopped");
    fixture.replicas.moves().set_limits(1, f64::MAX);
    assert!(fixture.log_dirs.future(&id()).is_some());
    fixture.lead(1);
    fixture.await_move(&fixture.dirs[1]);
    fixture.replicas.alter_log_dir(&id(), &fixture.dirs[0]).expect("begun");
    fixture.replicas.stop_replica(&id(), -2, true).expect("deleted");
    assert!(fixture.log_dirs.get(&id()).is_none() && fixture.log_dirs.future(&id()).is_none());
}

#[test]
fn what_cannot_be_moved_is_refused_as_kafka_refuses_it() {
    let fixture = fixture();
    let unknown = fixture.replicas.alter_log_dir(&id(), Path::new("/nowhere"));
    assert!(matches!(unknown, Err(PartitionError::Log(LogError::UnknownDir(_)))));
    let long = TopicPartition::new("x".repeat(240), 0);
    let refused = fixture.replicas.alter_log_dir(&long, &fixture.dirs[0]);
    assert!(matches!(refused, Err(PartitionError::Log(LogError::NameTooLong))));
    let absent = fixture.replicas.alter_log_dir(&id(), &fixture.dirs[1]);
    assert!(matches!(absent, Err(PartitionError::NotLeader)));
    let mut fixture = fixture;
    assert_eq!(fixture.lead(1).log().parent_dir(), fixture.dirs[1]);
}

#[test]
fn a_replica_whose_directory_failed_is_told_from_one_that_is_elsewhere() {
    let f = fixture();
    std::fs::write(f.dirs[0].join("orders-3"), "not a directory").expect("written");
    let order = LeaderAndIsr {
        topic: "orders".to_owned(),
        partition: 3,
        leader: 1,
        leader_epoch: 1,
        isr: vec![1],
        replicas: vec![1],
        is_new: true,
        ..Default::default()
    };
    let told = f.replicas.apply_leader_and_isr(1, &[order]).expect("told");
    assert!(told.outcomes[0].is_err() && f.replicas.get("orders", 3).is_none());
    assert!(f.replicas.is_offline("orders", 3) && !f.replicas.is_offline("orders", 4));
    f.replicas.stop_replica(&id(), -2, true).expect("stopped");
    assert!(!f.replicas.is_offline("orders", 3));
}
