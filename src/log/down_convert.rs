//! Batches of format 2 as messages of formats 0 and 1 (Kafka's `LazyDownConversionRecords`, its
//! `Send`, and `RecordsUtil.downConvert`).
//!
//! Control batches and headers have no place in these formats and are left out; the codec is kept.
//! The answer has the length of what was read, or of its first batch converted if that is more:
//! what does not fit is cut off, and a gap is filled with the begin of a message that is longer
//! than the gap, which a client takes for one cut short.
//!
//! ```text
//! ff*8 0000003d        the filling of 12 bytes: offset -1, length 61
//! ```

use super::batch::{self, BatchHeader, HEADER_BYTES, LOG_APPEND_TIME};
use super::compress::{self, Codec, DECOMPRESSED_BYTES_MAX};
use super::legacy::{self, LegacyError, Message};
use super::record::records;
use bytes::{BufMut, Bytes, BytesMut};

/// Offset and length of a batch or message.
const PREFIX_BYTES: usize = 12;
/// The most that one filling takes.
const FILLING_BYTES_MAX: usize = 128 << 10;

/// Why nothing can be converted.
#[derive(Debug, thiserror::Error)]
pub enum DownConvertError {
    /// The first batch is of zstd, which the old formats do not have.
    #[error("zstd has no place in formats 0 and 1")]
    Zstd,
    /// The log's bytes are not what they should be.
    #[error(transparent)]
    Malformed(#[from] LegacyError),
}

/// What was read of a log as messages of `magic` 0 or 1, from `from_offset` (of a compressed
/// batch, all).
pub fn down_convert(read: &Bytes, magic: i8, from_offset: i64) -> Result<Bytes, DownConvertError> {
    let mut out = BytesMut::new();
    let (mut size, mut is_any) = (read.len(), false);
    for entry in batch::split(read) {
        if !out.is_empty() && out.len() >= size {
            break;
        }
        is_any = true;
        let is_first = out.is_empty();
        match convert(&entry, magic, from_offset, &mut out) {
            Ok(()) if is_first => size = size.max(out.len()),
            Ok(()) => {}
            // The client fetches again from here, and is told then.
            Err(DownConvertError::Zstd) if !is_first => break,
            Err(error) => return Err(error),
        }
    }
    if out.is_empty() {
        size = if is_any { PREFIX_BYTES } else { 0 };
    }
    out.truncate(size);
    while out.len() < size {
        fill(&mut out, size);
    }
    Ok(out.freeze())
}

fn fill(out: &mut BytesMut, size: usize) {
    let left = size - out.len();
    let end = out.len() + left.min(PREFIX_BYTES.max(FILLING_BYTES_MAX.min(left + 1)));
    out.put_i64(-1);
    out.put_i32(i32::try_from((left + 1).max(HEADER_BYTES)).unwrap_or(i32::MAX));
    out.resize(end, 0);
}

fn convert(
    entry: &Bytes,
    magic: i8,
    from_offset: i64,
    out: &mut BytesMut,
) -> Result<(), DownConvertError> {
    if legacy::is_legacy(entry) {
        if entry.get(16).is_some_and(|own| i16::from(*own) <= i16::from(magic)) {
            out.put_slice(entry);
            return Ok(());
        }
        let (messages, codec) = legacy::read(entry)?;
        return write(messages, magic, from_offset, codec, false, out);
    }
    let header = BatchHeader::read(entry).ok_or(LegacyError::Corrupt)?;
    if header.has(batch::CONTROL) {
        return Ok(());
    }
    let codec = Codec::from_number(header.codec()).ok_or(LegacyError::Corrupt)?;
    if codec == Codec::Zstd {
        return Err(DownConvertError::Zstd);
    }
    let packed = entry.get(HEADER_BYTES..).unwrap_or_default();
    let plain = compress::decompress(codec, packed, DECOMPRESSED_BYTES_MAX)
        .map_err(|e| LegacyError::Compression(e.to_string()))?;
    let append_time = header.has(LOG_APPEND_TIME);
    let mut messages = Vec::new();
    for record in records(&plain) {
        let record = record.map_err(|_| LegacyError::Corrupt)?;
        messages.push(Message {
            offset: header.base_offset + i64::from(record.offset_delta),
            timestamp: match append_time {
                true => header.max_timestamp,
                false => header.base_timestamp.wrapping_add(record.timestamp_delta),
            },
            key: record.key.map(Bytes::copy_from_slice),
            value: record.value.map(Bytes::copy_from_slice),
        });
    }
    write(messages, magic, from_offset, codec, append_time, out)
}

fn write(
    messages: Vec<Message>,
    magic: i8,
    from_offset: i64,
    codec: Codec,
    append_time: bool,
    out: &mut BytesMut,
) -> Result<(), DownConvertError> {
    if codec == Codec::None {
        let wanted = messages.iter().filter(|message| message.offset >= from_offset);
        wanted.for_each(|message| legacy::write(out, magic, message, append_time));
        return Ok(());
    }
    legacy::write_compressed(out, magic, &messages, codec, append_time)
        .map_err(|e| LegacyError::Compression(e.to_string()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Message> {
        let message = |offset, value: &'static str| Message {
            offset,
            timestamp: 1000 + offset,
            key: None,
            value: Some(value.into()),
        };
        vec![message(0, "a"), message(1, "b")]
    }

    fn batch(codec: Codec) -> Bytes {
        legacy::up_convert(&messages(), codec, -1).expect("a batch")
    }

    fn control(mut header: BatchHeader) -> Bytes {
        header.attributes |= batch::CONTROL;
        batch::seal(header, b"")
    }

    #[test]
    fn up_and_down_again_keeps_everything_the_old_format_has() {
        for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4] {
            let down = down_convert(&batch(codec), 1, 0).expect("messages");
            assert_eq!(legacy::read(&down).expect("a set"), (messages(), codec));
            let down = down_convert(&batch(codec), 0, 0).expect("messages");
            let (old, kept) = legacy::read(&down).expect("a set");
            assert_eq!((old[1].offset, old[1].timestamp), (1, legacy::NO_TIMESTAMP));
            assert_eq!(kept, codec);
        }
    }

    #[test]
    fn only_what_is_asked_for_is_sent_and_the_gap_filled() {
        let batch = batch(Codec::None);
        let down = down_convert(&batch, 0, 1).expect("messages");
        assert_eq!(down.len(), batch.len());
        assert_eq!(legacy::read(&down).expect("a set").0.len(), 1);
        let filling = &down[12 + 4 + 11..];
        assert_eq!(filling[..12], [&[0xff; 8][..], &[0, 0, 0, 61]].concat());
        assert!(filling[12..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn where_only_control_batches_are_left_there_is_a_stub() {
        let header = BatchHeader::read(&batch(Codec::None)).expect("a header");
        let down = down_convert(&control(header), 1, 0).expect("a stub");
        assert_eq!(down[..], [&[0xff; 8][..], &[0, 0, 0, 61]].concat());
        assert!(down_convert(&Bytes::new(), 1, 0).expect("nothing").is_empty());
    }

    #[test]
    fn zstd_is_an_error_at_the_begin_only() {
        let zstd = batch(Codec::Zstd);
        assert!(matches!(down_convert(&zstd, 1, 0), Err(DownConvertError::Zstd)));
        let both = Bytes::from([batch(Codec::None), zstd].concat());
        let down = down_convert(&both, 1, 0).expect("messages");
        assert_eq!(legacy::read(&down).expect("a set").0, messages());
        assert_eq!(down.len(), both.len());
    }

    #[test]
    fn format_1_becomes_format_0() {
        let one = down_convert(&batch(Codec::Gzip), 1, 0).expect("messages");
        let zero = down_convert(&one, 0, 0).expect("messages");
        assert!(zero.get(16) == Some(&0));
        assert_eq!(legacy::read(&zero).expect("a set").0[1].value, messages()[1].value);
    }
}
