//! A JSON writer that keeps the order it is given, and the hash orders of Kafka's maps.
//!
//! Example: `Object::new().number("version", 1).text("id", "x").end()` is `{"version":1,"id":"x"}`.
//! Reading is serde's; it knows nothing of this file.

use super::RecordError;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::fmt::Write;

/// An object under construction.
pub(crate) struct Object(String);

impl Object {
    /// An object without keys.
    pub(crate) fn new() -> Self {
        Object(String::from("{"))
    }

    fn key(&mut self, key: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        quote(&mut self.0, key);
        self.0.push(':');
    }

    /// Adds a key whose value is JSON already.
    pub(crate) fn raw(mut self, key: &str, json: &str) -> Self {
        self.key(key);
        self.0.push_str(json);
        self
    }

    /// Adds a number.
    pub(crate) fn number(self, key: &str, value: impl Into<i64>) -> Self {
        let value: i64 = value.into();
        self.raw(key, &value.to_string())
    }

    /// Adds a string.
    pub(crate) fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        quote(&mut self.0, value);
        self
    }

    /// Adds a string, or leaves the key out.
    pub(crate) fn text_if_some(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// The object as text, to be put into another.
    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// The object as a znode's content.
    pub(crate) fn end(self) -> Bytes {
        Bytes::from(self.finish())
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `[1,2,3]`.
pub(crate) fn numbers(values: &[i32]) -> String {
    array(values.iter().map(|v| v.to_string()))
}

/// An array of values that are JSON already.
pub(crate) fn array(values: impl IntoIterator<Item = String>) -> String {
    let values: Vec<String> = values.into_iter().collect();
    format!("[{}]", values.join(","))
}

/// An array of strings.
pub(crate) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    array(values.into_iter().map(|value| {
        let mut out = String::new();
        quote(&mut out, value);
        out
    }))
}

/// Java's `String.hashCode`.
fn java_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0u32, |h, c| h.wrapping_mul(31).wrapping_add(u32::from(c)))
}

/// Spreads a hash as both Java's and Scala's tables do.
fn spread(text: &str) -> u32 {
    let h = java_hash(text);
    h ^ (h >> 16)
}

/// Sorts keys as Scala's `mutable.HashMap` walks them: it has 16 buckets, twice as many as soon as
/// it would be filled to three quarters, and keeps a bucket sorted by hash.
pub(crate) fn scala_order<T>(entries: &mut [(String, T)]) {
    let mut buckets = 16usize;
    while entries.len() >= buckets / 4 * 3 {
        buckets *= 2;
    }
    let mask = (buckets - 1) as u32;
    entries.sort_by_key(|(key, _)| {
        let h = spread(key);
        (h & mask, h as i32)
    });
}

/// Sorts keys as Java's `Properties` walks them: 16 buckets, doubled at three quarters. Keys that
/// share a bucket are in the order of their insertion there; here they keep the order given.
pub(crate) fn properties_order<T>(entries: &mut [(String, T)]) {
    let mut buckets = 16usize;
    while entries.len() >= buckets / 4 * 3 {
        buckets *= 2;
    }
    let mask = (buckets - 1) as u32;
    entries.sort_by_key(|(key, _)| spread(key) & mask);
}

/// Reads a znode's JSON by name.
pub(crate) fn read<T: DeserializeOwned>(what: &'static str, data: &[u8]) -> Result<T, RecordError> {
    serde_json::from_slice(data).map_err(|error| RecordError::malformed(what, error))
}

/// A number that some versions of Kafka wrote as a string.
pub(crate) fn lenient_number<'de, D>(deserializer: D) -> Result<i64, D::Error>
where
    D: serde::Deserializer<'de>,
{
    use serde::Deserialize;
    use serde::de::Error;
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(D::Error::custom),
    }
}
