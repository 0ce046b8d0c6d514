//! What consumers of the classic protocol tell each other, as the coordinator must read and write
//! it for them: ConsumerProtocolSubscription and ConsumerProtocolAssignment, v0-3.
//!
//! Both begin with an int16 version; strings have int16 lengths, arrays and bytes int32 ones (-1 is
//! null). Example: an assignment of partition 2 of `t`, v0:
//! `0000 00000001 0001 74 00000001 00000002 ffffffff`.

use super::{Assignment, TopicCatalog};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::BTreeSet;

/// What a member wants and has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Version that it is written in.
    pub version: i16,
    /// Topics by name.
    pub topics: BTreeSet<String>,
    /// What it owns (v1).
    pub owned: Vec<(String, Vec<i32>)>,
    /// `client.rack` (v3).
    pub rack_id: Option<String>,
}

/// Reads a subscription; `None` when it is malformed.
pub fn read_subscription(bytes: &[u8]) -> Option<Subscription> {
    let from = &mut &*bytes;
    let version = from.try_get_i16().ok().filter(|version| *version >= 0)?;
    let mut subscription = Subscription { version, ..Subscription::default() };
    for _ in 0..from.try_get_i32().ok()? {
        subscription.topics.insert(get_string(from)??);
    }
    let user_data = from.try_get_i32().ok()?;
    *from = from.get(usize::try_from(user_data).unwrap_or(0)..)?;
    if version >= 1 {
        subscription.owned = get_partitions(from)?;
    }
    if version >= 2 {
        let _generation = from.try_get_i32().ok()?;
    }
    if version >= 3 {
        subscription.rack_id = get_string(from)?;
    }
    Some(subscription)
}

/// Reads an assignment; topics that do not exist are left out. `None` when it is malformed; no
/// bytes are no partitions.
pub fn read_assignment(bytes: &[u8], topics: &TopicCatalog) -> Option<Assignment> {
    if bytes.is_empty() {
        return Some(Assignment::new());
    }
    let from = &mut &*bytes;
    from.try_get_i16().ok().filter(|version| *version >= 0)?;
    Some(with_ids(&get_partitions(from)?, topics))
}

/// Partitions by the ids of their topics; topics that do not exist are left out.
pub fn with_ids(partitions: &[(String, Vec<i32>)], topics: &TopicCatalog) -> Assignment {
    let mut assignment = Assignment::new();
    for (topic, partitions) in partitions.iter().filter(|(_, list)| !list.is_empty()) {
        if let Some(id) = topics.id(topic) {
            assignment.entry(id).or_default().extend(partitions);
        }
    }
    assignment
}

/// Writes an assignment without user data; topics that do not exist are left out.
pub fn write_assignment(version: i16, assignment: &Assignment, topics: &TopicCatalog) -> Bytes {
    let named = || assignment.iter().filter_map(|(id, list)| Some((&topics.get(*id)?.name, list)));
    let mut out = BytesMut::new();
    out.put_i16(version);
    out.put_i32(named().count() as i32);
    for (name, partitions) in named() {
        out.put_i16(name.len() as i16);
        out.put_slice(name.as_bytes());
        out.put_i32(partitions.len() as i32);
        partitions.iter().for_each(|partition| out.put_i32(*partition));
    }
    out.put_i32(-1);
    out.freeze()
}

/// A nullable string.
fn get_string(from: &mut &[u8]) -> Option<Option<String>> {
    let Ok(length) = usize::try_from(from.try_get_i16().ok()?) else { return Some(None) };
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(Some(std::str::from_utf8(text).ok()?.to_owned()))
}

fn get_partitions(from: &mut &[u8]) -> Option<Vec<(String, Vec<i32>)>> {
    let mut topics = Vec::new();
    for _ in 0..from.try_get_i32().ok()? {
        let topic = get_string(from)??;
        let mut partitions = Vec::new();
        for _ in 0..from.try_get_i32().ok()? {
            partitions.push(from.try_get_i32().ok()?);
        }
        topics.push((topic, partitions));
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TopicId;

    fn topics() -> TopicCatalog {
        TopicCatalog::new([("t".into(), TopicId::from_u128(1), 3)])
    }

    #[test]
    fn an_assignment_reads_back_as_written() {
        let assignment = Assignment::from([(TopicId::from_u128(1), BTreeSet::from([2]))]);
        let bytes = write_assignment(0, &assignment, &topics());
        assert_eq!(&bytes[..], b"\0\0\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x02\xff\xff\xff\xff");
        assert_eq!(read_assignment(&bytes, &topics()), Some(assignment));
        assert_eq!(read_assignment(b"", &topics()), Some(Assignment::new()));
        assert_eq!(read_assignment(&bytes[..12], &topics()), None);
    }

    #[test]
    fn subscriptions_of_every_version_are_read() {
        let v0 = b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff";
        let read = read_subscription(v0).expect("v0");
        assert_eq!((read.topics.len(), read.owned.len(), read.rack_id), (1, 0, None));
        let v3 = b"\0\x03\0\0\0\x01\0\x01t\0\0\0\x01u\
                   \0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\x07\0\x01r";
        let read = read_subscription(v3).expect("v3");
        assert_eq!(read.owned, [("t".to_owned(), vec![0, 2])]);
        assert_eq!(read.rack_id.as_deref(), Some("r"));
        for end in 0..v3.len() {
            assert_eq!(read_subscription(&v3[..end]), None, "cut at {end}");
        }
    }
}
