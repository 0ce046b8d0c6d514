//! Compaction of a topic whose keys repeat: how fast, and what it costs.
//!
//! The topic is written while it is only deleted from; then its policy changes and the clock runs
//! until the cleaner's checkpoint has passed the segments that were there.

use crate::brokers::System;
use crate::load::{Connection, batch_of, produce_error, produce_frame};
use crate::table::Table;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

const SEGMENT: u64 = 64 << 20;
/// Batches with keys of their own, which repeat after all of them.
const DISTINCT: u64 = 256;
const KEYS_A_BATCH: u64 = 64;

/// Runs it.
pub fn measure(system: &System, scale: f64, table: &mut Table) -> io::Result<()> {
    let broker = system.start(&[("log.cleaner.backoff.ms", "100")])?;
    let mut connection = Connection::open(broker.port)?;
    let segment = SEGMENT.to_string();
    let configs = [("segment.bytes", &*segment), ("min.cleanable.dirty.ratio", "0.01")];
    connection.create_topic_of("keyed", 1, &configs)?;
    let frames: Vec<Vec<u8>> = (0..DISTINCT)
        .map(|n| {
            let keys = (n * KEYS_A_BATCH..(n + 1) * KEYS_A_BATCH).map(Some);
            produce_frame("keyed", 1, batch_of(keys, 1000))
        })
        .collect();
    let rounds = (2e9 * scale / (frames.len() * frames[0].len()) as f64).max(10.0) as usize;
    for frame in (0..rounds).flat_map(|_| &frames) {
        connection.send(frame)?;
        assert_eq!(produce_error(connection.receive()?, "keyed"), 0);
    }
    let log = broker.log_dir().join("keyed-0");
    let (bytes, active) = sealed(&log)?;
    let cpu = broker.cpu_seconds();
    connection.set_config("keyed", "cleanup.policy", "compact")?;
    let began = Instant::now();
    let checkpoint = broker.log_dir().join("cleaner-offset-checkpoint");
    while !fs::read_to_string(&checkpoint).is_ok_and(|text| has_passed(&text, active)) {
        if began.elapsed() > Duration::from_secs(300) {
            return Err(io::Error::other("not compacted in five minutes"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let (took, cpu) = (began.elapsed(), broker.cpu_seconds() - cpu);
    let gb = bytes as f64 / 1e9;
    table.put("compaction, 1 KiB records", "GB", gb);
    table.put("compaction, 1 KiB records", "MB/s", gb * 1e3 / took.as_secs_f64());
    table.put("compaction, 1 KiB records", "CPU s/GB", cpu / gb);
    Ok(())
}

/// Bytes in the segments before the active one, and that one's first offset.
fn sealed(log: &Path) -> io::Result<(u64, i64)> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(log)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(base) = name.strip_suffix(".log").and_then(|base| base.parse().ok()) {
            segments.push((base, entry.metadata()?.len()));
        }
    }
    segments.sort_unstable();
    let (active, _) = segments.pop().unwrap_or_default();
    Ok((segments.iter().map(|(_, len)| len).sum(), active))
}

/// Whether the cleaner's checkpoint says that everything before `offset` was cleaned.
fn has_passed(checkpoint: &str, offset: i64) -> bool {
    let mut words = checkpoint.lines().filter_map(|line| line.strip_prefix("keyed 0 "));
    words.any(|cleaned| cleaned.parse::<i64>().is_ok_and(|cleaned| cleaned >= offset))
}
