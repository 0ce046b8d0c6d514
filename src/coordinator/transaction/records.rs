//! Records of `__transaction_state` (Kafka's TransactionLogKey v0 and TransactionLogValue v0).
//!
//! Example: the key of `tx` is `0000 0002 7478`. The value of producer 5 at epoch 0, timeout
//! 60 s, Empty, no partitions (null), is
//! `0000 0000000000000005 0000 0000ea60 00 ffffffff <last update i64> <start i64>`.

use super::machine::{NO_PRODUCER_EPOCH, Snapshot, State};
use crate::types::TopicPartition;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::BTreeSet;

/// Why a record could not be read. It names what was met, for the log line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A newer version than 0, which only a later Kafka writes.
    #[error("version {0} of a transaction record is not known")]
    Version(i16),
    /// Ends too early, or a length or state that cannot be.
    #[error("a transaction record is malformed at its {0}")]
    Malformed(&'static str),
}

/// The key of a transactional id.
pub fn encode_key(transactional_id: &str) -> Bytes {
    let mut out = BytesMut::with_capacity(4 + transactional_id.len());
    out.put_i16(0);
    put_string(&mut out, transactional_id);
    out.freeze()
}

/// The transactional id in a key.
pub fn decode_key(mut key: &[u8]) -> Result<String, RecordError> {
    match key.try_get_i16() {
        Ok(0) => get_string(&mut key, "transactional id"),
        Ok(version) => Err(RecordError::Version(version)),
        Err(_) => Err(RecordError::Malformed("version")),
    }
}

/// The value of a transactional id in this state.
pub fn encode_value(snapshot: &Snapshot) -> Bytes {
    let mut out = BytesMut::with_capacity(64);
    out.put_i16(0);
    out.put_i64(snapshot.producer_id);
    out.put_i16(snapshot.producer_epoch);
    out.put_i32(snapshot.timeout_ms);
    out.put_i8(snapshot.state as i8);
    put_partitions(&mut out, snapshot);
    out.put_i64(snapshot.update_ms);
    out.put_i64(snapshot.start_ms);
    out.freeze()
}

/// Null for an empty transaction, as Kafka writes it; else topics with their partitions.
fn put_partitions(out: &mut BytesMut, snapshot: &Snapshot) {
    if snapshot.state == State::Empty {
        out.put_i32(-1);
        return;
    }
    let partitions: Vec<&TopicPartition> = snapshot.partitions.iter().collect();
    let topics: Vec<_> = partitions.chunk_by(|a, b| a.topic == b.topic).collect();
    out.put_i32(topics.len() as i32);
    for topic in topics {
        put_string(out, topic.first().map_or("", |p| &p.topic));
        out.put_i32(topic.len() as i32);
        topic.iter().for_each(|p| out.put_i32(p.partition));
    }
}

/// What a value says.
pub fn decode_value(mut value: &[u8]) -> Result<Snapshot, RecordError> {
    let value = &mut value;
    match value.try_get_i16() {
        Ok(0) => {}
        Ok(version) => return Err(RecordError::Version(version)),
        Err(_) => return Err(RecordError::Malformed("version")),
    }
    let head = |_| RecordError::Malformed("head");
    let producer_id = value.try_get_i64().map_err(head)?;
    let producer_epoch = value.try_get_i16().map_err(head)?;
    let timeout_ms = value.try_get_i32().map_err(head)?;
    let state = value.try_get_i8().map_err(head)?;
    let state = State::from_number(state).ok_or(RecordError::Malformed("state"))?;
    let partitions = get_partitions(value)?;
    let times = |_| RecordError::Malformed("times");
    let update_ms = value.try_get_i64().map_err(times)?;
    let start_ms = value.try_get_i64().map_err(times)?;
    Ok(Snapshot {
        producer_id,
        producer_epoch,
        last_producer_epoch: NO_PRODUCER_EPOCH,
        timeout_ms,
        state,
        partitions,
        start_ms,
        update_ms,
    })
}

fn get_partitions(value: &mut &[u8]) -> Result<BTreeSet<TopicPartition>, RecordError> {
    let malformed = |_| RecordError::Malformed("partitions");
    let mut partitions = BTreeSet::new();
    for _ in 0..value.try_get_i32().map_err(malformed)? {
        let topic: std::sync::Arc<str> = get_string(value, "topic")?.into();
        for _ in 0..value.try_get_i32().map_err(malformed)? {
            let partition = value.try_get_i32().map_err(malformed)?;
            partitions.insert(TopicPartition::new(topic.clone(), partition));
        }
    }
    Ok(partitions)
}

fn put_string(out: &mut BytesMut, text: &str) {
    // Names are bounded well below 32 KiB by the protocol's own int16 lengths.
    out.put_i16(text.len() as i16);
    out.put_slice(text.as_bytes());
}

fn get_string(value: &mut &[u8], what: &'static str) -> Result<String, RecordError> {
    let malformed = RecordError::Malformed(what);
    let Ok(Ok(length)) = value.try_get_i16().map(usize::try_from) else { return Err(malformed) };
    let Some((text, rest)) = value.split_at_checked(length) else { return Err(malformed) };
    *value = rest;
    std::str::from_utf8(text).map(str::to_owned).map_err(|_| malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(state: State, partitions: &[(&str, i32)]) -> Snapshot {
        Snapshot {
            producer_id: 5,
            producer_epoch: 1,
            last_producer_epoch: NO_PRODUCER_EPOCH,
            timeout_ms: 60_000,
            state,
            partitions: partitions.iter().map(|(t, p)| TopicPartition::new(*t, *p)).collect(),
            start_ms: -1,
            update_ms: 7,
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn a_key_is_a_version_and_the_id() {
        assert_eq!(hex(&encode_key("tx")), "000000027478");
        assert_eq!(decode_key(&encode_key("tx")).as_deref(), Ok("tx"));
        assert_eq!(decode_key(&[0, 9, 0, 0]), Err(RecordError::Version(9)));
    }

    #[test]
    fn an_empty_transaction_has_null_partitions() {
        let bytes = encode_value(&snapshot(State::Empty, &[]));
        let expected = concat!(
            "0000",
            "0000000000000005",
            "0001",
            "0000ea60",
            "00",
            "ffffffff",
            "0000000000000007",
            "ffffffffffffffff"
        );
        assert_eq!(hex(&bytes), expected);
    }

    #[test]
    fn a_value_reads_back_as_written_and_every_shorter_one_is_refused() {
        let written = snapshot(State::Ongoing, &[("a", 0), ("a", 3), ("b", 1)]);
        let bytes = encode_value(&written);
        assert_eq!(decode_value(&bytes), Ok(written));
        for end in 0..bytes.len() {
            assert!(decode_value(&bytes[..end]).is_err(), "{end} bytes were enough");
        }
    }

    #[test]
    fn a_state_that_is_not_known_is_refused() {
        let mut bytes = encode_value(&snapshot(State::Empty, &[])).to_vec();
        bytes[16] = 8;
        assert_eq!(decode_value(&bytes), Err(RecordError::Malformed("state")));
    }
}
