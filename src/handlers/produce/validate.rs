//! What a Produce request may carry, by its version (`ProduceRequest.validateRecords`).
//!
//! Looks at the head of the batch only; the log checks the rest.

use crate::log::batch::{self, NoBatch};
use crate::types::ErrorCode;
use kafka_protocol::messages::ProduceRequest;

/// Position of the magic byte.
const MAGIC: usize = 16;
/// Position of the low byte of a batch's attributes.
const ATTRIBUTES: usize = 22;
/// Compression of a batch, in the low three bits of its attributes: zstd.
const ZSTD: u8 = 4;

/// Bit of the attributes of a batch that is part of a transaction.
const TRANSACTIONAL: u8 = 0x10;

/// Whether any partition's first batch is part of a transaction.
pub fn is_transactional(request: &ProduceRequest) -> bool {
    let is_transactional = |records: &[u8]| {
        records.get(MAGIC) == Some(&2)
            && records.get(ATTRIBUTES).is_some_and(|attributes| attributes & TRANSACTIONAL != 0)
    };
    let mut partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    partitions.any(|data| data.records.as_deref().is_some_and(is_transactional))
}

/// Why a partition's records are not looked at any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The answer's code.
    pub code: ErrorCode,
    /// Its message (v8+).
    pub message: Option<String>,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Refusal {
        Refusal { code, message: None }
    }
}

impl From<NoBatch> for Refusal {
    fn from(error: NoBatch) -> Refusal {
        Refusal { code: ErrorCode::CORRUPT_MESSAGE, message: Some(error.to_string()) }
    }
}

/// From v3 on there is exactly one batch, of format 2; zstd only from v7 on. What follows it and is
/// no whole batch is the log's to judge.
///
/// Example: `00*8 0000003d …` is one batch of 12 + 61 bytes.
pub fn validate(version: i16, records: &[u8]) -> Result<(), Refusal> {
    if version < 3 {
        return Ok(());
    }
    let one = batch::first(records)?.ok_or(ErrorCode::INVALID_RECORD)?;
    if one.get(MAGIC) != Some(&2) {
        return Err(ErrorCode::INVALID_RECORD.into());
    }
    if version < 7 && one.get(ATTRIBUTES).is_some_and(|attributes| attributes & 7 == ZSTD) {
        return Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE.into());
    }
    match batch::first(records.get(one.len()..).unwrap_or_default()) {
        Ok(Some(_)) => Err(ErrorCode::INVALID_RECORD.into()),
        Ok(None) | Err(_) => Ok(()),
    }
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
            assert_eq!(validate(3, &records), Err(ErrorCode::INVALID_RECORD.into()));
        }
    }

    #[test]
    fn a_batch_cut_short_is_none_and_half_of_a_second_is_the_logs_to_judge() {
        let whole = batch(2, 0);
        assert_eq!(validate(3, &whole[..60]), Err(ErrorCode::INVALID_RECORD.into()));
        assert_eq!(validate(3, &[&whole[..], &whole[..60]].concat()), Ok(()));
    }

    #[test]
    fn what_is_no_batch_is_corrupt_and_told_so() {
        let told = |records: &[u8]| validate(8, records).expect_err("refused").message;
        let small = "Record size 0 is less than the minimum record overhead (14)";
        assert_eq!(told(&[0; 16]).as_deref(), Some(small));
        assert_eq!(told(&batch(3, 0)).as_deref(), Some("Invalid magic found in record: 3"));
    }

    #[test]
    fn a_request_with_any_transactional_batch_is_transactional() {
        use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
        let request = |batches: &[Vec<u8>]| {
            let data = |bytes: &Vec<u8>| {
                PartitionProduceData::default().with_records(Some(bytes.clone().into()))
            };
            let partitions = batches.iter().map(data).collect();
            let topic = TopicProduceData::default().with_partition_data(partitions);
            ProduceRequest::default().with_topic_data(vec![topic])
        };
        assert!(is_transactional(&request(&[batch(2, 0), batch(2, TRANSACTIONAL)])));
        assert!(!is_transactional(&request(&[batch(2, 0), batch(1, TRANSACTIONAL), vec![]])));
    }

    #[test]
    fn zstd_needs_version_seven() {
        assert_eq!(validate(6, &batch(2, 4)), Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE.into()));
        assert_eq!(validate(7, &batch(2, 4)), Ok(()));
    }
}
