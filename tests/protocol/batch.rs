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

fn batch(spec: &Value) -> Vec<u8> {
    let int = |name: &str, default| spec[name].as_i64().unwrap_or(default);
    let timestamp = int("timestamp", TIMESTAMP);
    let records = spec["records"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut bytes = match int("magic", 2) {
        2 => {
            let producer = (int("producerId", -1), int("epoch", -1), int("sequence", -1));
            batch_v2(
                records,
                timestamp,
                int("attributes", 0) as i16,
                int("codec", 0) as i16,
                producer,
                int("leaderEpoch", -1) as i32,
            )
        }
        magic => records
            .iter()
            .enumerate()
            .flat_map(|(i, record)| message(record, i as i64, magic as u8, timestamp))
            .collect(),
    };
    if spec["corrupt"] == true
        && let Some(last) = bytes.last_mut()
    {
        *last ^= 1;
    }
    bytes
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

fn batch_v2(
    records: &[Value],
    first: i64,
    attributes: i16,
    codec: i16,
    producer: (i64, i64, i64),
    leader_epoch: i32,
) -> Vec<u8> {
    let mut tail = Vec::new();
    let last = records.len() as i32 - 1;
    tail.extend((attributes | codec).to_be_bytes());
    tail.extend(last.to_be_bytes());
    tail.extend(first.to_be_bytes());
    tail.extend((first + i64::from(last)).to_be_bytes());
    tail.extend(producer.0.to_be_bytes());
    tail.extend((producer.1 as i16).to_be_bytes());
    tail.extend((producer.2 as i32).to_be_bytes());
    tail.extend((records.len() as i32).to_be_bytes());
    let mut plain = Vec::new();
    for (i, record) in records.iter().enumerate() {
        let mut one = vec![0];
        zigzag(&mut one, i as i64);
        zigzag(&mut one, i as i64);
        zigzag_bytes(&mut one, text(record, 0));
        zigzag_bytes(&mut one, text(record, 1));
        zigzag(&mut one, 0);
        zigzag(&mut plain, one.len() as i64);
        plain.extend(one);
    }
    let codec = Codec::from_number(codec).expect("a codec");
    tail.extend(compress(codec, LEVELS[codec as usize], &plain).expect("compresses"));
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &tail) as u32;
    let mut out = 0i64.to_be_bytes().to_vec();
    out.extend((tail.len() as i32 + 9).to_be_bytes());
    out.extend(leader_epoch.to_be_bytes());
    out.push(2);
    out.extend(crc.to_be_bytes());
    out.extend(tail);
    out
}

fn message(record: &Value, offset: i64, magic: u8, timestamp: i64) -> Vec<u8> {
    let mut tail = vec![magic, 0];
    if magic == 1 {
        tail.extend((timestamp + offset).to_be_bytes());
    }
    for at in [0, 1] {
        let bytes = text(record, at);
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
