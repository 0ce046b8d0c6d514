//! Record batches for requests, from a short JSON form: `{"magic": 2, "records": [["k", "v"]]}`.
//!
//! Format: Kafka's `DefaultRecordBatch` (2) and `LegacyRecord` (0, 1). Written here a second time
//! on purpose, so that the broker's own writer is not its own judge; only the codecs are its.

use crate::codec::hex;
use ottla::log::compress::{Codec, compress};
use serde_json::Value;

/// The first timestamp of every batch, where none is given: milliseconds since 1970.
const TIMESTAMP: i64 = 1_600_000_000_000;

/// The Java client's level of each codec, by its number.
const LEVELS: [i32; 5] = [-1, -1, -1, 9, 3];

/// Replaces every `{"batch": {...}}` in a body by the batch as hex.
pub fn expand(body: &mut Value) {
    if let Some(spec) = body.get("batch") {
        *body = Value::String(hex(&batch(spec)));
        return;
    }
    if let Some(specs) = body.get("batches").and_then(Value::as_array) {
        *body = Value::String(specs.iter().map(|spec| hex(&batch(spec))).collect());
        return;
    }
    match body {
        Value::Array(list) => list.iter_mut().for_each(expand),
        Value::Object(map) => map.values_mut().for_each(expand),
        _ => {}
    }
}

/// A batch of format 2, or messages of format 0 or 1. Besides `records` and `codec`, `spec` has what
/// a client may get wrong: `offsets` and `times` of records, the header's `lastOffsetDelta`,
/// `count`, `maxTimestamp`, `baseOffset`, `leaderEpoch`; `extra` bytes after the records, `garbage`
/// in the place of compressed ones, a `length` that many bytes off, a `corrupt` last bit, and a
/// `cut` of the last bytes.
fn batch(spec: &Value) -> Vec<u8> {
    let mut bytes = match int(spec, "magic", 2) {
        2 => batch_v2(spec),
        magic => messages(spec, magic as u8),
    };
    if spec["corrupt"] == true
        && let Some(last) = bytes.last_mut()
    {
        *last ^= 1;
    }
    let length = i32::from_be_bytes(bytes[8..12].try_into().expect("four bytes"));
    let told = length + int(spec, "length", 0) as i32;
    bytes[8..12].copy_from_slice(&told.to_be_bytes());
    bytes.truncate(bytes.len() - int(spec, "cut", 0) as usize);
    bytes
}

fn int(spec: &Value, name: &str, default: i64) -> i64 {
    spec[name].as_i64().unwrap_or(default)
}

fn records(spec: &Value) -> &[Value] {
    spec["records"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A number of the i-th record, by default its index.
fn nth(spec: &Value, name: &str, i: usize) -> i64 {
    spec[name][i].as_i64().unwrap_or(i as i64)
}

/// What follows a batch's or a message's head, by its codec.
fn packed(spec: &Value, codec: Codec, plain: &[u8]) -> Vec<u8> {
    if spec["garbage"] == true {
        return b"not compressed by anything".to_vec();
    }
    compress(codec, LEVELS[codec as usize], plain).expect("compresses")
}

fn text(record: &Value, at: usize) -> Option<&[u8]> {
    record[at].as_str().map(str::as_bytes)
}

fn zigzag(out: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn zigzag_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    zigzag(out, bytes.map_or(-1, |b| b.len() as i64));
    out.extend_from_slice(bytes.unwrap_or_default());
}

fn batch_v2(spec: &Value) -> Vec<u8> {
    let (records, first) = (records(spec), int(spec, "timestamp", TIMESTAMP));
    let last = records.len() as i64 - 1;
    let codec = int(spec, "codec", 0) as i16;
    let mut tail = Vec::new();
    tail.extend((int(spec, "attributes", 0) as i16 | codec).to_be_bytes());
    tail.extend((int(spec, "lastOffsetDelta", last) as i32).to_be_bytes());
    tail.extend(first.to_be_bytes());
    tail.extend(int(spec, "maxTimestamp", first + last).to_be_bytes());
    tail.extend(int(spec, "producerId", -1).to_be_bytes());
    tail.extend((int(spec, "epoch", -1) as i16).to_be_bytes());
    tail.extend((int(spec, "sequence", -1) as i32).to_be_bytes());
    tail.extend((int(spec, "count", last + 1) as i32).to_be_bytes());
    let mut plain = Vec::new();
    for (i, record) in records.iter().enumerate() {
        let mut one = vec![0];
        zigzag(&mut one, nth(spec, "times", i));
        zigzag(&mut one, nth(spec, "offsets", i));
        zigzag_bytes(&mut one, text(record, 0));
        zigzag_bytes(&mut one, text(record, 1));
        zigzag(&mut one, 0);
        zigzag(&mut plain, one.len() as i64);
        plain.extend(one);
    }
    plain.extend(spec["extra"].as_str().unwrap_or_default().as_bytes());
    tail.extend(packed(spec, Codec::from_number(codec).expect("a codec"), &plain));
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &tail) as u32;
    let mut out = int(spec, "baseOffset", 0).to_be_bytes().to_vec();
    out.extend((tail.len() as i32 + 9).to_be_bytes());
    out.extend((int(spec, "leaderEpoch", -1) as i32).to_be_bytes());
    out.push(2);
    out.extend(crc.to_be_bytes());
    out.extend(tail);
    out
}

/// Messages one after the other, or within one that is compressed: then `baseOffset` is that of the
/// wrapper, by default the last one's, and `innerMagic` may be another.
fn messages(spec: &Value, magic: u8) -> Vec<u8> {
    let (records, first) = (records(spec), int(spec, "timestamp", TIMESTAMP));
    let codec = int(spec, "codec", 0);
    let inner = int(spec, "innerMagic", i64::from(magic)) as u8;
    let mut plain = Vec::new();
    for (i, record) in records.iter().enumerate() {
        let time = first + nth(spec, "times", i);
        let content = (text(record, 0), text(record, 1));
        plain.extend(message(content, nth(spec, "offsets", i), inner, 0, time));
    }
    plain.extend(spec["extra"].as_str().unwrap_or_default().as_bytes());
    if codec == 0 {
        return plain;
    }
    let last = records.len() as i64 - 1;
    let value = packed(spec, Codec::from_number(codec as i16).expect("a codec"), &plain);
    let attributes = (int(spec, "attributes", 0) | codec) as u8;
    let time = int(spec, "maxTimestamp", first + last);
    let offset = int(spec, "baseOffset", last);
    message((None, Some(&value)), offset, magic, attributes, time)
}

fn message(
    (key, value): (Option<&[u8]>, Option<&[u8]>),
    offset: i64,
    magic: u8,
    attributes: u8,
    timestamp: i64,
) -> Vec<u8> {
    let mut tail = vec![magic, attributes];
    if magic == 1 {
        tail.extend(timestamp.to_be_bytes());
    }
    for bytes in [key, value] {
        tail.extend(bytes.map_or(-1, |b| b.len() as i32).to_be_bytes());
        tail.extend_from_slice(bytes.unwrap_or_default());
    }
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &tail) as u32;
    let mut out = offset.to_be_bytes().to_vec();
    out.extend((tail.len() as i32 + 4).to_be_bytes());
    out.extend(crc.to_be_bytes());
    out.extend(tail);
    out
}
