//! Batches and message sets as clients send them.

use crate::config::{CleanupPolicy, CompressionType, TimestampType, TopicConfig};
use crate::log::batch::{self, BatchHeader, HEADER_BYTES, LOG_APPEND_TIME};
use crate::log::compress::{self, Codec};
use crate::log::record::records;
use crate::log::{Origin, down_convert, legacy, validate};
use bytes::Bytes;

/// More than any input here can hold; what claims more is refused.
const LIMIT: usize = 1 << 20;

const TYPES: [CompressionType; 6] = [
    CompressionType::Producer,
    CompressionType::Uncompressed,
    CompressionType::Gzip,
    CompressionType::Snappy,
    CompressionType::Lz4,
    CompressionType::Zstd,
];
const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

/// A set of batches of format 2: what is accepted reads back whole, is accepted again, and can be
/// given to old clients.
pub fn batches(data: &[u8]) {
    check(&Bytes::copy_from_slice(data));
    for entry in batch::split(&Bytes::copy_from_slice(data)) {
        check(&entry);
        // As a client would send it, so that not all stops at the base offset or the checksum.
        if let Some(header) = BatchHeader::read(&entry).filter(|header| header.magic == 2) {
            let body = entry.get(HEADER_BYTES..).unwrap_or_default();
            check(&batch::seal(BatchHeader { base_offset: 0, ..header }, body));
        }
    }
    for codec in CODECS {
        if let Ok(plain) = compress::decompress(codec, data, LIMIT) {
            assert!(plain.len() <= LIMIT);
        }
        let packed = compress::compress(codec, 1, data).expect("compressed");
        let plain = compress::decompress(codec, &packed, data.len()).expect("decompressed");
        assert_eq!(plain, data, "{codec:?}");
    }
}

fn check(set: &Bytes) {
    for compression_type in TYPES {
        let policy = compression_type == CompressionType::Gzip;
        let config = TopicConfig {
            compression_type,
            cleanup_policy: CleanupPolicy { delete: !policy, compact: policy },
            message_timestamp_type: match compression_type {
                CompressionType::Lz4 => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            ..TopicConfig::default()
        };
        let Ok(checked) = validate::check(set, Origin::Client, &config, 1_700_000_000_000) else {
            continue;
        };
        for one in checked {
            accepted(&one, &config);
        }
    }
}

/// What must hold of a batch that a leader would append.
fn accepted(one: &validate::Checked, config: &TopicConfig) {
    let BatchHeader { base_offset, length, leader_epoch, .. } = one.header;
    let mut bytes = BatchHeader::head(base_offset, length, leader_epoch).to_vec();
    bytes.extend_from_slice(one.bytes.get(bytes.len()..).unwrap_or_default());
    let bytes = Bytes::from(bytes);
    let header = BatchHeader::read(&bytes).expect("a header");
    assert_eq!(header, BatchHeader { crc: header.crc, ..one.header });
    assert_eq!(header.size(), bytes.len());
    assert!(batch::crc_is_right(&header, &bytes));
    let codec = Codec::from_number(header.codec()).expect("a codec");
    let packed = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let plain = compress::decompress(codec, packed, compress::DECOMPRESSED_BYTES_MAX);
    let plain = plain.expect("what was accepted can be decompressed");
    let mut count = 0;
    for record in records(&plain) {
        let record = record.expect("what was accepted can be read");
        assert_eq!(record.offset_delta, count, "offsets are consecutive");
        assert!(record.key.is_some() || !config.cleanup_policy.compact);
        count += 1;
    }
    assert_eq!(count, header.record_count);
    // A producer must not send what has the broker's times.
    if !header.has(LOG_APPEND_TIME) {
        let again = validate::check(&bytes, Origin::Client, config, 1_700_000_000_000);
        again.expect("what was accepted is accepted again");
    }
    for magic in [0, 1] {
        if let Ok(old) = down_convert::down_convert(&bytes, magic, 0) {
            legacy::read(&old).expect("old clients can read it");
        }
    }
}

/// A set of messages of format 0 or 1: what can be read can be converted, and is the same then.
pub fn legacy_sets(data: &[u8]) {
    let set = Bytes::copy_from_slice(data);
    check(&set);
    for magic in [0, 1] {
        let _ = down_convert::down_convert(&set, magic, 0);
    }
    let Ok((messages, codec)) = legacy::read(&set) else { return };
    let Ok(batch) = legacy::up_convert(&messages, codec, -1) else { return };
    if messages.is_empty() {
        return;
    }
    let header = BatchHeader::read(&batch).expect("a header");
    assert_eq!(header.record_count as usize, messages.len());
    let packed = batch.get(HEADER_BYTES..).unwrap_or_default();
    let plain = compress::decompress(codec, packed, usize::MAX >> 1).expect("decompressed");
    for (record, message) in records(&plain).zip(&messages) {
        let record = record.expect("a record");
        assert_eq!(record.key, message.key.as_deref());
        assert_eq!(record.value, message.value.as_deref());
    }
}
