//! Batches and directories for tests.

use super::LogDirsConfig;
use super::batch::{self, BatchHeader};
use super::cleaner::CleanerConfig;
use super::compress::{self, Codec};
use super::record::{NO_HEADERS, Record};
use bytes::{Bytes, BytesMut};

/// Directories in which nothing happens by the clock, and nothing is cleaned.
pub(crate) fn quiet(dirs: &[&std::path::Path]) -> LogDirsConfig {
    let never = std::time::Duration::from_secs(3600);
    LogDirsConfig {
        dirs: dirs.iter().map(|dir| dir.to_path_buf()).collect(),
        recovery_threads: 1,
        checkpoint_interval: never,
        retention_interval: never,
        producer_expiry_ms: 86_400_000,
        cleaner: CleanerConfig::off(),
    }
}

/// What a test batch is made of.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) values: Vec<Vec<u8>>,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<&'static [u8]>,
    pub(crate) codec: Codec,
    pub(crate) producer: (i64, i16, i32),
    pub(crate) attributes: i16,
}

impl Spec {
    pub(crate) fn of(values: &[&str]) -> Spec {
        Spec {
            values: values.iter().map(|v| v.as_bytes().to_vec()).collect(),
            timestamp: 1000,
            key: None,
            codec: Codec::None,
            producer: (-1, -1, -1),
            attributes: 0,
        }
    }

    pub(crate) fn build(&self) -> Bytes {
        let record = |(delta, value): (usize, &Vec<u8>)| Draft {
            later: delta as i64,
            key: self.key.map(<[u8]>::to_vec),
            value: Some(value.clone()),
        };
        let drafts: Vec<_> = self.values.iter().enumerate().map(record).collect();
        let Spec { timestamp, codec, producer, attributes, .. } = *self;
        Frame { timestamp, codec, producer, attributes }.around(&drafts)
    }
}

/// A record to be: ms after the batch's timestamp, key, value.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) later: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

/// What a batch says beside its records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) timestamp: i64,
    pub(crate) codec: Codec,
    pub(crate) producer: (i64, i16, i32),
    pub(crate) attributes: i16,
}

impl Frame {
    /// Of nobody, at 1000 ms.
    pub(crate) fn of(codec: Codec) -> Frame {
        Frame { timestamp: 1000, codec, producer: (-1, -1, -1), attributes: 0 }
    }

    /// The batch of these records, at offsets from 0.
    pub(crate) fn around(&self, drafts: &[Draft]) -> Bytes {
        let mut body = BytesMut::new();
        for (delta, draft) in drafts.iter().enumerate() {
            let record = Record {
                timestamp_delta: draft.later,
                offset_delta: delta as i32,
                key: draft.key.as_deref(),
                value: draft.value.as_deref(),
                headers: NO_HEADERS,
            };
            record.write(&mut body);
        }
        let count = drafts.len() as i32;
        let latest = drafts.iter().map(|draft| draft.later).max().unwrap_or(0);
        let header = BatchHeader {
            base_offset: 0,
            length: 0,
            leader_epoch: -1,
            magic: 2,
            crc: 0,
            attributes: self.attributes | self.codec as i16,
            last_offset_delta: count - 1,
            base_timestamp: self.timestamp,
            max_timestamp: self.timestamp + latest,
            producer_id: self.producer.0,
            producer_epoch: self.producer.1,
            base_sequence: self.producer.2,
            record_count: count,
        };
        let packed = compress::compress(self.codec, 1, &body).expect("compressed");
        batch::seal(header, &packed)
    }
}

/// A transaction marker: type 0 aborts, 1 commits.
pub(crate) fn marker(producer_id: i64, epoch: i16, kind: i16) -> Bytes {
    marker_at(producer_id, epoch, kind, 1000, 5)
}

/// A marker of a time and of a coordinator's epoch.
pub(crate) fn marker_at(
    producer_id: i64,
    epoch: i16,
    kind: i16,
    timestamp: i64,
    coordinator_epoch: i32,
) -> Bytes {
    let mut body = BytesMut::new();
    let key = [0i16.to_be_bytes(), kind.to_be_bytes()].concat();
    let value = [&[0, 0][..], &coordinator_epoch.to_be_bytes()].concat();
    let record = Record {
        timestamp_delta: 0,
        offset_delta: 0,
        key: Some(&key),
        value: Some(&value),
        headers: NO_HEADERS,
    };
    record.write(&mut body);
    let mut spec = Spec::of(&["x"]);
    spec.producer = (producer_id, epoch, -1);
    spec.timestamp = timestamp;
    spec.attributes = batch::CONTROL | batch::TRANSACTIONAL;
    let header = BatchHeader::read(&spec.build()).expect("a header");
    batch::seal(header, &body)
}

/// A directory that is gone with the test, in memory if there is a file system for that: syncs of
/// small files on a disk would take all of a test's time.
pub(crate) fn directory() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
    made.expect("a directory")
}

/// Writes the files of a directory to disk and drops them from the page cache.
pub(crate) fn drop_from_cache(dir: &std::path::Path) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let file = std::fs::File::open(entry.expect("an entry").path()).expect("opened");
        file.sync_all().expect("synced");
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("advised");
    }
}
