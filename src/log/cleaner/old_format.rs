//! Compaction of messages of formats 0 and 1, which only directories of before 3.0 hold.
//!
//! As `survivors`, but a batch is one message or one compressed set, and has no delete horizon:
//! tombstones go by the age of what was cleaned last (Kafka's `legacyDeleteHorizonMs`).

use super::survivors::{Left, Rules};
use crate::log::compress::Codec;
use crate::log::legacy::{self, Message};
use bytes::{Bytes, BytesMut};
use std::io;

/// Attribute bit 3 of a message of format 1: the timestamp is the broker's.
const BY_BROKER: u8 = 0x08;

/// The messages of a batch, and its codec.
pub fn messages(bytes: &Bytes) -> io::Result<(Vec<Message>, Codec)> {
    legacy::read(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

/// Decides on one batch. `keeps_tombstones`: they are younger than `delete.retention.ms`.
pub fn of(bytes: &Bytes, rules: &Rules<'_>, keeps_tombstones: bool) -> io::Result<Left> {
    let (all, codec) = messages(bytes)?;
    let count = all.len();
    let mut kept = all;
    kept.retain(|message| {
        let last = message.key.as_ref().map(|key| rules.map.get(key));
        let is_last = last.is_some_and(|last| last.is_none_or(|last| message.offset >= last));
        let is_needed = message.value.is_some() || keeps_tombstones;
        message.offset > rules.map.latest_offset() || is_last && is_needed
    });
    if kept.len() == count {
        return Ok(Left::Whole);
    }
    let magic = bytes.get(16).map_or(0, |magic| *magic as i8);
    let by_broker = bytes.get(17).is_some_and(|attributes| attributes & BY_BROKER != 0);
    let mut out = BytesMut::new();
    match codec {
        Codec::None => {
            kept.iter().for_each(|message| legacy::write(&mut out, magic, message, by_broker));
        }
        codec => legacy::write_compressed(&mut out, magic, &kept, codec, by_broker)?,
    }
    Ok(if out.is_empty() { Left::Nothing } else { Left::Batch(out.freeze()) })
}

#[cfg(test)]
mod tests {
    use super::super::offset_map::OffsetMap;
    use super::*;
    use std::collections::HashMap;

    fn message(offset: i64, key: &'static str, value: Option<&'static str>) -> Message {
        let value = value.map(Bytes::from);
        Message { offset, timestamp: 1000 + offset, key: Some(key.into()), value }
    }

    fn left(bytes: &Bytes, last: &[(&str, i64)], keeps_tombstones: bool) -> Left {
        let mut map = OffsetMap::new(4096, 0.9);
        last.iter().for_each(|(key, offset)| map.put(key.as_bytes(), *offset).expect("room"));
        let producers = HashMap::new();
        let rules = Rules { map: &map, now_ms: 0, delete_retention_ms: 0, producers: &producers };
        of(bytes, &rules, keeps_tombstones).expect("well formed")
    }

    #[test]
    fn the_last_of_a_key_stays_at_its_offset_in_both_formats_and_in_a_compressed_set() {
        let all = [message(5, "a", Some("1")), message(6, "b", None), message(7, "c", Some("1"))];
        let last = [("a", 90), ("b", 6), ("c", 7)];
        for magic in [0, 1] {
            let mut set = BytesMut::new();
            legacy::write_compressed(&mut set, magic, &all, Codec::Gzip, false).expect("packed");
            let Left::Batch(bytes) = left(&set.freeze(), &last, true) else { panic!("not less") };
            let (kept, codec) = messages(&bytes).expect("a set");
            assert_eq!(codec, Codec::Gzip);
            assert_eq!(kept.iter().map(|m| m.offset).collect::<Vec<_>>(), [6, 7]);
        }
    }

    #[test]
    fn a_tombstone_goes_when_it_is_old() {
        let mut set = BytesMut::new();
        legacy::write(&mut set, 1, &message(6, "b", None), false);
        let set = set.freeze();
        assert_eq!(left(&set, &[("b", 6)], true), Left::Whole);
        assert_eq!(left(&set, &[("b", 6)], false), Left::Nothing);
    }
}
