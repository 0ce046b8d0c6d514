//! Records of format 2: zigzag varints, deltas against the batch.
//!
//! ```text
//! length varint, attributes 0, timestamp delta varlong, offset delta varint,
//! key length varint (-1 null), key, value length varint, value,
//! header count varint, (key length, key, value length, value)*
//! ```
//! Example: key null, value `a`, delta 0: `0e 00 00 00 01 02 61 00`.

use bytes::{BufMut, BytesMut};

/// A record as it lies in its (uncompressed) batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Against the batch's base timestamp, ms.
    pub timestamp_delta: i64,
    /// Against the batch's base offset.
    pub offset_delta: i32,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers with their count, as encoded.
    pub headers: &'a [u8],
}

/// The records are not well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record is malformed: {0}")]
pub struct Malformed(pub &'static str);

/// Reads a zigzag varint of at most ten bytes.
pub fn read_varlong(from: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

fn read_varint(from: &mut &[u8]) -> Option<i32> {
    i32::try_from(read_varlong(from)?).ok()
}

/// Writes a zigzag varint.
pub fn put_varlong(out: &mut BytesMut, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        out.put_u8(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.put_u8(zigzag as u8);
}

fn varlong_bytes(value: i64) -> usize {
    let zigzag = ((value << 1) ^ (value >> 63)) as u64;
    (64 - (zigzag | 1).leading_zeros() as usize).div_ceil(7)
}

fn take<'a>(from: &mut &'a [u8], length: i32) -> Option<Option<&'a [u8]>> {
    if length == -1 {
        return Some(None);
    }
    let (taken, rest) = from.split_at_checked(usize::try_from(length).ok()?)?;
    *from = rest;
    Some(Some(taken))
}

impl<'a> Record<'a> {
    /// Reads one record and moves past it.
    pub fn read(from: &mut &'a [u8]) -> Result<Record<'a>, Malformed> {
        let length = read_varint(from).ok_or(Malformed("no length"))?;
        let length = usize::try_from(length).map_err(|_| Malformed("a negative length"))?;
        let (mut body, rest) =
            from.split_at_checked(length).ok_or(Malformed("longer than its batch"))?;
        *from = rest;
        let record = Record::read_body(&mut body).ok_or(Malformed("shorter than it says"))?;
        if !body.is_empty() {
            return Err(Malformed("longer than its fields"));
        }
        Ok(record)
    }

    fn read_body(body: &mut &'a [u8]) -> Option<Record<'a>> {
        let (_attributes, rest) = body.split_first()?;
        *body = rest;
        let timestamp_delta = read_varlong(body)?;
        let offset_delta = read_varint(body)?;
        let key_length = read_varint(body)?;
        let key = take(body, key_length)?;
        let value_length = read_varint(body)?;
        let value = take(body, value_length)?;
        let headers = *body;
        let count = read_varint(body)?;
        if count < 0 {
            return None;
        }
        for _ in 0..count {
            let key_length = read_varint(body)?;
            take(body, key_length)??;
            let value_length = read_varint(body)?;
            take(body, value_length)?;
        }
        let headers = headers.get(..headers.len() - body.len())?;
        Some(Record { timestamp_delta, offset_delta, key, value, headers })
    }

    /// Writes the record; `headers` must be as [`Record::headers`], `&[0]` for none.
    pub fn write(&self, out: &mut BytesMut) {
        let field = |bytes: Option<&[u8]>| match bytes {
            None => 1,
            Some(bytes) => varlong_bytes(bytes.len() as i64) + bytes.len(),
        };
        let length = 1
            + varlong_bytes(self.timestamp_delta)
            + varlong_bytes(i64::from(self.offset_delta))
            + field(self.key)
            + field(self.value)
            + self.headers.len();
        put_varlong(out, length as i64);
        out.put_u8(0);
        put_varlong(out, self.timestamp_delta);
        put_varlong(out, i64::from(self.offset_delta));
        for bytes in [self.key, self.value] {
            put_varlong(out, bytes.map_or(-1, |b| b.len() as i64));
            out.put_slice(bytes.unwrap_or_default());
        }
        out.put_slice(self.headers);
    }
}

/// No headers.
pub const NO_HEADERS: &[u8] = &[0];

/// All records of uncompressed bytes; ends with an error at the first malformed one.
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = Result<Record<'_>, Malformed>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let record = Record::read(&mut bytes);
        if record.is_err() {
            bytes = &[];
        }
        Some(record)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample<'a>() -> Record<'a> {
        Record {
            timestamp_delta: 0,
            offset_delta: 0,
            key: None,
            value: Some(b"a"),
            headers: NO_HEADERS,
        }
    }

    #[test]
    fn the_example_is_written_so() {
        let mut out = BytesMut::new();
        sample().write(&mut out);
        assert_eq!(&out[..], [0x0e, 0, 0, 0, 1, 2, b'a', 0]);
    }

    #[test]
    fn records_read_back_and_cut_ones_are_refused() {
        let mut out = BytesMut::new();
        let headers = [2, 2, b'h', 1];
        let record =
            Record { timestamp_delta: -70_000, offset_delta: 300, headers: &headers, ..sample() };
        record.write(&mut out);
        assert_eq!(Record::read(&mut &out[..]), Ok(record));
        for end in 0..out.len() {
            assert!(Record::read(&mut &out[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn varlongs_of_all_sizes_read_back() {
        for value in [0, -1, 63, 64, -65, i64::MAX, i64::MIN, 1 << 35] {
            let mut out = BytesMut::new();
            put_varlong(&mut out, value);
            assert_eq!(out.len(), varlong_bytes(value));
            assert_eq!(read_varlong(&mut &out[..]), Some(value));
        }
    }
}
