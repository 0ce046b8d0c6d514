//! Which records of a batch survive compaction, and the batch that is left of them.
//!
//! The rules are those of Kafka's `Cleaner.cleanInto` and `MemoryRecords.filterTo`: a record stays
//! if it is the last of its key, tombstones and markers until their delete horizon (KIP-534), the
//! last batch of a live producer at least as an empty header, so that its sequence is known.

use crate::log::batch::{self, BatchHeader, CONTROL, DELETE_HORIZON, HEADER_BYTES, TRANSACTIONAL};
use crate::log::cleaner::offset_map::OffsetMap;
use crate::log::cleaner::transactions::Transactions;
use crate::log::compress::{self, Codec, DECOMPRESSED_BYTES_MAX};
use crate::log::record::{Malformed, Record, records};
use crate::log::recovery::marker_of;
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;
use std::io;

/// What the decision depends on, for one pass over a log.
pub struct Rules<'a> {
    /// The last offset of every key in the dirty part.
    pub map: &'a OffsetMap,
    /// Now, ms.
    pub now_ms: i64,
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// Last data offset (`None` if its last batch is a marker) and epoch of live producers.
    pub producers: &'a HashMap<i64, (Option<i64>, i16)>,
}

/// What is left of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// All of it, unchanged.
    Whole,
    /// This batch in its place.
    Batch(Bytes),
    /// Nothing.
    Nothing,
}

/// Decides on one batch of format 2; batches must come in the order of their offsets.
pub fn of(
    bytes: &Bytes,
    header: &BatchHeader,
    transactions: &mut Transactions,
    rules: &Rules<'_>,
) -> io::Result<Left> {
    let body = plain(bytes, header)?;
    let control = header.has(CONTROL);
    let due = header.delete_horizon().is_some_and(|horizon| horizon <= rules.now_ms);
    let (discard, unneeded_marker) = if control {
        let commit = marker_of(header, &body).map(|m| m.commit);
        let unneeded = transactions.pass_marker(header.producer_id, commit, header.last_offset());
        (unneeded && due, unneeded)
    } else {
        let transactional = header.has(TRANSACTIONAL);
        let producer = header.producer_id;
        (transactions.pass_records(producer, transactional, header.last_offset()), false)
    };
    let mut kept: Vec<Record<'_>> = Vec::new();
    let mut dropped = false;
    let mut has_tombstone = false;
    for record in records(&body) {
        let record = record.map_err(malformed)?;
        let offset = header.base_offset + i64::from(record.offset_delta);
        if !discard && (control || survives(&record, offset, header, rules)) {
            has_tombstone |= record.value.is_none();
            kept.push(record);
        } else {
            dropped = true;
        }
    }
    let starts_horizon =
        header.delete_horizon().is_none() && (has_tombstone || unneeded_marker) && !kept.is_empty();
    let horizon = starts_horizon.then(|| rules.now_ms.saturating_add(rules.delete_retention_ms));
    if !kept.is_empty() {
        return match dropped || horizon.is_some() {
            false => Ok(Left::Whole),
            true => rebuilt(header, &kept, horizon).map(Left::Batch),
        };
    }
    if is_last_of_producer(header, rules) {
        return Ok(match header.record_count {
            0 => Left::Whole,
            _ => Left::Batch(emptied(header)),
        });
    }
    Ok(Left::Nothing)
}

fn malformed(error: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

/// The records of a batch, decompressed.
pub fn plain(bytes: &Bytes, header: &BatchHeader) -> io::Result<Bytes> {
    let packed = bytes.slice(HEADER_BYTES.min(bytes.len())..);
    match Codec::from_number(header.codec()) {
        Some(Codec::None) => Ok(packed),
        Some(codec) => {
            compress::decompress(codec, &packed, DECOMPRESSED_BYTES_MAX).map(Bytes::from)
        }
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "an unknown codec")),
    }
}

fn survives(record: &Record<'_>, offset: i64, header: &BatchHeader, rules: &Rules<'_>) -> bool {
    if offset > rules.map.latest_offset() {
        return true;
    }
    // Without a key it could never be found again; compacted topics refuse such records.
    let Some(key) = record.key else { return false };
    let is_last = rules.map.get(key).is_none_or(|last| offset >= last);
    let is_needed = record.value.is_some()
        || header.delete_horizon().is_none_or(|horizon| rules.now_ms < horizon);
    is_last && is_needed
}

fn is_last_of_producer(header: &BatchHeader, rules: &Rules<'_>) -> bool {
    let Some((last_data, epoch)) = rules.producers.get(&header.producer_id) else { return false };
    header.has_producer()
        && match last_data {
            Some(offset) => header.last_offset() == *offset,
            None => header.has(CONTROL) && header.producer_epoch == *epoch,
        }
}

/// The batch with fewer records: same offsets, same codec, same sequence numbers.
///
/// The records' timestamps are deltas against the first one's, or with a delete horizon against
/// the horizon, which then stands in the place of the base timestamp.
fn rebuilt(header: &BatchHeader, kept: &[Record<'_>], starts: Option<i64>) -> io::Result<Bytes> {
    let by_broker = header.has(batch::LOG_APPEND_TIME);
    let time = |record: &Record<'_>| match by_broker {
        true => header.max_timestamp,
        false => header.base_timestamp.wrapping_add(record.timestamp_delta),
    };
    let horizon = starts.or(header.delete_horizon());
    let first = kept.first().map_or(header.base_timestamp, time);
    let base = horizon.unwrap_or(first);
    let mut body = BytesMut::new();
    for record in kept {
        let timestamp_delta = time(record).wrapping_sub(base);
        Record { timestamp_delta, ..*record }.write(&mut body);
    }
    let codec = Codec::from_number(header.codec()).unwrap_or(Codec::None);
    let mut next = *header;
    next.base_timestamp = base;
    next.max_timestamp = kept.iter().map(time).max().unwrap_or(header.max_timestamp);
    if horizon.is_some() {
        next.attributes |= DELETE_HORIZON;
    }
    next.record_count = kept.len() as i32;
    let packed = compress::compress(codec, default_level(codec), &body)?;
    Ok(batch::seal(next, &packed))
}

/// Level of what is packed again: the codecs' own default.
fn default_level(codec: Codec) -> i32 {
    match codec {
        Codec::Zstd => 3,
        _ => -1,
    }
}

/// Only the header: offsets, producer and sequence stay known.
fn emptied(header: &BatchHeader) -> Bytes {
    let mut next = *header;
    next.record_count = 0;
    next.base_timestamp = -1;
    next.attributes &= !(batch::CODEC_MASK | DELETE_HORIZON);
    batch::seal(next, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::record::NO_HEADERS;

    fn batch(records: &[(&'static str, Option<&'static str>)], attributes: i16) -> Bytes {
        let mut body = BytesMut::new();
        for (delta, (key, value)) in records.iter().enumerate() {
            let record = Record {
                timestamp_delta: delta as i64,
                offset_delta: delta as i32,
                key: Some(key.as_bytes()),
                value: value.map(str::as_bytes),
                headers: NO_HEADERS,
            };
            record.write(&mut body);
        }
        let header = BatchHeader {
            base_offset: 100,
            length: 0,
            leader_epoch: 0,
            magic: 2,
            crc: 0,
            attributes,
            last_offset_delta: records.len() as i32 - 1,
            base_timestamp: 1000,
            max_timestamp: 1000 + records.len() as i64 - 1,
            producer_id: 7,
            producer_epoch: 0,
            base_sequence: 0,
            record_count: records.len() as i32,
        };
        batch::seal(header, &body)
    }

    struct Case {
        map: OffsetMap,
        producers: HashMap<i64, (Option<i64>, i16)>,
        now_ms: i64,
    }

    impl Case {
        fn new(last: &[(&str, i64)]) -> Case {
            let mut map = OffsetMap::new(4096, 0.9);
            last.iter().for_each(|(key, offset)| map.put(key.as_bytes(), *offset).expect("room"));
            Case { map, producers: HashMap::new(), now_ms: 5000 }
        }

        fn left(&self, bytes: &Bytes, transactions: &mut Transactions) -> Left {
            let header = BatchHeader::read(bytes).expect("a header");
            let rules = Rules {
                map: &self.map,
                now_ms: self.now_ms,
                delete_retention_ms: 100,
                producers: &self.producers,
            };
            of(bytes, &header, transactions, &rules).expect("well formed")
        }

        fn plain(&self, bytes: &Bytes) -> Left {
            self.left(bytes, &mut Transactions::default())
        }
    }

    fn keys(left: &Left) -> Vec<(String, i64)> {
        let Left::Batch(bytes) = left else { return Vec::new() };
        let header = BatchHeader::read(bytes).expect("a header");
        assert!(batch::crc_is_right(&header, bytes));
        let name = |r: &Record<'_>| String::from_utf8_lossy(r.key.unwrap_or_default()).into_owned();
        records(&plain(bytes, &header).expect("plain"))
            .map(|r| r.expect("a record"))
            .map(|r| (name(&r), header.base_timestamp + r.timestamp_delta))
            .collect()
    }

    #[test]
    fn only_the_last_of_a_key_stays_at_its_offset() {
        let bytes = batch(&[("a", Some("1")), ("b", Some("1")), ("a", Some("2"))], 0);
        let case = Case::new(&[("a", 102), ("b", 200)]);
        let left = case.plain(&bytes);
        assert_eq!(keys(&left), [("a".to_string(), 1002)]);
        let Left::Batch(bytes) = left else { panic!() };
        let header = BatchHeader::read(&bytes).expect("a header");
        assert_eq!((header.base_offset, header.last_offset(), header.record_count), (100, 102, 1));
        assert_eq!(header.base_timestamp, 1002, "that of the first that is left");
    }

    #[test]
    fn what_the_map_has_not_seen_stays_as_it_is() {
        let bytes = batch(&[("a", Some("1"))], 0);
        assert_eq!(Case::new(&[("b", 50)]).plain(&bytes), Left::Whole);
    }

    #[test]
    fn a_tombstone_gets_a_horizon_and_goes_after_it() {
        let bytes = batch(&[("a", None), ("b", Some("1"))], 0);
        let mut case = Case::new(&[("a", 100), ("b", 101)]);
        let left = case.plain(&bytes);
        assert_eq!(keys(&left).len(), 2);
        assert_eq!(keys(&left)[0].1, 1000, "timestamps stay");
        let Left::Batch(with_horizon) = left else { panic!() };
        let header = BatchHeader::read(&with_horizon).expect("a header");
        assert_eq!(header.delete_horizon(), Some(5100));
        assert_eq!(case.plain(&with_horizon), Left::Whole, "not yet");
        case.now_ms = 5100;
        assert_eq!(keys(&case.plain(&with_horizon)), [("b".to_string(), 1001)]);
    }

    #[test]
    fn the_last_batch_of_a_live_producer_stays_as_a_header() {
        let bytes = batch(&[("a", Some("1"))], 0);
        let mut case = Case::new(&[("a", 500)]);
        assert_eq!(case.plain(&bytes), Left::Nothing);
        case.producers.insert(7, (Some(100), 0));
        let Left::Batch(empty) = case.plain(&bytes) else { panic!("nothing is left") };
        let header = BatchHeader::read(&empty).expect("a header");
        assert_eq!(
            (header.record_count, header.last_offset(), header.last_sequence()),
            (0, 100, 0)
        );
        assert_eq!((header.base_timestamp, header.max_timestamp), (-1, 1000), "as Kafka's");
        assert_eq!(case.plain(&empty), Left::Whole);
    }

    #[test]
    fn records_of_an_aborted_transaction_go_whatever_their_keys() {
        let bytes = batch(&[("a", Some("1"))], TRANSACTIONAL);
        let case = Case::new(&[("a", 100)]);
        let txn = crate::log::txn_index::AbortedTxn {
            producer_id: 7,
            first_offset: 100,
            last_offset: 110,
            last_stable_offset: 100,
        };
        let mut transactions = Transactions::before(0, [txn]);
        assert_eq!(case.left(&bytes, &mut transactions), Left::Nothing);
        assert_eq!(case.plain(&bytes), Left::Whole, "without it the transaction was committed");
    }
}
