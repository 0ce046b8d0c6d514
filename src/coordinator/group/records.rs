//! The records of `__consumer_offsets`: keys v0-2, offset values v0-4, group values v0-4.
//!
//! As Kafka's `OffsetCommitKey`, `OffsetCommitValue`, `GroupMetadataKey` and `GroupMetadataValue`
//! (`group-coordinator/src/main/resources/common/message`). Written are key v1 and v2, values v3
//! (offset value v1 with an explicit expiry). Example: the key of group `g`, topic `t`, partition 2
//! is `0001 0001 67 0001 74 00000002`; that of group `g` is `0002 0001 67`.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::classic::{Member, Protocol};
use super::codec::{Reader, put_bytes, put_nullable_string, put_string};
use crate::types::TopicPartition;

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A committed offset.
    Offset {
        /// The group.
        group: Arc<str>,
        /// The partition that the offset is of.
        partition: TopicPartition,
    },
    /// A classic group.
    Group(Arc<str>),
    /// A KIP-848 group: see `consumer::records`.
    Consumer,
    /// Another kind of record, of this key version.
    Unknown(i16),
}

impl Key {
    /// The key of a committed offset (v1).
    pub fn encode_offset(group: &str, partition: &TopicPartition) -> Bytes {
        let mut out = BytesMut::with_capacity(10 + group.len() + partition.topic.len());
        out.put_i16(1);
        put_string(&mut out, group);
        put_string(&mut out, &partition.topic);
        out.put_i32(partition.partition);
        out.freeze()
    }

    /// The key of a classic group (v2).
    pub fn encode_group(group: &str) -> Bytes {
        let mut out = BytesMut::with_capacity(4 + group.len());
        out.put_i16(2);
        put_string(&mut out, group);
        out.freeze()
    }

    /// Reads a key; `None` when it is malformed.
    pub fn decode(bytes: Bytes) -> Option<Key> {
        let mut reader = Reader::new(bytes);
        match reader.int16()? {
            0 | 1 => {
                let group = reader.string()?;
                let topic = reader.string()?;
                let partition = TopicPartition { topic, partition: reader.int32()? };
                Some(Key::Offset { group, partition })
            }
            2 => Some(Key::Group(reader.string()?)),
            3..=8 | 16 => Some(Key::Consumer),
            version => Some(Key::Unknown(version)),
        }
    }
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetValue {
    /// The offset to consume next.
    pub offset: i64,
    /// Leader epoch of the last record consumed, -1 if not known.
    pub leader_epoch: i32,
    /// What the client wants to remember.
    pub metadata: Arc<str>,
    /// Milliseconds since 1970.
    pub commit_timestamp: i64,
    /// When it expires, if the client said so (OffsetCommit v2-4).
    pub expire_timestamp: Option<i64>,
}

impl OffsetValue {
    /// Writes v3; v1 with an explicit expiry.
    ///
    /// Example: offset 5, no epoch, no metadata: `0003 0000000000000005 ffffffff 0000 <time>`.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(32 + self.metadata.len());
        out.put_i16(if self.expire_timestamp.is_some() { 1 } else { 3 });
        out.put_i64(self.offset);
        if self.expire_timestamp.is_none() {
            out.put_i32(self.leader_epoch);
        }
        put_string(&mut out, &self.metadata);
        out.put_i64(self.commit_timestamp);
        if let Some(expiry) = self.expire_timestamp {
            out.put_i64(expiry);
        }
        out.freeze()
    }

    /// Reads v0-4; `None` when it is malformed or newer.
    pub fn decode(bytes: Bytes) -> Option<OffsetValue> {
        let mut reader = Reader::new(bytes);
        let version = reader.int16().filter(|version| (0..=4).contains(version))?;
        reader.set_flexible(version >= 4);
        let value = OffsetValue {
            offset: reader.int64()?,
            leader_epoch: if version >= 3 { reader.int32()? } else { -1 },
            metadata: reader.string()?,
            commit_timestamp: reader.int64()?,
            expire_timestamp: if version == 1 { Some(reader.int64()?) } else { None }
                .filter(|expiry| *expiry != -1),
        };
        reader.tagged_fields()?;
        Some(value)
    }
}

/// A classic group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupValue {
    /// `consumer`, `connect`, …; empty for none.
    pub protocol_type: Arc<str>,
    /// The generation.
    pub generation: i32,
    /// The protocol chosen; `None` without members.
    pub protocol: Option<Arc<str>>,
    /// Member id of the leader.
    pub leader: Option<Arc<str>>,
    /// Wall clock of the last change of state, -1 if not known.
    pub state_timestamp: i64,
    /// The members.
    pub members: Vec<MemberValue>,
}

/// A member of a classic group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in `classic::Member`")]
pub struct MemberValue {
    pub member_id: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    /// Its metadata for the protocol chosen.
    pub subscription: Bytes,
    pub assignment: Bytes,
}

impl GroupValue {
    /// Writes v3.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(3);
        put_string(&mut out, &self.protocol_type);
        out.put_i32(self.generation);
        put_nullable_string(&mut out, self.protocol.as_deref());
        put_nullable_string(&mut out, self.leader.as_deref());
        out.put_i64(self.state_timestamp);
        out.put_i32(self.members.len() as i32);
        for member in &self.members {
            put_string(&mut out, &member.member_id);
            put_nullable_string(&mut out, member.instance_id.as_deref());
            put_string(&mut out, &member.client_id);
            put_string(&mut out, &member.client_host);
            out.put_i32(member.rebalance_timeout_ms);
            out.put_i32(member.session_timeout_ms);
            put_bytes(&mut out, &member.subscription);
            put_bytes(&mut out, &member.assignment);
        }
        out.freeze()
    }

    /// Reads v0-4; `None` when it is malformed or newer.
    pub fn decode(bytes: Bytes) -> Option<GroupValue> {
        let mut reader = Reader::new(bytes);
        let version = reader.int16().filter(|version| (0..=4).contains(version))?;
        reader.set_flexible(version >= 4);
        let mut value = GroupValue {
            protocol_type: reader.string()?,
            generation: reader.int32()?,
            protocol: reader.nullable_string()?,
            leader: reader.nullable_string()?,
            state_timestamp: if version >= 2 { reader.int64()? } else { -1 },
            members: Vec::new(),
        };
        for _ in 0..reader.array_len()? {
            value.members.push(MemberValue::decode(&mut reader, version)?);
        }
        reader.tagged_fields()?;
        Some(value)
    }
}

impl MemberValue {
    fn decode(reader: &mut Reader, version: i16) -> Option<MemberValue> {
        let member_id = reader.string()?;
        let instance_id = if version >= 3 { reader.nullable_string()? } else { None };
        let client_id = reader.string()?;
        let client_host = reader.string()?;
        let rebalance = if version >= 1 { Some(reader.int32()?) } else { None };
        let session_timeout_ms = reader.int32()?;
        let value = MemberValue {
            member_id,
            instance_id,
            client_id,
            client_host,
            rebalance_timeout_ms: rebalance.unwrap_or(session_timeout_ms),
            session_timeout_ms,
            subscription: reader.bytes()?,
            assignment: reader.bytes()?,
        };
        reader.tagged_fields()?;
        Some(value)
    }

    /// The member as it was when it was stored; it supports the chosen protocol only.
    pub fn into_member(self, protocol: Option<&str>) -> Member {
        let protocols = protocol
            .map(|name| Protocol { name: name.into(), metadata: self.subscription })
            .into_iter()
            .collect();
        let mut member = Member::default();
        member.id = self.member_id;
        member.instance_id = self.instance_id;
        member.client_id = self.client_id;
        member.client_host = self.client_host;
        member.rebalance_timeout_ms = self.rebalance_timeout_ms;
        member.session_timeout_ms = self.session_timeout_ms;
        member.protocols = protocols;
        member.assignment = self.assignment;
        member
    }
}
