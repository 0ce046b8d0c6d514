//! Random histories of a log against a list in memory: appends, short writes, truncations,
//! restarts and power cuts that lose what was not synced.

use super::dirs::{LogDirs, LogDirsConfig};
use super::partition_log::Log;
use super::testing::Spec;
use super::{Origin, ReadBound, RecordSet};
use crate::config::TopicConfig;
use crate::types::TopicPartition;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What must be readable: for each batch its base offset and value.
#[derive(Default)]
struct Model {
    batches: Vec<(i64, String)>,
    synced: i64,
}

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

/// All batches of the log, read one by one as a follower would.
fn contents(log: &Log) -> Vec<(i64, String)> {
    let mut all = Vec::new();
    let mut offset = log.log_start_offset();
    while let Some(region) = log.read(offset, 1, true, ReadBound::LogEnd).expect("readable").region
    {
        let mut bytes = vec![0; region.len];
        region.file.read_exact_at(&mut bytes, region.position).expect("there");
        let header = super::batch::BatchHeader::read(&bytes).expect("whole");
        assert!(super::batch::crc_is_right(&header, &bytes), "a torn batch at {offset}");
        let record = super::record::records(&bytes[61..]).next().expect("one").expect("whole");
        let value = String::from_utf8(record.value.expect("some").to_vec()).expect("text");
        all.push((header.base_offset, value));
        offset = header.next_offset();
    }
    assert_eq!(offset, log.log_end_offset());
    all
}

fn power_cut(log: &Log, dir: &Path) {
    let segments = log.segments.load_full();
    let paths: Vec<_> = segments.iter().map(|s| (s.file.path(), s.clone())).collect();
    super::checkpoint::write(
        &dir.join(super::checkpoint::RECOVERY_POINT),
        &[(log.topic_partition().clone(), log.recovery_point())].into(),
    )
    .expect("written");
    for (path, segment) in paths {
        // Less may have been truncated since the sync.
        let kept = segment.file.faults.synced().min(segment.size());
        let file = std::fs::OpenOptions::new().write(true).open(path).expect("there");
        file.set_len(kept).expect("cut");
    }
}

fn step(log: &Log, model: &mut Model, rng: &mut StdRng, n: usize) {
    let end = log.log_end_offset();
    match rng.random_range(0..10) {
        0 => {
            let to = rng.random_range(0..=end);
            log.truncate_to(to).expect("truncated");
            // The batch that holds the offset goes with all that follow.
            let next = |at: usize, m: &Model| m.batches.get(at + 1).map_or(end, |b| b.0);
            let kept = (0..model.batches.len()).take_while(|at| next(*at, model) <= to).count();
            model.batches.truncate(kept);
            model.synced = model.synced.min(log.log_end_offset());
        }
        1 => {
            log.flush().expect("flushed");
            model.synced = log.log_end_offset();
        }
        2 => {
            let active = log.active_segment().expect("active");
            active.file.faults.write_short(rng.random_range(0..70));
            let set = RecordSet { records: Spec::of(&["lost"]).build() };
            let result = log.append_as_leader(&[set], 1, Origin::Client, 1000).remove(0);
            // If it rolled first, the new file has no fault and the record is there.
            if let Ok(appended) = result {
                model.batches.push((appended.base_offset, "lost".into()));
            }
            active.file.faults.clear();
        }
        _ => {
            let values = vec![format!("value-{n}"); rng.random_range(1..4)];
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let sets = vec![RecordSet { records: Spec::of(&values).build() }; 2];
            for result in log.append_as_leader(&sets, 1, Origin::Client, 1000) {
                let appended = result.expect("appended");
                model.batches.push((appended.base_offset, values[0].to_owned()));
            }
        }
    }
}

fn history(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let root = tempfile::tempdir().expect("a directory");
    let mut model = Model::default();
    let (mut dirs, mut log) = open(root.path());
    for n in 0..120 {
        step(&log, &mut model, &mut rng, n);
        assert_eq!(contents(&log), model.batches, "seed {seed}, step {n}");
        match rng.random_range(0..20) {
            0 => {
                dirs.close(1);
                model.synced = log.log_end_offset();
                drop((log, dirs));
                (dirs, log) = open(root.path());
            }
            1 => {
                power_cut(&log, root.path());
                drop((log, dirs));
                (dirs, log) = open(root.path());
                let found = contents(&log);
                assert!(log.log_end_offset() >= model.synced, "seed {seed}: synced data lost");
                assert_eq!(found[..], model.batches[..found.len()], "seed {seed}, step {n}");
                model.batches.truncate(found.len());
                log.flush().expect("flushed");
                model.synced = log.log_end_offset();
            }
            _ => {}
        }
        assert_eq!(contents(&log), model.batches, "seed {seed}, step {n} reopened");
    }
}

#[test]
fn whatever_happens_the_log_holds_what_the_model_holds() {
    // `OTTLA_MODEL_SEEDS=from..to` runs others: 120 steps a seed.
    let asked = std::env::var("OTTLA_MODEL_SEEDS").unwrap_or_default();
    let (from, to) = asked.split_once("..").unwrap_or(("0", "12"));
    let number = |text: &str| text.parse::<u64>().expect("a seed");
    (number(from)..number(to)).for_each(history);
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
