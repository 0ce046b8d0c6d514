//! What a 3.9 broker does with broken requests, by the same bytes.

use kafka_protocol::messages::HeartbeatRequest;

use super::client::{Client, frame, framed};
use super::start_default;

/// ApiVersions in a version that is not served: an answer in v0, and the connection stays.
const UNSUPPORTED: &[u8] = b"\0\0\0\x07\0\x23\0\0\0\x01\0\x12\0\0\0\x04";

#[test]
fn unknown_versions_of_api_versions_are_answered_and_the_connection_stays() {
    let running = start_default();
    let mut client = Client::connect(running.address);
    client.send(&framed(b"\0\x12\0\x05\0\0\0\x07\0\x03raw\0\x04abc\x041.0\0"));
    assert_eq!(client.receive().as_deref(), Some(UNSUPPORTED));
    client.send(&framed(b"\0\x12\0\x63\0\0\0\x07\0\x03raw\0"));
    assert_eq!(client.receive().as_deref(), Some(UNSUPPORTED));
    client.send(&framed(b"\0\x12\xff\xff\0\0\0\x07\0\x03raw"));
    assert_eq!(client.receive().as_deref(), Some(UNSUPPORTED));
    client.send(&framed(b"\0\x12\0\x03\0\0\0\x07\0\x03raw\0\x01\x041.0\0"));
    let invalid_name = b"\0\0\0\x07\0\x2a\x01\0\0\0\0\0";
    assert_eq!(client.receive().as_deref(), Some(&invalid_name[..]));
}

#[test]
fn other_broken_requests_close_the_connection_after_the_answers_before_them() {
    let running = start_default();
    let cases: &[(&str, Vec<u8>)] = &[
        ("version too new", framed(b"\0\x0c\0\x63\0\0\0\x07\0\x03raw")),
        ("negative version", framed(b"\0\x0c\xff\xff\0\0\0\x07\0\x03raw")),
        ("key of another role", framed(b"\0\x34\0\0\0\0\0\x07\0\x03raw")),
        ("unknown key", framed(b"\x03\xe8\0\0\0\0\0\x07\0\x03raw")),
        ("negative key", framed(b"\xff\xff\0\0\0\0\0\x07\0\x03raw")),
        ("envelope", framed(b"\0\x3a\0\0\0\0\0\x07\0\x03raw\0\x01\0\x01\0")),
        ("truncated body", framed(b"\0\x0c\0\0\0\0\0\x07\0\x03raw\0\x04gr")),
        ("huge array", framed(b"\0\x03\0\0\0\0\0\x07\0\x03raw\x7f\xff\xff\xff")),
        ("huge produce array", framed(b"\0\0\0\0\0\0\0\x07\0\x03raw\0\0\0\0\0\0\x7f\xff\xff\xff")),
        ("client id beyond the frame", framed(b"\0\x0c\0\0\0\0\0\x07\0\x7fraw")),
        ("header of 3 bytes", framed(b"\0\x0c\0")),
        ("header of 8 bytes", framed(b"\0\x0c\0\0\0\0\0\x07")),
        ("length 0", framed(b"")),
        ("length -1", b"\xff\xff\xff\xff".to_vec()),
        ("a byte too large", b"\x06\x40\0\x01".to_vec()),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("null software name", framed(b"\0\x12\0\x03\0\0\0\x07\0\x03raw\0\0\x041.0\0")),
        ("tag too long", framed(b"\0\x12\0\x03\0\0\0\x07\0\x03raw\x01\x05\x7fx\x02a\x02b\0")),
        ("varint of 6 bytes", framed(b"\0\x12\0\x03\0\0\0\x07\0\x03raw\xff\xff\xff\xff\xff\x01")),
        ("ApiVersions v99 without tags", framed(b"\0\x12\0\x63\0\0\0\x07\0\x03raw")),
    ];
    for (name, bytes) in cases {
        let mut client = Client::connect(running.address);
        client.send(&[frame(4, 1, &HeartbeatRequest::default()), bytes.clone()].concat());
        assert_eq!(client.receive_id(), Some(1), "{name}");
        assert_eq!(client.receive(), None, "{name}");
    }
}

#[test]
fn what_kafka_takes_is_taken() {
    let running = start_default();
    let cases: &[(&str, Vec<u8>)] = &[
        ("bytes after the body", framed(b"\0\x12\0\0\0\0\0\x07\0\x03rawmore")),
        ("names of 1 character", framed(b"\0\x12\0\x03\0\0\0\x07\0\x03raw\0\x02a\x02b\0")),
        ("a tag twice", framed(b"\0\x12\0\x03\0\0\0\x07\0\x03raw\x02\0\x01x\0\x01y\x02a\x02b\0")),
        ("a long varint", framed(b"\0\x12\0\x03\0\0\0\x07\0\x03raw\x80\0\x02a\x02b\0")),
        ("a tag in the body", framed(b"\0\x12\0\x03\0\0\0\x07\0\x03raw\0\x02a\x02b\x01\x07\x02zz")),
        ("client id not UTF-8", framed(b"\0\x12\0\0\0\0\0\x07\0\x01\xff")),
        ("client id null", framed(b"\0\x12\0\0\0\0\0\x07\xff\xff")),
        ("client id of length -2", framed(b"\0\x12\0\0\0\0\0\x07\xff\xfe")),
    ];
    for (name, bytes) in cases {
        let mut client = Client::connect(running.address);
        client.send(bytes);
        assert_eq!(client.receive_id(), Some(7), "{name}");
    }
}
