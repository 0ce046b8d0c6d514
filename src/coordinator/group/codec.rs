//! The primitive types of Kafka's serialization, for records of internal topics.
//!
//! Strings have an int16 length, bytes an int32, arrays an int32 count; "flexible" versions use
//! unsigned varints of length + 1 and end each struct with tagged fields. Example: the string
//! `ab` is `0002 6162`, flexible `03 6162`.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Appends a string; longer than 32767 bytes is cut at a character.
pub fn put_string(out: &mut BytesMut, text: &str) {
    let text = text.get(..text.floor_char_boundary(i16::MAX as usize)).unwrap_or(text);
    out.put_i16(text.len() as i16);
    out.put_slice(text.as_bytes());
}

/// Appends a string or null (length -1).
pub fn put_nullable_string(out: &mut BytesMut, text: Option<&str>) {
    match text {
        Some(text) => put_string(out, text),
        None => out.put_i16(-1),
    }
}

/// Appends bytes.
pub fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_i32(bytes.len() as i32);
    out.put_slice(bytes);
}

/// Reads a record; every method is `None` when it is cut short or malformed.
pub struct Reader {
    rest: Bytes,
    is_flexible: bool,
}

impl Reader {
    /// Reads from the beginning.
    pub fn new(bytes: Bytes) -> Self {
        Reader { rest: bytes, is_flexible: false }
    }

    /// From here on lengths are varints.
    pub fn set_flexible(&mut self, is_flexible: bool) {
        self.is_flexible = is_flexible;
    }

    /// An int16.
    pub fn int16(&mut self) -> Option<i16> {
        self.rest.try_get_i16().ok()
    }

    /// An int32.
    pub fn int32(&mut self) -> Option<i32> {
        self.rest.try_get_i32().ok()
    }

    /// An int64.
    pub fn int64(&mut self) -> Option<i64> {
        self.rest.try_get_i64().ok()
    }

    /// A string.
    pub fn string(&mut self) -> Option<Arc<str>> {
        self.nullable_string()?
    }

    /// A string or null.
    pub fn nullable_string(&mut self) -> Option<Option<Arc<str>>> {
        let len = if self.is_flexible { self.compact_len()? } else { i64::from(self.int16()?) };
        let Ok(len) = usize::try_from(len) else {
            return Some(None);
        };
        Some(Some(std::str::from_utf8(&self.take(len)?).ok()?.into()))
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Option<Bytes> {
        let len = self.array_len()?;
        self.take(len)
    }

    /// The count of an array, or of bytes.
    pub fn array_len(&mut self) -> Option<usize> {
        let len = if self.is_flexible { self.compact_len()? } else { i64::from(self.int32()?) };
        usize::try_from(len).ok()
    }

    /// Skips tagged fields, which only flexible versions have.
    pub fn tagged_fields(&mut self) -> Option<()> {
        if !self.is_flexible {
            return Some(());
        }
        for _ in 0..self.varint()? {
            self.varint()?;
            let len = usize::try_from(self.varint()?).ok()?;
            self.take(len)?;
        }
        Some(())
    }

    fn compact_len(&mut self) -> Option<i64> {
        Some(i64::from(self.varint()?) - 1)
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.rest.try_get_u8().ok()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, len: usize) -> Option<Bytes> {
        (len <= self.rest.len()).then(|| self.rest.split_to(len))
    }
}
