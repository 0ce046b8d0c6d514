//! What a Produce request may carry, by its version (`ProduceRequest.validateRecords`).
//!
//! Looks at the head of the batch only; the log checks the rest.

use crate::types::ErrorCode;
use kafka_protocol::messages::ProduceRequest;

/// Bytes before a batch's own length counts: base offset and the length itself.
const PREFIX: usize = 12;
/// Position of the magic byte.
const MAGIC: usize = 16;
/// Compression of a batch, in the low three bits of its attributes: zstd.
const ZSTD: u8 = 4;

/// Bit of the attributes of a batch that is part of a transaction.
const TRANSACTIONAL: u8 = 0x10;

/// Whether any partition's first batch is part of a transaction.
pub fn is_transactional(request: &ProduceRequest) -> bool {
    let is_transactional = |records: &[u8]| {
        records.get(MAGIC) == Some(&2)
            && records.get(22).is_some_and(|attributes| attributes & TRANSACTIONAL != 0)
    };
    let mut partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    partitions.any(|data| data.records.as_deref().is_some_and(is_transactional))
}

/// From v3 on there is exactly one batch, of format 2; zstd only from v7 on.
///
/// Example: `00*8 0000003d …` is one batch of 12 + 61 bytes.
pub fn validate(version: i16, records: &[u8]) -> Result<(), ErrorCode> {
    if version < 3 {
        return Ok(());
    }
    if records.is_empty() {
        return Err(ErrorCode::INVALID_RECORD);
    }
    let len = records
        .get(8..PREFIX)
        .and_then(|bytes| bytes.try_into().ok())
        .map(i32::from_be_bytes)
        .and_then(|len| usize::try_from(len).ok())
        .ok_or(ErrorCode::CORRUPT_MESSAGE)?;
    let magic = records.get(MAGIC).ok_or(ErrorCode::CORRUPT_MESSAGE)?;
    if *magic != 2 {
        return Err(ErrorCode::INVALID_RECORD);
    }
    let attributes = records.get(22).ok_or(ErrorCode::CORRUPT_MESSAGE)?;
    if version < 7 && attributes & 7 == ZSTD {
        return Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE);
    }
    // A batch cut short is the log's to refuse, as corrupt.
    if records.len() > PREFIX + len {
        return Err(ErrorCode::INVALID_RECORD);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(magic: u8, attributes: u8) -> Vec<u8> {
        let mut bytes = vec![0; 61];
        bytes[8..12].copy_from_slice(&49i32.to_be_bytes());
        bytes[16] = magic;
        bytes[22] = attributes;
        bytes
    }

    #[test]
    fn one_batch_of_format_two_passes() {
        assert_eq!(validate(9, &batch(2, 0)), Ok(()));
        assert_eq!(validate(2, &batch(1, 0)), Ok(()));
    }

    #[test]
    fn no_batch_two_batches_or_an_old_format_are_invalid() {
        let two = [batch(2, 0), batch(2, 0)].concat();
        for records in [vec![], two, batch(1, 0)] {
            assert_eq!(validate(3, &records), Err(ErrorCode::INVALID_RECORD));
        }
    }

    #[test]
    fn zstd_needs_version_seven() {
        assert_eq!(validate(6, &batch(2, 4)), Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE));
        assert_eq!(validate(7, &batch(2, 4)), Ok(()));
    }
}
