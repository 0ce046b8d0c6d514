//! The files of a log directory.

use crate::config::TopicConfig;
use crate::log::batch::{self, BatchHeader};
use crate::log::leader_epochs::LeaderEpochs;
use crate::log::partition_log::{Known, Log, Place};
use crate::log::segment::file_name;
use crate::log::shared::{DirState, Shared};
use crate::log::{LogError, Query, ReadBound, checkpoint, legacy, snapshot};
use crate::types::TopicPartition;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const NOW_MS: i64 = 1_800_000_000_000;

/// A segment that Kafka wrote: two transactions were aborted in it, one of them began before it.
const SEGMENT: &[u8] = include_bytes!("../../../fuzz/corpus/segments/transactions");
const BASE: i64 = 278;

/// A directory that goes with its owner.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Dir {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ottla-fuzz-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).expect("made");
        Dir(dir)
    }

    fn write(&self, base: i64, suffix: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(file_name(base, suffix)), bytes).expect("written");
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn open(dir: &Path, clean: bool, log_start: i64) -> Result<Log, LogError> {
    let config = TopicConfig { index_interval_bytes: 100, ..TopicConfig::default() };
    let shared = Arc::new(Shared::default());
    let place = Place {
        id: TopicPartition::new("fuzzed", 0),
        dir: dir.to_owned(),
        dir_state: Arc::new(DirState::new(dir.to_owned(), shared.clone())),
        shared,
        config: Arc::new(TopicConfig { segment_index_bytes: 1200, ..config }),
    };
    let known = Known { clean, recovery_point: 0, log_start };
    Log::open(place, known, NOW_MS)
}

/// Reads all of a log batch by batch as a follower would: base, last offset and size of each.
fn read_all(log: &Log) -> Vec<(i64, i64, usize)> {
    let mut all: Vec<(i64, i64, usize)> = Vec::new();
    let mut offset = log.log_start_offset();
    while offset < log.log_end_offset() {
        let read = log.read(offset, 1, true, ReadBound::LogEnd).expect("readable");
        let Some(region) = read.region else { break };
        let mut bytes = vec![0; region.len];
        region.file.read_exact_at(&mut bytes, region.position).expect("there");
        let header = BatchHeader::read(&bytes);
        let (base, last) = match header.filter(|header| header.magic >= 2) {
            Some(header) => {
                assert!(batch::crc_is_right(&header, &bytes), "a corrupt batch at {offset}");
                (header.base_offset, header.last_offset())
            }
            None => {
                assert!(legacy::crc_is_right(&bytes), "a corrupt message at {offset}");
                let offset = bytes.first_chunk().map_or(-1, |bytes| i64::from_be_bytes(*bytes));
                (offset, offset)
            }
        };
        assert!(last >= offset, "read at {offset}, found {base} to {last}");
        all.push((base, last, region.len));
        offset = last + 1;
    }
    all
}

/// Everything else that is asked of a log.
fn query(log: &Log) {
    log.set_high_watermark(log.log_end_offset());
    let (start, stable, end) =
        (log.log_start_offset(), log.last_stable_offset(), log.log_end_offset());
    assert!(start <= stable && stable <= end, "{start} {stable} {end}");
    for time in [0, 1_700_000_000_000, 1_700_000_029_001, i64::MAX] {
        if let Ok(Some(found)) = log.offset_for_timestamp(Query::At(time)) {
            assert!(found.timestamp >= time, "asked for {time}");
            assert!(found.offset >= start, "{} of {start}..{end}", found.offset);
        }
    }
    let _ = log.offset_for_timestamp(Query::MaxTimestamp);
    let _ = log.aborted_between(start, end);
    log.active_producers();
}

fn bytes_of(dir: &Path) -> Vec<u8> {
    std::fs::read(dir.join(file_name(0, "log"))).expect("there")
}

/// A segment after a crash: what is left is the longest whole beginning; it can be read, and a
/// second recovery changes nothing.
pub fn segments(data: &[u8]) {
    // Kafka's segments begin at other offsets than this one: theirs are not torn for that.
    let dir = Dir::new();
    dir.write(0, "log", data);
    let log = open(&dir.0, false, 0).expect("whatever is in it");
    let whole = bytes_of(&dir.0);
    assert!(data.starts_with(&whole), "what is left is what was there");
    let first = read_all(&log);
    assert_eq!(first.iter().map(|(.., size)| size).sum::<usize>(), whole.len(), "all is readable");
    assert_eq!(first.last().map_or(0, |(_, last, _)| last + 1), log.log_end_offset());
    query(&log);
    let producers = log.active_producers();
    let (stable, epoch) = (log.last_stable_offset(), log.latest_epoch());
    drop(log);
    let log = open(&dir.0, false, 0).expect("again");
    assert_eq!(bytes_of(&dir.0), whole, "a second recovery changes nothing");
    assert_eq!(read_all(&log), first);
    query(&log);
    assert_eq!((log.last_stable_offset(), log.latest_epoch()), (stable, epoch));
    let sorted = |mut all: Vec<_>| {
        all.sort_by_key(|entry: &crate::log::ProducerStateEntry| entry.producer_id);
        all
    };
    assert_eq!(sorted(log.active_producers()), sorted(producers));
}

/// The three indexes of a whole segment, one after the other, each with its length in a byte:
/// every record is found whatever they say.
pub fn indexes(data: &[u8]) {
    let dir = Dir::new();
    dir.write(BASE, "log", SEGMENT);
    let mut rest = data;
    for suffix in ["index", "timeindex", "txnindex"] {
        let Some((len, after)) = rest.split_first() else { break };
        let (bytes, after) = after.split_at(after.len().min(usize::from(*len)));
        dir.write(BASE, suffix, bytes);
        rest = after;
    }
    let log = open(&dir.0, true, BASE).expect("whatever the indexes say");
    let all = read_all(&log);
    assert_eq!(all.iter().map(|(.., size)| size).sum::<usize>(), SEGMENT.len(), "{all:?}");
    query(&log);
    drop(log);
    let log = open(&dir.0, false, BASE).expect("again");
    assert_eq!(read_all(&log), all);
    let aborted = log.aborted_between(BASE, log.log_end_offset()).expect("the index");
    assert_eq!(aborted.len(), 1, "recovery makes it anew, from what began in this segment");
}

/// A snapshot of producers: a torn one is removed, and the log is read instead.
pub fn snapshots(data: &[u8]) {
    let dir = Dir::new();
    let path = dir.0.join(file_name(300, "snapshot"));
    std::fs::write(&path, data).expect("written");
    if let Some(state) = snapshot::read(&path).expect("read") {
        let copy = dir.0.join("copy");
        snapshot::write(&copy, &state).expect("written");
        let again = snapshot::read(&copy).expect("read").expect("whole");
        assert_eq!(again.entries.len(), state.entries.len());
        assert_eq!(again.first_unstable(), state.first_unstable());
    }
    dir.write(BASE, "log", SEGMENT);
    for clean in [true, false] {
        let log = open(&dir.0, clean, BASE).expect("whatever the snapshot says");
        query(&log);
    }
}

/// A checkpoint of any kind: it is refused with its name, or reads back as it was understood.
pub fn checkpoints(data: &[u8]) {
    let dir = Dir::new();
    let path = dir.0.join(checkpoint::CLEANER);
    std::fs::write(&path, data).expect("written");
    match checkpoint::read(&path) {
        Ok(offsets) => {
            checkpoint::write(&path, &offsets).expect("written");
            assert_eq!(checkpoint::read(&path).expect("read"), offsets);
        }
        Err(error) => assert!(error.to_string().contains(checkpoint::CLEANER), "{error}"),
    }
    std::fs::write(dir.0.join("leader-epoch-checkpoint"), data).expect("written");
    dir.write(BASE, "log", SEGMENT);
    let mut epochs = LeaderEpochs::load(&dir.0);
    rising(&epochs);
    epochs.assign(i32::MAX, i64::MAX);
    std::fs::write(dir.0.join("leader-epoch-checkpoint"), epochs.text()).expect("written");
    rising(&LeaderEpochs::load(&dir.0));
    std::fs::write(dir.0.join("leader-epoch-checkpoint"), data).expect("written");
    let log = open(&dir.0, true, BASE).expect("whatever the epochs are");
    for epoch in [0, 1, 7, i32::MAX] {
        let (_, end) = log.end_offset_for_epoch(epoch);
        assert!(end <= log.log_end_offset());
    }
}

fn rising(epochs: &LeaderEpochs) {
    let rises = |two: &[(i32, i64)]| match two {
        [before, after] => before.0 < after.0 && before.1 <= after.1,
        _ => true,
    };
    assert!(epochs.entries().windows(2).all(rises), "{:?}", epochs.entries());
}

/// `meta.properties` and `partition.metadata`: refused with their name, or understood.
pub fn properties(data: &[u8]) {
    let dir = Dir::new();
    let names = |error: LogError, name: &str| assert!(error.to_string().contains(name), "{error}");
    std::fs::write(dir.0.join(checkpoint::META), data).expect("written");
    match checkpoint::read_meta(&dir.0) {
        Ok(meta) => {
            if let (Some(id), Some(cluster)) = (meta.broker_id, &meta.cluster_id) {
                checkpoint::write_meta(&dir.0, id, cluster).expect("written");
                assert_eq!(checkpoint::read_meta(&dir.0).expect("read"), meta);
            }
        }
        Err(error) => names(error, checkpoint::META),
    }
    std::fs::write(dir.0.join(checkpoint::PARTITION_METADATA), data).expect("written");
    match checkpoint::read_topic_id(&dir.0) {
        Ok(Some(id)) => {
            checkpoint::write_topic_id(&dir.0, id).expect("written");
            assert_eq!(checkpoint::read_topic_id(&dir.0).expect("read"), Some(id));
        }
        Ok(None) => panic!("the file is there"),
        Err(error) => names(error, checkpoint::PARTITION_METADATA),
    }
}
