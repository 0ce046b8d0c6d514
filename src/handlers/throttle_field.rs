//! Where an encoded answer has its `throttle_time_ms`, to raise it once the time that the request
//! took is known (KIP-124, KIP-219).
//!
//! Nearly always it is the first field of the body. Example: Heartbeat v4, correlation id 7, not
//! throttled: `0000000c 00000007 00 | 00000000 0000 00`; the four bytes after the bar are raised.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiVersionsResponse, ProduceResponse};
use kafka_protocol::protocol::{Decodable, Encodable};

/// Length and correlation id.
const HEAD: usize = 8;

const PRODUCE: i16 = 0;
const API_VERSIONS: i16 = 18;

/// Where the field is in the body at this version, if it is at a fixed place.
fn offset(key: i16, version: i16) -> Option<usize> {
    let (since, at) = match key {
        1 | 10 | 12..=16 | 20 => (1, 0),
        2 | 11 | 19 | 23 => (2, 0),
        3 | 8 | 9 => (3, 0),
        21 | 22 | 24..=26 | 28..=35 | 37 | 42..=46 | 48..=51 | 56 | 57 | 60.. => (0, 0),
        // After the error code, and a timestamp.
        39 | 40 => (0, 10),
        47 => (0, 2),
        _ => return None,
    };
    (version >= since).then_some(at)
}

/// Raises the field in a body that begins with `body`.
pub fn raise_in_body(body: &mut [u8], key: i16, version: i16, millis: i32) {
    let field = offset(key, version).and_then(|at| body.get_mut(at..)?.first_chunk_mut::<4>());
    if let Some(field) = field {
        *field = i32::from_be_bytes(*field).max(millis).to_be_bytes();
    }
}

/// Raises the field in each frame; all answer requests of this API and version.
pub fn raise_in_frames(
    frames: &mut BytesMut,
    key: i16,
    version: i16,
    is_flexible: bool,
    millis: i32,
) {
    let mut rest = std::mem::take(frames);
    while let Some(len) = rest.first_chunk::<4>().map(|len| u32::from_be_bytes(*len) as usize) {
        let mut frame = rest.split_to(rest.len().min(4 + len));
        let at = HEAD + usize::from(is_flexible);
        match key {
            PRODUCE => recode(&mut frame, at, version, |response: &mut ProduceResponse| {
                response.throttle_time_ms = response.throttle_time_ms.max(millis);
            }),
            API_VERSIONS => recode(&mut frame, HEAD, version, |r: &mut ApiVersionsResponse| {
                r.throttle_time_ms = r.throttle_time_ms.max(millis);
            }),
            _ => raise_in_body(frame.get_mut(at..).unwrap_or_default(), key, version, millis),
        }
        frames.unsplit(frame);
    }
}

/// For those two whose field comes after lists. What cannot be read back is left as it is.
fn recode<R: Encodable + Decodable>(
    frame: &mut BytesMut,
    at: usize,
    version: i16,
    raise: impl Fn(&mut R),
) {
    if version < 1 || frame.len() < at {
        return;
    }
    let mut body = Bytes::copy_from_slice(frame.get(at..).unwrap_or_default());
    let Ok(mut response) = R::decode(&mut body, version) else { return };
    raise(&mut response);
    let mut raised = BytesMut::with_capacity(frame.len());
    // The length stays: the field has four bytes, whatever its value.
    if response.encode(&mut raised, version).is_ok() && raised.len() + at == frame.len() {
        frame.truncate(at);
        frame.extend_from_slice(&raised);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const SCHEMAS: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-tests/schemas.jsonl"));

    /// APIs whose field lies behind others of no fixed length.
    const ELSEWHERE: &[i64] = &[0, 18, 38, 41];

    #[test]
    fn the_field_is_where_kafkas_schemas_have_it() {
        let schemas = SCHEMAS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        for schema in schemas.filter(|schema| schema["type"] == "response") {
            let key = schema["apiKey"].as_i64().unwrap();
            let versions = schema["validVersions"].as_str().unwrap();
            let (min, max) = versions.split_once('-').unwrap_or((versions, versions));
            for version in min.parse::<i16>().unwrap()..=max.parse::<i16>().unwrap() {
                let mut at = 0;
                let mut expected = None;
                for field in schema["fields"].as_array().unwrap() {
                    let range = field["versions"].as_str().unwrap();
                    let since: i16 = range.split(['+', '-']).next().unwrap().parse().unwrap();
                    if field["name"] == "ThrottleTimeMs" {
                        expected = (version >= since).then_some(at);
                        break;
                    }
                    at += match field["type"].as_str().unwrap() {
                        "int16" => 2,
                        "int64" => 8,
                        _ => 0,
                    };
                }
                if !ELSEWHERE.contains(&key) {
                    assert_eq!(
                        offset(key as i16, version),
                        expected,
                        "{} v{version}",
                        schema["name"]
                    );
                }
            }
        }
    }

    #[test]
    fn an_answer_says_how_long_its_client_is_muted() {
        let frame = b"\0\0\0\x0c\0\0\0\x07\0\0\0\0\x05\0\0\0";
        let mut frames = BytesMut::from(&[&frame[..], &frame[..]].concat()[..]);
        raise_in_frames(&mut frames, 12, 4, true, 300);
        let raised = b"\0\0\0\x0c\0\0\0\x07\0\0\0\x01\x2c\0\0\0";
        assert_eq!(frames, [&raised[..], &raised[..]].concat());
        raise_in_frames(&mut frames, 12, 4, true, 5);
        assert_eq!(frames, [&raised[..], &raised[..]].concat(), "the longer time counts");
        let mut old = BytesMut::from(&b"\0\0\0\x06\0\0\0\x07\0\0"[..]);
        raise_in_frames(&mut old, 12, 0, false, 300);
        assert_eq!(old, &b"\0\0\0\x06\0\0\0\x07\0\0"[..], "v0 has no such field");
    }

    #[test]
    fn a_produce_answer_has_the_field_at_its_end() {
        for version in [1, 8, 9, 11] {
            let is_flexible = version >= 9;
            let mut body = BytesMut::new();
            ProduceResponse::default().encode(&mut body, version).unwrap();
            let tags: &[u8] = if is_flexible { b"\0" } else { b"" };
            let len = (4 + tags.len() + body.len()) as u32;
            let frame = [&len.to_be_bytes()[..], b"\0\0\0\x07", tags, &body].concat();
            let mut frames = BytesMut::from(&[&frame[..], &frame[..]].concat()[..]);
            raise_in_frames(&mut frames, PRODUCE, version, is_flexible, 70);
            let at = HEAD + tags.len();
            for frame in frames.chunks(frame.len()) {
                let mut body = Bytes::copy_from_slice(&frame[at..]);
                let response = ProduceResponse::decode(&mut body, version).unwrap();
                assert_eq!((response.throttle_time_ms, body.len()), (70, 0), "v{version}");
            }
        }
    }
}
