//! Down-conversion: records for clients that do not understand message format 2 (Fetch v0-3).
//!
//! As `KafkaApis.maybeConvertFetchedData`. Only what one answer carries is read and converted, so
//! an idle old consumer costs nothing. Control batches and headers have no place in old formats.

use super::request::Plan;
use crate::config::CompressionType;
use crate::handlers::Part;
use crate::log::FileRegion;
use crate::log::down_convert::{self, DownConvertError};
use crate::partition::Partition;
use crate::types::ErrorCode;
use bytes::Bytes;
use std::os::unix::fs::FileExt;

/// What a client of this version gets of a region of records that was fetched from `offset`.
pub(super) fn records(
    plan: &Plan,
    partition: &Partition,
    region: FileRegion,
    offset: i64,
) -> Result<Part, ErrorCode> {
    let config = partition.log().config();
    if !plan.takes_zstd && config.compression_type == CompressionType::Zstd {
        return Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE);
    }
    if plan.magic >= 2 {
        let FileRegion { file, position, len } = region;
        return Ok(Part::File { file, position, len });
    }
    if !config.message_downconversion_enable {
        return Err(ErrorCode::UNSUPPORTED_VERSION);
    }
    let mut batches = vec![0; region.len];
    region
        .file
        .read_exact_at(&mut batches, region.position)
        .map_err(|_| ErrorCode::KAFKA_STORAGE_ERROR)?;
    let magic = i8::try_from(plan.magic).unwrap_or(0);
    let converted = down_convert::down_convert(&Bytes::from(batches), magic, offset);
    converted.map(Part::Bytes).map_err(|error| match error {
        DownConvertError::Zstd => ErrorCode::UNSUPPORTED_COMPRESSION_TYPE,
        DownConvertError::Malformed(_) => ErrorCode::CORRUPT_MESSAGE,
    })
}
