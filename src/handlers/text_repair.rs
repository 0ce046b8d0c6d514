//! Strings of a request that are not UTF-8, as Kafka takes them: each malformed sequence becomes
//! U+FFFD, as in Java's `new String(bytes, UTF_8)`.
//!
//! Consumers commit binary metadata, old clients send names in Latin-1; Kafka answers them. The
//! decoder stops at the first such string, right after it took its bytes; so the bytes taken last
//! are that string. It is noted by its place, and the request is decoded again with those bytes
//! repaired, until nothing stops it. Bytes of other fields stay as they are.

use bytes::{Buf, Bytes};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::ByteBuf;
use std::collections::BTreeSet;
use std::ops::Range;
use std::str::Utf8Error;

/// Bytes that the repair of one request may decode again; what needs more is malformed.
const MOST_BYTES: usize = 16 << 20;

/// Whether the decoder stopped at a string that is not UTF-8.
pub(super) fn is_text(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<Utf8Error>())
}

/// Decodes a request of which some strings are not UTF-8.
pub(super) fn decode<R: Decodable>(body: &Bytes, version: i16) -> anyhow::Result<R> {
    let mut repaired = BTreeSet::new();
    let mut work = 0;
    loop {
        let mut reader = Reader { rest: body.clone(), len: body.len(), last: 0, repaired };
        match R::decode(&mut reader, version) {
            Ok(request) => return Ok(request),
            Err(error) => {
                work += body.len();
                repaired = reader.repaired;
                if !is_text(&error) || !repaired.insert(reader.last) || work > MOST_BYTES {
                    return Err(error);
                }
            }
        }
    }
}

/// A body that gives some of its slices repaired.
struct Reader {
    rest: Bytes,
    len: usize,
    /// Where the slice taken last begins.
    last: usize,
    /// Where the slices begin that are to be repaired.
    repaired: BTreeSet<usize>,
}

impl Buf for Reader {
    fn remaining(&self) -> usize {
        self.rest.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.rest.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.rest.advance(count);
    }
}

impl ByteBuf for Reader {
    fn peek_bytes(&mut self, range: Range<usize>) -> Bytes {
        self.rest.slice(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.last = self.len - self.rest.len();
        let bytes = self.rest.split_to(size);
        match self.repaired.contains(&self.last) {
            true => Bytes::from(text(&bytes)),
            false => bytes,
        }
    }
}

/// The text that Java reads. It differs from `String::from_utf8_lossy` in the surrogates alone:
/// `ed a0 80` is one malformed sequence, not three.
fn text(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    while let Some(chunk) = bytes.utf8_chunks().next() {
        text.push_str(chunk.valid());
        let rest = bytes.get(chunk.valid().len()..).unwrap_or_default();
        let malformed = match rest {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            _ => chunk.invalid().len(),
        };
        if malformed > 0 {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        bytes = rest.get(malformed..).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::{JoinGroupRequest, MetadataRequest};
    use kafka_protocol::protocol::{Encodable, StrBytes};

    /// What Apache Kafka 3.9 on Java 17 answers with as a topic's name; U+FFFD is `?` here.
    #[test]
    fn malformed_sequences_are_replaced_as_java_does() {
        for (bytes, read) in [
            (&b"plain"[..], "plain"),
            (b"a\xff\xfeb", "a??b"),
            (b"\x80", "?"),
            (b"\xc3(", "?("),
            (b"\xed\xa0\x80", "?"),
            (b"\xed\xa0(", "?("),
            (b"\xed\xbf", "?"),
            (b"\xf4\x90\x80\x80", "????"),
            (b"\xc0\xaf", "??"),
            (b"\xe2\x82", "?"),
            (b"\xf0\x9f\x98", "?"),
            (b"\xf0\x28\x8c\x28", "?(?("),
            (b"\xe2\x28\xa1", "?(?"),
            (b"a\xf0\x90", "a?"),
            (b"\xfc\x80\x80\x80\x80\x80", "??????"),
            (b"\xe0\x80\xaf", "???"),
            (b"\xf8\x88\x80\x80\x80", "?????"),
            ("gr\u{fc}n \u{1f600}".as_bytes(), "gr\u{fc}n \u{1f600}"),
        ] {
            assert_eq!(text(bytes).replace('\u{fffd}', "?"), read, "{bytes:x?}");
        }
    }

    /// A JoinGroup whose group id and protocol name are XXXX, and its metadata.
    fn join(version: i16, with: &[u8; 4], metadata: &'static [u8]) -> Bytes {
        use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(StrBytes::from_static_str("XXXX"))
            .with_metadata(Bytes::from_static(metadata));
        let request = JoinGroupRequest::default()
            .with_group_id(StrBytes::from_static_str("XXXX").into())
            .with_protocols(vec![protocol]);
        let mut bytes = Vec::new();
        request.encode(&mut bytes, version).expect("it has its fields");
        while let Some(at) = bytes.windows(4).position(|four| four == b"XXXX") {
            bytes.splice(at..at + 4, *with);
        }
        bytes.into()
    }

    #[test]
    fn every_string_is_repaired_and_no_bytes_are() {
        for version in [2, 9] {
            let body = join(version, b"\xffa\xfeb", b"\xff\x00\xfe");
            let stopped = JoinGroupRequest::decode(&mut body.clone(), version).unwrap_err();
            assert!(is_text(&stopped));
            let request: JoinGroupRequest = decode(&body, version).expect("repaired");
            assert_eq!(request.group_id.as_str(), "\u{fffd}a\u{fffd}b");
            let [protocol] = request.protocols.as_slice() else { panic!("one protocol") };
            assert_eq!(protocol.name.as_str(), "\u{fffd}a\u{fffd}b");
            assert_eq!(*protocol.metadata, *b"\xff\x00\xfe");
        }
    }

    #[test]
    fn what_is_cut_short_stays_malformed() {
        let body = join(9, b"\xffa\xfeb", b"metadata");
        for end in 0..body.len() {
            assert!(decode::<JoinGroupRequest>(&body.slice(..end), 9).is_err(), "{end}");
        }
    }

    #[test]
    fn the_work_is_bounded() {
        let topics = 10_000_u32;
        let mut body = Vec::from(topics.to_be_bytes());
        body.extend(std::iter::repeat_n(*b"\0\x01\xff", topics as usize).flatten());
        let stopped = decode::<MetadataRequest>(&body.into(), 1).unwrap_err();
        assert!(is_text(&stopped));
    }
}
