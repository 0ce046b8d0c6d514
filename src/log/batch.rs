//! A record batch of format 2, seen through its header. Records stay bytes.
//!
//! ```text
//! 0  base offset      8     23 last offset delta 4     51 producer epoch 2
//! 8  length           4     27 base timestamp    8     53 base sequence  4
//! 12 leader epoch     4     35 max timestamp     8     57 record count   4
//! 16 magic (2)        1     43 producer id       8     61 records
//! 17 CRC-32C of 21..  4     21 attributes        2
//! ```
//! `length` counts from byte 12. Base offset, length and leader epoch lie outside the CRC, so a
//! broker assigns offsets without touching the rest.

use bytes::Bytes;

/// Bytes before the records.
pub const HEADER_BYTES: usize = 61;
/// Bytes of base offset and length.
pub const PREFIX_BYTES: usize = 12;
/// Bytes a leader writes itself: base offset, length, leader epoch.
pub const HEAD_BYTES: usize = 16;
/// First byte that the CRC covers.
pub const CRC_FROM: usize = 21;

/// Attribute bits 0-2: codec.
pub const CODEC_MASK: i16 = 0x07;
/// Attribute bit 3: the timestamps are the broker's.
pub const LOG_APPEND_TIME: i16 = 0x08;
/// Attribute bit 4: part of a transaction.
pub const TRANSACTIONAL: i16 = 0x10;
/// Attribute bit 5: a transaction marker.
pub const CONTROL: i16 = 0x20;
/// Attribute bit 6: the base timestamp is the delete horizon (KIP-534).
pub const DELETE_HORIZON: i16 = 0x40;

/// "No sequence number".
pub const NO_SEQUENCE: i32 = -1;

/// The header of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Bytes after the length field.
    pub length: i32,
    /// Epoch of the leader that appended it.
    pub leader_epoch: i32,
    /// Record format.
    pub magic: i8,
    /// CRC-32C.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: i16,
    /// Offset of the last record, less the base.
    pub last_offset_delta: i32,
    /// Timestamp that record timestamps are relative to, or the delete horizon.
    pub base_timestamp: i64,
    /// Largest timestamp.
    pub max_timestamp: i64,
    /// Producer, -1 for none.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Sequence number of the first record.
    pub base_sequence: i32,
    /// Number of records.
    pub record_count: i32,
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

impl BatchHeader {
    /// Reads a header; `None` if there are fewer than 61 bytes. Checks nothing.
    pub fn read(bytes: &[u8]) -> Option<BatchHeader> {
        Some(BatchHeader {
            base_offset: i64::from_be_bytes(array(bytes, 0)?),
            length: i32::from_be_bytes(array(bytes, 8)?),
            leader_epoch: i32::from_be_bytes(array(bytes, 12)?),
            magic: i8::from_be_bytes(array(bytes, 16)?),
            crc: u32::from_be_bytes(array(bytes, 17)?),
            attributes: i16::from_be_bytes(array(bytes, 21)?),
            last_offset_delta: i32::from_be_bytes(array(bytes, 23)?),
            base_timestamp: i64::from_be_bytes(array(bytes, 27)?),
            max_timestamp: i64::from_be_bytes(array(bytes, 35)?),
            producer_id: i64::from_be_bytes(array(bytes, 43)?),
            producer_epoch: i16::from_be_bytes(array(bytes, 51)?),
            base_sequence: i32::from_be_bytes(array(bytes, 53)?),
            record_count: i32::from_be_bytes(array(bytes, 57)?),
        })
    }

    /// The header as bytes.
    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        let mut put = |at: usize, bytes: &[u8]| {
            if let Some(to) = out.get_mut(at..at + bytes.len()) {
                to.copy_from_slice(bytes);
            }
        };
        put(0, &self.base_offset.to_be_bytes());
        put(8, &self.length.to_be_bytes());
        put(12, &self.leader_epoch.to_be_bytes());
        put(16, &self.magic.to_be_bytes());
        put(17, &self.crc.to_be_bytes());
        put(21, &self.attributes.to_be_bytes());
        put(23, &self.last_offset_delta.to_be_bytes());
        put(27, &self.base_timestamp.to_be_bytes());
        put(35, &self.max_timestamp.to_be_bytes());
        put(43, &self.producer_id.to_be_bytes());
        put(51, &self.producer_epoch.to_be_bytes());
        put(53, &self.base_sequence.to_be_bytes());
        put(57, &self.record_count.to_be_bytes());
        out
    }

    /// The sixteen bytes that a leader writes in front of the untouched rest.
    pub fn head(base_offset: i64, length: i32, leader_epoch: i32) -> [u8; HEAD_BYTES] {
        let mut out = [0; HEAD_BYTES];
        out[..8].copy_from_slice(&base_offset.to_be_bytes());
        out[8..12].copy_from_slice(&length.to_be_bytes());
        out[12..].copy_from_slice(&leader_epoch.to_be_bytes());
        out
    }

    /// Bytes of the whole batch; a negative or impossible length gives 0.
    pub fn size(&self) -> usize {
        usize::try_from(self.length).map_or(0, |length| length + PREFIX_BYTES)
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// Offset after the last record.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// Sequence number of the last record, wrapping to 0 after `i32::MAX`.
    pub fn last_sequence(&self) -> i32 {
        match self.base_sequence {
            NO_SEQUENCE => NO_SEQUENCE,
            base => add_sequence(base, self.last_offset_delta),
        }
    }

    /// Whether a producer id is given.
    pub fn has_producer(&self) -> bool {
        self.producer_id > -1
    }

    /// Whether all of these attribute bits are set.
    pub fn has(&self, bits: i16) -> bool {
        self.attributes & bits == bits
    }

    /// Number of the codec.
    pub fn codec(&self) -> i16 {
        self.attributes & CODEC_MASK
    }

    /// When tombstones of this batch may go, if that has been decided.
    pub fn delete_horizon(&self) -> Option<i64> {
        self.has(DELETE_HORIZON).then_some(self.base_timestamp)
    }
}

/// `base + delta` in the circle of sequence numbers.
pub fn add_sequence(base: i32, delta: i32) -> i32 {
    let sum = i64::from(base) + i64::from(delta);
    (sum % (i64::from(i32::MAX) + 1)) as i32
}

/// CRC-32C, as batches carry it.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// Whether the CRC in the header is that of the batch's bytes.
pub fn crc_is_right(header: &BatchHeader, batch: &[u8]) -> bool {
    batch.get(CRC_FROM..).is_some_and(|covered| crc32c(covered) == header.crc)
}

/// Puts header and records together with the right length and CRC.
pub fn seal(mut header: BatchHeader, records: &[u8]) -> Bytes {
    header.length = (HEADER_BYTES - PREFIX_BYTES + records.len()) as i32;
    let mut out = Vec::with_capacity(HEADER_BYTES + records.len());
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(records);
    let crc = crc32c(out.get(CRC_FROM..).unwrap_or_default());
    if let Some(place) = out.get_mut(17..CRC_FROM) {
        place.copy_from_slice(&crc.to_be_bytes());
    }
    Bytes::from(out)
}

/// The bytes that the smallest message of any format has after its length.
const SMALLEST_BYTES: i32 = 14;

/// Why bytes from a client are not the beginning of a batch of any format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoBatch {
    /// The length is smaller than that of an empty message.
    #[error("Record size {0} is less than the minimum record overhead ({SMALLEST_BYTES})")]
    TooSmall(i32),
    /// There is no such format.
    #[error("Invalid magic found in record: {0}")]
    Magic(i8),
}

/// The batch at the start of what a client sent; none if it is cut short (Kafka's
/// `ByteBufferLogInputStream`).
pub fn first(bytes: &[u8]) -> Result<Option<&[u8]>, NoBatch> {
    let Some(length) = array(bytes, 8).map(i32::from_be_bytes) else { return Ok(None) };
    if length < SMALLEST_BYTES {
        return Err(NoBatch::TooSmall(length));
    }
    let Some(magic) = bytes.get(16).map(|magic| *magic as i8) else { return Ok(None) };
    if !(0..=2).contains(&magic) {
        return Err(NoBatch::Magic(magic));
    }
    let size = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(PREFIX_BYTES);
    Ok(bytes.get(..size))
}

/// Whole batches of `bytes` (of any format), as slices of it; stops at the first torn one.
pub fn split(bytes: &Bytes) -> impl Iterator<Item = Bytes> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let length = i32::from_be_bytes(array(rest, 8)?);
        let size = usize::try_from(length).ok()?.checked_add(PREFIX_BYTES)?;
        let batch = (size <= rest.len()).then(|| bytes.slice(at..at + size))?;
        at += size;
        Some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn header() -> BatchHeader {
        BatchHeader {
            base_offset: 5,
            length: 0,
            leader_epoch: 2,
            magic: 2,
            crc: 0,
            attributes: 0,
            last_offset_delta: 1,
            base_timestamp: 10,
            max_timestamp: 11,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            record_count: 2,
        }
    }

    #[test]
    fn a_sealed_batch_reads_back_and_its_crc_is_right_until_a_bit_flips() {
        let batch = seal(header(), b"abc");
        let read = BatchHeader::read(&batch).expect("a whole header");
        assert_eq!((read.base_offset, read.next_offset(), read.size()), (5, 7, 64));
        assert!(crc_is_right(&read, &batch));
        let mut bad = batch.to_vec();
        bad[62] ^= 1;
        assert!(!crc_is_right(&read, &bad));
        assert_eq!(read.to_bytes()[..], batch[..HEADER_BYTES]);
    }

    #[test]
    fn a_torn_batch_is_not_among_the_split_ones() {
        let batch = seal(header(), b"abc");
        let two = [batch.as_ref(), batch.as_ref()].concat();
        assert_eq!(split(&Bytes::from(two.clone())).count(), 2);
        assert_eq!(split(&Bytes::from(two[..two.len() - 1].to_vec())).count(), 1);
        assert_eq!(split(&Bytes::from_static(&[0xff; 20])).count(), 0);
    }

    #[test]
    fn sequence_numbers_go_round() {
        assert_eq!(add_sequence(i32::MAX, 1), 0);
        assert_eq!(add_sequence(i32::MAX - 1, 3), 1);
    }
}
