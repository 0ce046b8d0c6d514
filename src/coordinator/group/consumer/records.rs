//! Records of KIP-848 groups in `__consumer_offsets`: keys 3 to 8 and 16, values v0 (flexible).
//! Those of Kafka 4.0; from 4.1 on brokers put a hash into the group's epoch in place of its topics
//! (KIP-1101), make it anew from what is here, and read these.
//!
//! Keys are an int16 version and int16-length strings; values an int16 version 0, then compact
//! strings and arrays (length + 1 as an unsigned varint) and tagged fields.
//!
//! Example: group `g` at epoch 5 is key `0003 0001 67`, value `0000 00000005 00`.

use super::reconcile::{Current, MemberState};
use super::{Assignment, Racks};
use crate::types::TopicId;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::{BTreeMap, BTreeSet};

/// What a member says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// `group.instance.id`.
    pub instance_id: Option<String>,
    /// `client.rack`.
    pub rack_id: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client host, with Kafka's leading slash.
    pub client_host: String,
    /// Topics by name.
    pub topics: BTreeSet<String>,
    /// Topics by regular expression.
    pub topic_regex: Option<String>,
    /// `max.poll.interval.ms`: how long it may take to give partitions up.
    pub rebalance_timeout_ms: i32,
    /// Assignor it asks for.
    pub assignor: Option<String>,
    /// Set for a member that still uses the classic protocol.
    pub classic: Option<ClassicMember>,
}

/// A classic member of a group that is being migrated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicMember {
    /// Its session time-out.
    pub session_timeout_ms: i32,
    /// Protocol names with their subscriptions.
    pub protocols: Vec<(String, Bytes)>,
}

/// A topic the group is subscribed to, as it was when the group last looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribedTopic {
    /// Id.
    pub id: TopicId,
    /// Number of partitions.
    pub partitions: i32,
    /// Racks of the replicas of each partition, as far as brokers have one.
    pub racks: Racks,
}

/// The topics that match a regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedRegex {
    /// Their names.
    pub topics: BTreeSet<String>,
    /// Version of the topics that they were found among; a number of this coordinator's own.
    pub version: i64,
    /// When, milliseconds since 1970.
    pub timestamp: i64,
}

/// A record: what it is about and, unless it is a tombstone, what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Key 3: the group's epoch.
    Group(Option<i32>),
    /// Key 4: the topics subscribed to, by name.
    Topics(Option<BTreeMap<String, SubscribedTopic>>),
    /// Key 5: a member.
    Member(String, Option<Member>),
    /// Key 6: the epoch of the target assignment.
    TargetEpoch(Option<i32>),
    /// Key 7: a member's target.
    Target(String, Option<Assignment>),
    /// Key 8: what a member has.
    Current(String, Option<Current>),
    /// Key 16: the topics of a regular expression that members subscribe to.
    Regex(String, Option<ResolvedRegex>),
}

/// Why a record could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not one of the keys 3 to 8 and 16, or a value version above 0.
    #[error("version {0} of a consumer group record is not known")]
    Version(i16),
    /// Ends too early or has an impossible length.
    #[error("a consumer group record is malformed")]
    Malformed,
}

type Result<T> = std::result::Result<T, RecordError>;

impl Record {
    fn version(&self) -> i16 {
        match self {
            Record::Group(_) => 3,
            Record::Topics(_) => 4,
            Record::Member(..) => 5,
            Record::TargetEpoch(_) => 6,
            Record::Target(..) => 7,
            Record::Current(..) => 8,
            Record::Regex(..) => 16,
        }
    }

    /// The key, for a record of `group`.
    pub fn key(&self, group: &str) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(self.version());
        put_short_string(&mut out, group);
        if let Record::Member(id, _)
        | Record::Target(id, _)
        | Record::Current(id, _)
        | Record::Regex(id, _) = self
        {
            put_short_string(&mut out, id);
        }
        out.freeze()
    }

    /// The value; `None` is a tombstone.
    pub fn value(&self) -> Option<Bytes> {
        let mut out = BytesMut::new();
        out.put_i16(0);
        match self {
            Record::Group(epoch) | Record::TargetEpoch(epoch) => out.put_i32((*epoch)?),
            Record::Topics(topics) => put_topics(&mut out, topics.as_ref()?),
            Record::Member(_, member) => {
                put_member(&mut out, member.as_ref()?);
                return Some(out.freeze());
            }
            Record::Target(_, target) => put_assignment(&mut out, target.as_ref()?),
            Record::Current(_, current) => {
                let current = current.as_ref()?;
                out.put_i32(current.epoch);
                out.put_i32(current.previous_epoch);
                out.put_i8(current.state as i8);
                put_assignment(&mut out, &current.assigned);
                put_assignment(&mut out, &current.revoking);
            }
            Record::Regex(_, resolved) => {
                let resolved = resolved.as_ref()?;
                put_strings(&mut out, &resolved.topics);
                out.put_i64(resolved.version);
                out.put_i64(resolved.timestamp);
            }
        }
        put_varint(&mut out, 0);
        Some(out.freeze())
    }

    /// Reads a record of one of these keys; the group's name comes with it.
    pub fn decode(mut key: &[u8], value: Option<&[u8]>) -> Result<(String, Record)> {
        let version = key.try_get_i16().map_err(|_| RecordError::Malformed)?;
        if !matches!(version, 3..=8 | 16) {
            return Err(RecordError::Version(version));
        }
        let group = get_short_string(&mut key)?;
        let member = match version {
            5 | 7 | 8 | 16 => get_short_string(&mut key)?,
            _ => String::new(),
        };
        let mut body = value.unwrap_or_default();
        if value.is_some() {
            match body.try_get_i16() {
                Ok(0) => {}
                Ok(version) => return Err(RecordError::Version(version)),
                Err(_) => return Err(RecordError::Malformed),
            }
        }
        let some = value.is_some();
        let body = &mut body;
        let record = match version {
            3 => Record::Group(some.then(|| get_i32(body)).transpose()?),
            4 => Record::Topics(some.then(|| get_topics(body)).transpose()?),
            5 => Record::Member(member, some.then(|| get_member(body)).transpose()?),
            6 => Record::TargetEpoch(some.then(|| get_i32(body)).transpose()?),
            7 => Record::Target(member, some.then(|| get_assignment(body)).transpose()?),
            8 => Record::Current(member, some.then(|| get_current(body)).transpose()?),
            _ => Record::Regex(member, some.then(|| get_regex(body)).transpose()?),
        };
        // A member's own tagged fields are read with it.
        if some && version != 5 {
            get_tags(body)?;
        }
        Ok((group, record))
    }
}

fn put_topics(out: &mut BytesMut, topics: &BTreeMap<String, SubscribedTopic>) {
    put_varint(out, topics.len() as u32 + 1);
    for (name, topic) in topics {
        out.put_slice(topic.id.as_bytes());
        put_string(out, Some(name));
        out.put_i32(topic.partitions);
        put_varint(out, topic.racks.len() as u32 + 1);
        for (partition, racks) in &topic.racks {
            out.put_i32(*partition);
            put_strings(out, racks);
            put_varint(out, 0);
        }
        put_varint(out, 0);
    }
}

fn put_member(out: &mut BytesMut, member: &Member) {
    put_string(out, member.instance_id.as_deref());
    put_string(out, member.rack_id.as_deref());
    put_string(out, Some(&member.client_id));
    put_string(out, Some(&member.client_host));
    put_strings(out, &member.topics);
    // Kafka writes an empty expression for none.
    put_string(out, Some(member.topic_regex.as_deref().unwrap_or_default()));
    out.put_i32(member.rebalance_timeout_ms);
    put_string(out, member.assignor.as_deref());
    let Some(classic) = &member.classic else { return put_varint(out, 0) };
    let mut tagged = BytesMut::new();
    // A nullable struct starts with 1 when it is there.
    tagged.put_i8(1);
    tagged.put_i32(classic.session_timeout_ms);
    put_varint(&mut tagged, classic.protocols.len() as u32 + 1);
    for (name, metadata) in &classic.protocols {
        put_string(&mut tagged, Some(name));
        put_varint(&mut tagged, metadata.len() as u32 + 1);
        tagged.put_slice(metadata);
        put_varint(&mut tagged, 0);
    }
    put_varint(&mut tagged, 0);
    put_varint(out, 1);
    put_varint(out, 0);
    put_varint(out, tagged.len() as u32);
    out.put_slice(&tagged);
}

fn put_assignment(out: &mut BytesMut, assignment: &Assignment) {
    put_varint(out, assignment.len() as u32 + 1);
    for (topic, partitions) in assignment {
        out.put_slice(topic.as_bytes());
        put_varint(out, partitions.len() as u32 + 1);
        partitions.iter().for_each(|p| out.put_i32(*p));
        put_varint(out, 0);
    }
}

fn put_varint(out: &mut BytesMut, mut value: u32) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

fn put_string(out: &mut BytesMut, text: Option<&str>) {
    put_varint(out, text.map_or(0, |t| t.len() as u32 + 1));
    out.put_slice(text.unwrap_or_default().as_bytes());
}

fn put_strings(out: &mut BytesMut, texts: &BTreeSet<String>) {
    put_varint(out, texts.len() as u32 + 1);
    texts.iter().for_each(|text| put_string(out, Some(text)));
}

fn put_short_string(out: &mut BytesMut, text: &str) {
    // Names come from requests, where their lengths are int16 too.
    out.put_i16(text.len() as i16);
    out.put_slice(text.as_bytes());
}

fn get_short_string(from: &mut &[u8]) -> Result<String> {
    let length = from.try_get_i16().map_err(|_| RecordError::Malformed)?;
    take_string(from, usize::try_from(length).map_err(|_| RecordError::Malformed)?)
}

fn take<'a>(from: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(length).ok_or(RecordError::Malformed)?;
    *from = rest;
    Ok(taken)
}

fn take_string(from: &mut &[u8], length: usize) -> Result<String> {
    let text = take(from, length)?;
    std::str::from_utf8(text).map(str::to_owned).map_err(|_| RecordError::Malformed)
}

fn get_i32(from: &mut &[u8]) -> Result<i32> {
    from.try_get_i32().map_err(|_| RecordError::Malformed)
}

fn get_varint(from: &mut &[u8]) -> Result<u32> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let byte = from.try_get_u8().map_err(|_| RecordError::Malformed)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return u32::try_from(value).map_err(|_| RecordError::Malformed);
        }
    }
    Err(RecordError::Malformed)
}

/// Length of a compact array; `None` for null.
fn get_length(from: &mut &[u8]) -> Result<Option<usize>> {
    Ok((get_varint(from)? as usize).checked_sub(1))
}

fn get_array<T>(from: &mut &[u8], mut item: impl FnMut(&mut &[u8]) -> Result<T>) -> Result<Vec<T>> {
    let count = get_length(from)?.ok_or(RecordError::Malformed)?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(from)?);
    }
    Ok(items)
}

fn get_optional_string(from: &mut &[u8]) -> Result<Option<String>> {
    get_length(from)?.map(|length| take_string(from, length)).transpose()
}

fn get_string(from: &mut &[u8]) -> Result<String> {
    get_optional_string(from)?.ok_or(RecordError::Malformed)
}

/// Tagged fields by number.
fn get_tags(from: &mut &[u8]) -> Result<BTreeMap<u32, Vec<u8>>> {
    let mut tags = BTreeMap::new();
    for _ in 0..get_varint(from)? {
        let tag = get_varint(from)?;
        let length = get_varint(from)? as usize;
        tags.insert(tag, take(from, length)?.to_vec());
    }
    Ok(tags)
}

fn get_id(from: &mut &[u8]) -> Result<TopicId> {
    TopicId::from_slice(take(from, 16)?).map_err(|_| RecordError::Malformed)
}

fn get_topics(from: &mut &[u8]) -> Result<BTreeMap<String, SubscribedTopic>> {
    let topics = get_array(from, |from| {
        let id = get_id(from)?;
        let name = get_string(from)?;
        let partitions = get_i32(from)?;
        let racks = get_array(from, |from| {
            let partition = get_i32(from)?;
            let racks = get_strings(from)?;
            get_tags(from)?;
            Ok((partition, racks))
        })?;
        get_tags(from)?;
        let racks = racks.into_iter().collect();
        Ok((name, SubscribedTopic { id, partitions, racks }))
    })?;
    Ok(topics.into_iter().collect())
}

fn get_regex(from: &mut &[u8]) -> Result<ResolvedRegex> {
    Ok(ResolvedRegex {
        topics: get_strings(from)?,
        version: from.try_get_i64().map_err(|_| RecordError::Malformed)?,
        timestamp: from.try_get_i64().map_err(|_| RecordError::Malformed)?,
    })
}

fn get_strings(from: &mut &[u8]) -> Result<BTreeSet<String>> {
    Ok(get_array(from, get_string)?.into_iter().collect())
}

fn get_member(from: &mut &[u8]) -> Result<Member> {
    let mut member = Member {
        instance_id: get_optional_string(from)?,
        rack_id: get_optional_string(from)?,
        client_id: get_string(from)?,
        client_host: get_string(from)?,
        topics: get_strings(from)?,
        topic_regex: get_optional_string(from)?.filter(|regex| !regex.is_empty()),
        rebalance_timeout_ms: get_i32(from)?,
        assignor: get_optional_string(from)?,
        classic: None,
    };
    if let Some(tag) = get_tags(from)?.get(&0) {
        let from = &mut tag.as_slice();
        if from.try_get_i8().map_err(|_| RecordError::Malformed)? >= 0 {
            let session_timeout_ms = get_i32(from)?;
            let protocols = get_array(from, |from| {
                let name = get_string(from)?;
                let length = get_length(from)?.ok_or(RecordError::Malformed)?;
                let metadata = Bytes::copy_from_slice(take(from, length)?);
                get_tags(from)?;
                Ok((name, metadata))
            })?;
            member.classic = Some(ClassicMember { session_timeout_ms, protocols });
        }
    }
    Ok(member)
}

fn get_assignment(from: &mut &[u8]) -> Result<Assignment> {
    let topics = get_array(from, |from| {
        let topic = get_id(from)?;
        let partitions = get_array(from, get_i32)?;
        get_tags(from)?;
        Ok((topic, partitions.into_iter().collect()))
    })?;
    Ok(topics.into_iter().collect())
}

fn get_current(from: &mut &[u8]) -> Result<Current> {
    Ok(Current {
        epoch: get_i32(from)?,
        previous_epoch: get_i32(from)?,
        state: MemberState::from_number(from.try_get_i8().map_err(|_| RecordError::Malformed)?),
        assigned: get_assignment(from)?,
        revoking: get_assignment(from)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    fn examples() -> Vec<Record> {
        let assignment = Assignment::from([(TopicId::from_u128(1), BTreeSet::from([0, 2]))]);
        let member = Member {
            instance_id: None,
            rack_id: Some("r".into()),
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            topics: BTreeSet::from(["a".into(), "b".into()]),
            topic_regex: None,
            rebalance_timeout_ms: 300_000,
            assignor: Some("uniform".into()),
            classic: None,
        };
        let protocols = vec![("range".to_string(), Bytes::from_static(b"\x00\x01"))];
        let classic = Some(ClassicMember { session_timeout_ms: 45_000, protocols });
        let racks = BTreeMap::from([(0, BTreeSet::from(["r".into(), "s".into()]))]);
        let topic = SubscribedTopic { id: TopicId::from_u128(7), partitions: 3, racks };
        let topics = BTreeSet::from(["ab".into()]);
        let regex = ResolvedRegex { topics, version: 2, timestamp: 3 };
        let current = Current {
            state: MemberState::UnrevokedPartitions,
            epoch: 4,
            previous_epoch: 3,
            assigned: assignment.clone(),
            revoking: Assignment::new(),
        };
        vec![
            Record::Group(Some(5)),
            Record::Topics(Some(BTreeMap::from([("a".into(), topic)]))),
            Record::Member("m".into(), Some(Member { classic, ..member.clone() })),
            Record::Member("m".into(), Some(member)),
            Record::TargetEpoch(Some(5)),
            Record::Target("m".into(), Some(assignment)),
            Record::Current("m".into(), Some(current)),
            Record::Current("m".into(), None),
            Record::Regex("a.*".into(), Some(regex)),
            Record::Regex("a.*".into(), None),
        ]
    }

    #[test]
    fn the_example_of_a_group_epoch() {
        let record = Record::Group(Some(5));
        assert_eq!(hex(&record.key("g")), "0003000167");
        assert_eq!(hex(&record.value().expect("a value")), "00000000000500");
    }

    /// As the classes that Kafka 4.3.1 makes of its schemas write them.
    #[test]
    fn expressions_and_racks_are_written_as_kafka_does() {
        let topics = BTreeSet::from(["ab".to_owned(), "ac".to_owned()]);
        let resolved = ResolvedRegex { topics, version: 2, timestamp: 3 };
        let record = Record::Regex("a.*".into(), Some(resolved));
        assert_eq!(hex(&record.key("g")), "00100001670003612e2a");
        let value = "0000030361620361630000000000000002000000000000000300";
        assert_eq!(hex(&record.value().expect("a value")), value);
        let racks = BTreeMap::from([(0, BTreeSet::from(["r".into(), "s".into()]))]);
        let topic = SubscribedTopic { id: TopicId::from_u128(7), partitions: 3, racks };
        let record = Record::Topics(Some(BTreeMap::from([("a".into(), topic)])));
        let value = "00000200000000000000000000000000000007026100000003020000000003\
                     02720273000000";
        assert_eq!(hex(&record.value().expect("a value")), value);
    }

    #[test]
    fn records_read_back_as_written_and_shorter_ones_are_refused() {
        for record in examples() {
            let (key, value) = (record.key("g"), record.value());
            let read = Record::decode(&key, value.as_deref());
            assert_eq!(read, Ok(("g".into(), record.clone())));
            for end in 0..value.as_ref().map_or(0, |v| v.len()) {
                let cut = value.as_ref().map(|v| &v[..end]);
                assert!(Record::decode(&key, cut).is_err(), "{record:?} cut at {end}");
            }
        }
    }

    #[test]
    fn other_keys_are_refused_by_their_number() {
        assert_eq!(Record::decode(&[0, 2, 0, 0], None), Err(RecordError::Version(2)));
    }
}
