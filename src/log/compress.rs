//! The four codecs, as the Java client frames them. Decompression is bounded.
//!
//! gzip: RFC 1952. snappy: xerial's framing (`82 "SNAPPY" 00`, two int32 versions, then
//! int32-length blocks), and raw snappy as other clients send it. lz4: the LZ4 frame with
//! independent 64 KiB blocks. zstd: RFC 8878.

use std::io::{self, Read, Write};

/// A batch may not decompress to more than this.
pub const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

const XERIAL_MAGIC: &[u8] = &[0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const XERIAL_BLOCK_BYTES: usize = 32 << 10;

/// A codec by its number in the attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Not compressed.
    None = 0,
    /// gzip.
    Gzip = 1,
    /// Snappy.
    Snappy = 2,
    /// LZ4.
    Lz4 = 3,
    /// Zstandard.
    Zstd = 4,
}

impl Codec {
    /// The codec of this number.
    pub fn from_number(number: i16) -> Option<Codec> {
        [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd]
            .into_iter()
            .find(|codec| *codec as i16 == number)
    }
}

/// The bytes that these compress to.
pub fn compress(codec: Codec, level: i32, bytes: &[u8]) -> io::Result<Vec<u8>> {
    match codec {
        Codec::None => Ok(bytes.to_vec()),
        Codec::Gzip => {
            let level = match u32::try_from(level) {
                Ok(level) => flate2::Compression::new(level.min(9)),
                Err(_) => flate2::Compression::default(),
            };
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Codec::Snappy => snappy_compress(bytes),
        Codec::Lz4 => {
            let mut encoder = lz4::EncoderBuilder::new()
                .level(u32::try_from(level).unwrap_or(0))
                .block_size(lz4::BlockSize::Max64KB)
                .block_mode(lz4::BlockMode::Independent)
                .checksum(lz4::ContentChecksum::NoChecksum)
                .build(Vec::new())?;
            encoder.write_all(bytes)?;
            let (out, result) = encoder.finish();
            result.map(|()| out)
        }
        Codec::Zstd => zstd::bulk::compress(bytes, level),
    }
}

fn snappy_compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = XERIAL_MAGIC.to_vec();
    out.extend_from_slice(&1i32.to_be_bytes());
    out.extend_from_slice(&1i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for block in bytes.chunks(XERIAL_BLOCK_BYTES) {
        let block = encoder.compress_vec(block)?;
        out.extend_from_slice(&(block.len() as i32).to_be_bytes());
        out.extend_from_slice(&block);
    }
    Ok(out)
}

/// The bytes that were compressed; an error if they are corrupt or more than `limit`.
pub fn decompress(codec: Codec, bytes: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    match codec {
        Codec::None => Ok(bytes.to_vec()),
        Codec::Gzip => drain(flate2::read::MultiGzDecoder::new(bytes), bytes.len(), limit),
        Codec::Snappy => snappy_decompress(bytes, limit),
        Codec::Lz4 => {
            let mut decoder = lz4::Decoder::new(bytes)?;
            let out = drain(&mut decoder, bytes.len(), limit)?;
            // Only this tells a frame that is cut short.
            decoder.finish().1.map(|()| out)
        }
        Codec::Zstd => drain(zstd::stream::read::Decoder::new(bytes)?, bytes.len(), limit),
    }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "decompresses to more than is allowed")
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn drain(reader: impl Read, compressed: usize, limit: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(compressed.saturating_mul(2).min(1 << 20));
    reader.take(limit as u64 + 1).read_to_end(&mut out)?;
    if out.len() > limit { Err(too_large()) } else { Ok(out) }
}

fn snappy_decompress(bytes: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let Some(mut rest) = bytes.strip_prefix(XERIAL_MAGIC).and_then(|rest| rest.get(8..)) else {
        return snappy_block(bytes, limit);
    };
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (length, after) =
            rest.split_first_chunk::<4>().ok_or(invalid("a torn snappy block"))?;
        let length = usize::try_from(i32::from_be_bytes(*length));
        let block = length.ok().and_then(|length| after.split_at_checked(length));
        let (block, after) = block.ok_or(invalid("a torn snappy block"))?;
        out.extend(snappy_block(block, limit.saturating_sub(out.len()))?);
        rest = after;
    }
    Ok(out)
}

fn snappy_block(block: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    // A byte of snappy expands to at most 64: a larger declared length is a lie.
    let length = snap::raw::decompress_len(block)?;
    if length > limit || length > block.len().saturating_mul(64) {
        return Err(too_large());
    }
    Ok(snap::raw::Decoder::new().decompress_vec(block)?)
}

/// Clients before 0.10 made the checksum of the LZ4 frame's header over too many bytes; the frame
/// with the right one (KAFKA-3160). Anything that is not such a frame is left as it is.
pub fn repair_lz4_header(bytes: &[u8]) -> Vec<u8> {
    const CONTENT_SIZE: u8 = 0x08;
    let mut out = bytes.to_vec();
    let Some(flags) = bytes.get(4) else { return out };
    let end = if flags & CONTENT_SIZE != 0 { 14 } else { 6 };
    if let Some(descriptor) = bytes.get(4..end)
        && let Some(checksum) = out.get_mut(end)
    {
        *checksum = (xxhash_rust::xxh32::xxh32(descriptor, 0) >> 8) as u8;
    }
    out
}

/// Gives an LZ4 frame the header checksum that clients before 0.10 expect: over the frame's magic
/// number too.
pub fn spoil_lz4_header(bytes: &mut [u8]) {
    const CONTENT_SIZE: u8 = 0x08;
    let Some(flags) = bytes.get(4) else { return };
    let end = if flags & CONTENT_SIZE != 0 { 14 } else { 6 };
    let Some(covered) = bytes.get(..end) else { return };
    let checksum = (xxhash_rust::xxh32::xxh32(covered, 0) >> 8) as u8;
    if let Some(place) = bytes.get_mut(end) {
        *place = checksum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    fn text() -> Vec<u8> {
        (0..100_000u32).flat_map(|i| (i / 7).to_be_bytes()).collect()
    }

    #[test]
    fn every_codec_gives_back_what_it_took_and_no_more_than_allowed() {
        for codec in ALL {
            let packed = compress(codec, 3, &text()).expect("compressed");
            assert_eq!(decompress(codec, &packed, 1 << 20).expect("decompressed"), text());
            if codec != Codec::None {
                assert!(packed.len() < text().len());
                assert!(decompress(codec, &packed, 1000).is_err(), "{codec:?} has no limit");
                assert!(decompress(codec, &packed[..packed.len() / 2], 1 << 20).is_err());
            }
        }
    }

    #[test]
    fn raw_snappy_is_understood() {
        let raw = snap::raw::Encoder::new().compress_vec(b"abcabcabc").expect("compressed");
        assert_eq!(decompress(Codec::Snappy, &raw, 100).expect("raw"), b"abcabcabc");
    }

    #[test]
    fn an_lz4_header_with_the_old_checksum_is_repaired() {
        let mut packed = compress(Codec::Lz4, 0, b"abcabcabc").expect("compressed");
        packed[6] ^= 0x55;
        assert!(decompress(Codec::Lz4, &packed, 100).is_err());
        let repaired = repair_lz4_header(&packed);
        assert_eq!(decompress(Codec::Lz4, &repaired, 100).expect("repaired"), b"abcabcabc");
    }
}
