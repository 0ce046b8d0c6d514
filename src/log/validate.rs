//! What a leader checks and changes before it assigns offsets (Kafka's `LogValidator` and
//! `UnifiedLog.analyzeAndValidateRecords`). Knows neither offsets nor producers' state.

use super::api::{AppendError, Origin, RecordError, RecordFault};
use super::batch::{self, BatchHeader, HEADER_BYTES, LOG_APPEND_TIME};
use super::compress::{self, Codec, DECOMPRESSED_BYTES_MAX};
use super::legacy::{self, LegacyError, Message};
use super::record::{Record, records};
use crate::config::{CompressionType, TimestampType, TopicConfig};
use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
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
    let mut batches: SmallVec<[Bytes; 1]> = SmallVec::new();
    let mut rest = set.clone();
    while let Some(one) = batch::first(&rest).map_err(|_| AppendError::Corrupt("no batch"))? {
        check_size(one.len(), config)?;
        batches.push(rest.split_to(one.len()));
    }
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    check_together(&batches, origin)?;
    if legacy::is_legacy(first) {
        return check_legacy(set, config, now_ms).map(|batch| vec![batch]);
    }
    batches.into_iter().map(|bytes| check_batch(bytes, origin, config, now_ms)).collect()
}

/// All have one format; what is of format 2 or compressed is alone in what a client sends.
fn check_together(batches: &[Bytes], origin: Origin) -> Result<(), AppendError> {
    let magic = |batch: &Bytes| batch.get(16).copied();
    let first = batches.first().and_then(magic);
    if batches.iter().any(|batch| magic(batch) != first) {
        return Err(invalid("batches of different formats in one set"));
    }
    let attributes = if first < Some(2) { 17 } else { 22 };
    let codec = batch::CODEC_MASK as u8;
    let is_packed = |batch: &Bytes| batch.get(attributes).is_some_and(|bits| bits & codec != 0);
    let alone = first >= Some(2) && origin == Origin::Client || batches.iter().any(is_packed);
    if alone && batches.len() > 1 {
        return Err(invalid("Compressed outer record has more than one batch"));
    }
    Ok(())
}

fn check_batch(
    bytes: Bytes,
    origin: Origin,
    config: &TopicConfig,
    now_ms: i64,
) -> Result<Checked, AppendError> {
    let header = BatchHeader::read(&bytes).ok_or(AppendError::Corrupt("no whole header"))?;
    if header.base_offset != 0 {
        return Err(invalid(format!(
            "The baseOffset of the record batch in the append should be 0, but it is {}",
            header.base_offset
        )));
    }
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
                .map_err(|_| AppendError::Unreadable("they do not decompress"))?,
        ),
    };
    let (codec, level) = target(config, source);
    let as_it_is = codec == source && source != Codec::None;
    let printed = if as_it_is { "PartialDefaultRecord" } else { "DefaultRecord" };
    let seen = check_records(&header, &plain, config, now_ms, printed)?;
    if as_it_is && !seen.in_sequence {
        // Kafka means to write them anew, and has not kept what it needs for that.
        return Err(AppendError::Unreadable("their offsets do not count from 0"));
    }
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
    printed: &str,
) -> Result<Seen, AppendError> {
    let mut errors = RecordErrors::new(config, now_ms);
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
        errors.check_time(index, record.offset_delta, timestamp, || {
            header.has(LOG_APPEND_TIME).then(|| print(printed, &record, timestamp))
        });
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

/// A record as Kafka's messages have it.
fn print(kind: &str, record: &Record<'_>, timestamp: i64) -> String {
    let bytes = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
    let (key, value) = (bytes(record.key), bytes(record.value));
    let offset = record.offset_delta;
    format!("{kind}(offset={offset}, timestamp={timestamp}, key={key} bytes, value={value} bytes)")
}

struct RecordErrors {
    errors: Vec<RecordError>,
    time: bool,
    has_create_time: bool,
    now_ms: i64,
    /// How much older and younger than now a record may be.
    limits: (i64, i64),
}

impl RecordErrors {
    fn new(config: &TopicConfig, now_ms: i64) -> RecordErrors {
        let has_create_time = config.message_timestamp_type == TimestampType::CreateTime;
        let limits = limits(config);
        RecordErrors { errors: Vec::new(), time: false, has_create_time, now_ms, limits }
    }

    fn check_key(&mut self, index: i32, missing: bool) {
        if missing {
            self.errors.push(RecordError { index, fault: RecordFault::NoKey });
        }
    }

    /// `claim` gives the record in print if it claims append time.
    fn check_time(
        &mut self,
        index: i32,
        offset: i32,
        timestamp: i64,
        claim: impl FnOnce() -> Option<String>,
    ) {
        let (now_ms, (before, after)) = (self.now_ms, self.limits);
        let fault = if self.has_create_time && timestamp != legacy::NO_TIMESTAMP {
            let age = now_ms.saturating_sub(timestamp);
            if age <= before && timestamp.saturating_sub(now_ms) <= after {
                return;
            }
            let (earliest, latest) = (now_ms.wrapping_sub(before), now_ms.wrapping_add(after));
            RecordFault::OutOfRange { offset, timestamp, earliest, latest }
        } else if let Some(record) = claim() {
            RecordFault::AppendTime(record)
        } else {
            return;
        };
        self.time = true;
        if self.errors.last().is_none_or(|last| last.index != index) {
            self.errors.push(RecordError { index, fault });
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
    if header.has_producer() && header.producer_epoch < 0 {
        // Which Kafka can append, and not write.
        return Err(AppendError::Unreadable("their producer has no epoch"));
    }
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
    let (messages, source) = legacy::read(set).map_err(|error| match error {
        LegacyError::Corrupt => AppendError::Corrupt("a message of format 0 or 1"),
        LegacyError::Invalid(why) => invalid(why),
        LegacyError::Compression(_) => AppendError::Unreadable("a message does not decompress"),
    })?;
    if messages.is_empty() {
        return Err(AppendError::Corrupt("no whole message"));
    }
    let mut errors = RecordErrors::new(config, now_ms);
    for (index, Message { timestamp, key, .. }) in messages.iter().enumerate() {
        errors.check_key(index as i32, config.cleanup_policy.compact && key.is_none());
        errors.check_time(index as i32, index as i32, *timestamp, || None);
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
