//! Bytes of `__consumer_offsets-0` as Apache Kafka 3.9.2 wrote them: a console consumer of group
//! `g` joined, committed offset 1 of `t-0` and left, then the group was deleted.

use bytes::Bytes;

use super::records::{GroupValue, Key, OffsetValue};
use crate::coordinator::state_log::{NewBatch, StateBatch, format};
use crate::types::TopicPartition;

const JOINED: &str = "00000000000000000000012c00000000023869cef0000000000000000001a2143b73bf\
    000001a2143b73bfffffffffffffffffffffffffffff00000001f2030000000a0002000167da030003000863\
    6f6e73756d657200000001000572616e67650035636f6e736f6c652d636f6e73756d65722d61376466303165\
    362d363363322d346634392d396138352d393431326336623164353436000001a2143b739800000001003563\
    6f6e736f6c652d636f6e73756d65722d61376466303165362d363363322d346634392d396138352d39343132\
    6336623164353436ffff0010636f6e736f6c652d636f6e73756d6572000a2f3132372e302e302e31000493e0\
    0000afc800000017000300000001000174ffffffff00000000ffffffffffff00000015000300000001000174\
    0000000100000000ffffffff00";
const COMMITTED: &str = "00000000000000010000005c00000000026afb8e49000000000000000001a2143b745d\
    000001a2143b745dffffffffffffffffffff0000000000000001540000001800010001670001740000000030\
    00030000000000000001000000000000000001a2143b745900";
const LEFT: &str = "00000000000000020000005d0000000002e499856d000000000000000001a2143b7472\
    000001a2143b7472ffffffffffffffffffffffffffff00000001560000000a00020001674000030008636f6e\
    73756d657200000002ffffffff000001a2143b74710000000000";
const DELETED: &str = "000000000000000300000050000000000202d960d3000000000001000001a2143b7ded\
    000001a2143b7dedffffffffffffffffffffffffffff00000002240000001800010001670001740000000001\
    00160000020a00020001670100";

fn bytes(hex: &str) -> Bytes {
    let nibble = |digit: u8| char::from(digit).to_digit(16).expect("a hex digit") as u8;
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs.map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect::<Vec<u8>>().into()
}

fn read(hex: &str) -> StateBatch {
    let mut batches = format::decode(bytes(hex)).expect("readable");
    assert_eq!(batches.len(), 1);
    batches.remove(0)
}

/// What we would write: these records at that time, with the base offset and leader epoch that
/// the log gives.
fn written(batch: &StateBatch, records: Vec<(Bytes, Option<Bytes>)>, sequence: i32) -> Bytes {
    let new = NewBatch {
        records,
        timestamp: batch.records[0].timestamp,
        base_sequence: sequence,
        ..NewBatch::default()
    };
    let mut out = format::encode(&new).to_vec();
    out[..8].copy_from_slice(&batch.base_offset.to_be_bytes());
    out[12..16].copy_from_slice(&0i32.to_be_bytes());
    out.into()
}

#[test]
fn a_stable_group_is_written_as_kafka_does() {
    let batch = read(JOINED);
    let value = batch.records[0].value.clone().expect("a value");
    let group = GroupValue::decode(value).expect("a group");
    assert_eq!((group.generation, group.protocol.as_deref()), (1, Some("range")));
    let member = &group.members[0];
    assert_eq!((&*member.client_id, &*member.client_host), ("console-consumer", "/127.0.0.1"));
    assert_eq!((member.rebalance_timeout_ms, member.session_timeout_ms), (300_000, 45_000));
    let records = vec![(Key::encode_group("g"), Some(group.encode()))];
    assert_eq!(written(&batch, records, -1), bytes(JOINED));
}

#[test]
fn an_offset_is_written_as_kafka_does() {
    let batch = read(COMMITTED);
    let value = batch.records[0].value.clone().expect("a value");
    let offset = OffsetValue::decode(value).expect("an offset");
    assert_eq!((offset.offset, offset.leader_epoch, &*offset.metadata), (1, 0, ""));
    let key = Key::encode_offset("g", &TopicPartition::new("t", 0));
    assert_eq!(written(&batch, vec![(key, Some(offset.encode()))], 0), bytes(COMMITTED));
}

#[test]
fn an_empty_group_is_written_as_kafka_does() {
    let batch = read(LEFT);
    let value = batch.records[0].value.clone().expect("a value");
    let group = GroupValue::decode(value).expect("a group");
    assert_eq!((group.generation, group.members.len()), (2, 0));
    let records = vec![(Key::encode_group("g"), Some(group.encode()))];
    assert_eq!(written(&batch, records, -1), bytes(LEFT));
}

#[test]
fn a_deleted_group_is_written_as_kafka_does() {
    let batch = read(DELETED);
    let offset = Key::encode_offset("g", &TopicPartition::new("t", 0));
    let records = vec![(offset, None), (Key::encode_group("g"), None)];
    assert_eq!(written(&batch, records, -1), bytes(DELETED));
}
