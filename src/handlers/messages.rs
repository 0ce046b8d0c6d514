//! The messages of the wire: those of the crate, which has what Kafka 3.9 has, and by hand the two
//! APIs of KIP-848 groups with version 1, which is Kafka 4.0's.
//!
//! ConsumerGroupHeartbeat v1 adds `subscribedTopicRegex` (nullable) after the topic names;
//! ConsumerGroupDescribe v1 adds `memberType` (int8) at a member's end. All else is version 0's.

use anyhow::{Result, bail};
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages as base;
pub use kafka_protocol::messages::*;
use kafka_protocol::protocol::buf::{ByteBuf, ByteBufMut};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, Message, Request, StrBytes, VersionRange,
};

use base::consumer_group_describe_response::{DescribedGroup, Member};

/// A message of the crate under another name for the range of its versions.
macro_rules! widened {
    ($($(#[$meta:meta])* $name:ident;)*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct $name(pub base::$name);

            widened!(impl $name);

            impl Decodable for $name {
                fn decode<B: ByteBuf>(buf: &mut B, _version: i16) -> Result<Self> {
                    base::$name::decode(buf, 0).map($name)
                }
            }

            impl Encodable for $name {
                fn encode<B: ByteBufMut>(&self, buf: &mut B, _version: i16) -> Result<()> {
                    self.0.encode(buf, 0)
                }

                fn compute_size(&self, _version: i16) -> Result<usize> {
                    self.0.compute_size(0)
                }
            }
        )*
    };
    (impl $name:ident) => {
        impl Message for $name {
            const VERSIONS: VersionRange = VersionRange { min: 0, max: 1 };
            const DEPRECATED_VERSIONS: Option<VersionRange> = None;
        }

        impl HeaderVersion for $name {
            fn header_version(_version: i16) -> i16 {
                base::$name::header_version(0)
            }
        }
    };
}

widened! {
    /// The same in both versions.
    ConsumerGroupHeartbeatResponse;
    /// The same in both versions.
    ConsumerGroupDescribeRequest;
}

impl Request for ConsumerGroupDescribeRequest {
    const KEY: i16 = 69;
    type Response = ConsumerGroupDescribeResponse;
}

/// With a regular expression in version 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    /// What both versions have.
    pub base: base::ConsumerGroupHeartbeatRequest,
    /// `None` if it has not changed, or there is none.
    pub subscribed_topic_regex: Option<StrBytes>,
}

widened!(impl ConsumerGroupHeartbeatRequest);

impl Request for ConsumerGroupHeartbeatRequest {
    const KEY: i16 = 68;
    type Response = ConsumerGroupHeartbeatResponse;
}

impl Decodable for ConsumerGroupHeartbeatRequest {
    fn decode<B: ByteBuf>(buf: &mut B, version: i16) -> Result<Self> {
        if version == 0 {
            let base = base::ConsumerGroupHeartbeatRequest::decode(buf, 0)?;
            return Ok(ConsumerGroupHeartbeatRequest { base, subscribed_topic_regex: None });
        }
        let mut body = buf.copy_to_bytes(buf.remaining());
        let (start, end) = regex_in(&body)?;
        let mut regex = body.slice(start..end);
        let subscribed_topic_regex = match get_varint(&mut regex)? {
            0 => None,
            _ => Some(StrBytes::try_from(regex)?),
        };
        // Without that field it is a body of version 0.
        let mut head = body.split_to(start).chain(body.split_off(end - start));
        let mut body = head.copy_to_bytes(head.remaining());
        let base = base::ConsumerGroupHeartbeatRequest::decode(&mut body, 0)?;
        Ok(ConsumerGroupHeartbeatRequest { base, subscribed_topic_regex })
    }
}

/// Where the regular expression is in a body of version 1: after two strings, an int32, two
/// strings, an int32, and an array of strings.
fn regex_in(body: &Bytes) -> Result<(usize, usize)> {
    let mut rest = body.clone();
    skip_string(&mut rest)?;
    skip_string(&mut rest)?;
    skip(&mut rest, 4)?;
    skip_string(&mut rest)?;
    skip_string(&mut rest)?;
    skip(&mut rest, 4)?;
    for _ in 1..get_varint(&mut rest)? {
        skip_string(&mut rest)?;
    }
    let start = body.len() - rest.len();
    skip_string(&mut rest)?;
    Ok((start, body.len() - rest.len()))
}

fn skip_string(from: &mut Bytes) -> Result<()> {
    let length = get_varint(from)?.saturating_sub(1);
    skip(from, length as usize)
}

fn skip(from: &mut Bytes, length: usize) -> Result<()> {
    if from.len() < length {
        bail!("the body ends in a field");
    }
    from.advance(length);
    Ok(())
}

fn get_varint(from: &mut Bytes) -> Result<u32> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let byte = from.try_get_u8()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(u32::try_from(value)?);
        }
    }
    bail!("a length of more than 32 bits")
}

impl Encodable for ConsumerGroupHeartbeatRequest {
    fn encode<B: ByteBufMut>(&self, buf: &mut B, version: i16) -> Result<()> {
        if version != 0 {
            bail!("this broker sends no heartbeats");
        }
        self.base.encode(buf, 0)
    }

    fn compute_size(&self, _version: i16) -> Result<usize> {
        self.base.compute_size(0)
    }
}

/// With the members' types in version 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupDescribeResponse {
    /// What both versions have.
    pub base: base::ConsumerGroupDescribeResponse,
    /// A type for each member of each group: 0 classic, 1 consumer.
    pub member_types: Vec<Vec<i8>>,
}

widened!(impl ConsumerGroupDescribeResponse);

impl Decodable for ConsumerGroupDescribeResponse {
    fn decode<B: ByteBuf>(buf: &mut B, version: i16) -> Result<Self> {
        if version != 0 {
            bail!("this broker describes no other's groups");
        }
        let base = base::ConsumerGroupDescribeResponse::decode(buf, 0)?;
        Ok(ConsumerGroupDescribeResponse { base, member_types: Vec::new() })
    }
}

impl Encodable for ConsumerGroupDescribeResponse {
    fn encode<B: ByteBufMut>(&self, buf: &mut B, version: i16) -> Result<()> {
        if version == 0 {
            return self.base.encode(buf, 0);
        }
        buf.put_i32(self.base.throttle_time_ms);
        put_length(buf, self.base.groups.len());
        for (i, group) in self.base.groups.iter().enumerate() {
            put_group(buf, group, self.member_types.get(i).map_or(&[], Vec::as_slice))?;
        }
        buf.put_u8(NO_TAGS);
        Ok(())
    }

    fn compute_size(&self, version: i16) -> Result<usize> {
        let members: usize = self.base.groups.iter().map(|group| group.members.len()).sum();
        Ok(self.base.compute_size(0)? + if version == 0 { 0 } else { members })
    }
}

/// Tagged fields: none.
const NO_TAGS: u8 = 0;

/// A group as version 0 has it, but for its members.
fn put_group<B: ByteBufMut>(buf: &mut B, group: &DescribedGroup, types: &[i8]) -> Result<()> {
    let mut bytes = BytesMut::new();
    group.clone().with_members(Vec::new()).encode(&mut bytes, 0)?;
    // An array of nothing, the authorized operations, no tagged fields.
    let Some((head, [_, end @ ..])) = bytes.split_last_chunk::<6>() else {
        bail!("a group of no bytes");
    };
    buf.put_slice(head);
    put_length(buf, group.members.len());
    for (i, member) in group.members.iter().enumerate() {
        put_member(buf, member, types.get(i).copied().unwrap_or(-1))?;
    }
    buf.put_slice(end);
    Ok(())
}

/// A member as version 0 has it, with its type before the tagged fields, of which there are none.
fn put_member<B: ByteBufMut>(buf: &mut B, member: &Member, kind: i8) -> Result<()> {
    let mut bytes = BytesMut::new();
    member.encode(&mut bytes, 0)?;
    let Some((_, fields)) = bytes.split_last() else { bail!("a member of no bytes") };
    buf.put_slice(fields);
    buf.put_i8(kind);
    buf.put_u8(NO_TAGS);
    Ok(())
}

/// The length of a compact array: one more, as an unsigned varint.
fn put_length<B: ByteBufMut>(buf: &mut B, length: usize) {
    let mut value = length + 1;
    while value >= 0x80 {
        buf.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    buf.put_u8(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Group `g`, member `m`, epoch 0, no instance, no rack, 1000 ms, topic `t`, regex, no
    /// assignor, no partitions.
    const HEAD: &[u8] = b"\x02g\x02m\0\0\0\0\0\0\0\0\x03\xe8\x02\x02t";
    const TAIL: &[u8] = b"\0\x01\0";

    #[test]
    fn a_heartbeat_of_version_1_has_its_expression_after_the_topics() {
        for (regex, said) in [(&b"\0"[..], None), (b"\x01", Some("")), (b"\x03a.", Some("a."))] {
            let mut body = Bytes::from([HEAD, regex, TAIL].concat());
            let whole = body.clone();
            let read = ConsumerGroupHeartbeatRequest::decode(&mut body, 1).expect("decodes");
            assert_eq!(read.subscribed_topic_regex.as_deref(), said);
            assert_eq!(read.base.rebalance_timeout_ms, 1000);
            assert_eq!(read.base.topic_partitions, Some(Vec::new()));
            for end in 0..whole.len() {
                let cut = ConsumerGroupHeartbeatRequest::decode(&mut whole.slice(..end), 1);
                assert!(cut.is_err(), "cut at {end}");
            }
        }
        let mut old = Bytes::from([HEAD, TAIL].concat());
        let read = ConsumerGroupHeartbeatRequest::decode(&mut old, 0).expect("version 0");
        assert_eq!(read.subscribed_topic_regex, None);
    }

    #[test]
    fn a_description_of_version_1_has_a_type_at_the_end_of_each_member() {
        let member = Member::default().with_member_id(StrBytes::from_static_str("m"));
        let group = DescribedGroup::default().with_members(vec![member.clone(), member]);
        let mut response = ConsumerGroupDescribeResponse::default();
        response.base.groups.push(group);
        response.member_types.push(vec![0, 1]);
        let (mut old, mut new) = (BytesMut::new(), BytesMut::new());
        response.encode(&mut old, 0).expect("version 0");
        response.encode(&mut new, 1).expect("version 1");
        assert_eq!(new.len(), old.len() + 2);
        assert_eq!(new.len(), response.compute_size(1).expect("a size"));
        let end = &new[new.len() - 8..];
        assert_eq!(end, [&[1, 0][..], &i32::MIN.to_be_bytes(), &[0, 0]].concat());
    }
}
