//! The header of a request (`RequestHeader`), parsed by hand.
//!
//! The codec's own peeks at bytes that may not be there. Here the prefix decides first: an API or
//! version that is not served closes the connection before anything else is looked at, except
//! for ApiVersions, whose unknown versions have an answer.
//!
//! Example of header v1: `0012 0000 00000007 0003 726177`: ApiVersions v0, correlation id 7,
//! client id `raw`. Header v0 (ControlledShutdown v0) has no client id, header v2 tagged fields.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::handlers::api_table::Api;
use crate::handlers::{RequestContext, RequestError, api_versions};

/// A request whose header is read.
#[derive(Debug)]
pub enum Request {
    /// To be served: the body is still encoded.
    Known(RequestContext, Bytes),
    /// ApiVersions in a version that is not served; its body has an unknown layout.
    UnsupportedApiVersions(RequestContext),
}

/// Parses the header of `frame` for a connection, whose part of the context is in `connection`.
/// `apis` are sorted by key.
pub fn parse(
    mut frame: Bytes,
    apis: &[Api],
    connection: &mut RequestContext,
) -> Result<Request, RequestError> {
    let (key, version, correlation_id) = prefix(&mut frame)?;
    let row = apis.binary_search_by_key(&key, |api| api.key).ok();
    let api = row.and_then(|row| apis.get(row)).ok_or(RequestError::UnknownApi(key))?;
    let served = (api.min..=api.max).contains(&version);
    if !served && key != api_versions::KEY {
        return Err(RequestError::UnsupportedVersion { key, version });
    }
    let malformed = || RequestError::Malformed { key, version, reason: "header".into() };
    let header_version = (api.header_version)(version);
    if header_version >= 1 {
        let client_id = nullable_string(&mut frame).ok_or_else(malformed)?;
        remember_client_id(connection, client_id);
    } else {
        connection.client_id = None;
    }
    if header_version >= 2 {
        skip_tagged_fields(&mut frame).ok_or_else(malformed)?;
    }
    connection.api_key = key;
    connection.api_version = version;
    connection.correlation_id = correlation_id;
    let context = connection.clone();
    Ok(match served {
        true => Request::Known(context, frame),
        false => Request::UnsupportedApiVersions(context),
    })
}

fn prefix(frame: &mut Bytes) -> Result<(i16, i16, i32), RequestError> {
    let malformed = |_| RequestError::Malformed { key: -1, version: -1, reason: "prefix".into() };
    let key = frame.try_get_i16().map_err(malformed)?;
    let version = frame.try_get_i16().map_err(malformed)?;
    let correlation_id = frame.try_get_i32().map_err(malformed)?;
    Ok((key, version, correlation_id))
}

/// A client sends the same client id all the time: it is kept as long as it does.
fn remember_client_id(connection: &mut RequestContext, client_id: Option<Bytes>) {
    match (client_id, &connection.client_id) {
        (Some(new), Some(old)) if new == old.as_bytes() => {}
        (new, _) => {
            connection.client_id = new.map(|new| Arc::from(String::from_utf8_lossy(&new)));
        }
    }
}

/// `None` when cut short; a negative length, not only -1, is null.
fn nullable_string(frame: &mut Bytes) -> Option<Option<Bytes>> {
    match usize::try_from(frame.try_get_i16().ok()?) {
        Err(_) => Some(None),
        Ok(len) if len <= frame.len() => Some(Some(frame.split_to(len))),
        Ok(_) => None,
    }
}

fn skip_tagged_fields(frame: &mut Bytes) -> Option<()> {
    for _ in 0..unsigned_varint(frame)? {
        unsigned_varint(frame)?;
        let len = unsigned_varint(frame)? as usize;
        if len > frame.len() {
            return None;
        }
        frame.advance(len);
    }
    Some(())
}

/// Seven bits a byte, low ones first, at most five bytes.
fn unsigned_varint(frame: &mut Bytes) -> Option<u32> {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let byte = frame.try_get_u8().ok()?;
        value |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::api_table::ApiTable;

    fn parse(frame: &'static [u8]) -> Result<Request, RequestError> {
        let mut connection = RequestContext::for_test(-1, -1);
        super::parse(frame.into(), ApiTable::APIS, &mut connection)
    }

    fn client_id(frame: &'static [u8]) -> Option<Arc<str>> {
        match parse(frame).unwrap() {
            Request::Known(context, body) => {
                assert_eq!((context.correlation_id, &body[..]), (7, &b"body"[..]));
                context.client_id
            }
            Request::UnsupportedApiVersions(_) => panic!("a served version"),
        }
    }

    #[test]
    fn headers_of_version_1_and_2_are_read_up_to_the_body() {
        assert_eq!(client_id(b"\0\x12\0\0\0\0\0\x07\0\x03rawbody").as_deref(), Some("raw"));
        let tagged = b"\0\x12\0\x03\0\0\0\x07\0\x03raw\x02\x05\x02xx\x81\x01\x00body";
        assert_eq!(client_id(tagged).as_deref(), Some("raw"));
    }

    #[test]
    fn any_client_id_is_taken() {
        assert_eq!(client_id(b"\0\x12\0\0\0\0\0\x07\xff\xffbody"), None);
        assert_eq!(client_id(b"\0\x12\0\0\0\0\0\x07\xff\xfebody"), None);
        let replaced = client_id(b"\0\x12\0\0\0\0\0\x07\0\x01\xffbody");
        assert_eq!(replaced.as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn headers_cut_short_are_malformed() {
        let whole: &'static [u8] = b"\0\x12\0\x03\0\0\0\x07\0\x03raw\x01\x05\x02xx";
        for len in 0..whole.len() {
            assert!(matches!(parse(&whole[..len]), Err(RequestError::Malformed { .. })), "{len}");
        }
        let endless = b"\0\x12\0\x03\0\0\0\x07\xff\xff\xff\xff\xff\xff\xff\xff";
        assert!(matches!(parse(endless), Err(RequestError::Malformed { .. })));
    }

    #[test]
    fn only_api_versions_is_looked_at_in_unknown_versions() {
        let newer = parse(b"\0\x12\0\x63\0\0\0\x07\0\x03raw\0whatever").unwrap();
        assert!(matches!(newer, Request::UnsupportedApiVersions(c) if c.correlation_id == 7));
        let negative = parse(b"\0\x12\xff\xff\0\0\0\x07\0\x03raw").unwrap();
        assert!(matches!(negative, Request::UnsupportedApiVersions(_)));
        assert!(parse(b"\0\x12\0\x63\0\0\0\x07\0\x03raw").is_err(), "header v2 has tagged fields");
        let envelope = parse(b"\0\x3a\0\x01\0\0\0\x07\0\x03raw");
        assert!(matches!(envelope, Err(RequestError::UnsupportedVersion { key: 58, version: 1 })));
        assert!(matches!(parse(b"\x03\xe8\0\0\0\0\0\x07"), Err(RequestError::UnknownApi(1000))));
    }
}
