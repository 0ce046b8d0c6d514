//! What a leader checks and changes before it assigns offsets (Kafka's `LogValidator` and
//! `UnifiedLog.analyzeAndValidateRecords`). Knows neither offsets nor producers' state.

use super::api::{AppendError, Origin, RecordError};
use super::batch::{self, BatchHeader, HEADER_BYTES, LOG_APPEND_TIME};
use super::compress::{self, Codec, DECOMPRESSED_BYTES_MAX};
use super::legacy::{self, LegacyError, Message};
use super::record::{Record, records};
use crate::config::{CompressionType, TimestampType, TopicConfig};
use bytes::{Bytes, BytesMut};
use std::borrow::Cow;

/// A batch that may be appended: its header, and the bytes to write after the first sixteen.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Header as it will be written, but for base offset and leader epoch.
    pub header: BatchHeader,
    /// The batch; its first sixteen bytes are written anew.
    pub bytes: Bytes,
}

/// The codec that the topic stores with, given the producer's.
fn target(config: &TopicConfig, source: Codec) -> (Codec, i32) {
    let codec = match config.compression_type {
        CompressionType::Producer => source,
        CompressionType::Uncompressed => Codec::None,
        CompressionType::Gzip => Codec::Gzip,
        CompressionType::Snappy => Codec::Snappy,
        CompressionType::Lz4 => Codec::Lz4,
        CompressionType::Zstd => Codec::Zstd,
    };
    let level = match codec {
        Codec::Gzip => config.compression_gzip_level,
        Codec::Lz4 => config.compression_lz4_level,
        Codec::Zstd => config.compression_zstd_level,
        Codec::None | Codec::Snappy => 0,
    };
    (codec, level)
}

fn invalid(message: impl Into<String>) -> AppendError {
    AppendError::InvalidRecord { errors: Vec::new(), message: message.into() }
}

/// Checks all batches of a set.
pub fn check(
    set: &Bytes,
    origin: Origin,
    config: &TopicConfig,
    now_ms: i64,
) -> Result<Vec<Checked>, AppendError> {
    if legacy::is_legacy(set) {
        return check_legacy(set, config, now_ms).map(|batch| vec![batch]);
    }
    let mut checked = Vec::with_capacity(1);
    let mut size = 0;
    for bytes in batch::split(set) {
        size += bytes.len();
        checked.push(check_batch(bytes, origin, config, now_ms)?);
    }
    if size != set.len() {
        return Err(AppendError::Corrupt("a batch is longer than the records"));
    }
    Ok(checked)
}

fn check_batch(
    bytes: Bytes,
    origin: Origin,
    config: &TopicConfig,
    now_ms: i64,
) -> Result<Checked, AppendError> {
    let header = BatchHeader::read(&bytes).ok_or(AppendError::Corrupt("no whole header"))?;
    if header.magic != 2 {
        return Err(invalid("batches of different formats in one set"));
    }
    if header.base_offset != 0 {
        return Err(invalid(format!(
            "The baseOffset of the record batch in the append should be 0, but it is {}",
            header.base_offset
        )));
    }
    check_size(bytes.len(), config)?;
    if !batch::crc_is_right(&header, &bytes) {
        return Err(AppendError::Corrupt("the CRC is wrong"));
    }
    check_header(&header, origin)?;
    let source = Codec::from_number(header.codec()).ok_or(AppendError::UnsupportedCompression)?;
    let packed = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let plain = match source {
        Codec::None => Cow::Borrowed(packed),
        codec => Cow::Owned(
            compress::decompress(codec, packed, DECOMPRESSED_BYTES_MAX)
                .map_err(|_| invalid("the records cannot be decompressed"))?,
        ),
    };
    let seen = check_records(&header, &plain, config, now_ms)?;
    let (codec, level) = target(config, source);
    // Control batches are never compressed.
    let recompress = codec != source && !header.has(batch::CONTROL);
    if recompress || !seen.in_sequence {
        rebuild(header, &plain, codec, level, config, now_ms, seen.max_timestamp)
    } else {
        Ok(with_timestamps(header, bytes.clone(), config, now_ms, seen.max_timestamp))
    }
}

fn check_size(size: usize, config: &TopicConfig) -> Result<(), AppendError> {
    let max = usize::try_from(config.max_message_bytes).unwrap_or(0);
    if size > max { Err(AppendError::TooLarge { size, max }) } else { Ok(()) }
}

fn check_header(header: &BatchHeader, origin: Origin) -> Result<(), AppendError> {
    let count = i64::from(header.last_offset_delta) + 1;
    if count <= 0 || header.record_count <= 0 || count != i64::from(header.record_count) {
        return Err(invalid(format!(
            "Inconsistent batch offset range and count of records: {count} and {}",
            header.record_count
        )));
    }
    if origin == Origin::Client && header.has(batch::CONTROL) {
        return Err(invalid("Clients are not allowed to write control records"));
    }
    if header.has_producer() && header.base_sequence < 0 && origin == Origin::Client {
        return Err(invalid(format!(
            "Invalid sequence number {} in record batch with producerId {}",
            header.base_sequence, header.producer_id
        )));
    }
    if header.has(batch::TRANSACTIONAL) && !header.has_producer() {
        return Err(invalid("a transactional batch without a producer id"));
    }
    Ok(())
}

struct Seen {
    max_timestamp: i64,
    in_sequence: bool,
}

fn check_records(
    header: &BatchHeader,
    plain: &[u8],
    config: &TopicConfig,
    now_ms: i64,
) -> Result<Seen, AppendError> {
    let mut errors = RecordErrors::default();
    let mut seen = Seen { max_timestamp: legacy::NO_TIMESTAMP, in_sequence: true };
    let keyed = config.cleanup_policy.compact && !header.has(batch::CONTROL);
    let mut index = 0;
    for record in records(plain) {
        let record = record.map_err(|e| invalid(e.to_string()))?;
        // A batch that claims append time gives all its records the one time (accepted where the
        // topic has create time: the claim is taken back).
        let timestamp = match header.has(LOG_APPEND_TIME) {
            true => header.max_timestamp,
            false => header.base_timestamp.wrapping_add(record.timestamp_delta),
        };
        seen.max_timestamp = seen.max_timestamp.max(timestamp);
        seen.in_sequence &= record.offset_delta == index;
        errors.check_key(index, keyed && record.key.is_none());
        errors.check_time(index, timestamp, header.has(LOG_APPEND_TIME), config, now_ms);
        index += 1;
    }
    if index != header.record_count {
        return Err(invalid(format!(
            "{index} records where the batch says {}",
            header.record_count
        )));
    }
    errors.finish()?;
    Ok(seen)
}

#[derive(Default)]
struct RecordErrors {
    errors: Vec<RecordError>,
    time: bool,
}

impl RecordErrors {
    fn check_key(&mut self, index: i32, missing: bool) {
        if missing {
            let message = "Compacted topic cannot accept message without key.".to_owned();
            self.errors.push(RecordError { index, message });
        }
    }

    fn check_time(
        &mut self,
        index: i32,
        timestamp: i64,
        append_time: bool,
        config: &TopicConfig,
        now_ms: i64,
    ) {
        let (before, after) = limits(config);
        let create = config.message_timestamp_type == TimestampType::CreateTime;
        let far =
            now_ms.saturating_sub(timestamp) > before || timestamp.saturating_sub(now_ms) > after;
        let message = if create && timestamp != legacy::NO_TIMESTAMP {
            if !far {
                return;
            }
            format!("Timestamp {timestamp} of message is out of range around {now_ms}")
        } else if append_time {
            "Producer should not set timestamp type to LogAppendTime.".to_owned()
        } else {
            return;
        };
        self.time = true;
        if self.errors.last().is_none_or(|last| last.index != index) {
            self.errors.push(RecordError { index, message });
        }
    }

    fn finish(self) -> Result<(), AppendError> {
        match (self.errors, self.time) {
            (errors, _) if errors.is_empty() => Ok(()),
            (errors, true) => Err(AppendError::InvalidTimestamp { errors }),
            (errors, false) => Err(AppendError::InvalidRecord {
                errors,
                message: "One or more records have been rejected due to invalid records".into(),
            }),
        }
    }
}

/// `message.timestamp.{before,after}.max.ms`, else the older key for both.
fn limits(config: &TopicConfig) -> (i64, i64) {
    let old = config.message_timestamp_difference_max_ms;
    let pick = |new: i64| if new == i64::MAX { old } else { new };
    (pick(config.message_timestamp_before_max_ms), pick(config.message_timestamp_after_max_ms))
}

fn stamp(header: &mut BatchHeader, config: &TopicConfig, now_ms: i64, max_timestamp: i64) {
    match config.message_timestamp_type {
        TimestampType::CreateTime => {
            header.attributes &= !LOG_APPEND_TIME;
            header.max_timestamp = max_timestamp;
        }
        TimestampType::LogAppendTime => {
            header.attributes |= LOG_APPEND_TIME;
            header.max_timestamp = now_ms;
        }
    }
}

/// The batch with the right timestamp type and maximum; untouched if they were right.
fn with_timestamps(
    mut header: BatchHeader,
    bytes: Bytes,
    config: &TopicConfig,
    now_ms: i64,
    max_timestamp: i64,
) -> Checked {
    let before = header;
    stamp(&mut header, config, now_ms, max_timestamp);
    if header == before {
        return Checked { header, bytes };
    }
    let bytes = batch::seal(header, bytes.get(HEADER_BYTES..).unwrap_or_default());
    Checked { header: BatchHeader::read(&bytes).unwrap_or(header), bytes }
}

fn rebuild(
    mut header: BatchHeader,
    plain: &[u8],
    codec: Codec,
    level: i32,
    config: &TopicConfig,
    now_ms: i64,
    max_timestamp: i64,
) -> Result<Checked, AppendError> {
    let mut body = BytesMut::with_capacity(plain.len());
    for (index, record) in records(plain).flatten().enumerate() {
        Record { offset_delta: index as i32, ..record }.write(&mut body);
    }
    stamp(&mut header, config, now_ms, max_timestamp);
    header.attributes = (header.attributes & !batch::CODEC_MASK) | codec as i16;
    let packed = compress::compress(codec, level, &body).map_err(super::LogError::Io)?;
    let bytes = batch::seal(header, &packed);
    check_size(bytes.len(), config)?;
    Ok(Checked { header: BatchHeader::read(&bytes).unwrap_or(header), bytes })
}

fn check_legacy(set: &Bytes, config: &TopicConfig, now_ms: i64) -> Result<Checked, AppendError> {
    for entry in batch::split(set) {
        check_size(entry.len(), config)?;
    }
    let (messages, source) = legacy::read(set).map_err(|error| match error {
        LegacyError::Corrupt => AppendError::Corrupt("a message of format 0 or 1"),
        LegacyError::Compression(message) => invalid(message),
    })?;
    if messages.is_empty() {
        return Err(AppendError::Corrupt("no whole message"));
    }
    let mut errors = RecordErrors::default();
    for (index, Message { timestamp, key, .. }) in messages.iter().enumerate() {
        errors.check_key(index as i32, config.cleanup_policy.compact && key.is_none());
        errors.check_time(index as i32, *timestamp, false, config, now_ms);
    }
    errors.finish()?;
    let (codec, level) = target(config, source);
    let bytes = legacy::up_convert(&messages, codec, level).map_err(super::LogError::Io)?;
    check_size(bytes.len(), config)?;
    let header = BatchHeader::read(&bytes).ok_or(AppendError::Corrupt("no whole header"))?;
    Ok(with_timestamps(header, bytes, config, now_ms, header.max_timestamp))
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
