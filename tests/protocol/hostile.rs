//! Broken requests: a sample of each (API, version) cut short, and with huge lengths in it; and a
//! good one with bytes after its end. Compared is which of them are answered and which close the
//! connection.

use crate::case::Run;
use crate::codec;
use crate::schema::{Api, Field, Kind};
use crate::wire::Connection;
use serde_json::{Map, Value, json};
use std::io::ErrorKind;

/// Broken requests of each sort for one (API, version), at most.
const TRIES: usize = 24;
/// The worst lengths of arrays, strings and bytes, of fixed size and as a varint.
const HUGE: &[&[u8]] = &[b"\x7f\x7f\x7f\x7f", b"\xff\xff\xff\xff\x07"];

/// A body with something in everything, so that every field can be cut through.
fn sample(fields: &[Field], version: i16) -> Value {
    let held = fields.iter().filter(|field| field.versions.holds(version));
    Value::Object(held.map(|f| (f.name.clone(), of_kind(&f.kind, version))).collect::<Map<_, _>>())
}

fn of_kind(kind: &Kind, version: i16) -> Value {
    match kind {
        Kind::Bool => json!(true),
        Kind::String => json!("hostile"),
        Kind::Bytes | Kind::Records => json!("0102030405060708"),
        Kind::Uuid => json!("01".repeat(16)),
        Kind::Float64 => json!(1.5),
        Kind::Array(inner) => json!([of_kind(inner, version)]),
        Kind::Struct(fields) => sample(fields, version),
        _ => json!(1),
    }
}

/// What became of a request.
fn outcome(target: &str, api: &Api, version: i16, body: &[u8]) -> &'static str {
    let Ok(mut connection) = Connection::open(target) else { return "refused" };
    if connection.send(api.key, version, api.request.flexible.holds(version), body).is_err() {
        return "closed";
    }
    let flexible = api.response.flexible.holds(version) && api.key != 18;
    match connection.receive(flexible) {
        Ok(_) => "answered",
        Err(error) if error.kind() == ErrorKind::WouldBlock => "waiting",
        Err(_) => "closed",
    }
}

impl Run<'_> {
    /// All broken requests of one (API, version), as one value.
    pub fn hostile(&self, api: &Api, version: i16, good: &[u8]) -> Value {
        let body = codec::encode(&api.request, version, &sample(&api.request.fields, version));
        let every = body.len().div_ceil(TRIES).max(1);
        let mut survivors = Vec::new();
        let mut ask = |what: String, body: &[u8]| match outcome(&self.target, api, version, body) {
            "closed" => {}
            other => survivors.push(json!([what, other])),
        };
        for len in (0..body.len()).step_by(every) {
            ask(format!("cut at {len}"), &body[..len]);
            let huge = HUGE[usize::from(api.request.flexible.holds(version))];
            // One that is not longer than it should be: else it may be good, and done.
            if len + huge.len() < body.len() {
                ask(format!("huge at {len}"), &[&body[..len], huge].concat());
            }
        }
        let longer = outcome(&self.target, api, version, &[good, &[1; 32]].concat());
        json!({"not closed": survivors, "longer": longer})
    }
}

#[test]
fn a_sample_has_every_field() {
    let apis = crate::apis();
    let sampled = sample(&apis["Fetch"].request.fields, 17);
    assert_eq!(sampled["topics"][0]["partitions"][0]["fetchOffset"], 1);
    assert!(codec::encode(&apis["Fetch"].request, 17, &sampled).len() > 60);
}
