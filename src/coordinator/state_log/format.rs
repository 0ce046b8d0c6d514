//! Batches of format 2 as coordinators write and read them: no headers, CreateTime.
//!
//! ```text
//! 0 base offset i64, 8 length i32, 12 leader epoch i32, 16 magic 2, 17 crc32c u32 of what follows,
//! 21 attributes i16, 23 last offset delta i32, 27 base timestamp i64, 35 max timestamp i64,
//! 43 producer id i64, 51 producer epoch i16, 53 base sequence i32, 57 count i32, 61 records
//! ```
//! A record is `length, attributes 0, timestamp delta, offset delta, key, value, headers` in zigzag
//! varints. Attributes: bits 0-2 codec, 4 transactional, 5 control.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::log::compress::{Codec, DECOMPRESSED_BYTES_MAX, compress, decompress};

use super::{ControlMarker, NewBatch, Producer, StateBatch, StateLogError, StateRecord};

const HEADER_BYTES: usize = 61;
/// Offset of the attributes, from which on the CRC covers.
const CRC_START: usize = 21;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

/// Encodes a batch with base offset 0.
pub fn encode(batch: &NewBatch) -> Bytes {
    encode_with(batch, 0)
}

/// Encodes the control batch that ends a producer's transaction: one record whose key is
/// `{version 0: int16, type: int16}` and whose value is `{version 0: int16, epoch: int32}`.
///
/// Example: a commit by a coordinator of epoch 7 is `0000 0001` → `0000 00000007`.
pub fn encode_marker(
    producer_id: i64,
    producer_epoch: i16,
    marker: ControlMarker,
    coordinator_epoch: i32,
    timestamp: i64,
) -> Bytes {
    let kind = match marker {
        ControlMarker::Abort => 0,
        ControlMarker::Commit => 1,
    };
    let (mut key, mut value) = (BytesMut::new(), BytesMut::new());
    key.put_i16(0);
    key.put_i16(kind);
    value.put_i16(0);
    value.put_i32(coordinator_epoch);
    let batch = NewBatch {
        records: vec![(key.freeze(), Some(value.freeze()))],
        timestamp,
        producer: Some(Producer { id: producer_id, epoch: producer_epoch }),
        ..NewBatch::default()
    };
    encode_with(&batch, CONTROL)
}

fn encode_with(batch: &NewBatch, attributes: i16) -> Bytes {
    let count = i32::try_from(batch.records.len()).unwrap_or(i32::MAX);
    let (codec, records) = put_records(batch);
    let transactional = if batch.producer.is_some() { TRANSACTIONAL } else { 0 };
    let mut body = BytesMut::new();
    body.put_i16(attributes | transactional | codec as i16);
    body.put_i32(count - 1);
    body.put_i64(batch.timestamp);
    body.put_i64(batch.timestamp);
    body.put_i64(batch.producer.map_or(-1, |p| p.id));
    body.put_i16(batch.producer.map_or(-1, |p| p.epoch));
    body.put_i32(batch.base_sequence);
    body.put_i32(count);
    body.put_slice(&records);
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &body) as u32;
    let mut out = BytesMut::with_capacity(CRC_START + body.len());
    out.put_i64(0);
    out.put_i32((CRC_START - 12 + body.len()) as i32);
    out.put_i32(-1);
    out.put_u8(2);
    out.put_u32(crc);
    out.put_slice(&body);
    out.freeze()
}

/// The records as they go into the batch. What cannot be compressed stays as it is.
fn put_records(batch: &NewBatch) -> (Codec, Vec<u8>) {
    let mut plain = BytesMut::new();
    for (delta, (key, value)) in (0i64..).zip(&batch.records) {
        put_record(&mut plain, delta, key, value.as_deref());
    }
    let codec = Codec::from_number(i16::from(batch.compression)).unwrap_or(Codec::None);
    // The default levels of the Java client.
    let level = match codec {
        Codec::None | Codec::Gzip | Codec::Snappy => -1,
        Codec::Lz4 => 9,
        Codec::Zstd => 3,
    };
    match compress(codec, level, &plain) {
        Ok(records) => (codec, records),
        Err(_) => (Codec::None, plain.into()),
    }
}

fn put_record(out: &mut BytesMut, offset_delta: i64, key: &[u8], value: Option<&[u8]>) {
    let mut record = BytesMut::new();
    record.put_u8(0);
    put_varint(&mut record, 0);
    put_varint(&mut record, offset_delta);
    put_varint(&mut record, key.len() as i64);
    record.put_slice(key);
    match value {
        Some(value) => {
            put_varint(&mut record, value.len() as i64);
            record.put_slice(value);
        }
        None => put_varint(&mut record, -1),
    }
    put_varint(&mut record, 0);
    put_varint(out, record.len() as i64);
    out.put_slice(&record);
}

fn put_varint(out: &mut BytesMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
}

/// Decodes whole batches; one that is cut short at the end is left out, and so is what follows an
/// unreadable one. An error when the first is unreadable.
pub fn decode(mut bytes: Bytes) -> Result<Vec<StateBatch>, StateLogError> {
    let mut batches = Vec::new();
    while let Some(length) = bytes.get(8..12).and_then(|b| <[u8; 4]>::try_from(b).ok()) {
        let size = usize::try_from(i32::from_be_bytes(length)).map_or(usize::MAX, |n| n + 12);
        if size > bytes.len() {
            break;
        }
        let batch = bytes.split_to(size);
        match decode_one(batch.clone()) {
            Some(decoded) => batches.push(decoded),
            None if batches.is_empty() => {
                return Err(StateLogError::Corrupt { next: end_by_header(batch) });
            }
            None => break,
        }
    }
    Ok(batches)
}

/// The offset after an unreadable batch, 0 if not even its header is whole.
fn end_by_header(mut batch: Bytes) -> i64 {
    if batch.len() < HEADER_BYTES {
        return 0;
    }
    let base_offset = batch.get_i64();
    batch.advance(CRC_START - 8 + 2);
    base_offset.saturating_add(i64::from(batch.get_i32())).saturating_add(1)
}

fn decode_one(batch: Bytes) -> Option<StateBatch> {
    if batch.len() < HEADER_BYTES || batch.get(16) != Some(&2) {
        return None;
    }
    let mut header = batch.slice(..HEADER_BYTES);
    let base_offset = header.get_i64();
    header.advance(CRC_START - 8);
    let attributes = header.get_i16();
    let last_delta = header.get_i32();
    let base_timestamp = header.get_i64();
    header.advance(8);
    let producer_id = header.get_i64();
    header.advance(2 + 4);
    let count = header.get_i32();
    let mut body = batch.slice(HEADER_BYTES..);
    match Codec::from_number(attributes & 0x7)? {
        Codec::None => {}
        codec => body = decompress(codec, &body, DECOMPRESSED_BYTES_MAX).ok()?.into(),
    }
    let mut records = Vec::new();
    for _ in 0..count {
        records.push(decode_record(&mut body, base_offset, base_timestamp)?);
    }
    let is_control = attributes & CONTROL != 0;
    let marker = match records.first().filter(|_| is_control) {
        Some(record) => ControlMarker::from_key(record.key.as_deref()?),
        None => None,
    };
    Some(StateBatch {
        base_offset,
        next_offset: base_offset + i64::from(last_delta) + 1,
        producer_id,
        is_transactional: attributes & TRANSACTIONAL != 0,
        marker,
        records: if is_control { Vec::new() } else { records },
    })
}

fn decode_record(body: &mut Bytes, base_offset: i64, base_timestamp: i64) -> Option<StateRecord> {
    let length = usize::try_from(varint(body)?).ok()?;
    if length > body.len() {
        return None;
    }
    let mut record = body.split_to(length);
    record.try_get_u8().ok()?;
    let timestamp = base_timestamp.checked_add(varint(&mut record)?)?;
    let offset = base_offset.checked_add(varint(&mut record)?)?;
    let key = nullable_bytes(&mut record)?;
    let value = nullable_bytes(&mut record)?;
    Some(StateRecord { offset, timestamp, key, value })
}

fn nullable_bytes(from: &mut Bytes) -> Option<Option<Bytes>> {
    let Ok(len) = usize::try_from(varint(from)?) else {
        return Some(None);
    };
    (len <= from.len()).then(|| Some(from.split_to(len)))
}

fn varint(from: &mut Bytes) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = from.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinator::state_log::Producer;

    #[test]
    fn what_is_encoded_is_decoded() {
        let batch = NewBatch {
            records: vec![
                (Bytes::from_static(b"k1"), Some(Bytes::from_static(b"v"))),
                (Bytes::from_static(b"k2"), None),
            ],
            timestamp: 1_700_000_000_000,
            producer: Some(Producer { id: 7, epoch: 2 }),
            ..NewBatch::default()
        };
        let mut bytes = BytesMut::from(&encode(&batch)[..]);
        let cut = bytes.len() - 1;
        bytes.extend_from_slice(&encode(&batch)[..cut]);
        let decoded = decode(bytes.freeze()).expect("readable");
        assert_eq!(decoded.len(), 1, "the second is cut short");
        let one = &decoded[0];
        assert_eq!((one.base_offset, one.next_offset, one.producer_id), (0, 2, 7));
        assert!(one.is_transactional && one.marker.is_none());
        assert_eq!(one.records[1].key.as_deref(), Some(&b"k2"[..]));
        assert_eq!((one.records[1].offset, one.records[1].value.clone()), (1, None));
        assert_eq!(one.records[0].timestamp, 1_700_000_000_000);
    }

    #[test]
    fn every_codec_is_written_and_read() {
        for compression in 0..=4 {
            let value = Bytes::from(vec![b'x'; 1_000]);
            let batch = NewBatch {
                records: vec![(Bytes::from_static(b"k"), Some(value.clone()))],
                compression,
                ..NewBatch::default()
            };
            let bytes = encode(&batch);
            assert_eq!(bytes.len() < 1_000, compression != 0, "codec {compression}");
            let decoded = decode(bytes).expect("readable");
            assert_eq!(decoded[0].records[0].value, Some(value));
        }
    }

    #[test]
    fn batches_before_an_unreadable_one_are_read_and_its_end_is_told() {
        let batch =
            NewBatch { records: vec![(Bytes::from_static(b"k"), None); 3], ..NewBatch::default() };
        let good = encode(&batch);
        let mut bad = BytesMut::from(&good[..]);
        bad[..8].copy_from_slice(&3i64.to_be_bytes());
        bad[HEADER_BYTES] = 0x7f;
        let both = [&good[..], &bad[..], &good[..]].concat();
        assert_eq!(decode(both.into()).expect("readable").len(), 1);
        let error = decode(bad.freeze()).expect_err("unreadable");
        assert_eq!(error, StateLogError::Corrupt { next: 6 });
    }

    #[test]
    fn garbage_is_corrupt_and_not_a_panic() {
        for byte in 0..=255u8 {
            let mut bytes = vec![byte; 80];
            bytes[8..12].copy_from_slice(&68i32.to_be_bytes());
            bytes[16] = 2;
            let _ = decode(bytes.into());
        }
    }
}
