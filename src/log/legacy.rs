//! Message sets of formats 0 and 1, as clients before 0.11 send and read them.
//!
//! ```text
//! offset i64, size i32, crc-32 u32 (of what follows), magic i8, attributes i8,
//! timestamp i64 (format 1), key i32+bytes, value i32+bytes      length -1: null
//! ```
//! A compressed message's value is a whole set. In format 1 the inner offsets count from 0 and
//! the outer one is that of the last inner message; in format 0 they are absolute.

use super::batch::{self, BatchHeader, HEADER_BYTES, LOG_APPEND_TIME};
use super::compress::{self, Codec, DECOMPRESSED_BYTES_MAX};
use super::record::{NO_HEADERS, Record};
use bytes::{BufMut, Bytes, BytesMut};

/// Every codec's own choice of a level.
const DEFAULT_LEVEL: i32 = -1;

/// "No timestamp", as format 0 has none.
pub const NO_TIMESTAMP: i64 = -1;

/// One message, whatever set it lay in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Offset as given.
    pub offset: i64,
    /// ms since 1970, or [`NO_TIMESTAMP`].
    pub timestamp: i64,
    /// Key.
    pub key: Option<Bytes>,
    /// Value.
    pub value: Option<Bytes>,
}

/// Why a message set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// The checksum is wrong, or lengths do not fit.
    #[error("a message of format 0 or 1 is corrupt")]
    Corrupt,
    /// Messages that do not fit each other, or a codec that the format does not have.
    #[error("{0}")]
    Invalid(&'static str),
    /// What is compressed cannot be read.
    #[error("a compressed message cannot be read: {0}")]
    Compression(String),
}

/// Whether the first batch of the bytes is of format 0 or 1.
pub fn is_legacy(bytes: &[u8]) -> bool {
    bytes.get(16).is_some_and(|magic| *magic < 2)
}

/// Whether the checksum of a message of format 0 or 1 is that of its bytes.
pub fn crc_is_right(message: &[u8]) -> bool {
    let (Some(crc), Some(covered)) = (message.get(12..16), message.get(16..)) else {
        return false;
    };
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, covered) as u32;
    crc == sum.to_be_bytes()
}

/// What is known of a message of format 0 or 1, as the header of a batch of its one offset: its
/// first sixteen bytes read back as they are, the checksum in the place of the leader epoch.
/// `None` if it is too short.
pub fn header(message: &[u8]) -> Option<BatchHeader> {
    let mut bytes = [0; HEADER_BYTES];
    let known = message.get(..message.len().min(HEADER_BYTES))?;
    bytes.get_mut(..known.len())?.copy_from_slice(known);
    let read = BatchHeader::read(&bytes)?;
    let timestamp = match read.magic {
        1 => i64::from_be_bytes(message.get(18..26)?.try_into().ok()?),
        _ => NO_TIMESTAMP,
    };
    Some(BatchHeader {
        attributes: i16::from(*message.get(17)? & 0x0f),
        last_offset_delta: 0,
        base_timestamp: timestamp,
        max_timestamp: timestamp,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: batch::NO_SEQUENCE,
        record_count: 1,
        ..read
    })
}

/// The messages of a set, inner ones in place of the compressed ones, and the codec met last.
pub fn read(bytes: &Bytes) -> Result<(Vec<Message>, Codec), LegacyError> {
    let mut messages = Vec::new();
    let mut codec = Codec::None;
    for entry in batch::split(bytes) {
        let (message, attributes, magic) = read_one(&entry)?;
        match Codec::from_number(i16::from(attributes & 0x07)) {
            Some(Codec::None) => messages.push(message),
            None | Some(Codec::Zstd) => {
                return Err(LegacyError::Invalid("no such codec in this format"));
            }
            Some(inner) => {
                codec = inner;
                read_inner(&message, inner, magic, &mut messages)?;
            }
        }
    }
    Ok((messages, codec))
}

fn read_inner(
    outer: &Message,
    codec: Codec,
    magic: i8,
    messages: &mut Vec<Message>,
) -> Result<(), LegacyError> {
    let packed = outer.value.as_ref().ok_or(LegacyError::Corrupt)?;
    let repaired = match (codec, magic) {
        (Codec::Lz4, 0) => compress::repair_lz4_header(packed),
        _ => packed.to_vec(),
    };
    let set = compress::decompress(codec, &repaired, DECOMPRESSED_BYTES_MAX)
        .map_err(|e| LegacyError::Compression(e.to_string()))?;
    let first = messages.len();
    let set = Bytes::from(set);
    // What is cut short at the end is left out, as of a set that is not compressed.
    for entry in batch::split(&set) {
        let inner = entry.get(16).copied();
        if inner.is_some_and(|inner| inner >= 2) {
            return Err(LegacyError::Compression("a batch within a message".into()));
        }
        let (message, attributes, inner) = read_one(&entry)?;
        if inner != magic {
            return Err(LegacyError::Invalid("a message of another format within one"));
        }
        if attributes & 0x07 != 0 {
            return Err(LegacyError::Invalid("compressed twice"));
        }
        messages.push(message);
    }
    if messages.len() == first {
        return Err(LegacyError::Invalid("no message within a compressed one"));
    }
    if magic == 1 {
        let inner = messages.get_mut(first..).unwrap_or_default();
        let last = inner.last().map_or(0, |m| m.offset);
        if outer.offset != 0 && outer.offset < last {
            return Err(LegacyError::Invalid("the offset is smaller than those within"));
        }
        let shift = outer.offset.wrapping_sub(last);
        inner.iter_mut().for_each(|m| m.offset = m.offset.wrapping_add(shift));
    }
    Ok(())
}

fn read_one(entry: &Bytes) -> Result<(Message, i8, i8), LegacyError> {
    let corrupt = || LegacyError::Corrupt;
    let field = |at: usize, n: usize| entry.get(at..at + n).ok_or_else(corrupt);
    let number = |at: usize| -> Result<i64, LegacyError> {
        Ok(i64::from_be_bytes(field(at, 8)?.try_into().map_err(|_| corrupt())?))
    };
    let crc = u32::from_be_bytes(field(12, 4)?.try_into().map_err(|_| corrupt())?);
    let covered = entry.get(16..).ok_or_else(corrupt)?;
    if crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, covered) as u32 != crc {
        return Err(corrupt());
    }
    let magic = *entry.get(16).ok_or_else(corrupt)? as i8;
    let attributes = *entry.get(17).ok_or_else(corrupt)? as i8;
    let (timestamp, mut at) = match magic {
        0 => (NO_TIMESTAMP, 18),
        1 => (number(18)?, 26),
        _ => return Err(corrupt()),
    };
    let mut bytes = || -> Result<Option<Bytes>, LegacyError> {
        let length = i32::from_be_bytes(field(at, 4)?.try_into().map_err(|_| corrupt())?);
        at += 4;
        let Ok(length) = usize::try_from(length) else { return Ok(None) };
        field(at, length)?;
        at += length;
        Ok(Some(entry.slice(at - length..at)))
    };
    let (key, value) = (bytes()?, bytes()?);
    Ok((Message { offset: number(0)?, timestamp, key, value }, attributes, magic))
}

/// One batch of format 2 with these messages, at offsets from 0, compressed with `codec`.
pub fn up_convert(messages: &[Message], codec: Codec, level: i32) -> Result<Bytes, std::io::Error> {
    let base_timestamp = messages.first().map_or(NO_TIMESTAMP, |m| m.timestamp);
    let mut body = BytesMut::new();
    for (delta, message) in messages.iter().enumerate() {
        let record = Record {
            timestamp_delta: message.timestamp.wrapping_sub(base_timestamp),
            offset_delta: delta as i32,
            key: message.key.as_deref(),
            value: message.value.as_deref(),
            headers: NO_HEADERS,
        };
        record.write(&mut body);
    }
    let header = BatchHeader {
        base_offset: 0,
        length: 0,
        leader_epoch: -1,
        magic: 2,
        crc: 0,
        attributes: codec as i16,
        last_offset_delta: messages.len() as i32 - 1,
        base_timestamp,
        max_timestamp: messages.iter().map(|m| m.timestamp).max().unwrap_or(NO_TIMESTAMP),
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: batch::NO_SEQUENCE,
        record_count: messages.len() as i32,
    };
    Ok(batch::seal(header, &compress::compress(codec, level, &body)?))
}

/// A message as bytes of format 0 or 1.
pub fn write(out: &mut BytesMut, magic: i8, message: &Message, log_append_time: bool) {
    write_with(out, magic, message, Codec::None, log_append_time);
}

fn write_with(
    out: &mut BytesMut,
    magic: i8,
    message: &Message,
    codec: Codec,
    log_append_time: bool,
) {
    let mut covered = BytesMut::new();
    covered.put_i8(magic);
    let time_type = if magic == 1 && log_append_time { LOG_APPEND_TIME as i8 } else { 0 };
    covered.put_i8(codec as i8 | time_type);
    if magic == 1 {
        covered.put_i64(message.timestamp);
    }
    for field in [&message.key, &message.value] {
        covered.put_i32(field.as_ref().map_or(-1, |f| f.len() as i32));
        covered.put_slice(field.as_deref().unwrap_or_default());
    }
    out.put_i64(message.offset);
    out.put_i32(covered.len() as i32 + 4);
    out.put_u32(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &covered) as u32);
    out.put_slice(&covered);
}

/// Messages as one compressed message, whose value is the set of them.
pub fn write_compressed(
    out: &mut BytesMut,
    magic: i8,
    messages: &[Message],
    codec: Codec,
    log_append_time: bool,
) -> Result<(), std::io::Error> {
    let (Some(first), Some(last)) = (messages.first(), messages.last()) else { return Ok(()) };
    let mut set = BytesMut::new();
    for message in messages {
        let relative = message.offset.wrapping_sub(first.offset);
        let offset = if magic == 1 { relative } else { message.offset };
        write(&mut set, magic, &Message { offset, ..message.clone() }, log_append_time);
    }
    let mut packed = compress::compress(codec, DEFAULT_LEVEL, &set)?;
    if codec == Codec::Lz4 && magic == 0 {
        compress::spoil_lz4_header(&mut packed);
    }
    let outer = Message {
        offset: last.offset,
        timestamp: messages.iter().map(|m| m.timestamp).max().unwrap_or(NO_TIMESTAMP),
        key: None,
        value: Some(packed.into()),
    };
    write_with(out, magic, &outer, codec, log_append_time);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(offset: i64, value: &'static str) -> Message {
        Message { offset, timestamp: 1000 + offset, key: None, value: Some(value.into()) }
    }

    fn set(magic: i8, messages: &[Message]) -> Bytes {
        let mut out = BytesMut::new();
        messages.iter().for_each(|m| write(&mut out, magic, m, false));
        out.freeze()
    }

    #[test]
    fn sets_read_back_and_corrupt_ones_are_refused() {
        let messages = [message(0, "a"), message(1, "b")];
        let bytes = set(1, &messages);
        assert_eq!(read(&bytes).expect("a set").0, messages);
        let mut bad = bytes.to_vec();
        bad[30] ^= 1;
        assert!(matches!(read(&Bytes::from(bad)), Err(LegacyError::Corrupt)));
    }

    #[test]
    fn inner_offsets_of_format_1_are_relative_to_the_last() {
        let inner = set(1, &[message(0, "a"), message(1, "b")]);
        let packed = compress::compress(Codec::Gzip, -1, &inner).expect("compressed");
        let mut covered = BytesMut::new();
        covered.put_i8(1);
        covered.put_i8(Codec::Gzip as i8);
        covered.put_i64(0);
        covered.put_i32(-1);
        covered.put_i32(packed.len() as i32);
        covered.put_slice(&packed);
        let mut outer = BytesMut::new();
        outer.put_i64(41);
        outer.put_i32(covered.len() as i32 + 4);
        outer.put_u32(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &covered) as u32);
        outer.put_slice(&covered);
        let (messages, codec) = read(&outer.freeze()).expect("a compressed set");
        assert_eq!(codec, Codec::Gzip);
        assert_eq!(messages.iter().map(|m| m.offset).collect::<Vec<_>>(), [40, 41]);
    }
}
