//! Encodes and decodes a message as JSON by its schema: every field of a version, no more.
//!
//! Bytes and records are hex in JSON, uuids are hex with hyphens left out. Knows nothing about
//! what a message means.

use crate::schema::{Field, Kind, Message};
use serde_json::{Map, Value, json};

/// Why bytes are not the message they should be.
pub type Fault = String;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes of a JSON string: hex, or the text after `utf8:`.
pub fn unhex(text: &str) -> Vec<u8> {
    if let Some(text) = text.strip_prefix("utf8:") {
        return text.as_bytes().to_vec();
    }
    let digit = |i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// What stands in a field that is left out.
fn default_of(field: &Field, version: i16) -> Value {
    if let Some(default) = &field.default {
        let text = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        return match &field.kind {
            _ if text == "null" => Value::Null,
            Kind::String => json!(text),
            Kind::Bool => json!(text == "true"),
            Kind::Float64 => json!(text.parse::<f64>().expect("a float default")),
            _ => json!(integer(&text)),
        };
    }
    match &field.kind {
        Kind::Bool => json!(false),
        Kind::String | Kind::Bytes => json!(""),
        Kind::Records => Value::Null,
        Kind::Uuid => json!("0".repeat(32)),
        Kind::Array(_) => json!([]),
        Kind::Struct(_) if field.nullable.holds(version) => Value::Null,
        Kind::Struct(_) => json!({}),
        Kind::Float64 => json!(0.0),
        _ => json!(0),
    }
}

fn integer(text: &str) -> i64 {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).expect("a hex default"),
        None => text.parse().expect("an integer default"),
    }
}

pub struct Writer {
    pub out: Vec<u8>,
    version: i16,
}

/// The body of a message; fields left out have their defaults.
pub fn encode(message: &Message, version: i16, body: &Value) -> Vec<u8> {
    let mut writer = Writer { out: Vec::new(), version };
    writer.fields(&message.fields, message.flexible.holds(version), body);
    writer.out
}

impl Writer {
    fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    fn fields(&mut self, fields: &[Field], flexible: bool, body: &Value) {
        let version = self.version;
        for name in body.as_object().into_iter().flat_map(Map::keys) {
            assert!(fields.iter().any(|f| f.name == *name), "no field {name}");
        }
        let mut tagged = Vec::new();
        for field in fields.iter().filter(|f| f.versions.holds(version)) {
            let default = default_of(field, version);
            let value = body.get(&field.name).unwrap_or(&default);
            if !field.tagged.holds(version) {
                self.value(field, &field.kind, flexible, value);
            } else if *value != default {
                let mut inner = Writer { out: Vec::new(), version };
                inner.value(field, &field.kind, flexible, value);
                tagged.push((field.tag.expect("a tagged field has a tag"), inner.out));
            }
        }
        if flexible {
            self.varint(tagged.len() as u32);
            for (tag, bytes) in tagged {
                self.varint(tag);
                self.varint(bytes.len() as u32);
                self.put(&bytes);
            }
        }
    }

    /// A length, or null as `None`; `wide` is 4 bytes where it is not flexible.
    fn length(&mut self, len: Option<usize>, flexible: bool, wide: bool) {
        match (flexible, wide) {
            (true, _) => self.varint(len.map_or(0, |n| n as u32 + 1)),
            (false, true) => self.put(&len.map_or(-1, |n| n as i32).to_be_bytes()),
            (false, false) => self.put(&len.map_or(-1, |n| n as i16).to_be_bytes()),
        }
    }

    fn value(&mut self, field: &Field, kind: &Kind, message_flexible: bool, value: &Value) {
        let version = self.version;
        let flexible = field.flexible.map_or(message_flexible, |own| own.holds(version));
        let int = || value.as_i64().unwrap_or_else(|| panic!("{}: {value}", field.name));
        match kind {
            Kind::Bool => self.put(&[u8::from(value.as_bool().expect("a boolean"))]),
            Kind::Int8 => self.put(&(int() as i8).to_be_bytes()),
            Kind::Int16 | Kind::Uint16 => self.put(&(int() as i16).to_be_bytes()),
            Kind::Int32 | Kind::Uint32 => self.put(&(int() as i32).to_be_bytes()),
            Kind::Int64 => self.put(&int().to_be_bytes()),
            Kind::Float64 => self.put(&value.as_f64().expect("a float").to_be_bytes()),
            Kind::Uuid => self.put(&unhex(value.as_str().expect("a uuid"))),
            Kind::String => {
                // `hex:61ff` is a string that no JSON can hold.
                let bytes = value.as_str().map(|text| match text.strip_prefix("hex:") {
                    Some(digits) => unhex(digits),
                    None => text.as_bytes().to_vec(),
                });
                self.length(bytes.as_ref().map(Vec::len), flexible, false);
                self.put(&bytes.unwrap_or_default());
            }
            Kind::Bytes | Kind::Records => {
                let bytes = value.as_str().map(unhex);
                self.length(bytes.as_ref().map(Vec::len), flexible, true);
                self.put(&bytes.unwrap_or_default());
            }
            Kind::Array(inner) => {
                self.length(value.as_array().map(Vec::len), flexible, true);
                for one in value.as_array().into_iter().flatten() {
                    self.element(field, inner, flexible, one);
                }
            }
            Kind::Struct(_) if field.nullable.holds(version) => {
                self.put(if value.is_null() { &[0xff] } else { &[1] });
                if !value.is_null() {
                    self.element(field, kind, flexible, value);
                }
            }
            Kind::Struct(fields) => self.fields(fields, flexible, value),
        }
    }

    fn element(&mut self, field: &Field, kind: &Kind, flexible: bool, value: &Value) {
        match kind {
            Kind::Struct(fields) => self.fields(fields, flexible, value),
            kind => self.value(field, kind, flexible, value),
        }
    }
}

pub struct Reader<'a> {
    rest: &'a [u8],
    version: i16,
}

/// The message in all of `bytes`; bytes left over are a fault.
pub fn decode(message: &Message, version: i16, bytes: &[u8]) -> Result<Value, Fault> {
    let mut reader = Reader { rest: bytes, version };
    let value = reader.fields(&message.fields, message.flexible.holds(version))?;
    match reader.rest.len() {
        0 => Ok(value),
        more => Err(format!("{more} bytes after the end: {value}")),
    }
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or("ends too early")?;
        self.rest = rest;
        Ok(head)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| "ends too early".into())
    }

    fn varint(&mut self) -> Result<u32, Fault> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let [byte] = self.number()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a varint without end".into())
    }

    fn fields(&mut self, fields: &[Field], flexible: bool) -> Result<Value, Fault> {
        let version = self.version;
        let mut body = Map::new();
        for field in fields.iter().filter(|f| f.versions.holds(version)) {
            let value = if field.tagged.holds(version) {
                default_of(field, version)
            } else {
                self.value(field, &field.kind, flexible)
                    .map_err(|e| format!("{}: {e}", field.name))?
            };
            body.insert(field.name.clone(), value);
        }
        if flexible {
            for _ in 0..self.varint()? {
                let (tag, len) = (self.varint()?, self.varint()? as usize);
                let known = |f: &&Field| f.tag == Some(tag) && f.tagged.holds(version);
                let field = fields.iter().find(known).ok_or(format!("unknown tag {tag}"))?;
                let mut inner = Reader { rest: self.take(len)?, version };
                let value = inner.value(field, &field.kind, flexible)?;
                body.insert(field.name.clone(), value);
            }
        }
        Ok(Value::Object(body))
    }

    fn length(&mut self, flexible: bool, wide: bool) -> Result<Option<usize>, Fault> {
        let len = match (flexible, wide) {
            (true, _) => i64::from(self.varint()?) - 1,
            (false, true) => i64::from(i32::from_be_bytes(self.number()?)),
            (false, false) => i64::from(i16::from_be_bytes(self.number()?)),
        };
        if len > self.rest.len() as i64 {
            return Err(format!("a length of {len} with {} bytes left", self.rest.len()));
        }
        Ok(usize::try_from(len).ok())
    }

    fn value(&mut self, field: &Field, kind: &Kind, of_message: bool) -> Result<Value, Fault> {
        let flexible = field.flexible.map_or(of_message, |own| own.holds(self.version));
        Ok(match kind {
            Kind::Bool => json!(self.number::<1>()? != [0]),
            Kind::Int8 => json!(i8::from_be_bytes(self.number()?)),
            Kind::Int16 => json!(i16::from_be_bytes(self.number()?)),
            Kind::Uint16 => json!(u16::from_be_bytes(self.number()?)),
            Kind::Int32 => json!(i32::from_be_bytes(self.number()?)),
            Kind::Uint32 => json!(u32::from_be_bytes(self.number()?)),
            Kind::Int64 => json!(i64::from_be_bytes(self.number()?)),
            Kind::Float64 => json!(f64::from_be_bytes(self.number()?)),
            Kind::Uuid => json!(hex(&self.number::<16>()?)),
            Kind::String => match self.length(flexible, false)? {
                Some(len) => json!(String::from_utf8_lossy(self.take(len)?)),
                None => Value::Null,
            },
            Kind::Bytes | Kind::Records => match self.length(flexible, true)? {
                Some(len) => json!(hex(self.take(len)?)),
                None => Value::Null,
            },
            Kind::Array(inner) => match self.length(flexible, true)? {
                Some(len) => (0..len)
                    .map(|_| self.element(field, inner, flexible))
                    .collect::<Result<_, _>>()?,
                None => Value::Null,
            },
            Kind::Struct(_) if field.nullable.holds(self.version) => {
                match i8::from_be_bytes(self.number()?) {
                    -1 => Value::Null,
                    _ => self.element(field, kind, flexible)?,
                }
            }
            Kind::Struct(fields) => self.fields(fields, flexible)?,
        })
    }

    fn element(&mut self, field: &Field, kind: &Kind, flexible: bool) -> Result<Value, Fault> {
        match kind {
            Kind::Struct(fields) => self.fields(fields, flexible),
            kind => self.value(field, kind, flexible),
        }
    }
}
