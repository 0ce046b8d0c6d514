//! The topics in a consumer's protocol metadata: `{version: int16, topics: [string], ...}`.
//!
//! Read as version 0 of ConsumerProtocolSubscription, which begins every version. Example:
//! `0000 00000001 0003 "abc"` subscribes to `abc`. Garbage means that topics are not known.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ClassicGroup;

/// The protocol type of consumers.
pub(super) const PROTOCOL_TYPE: &str = "consumer";

/// A subscription to no topics, and an assignment of none: v0 of both, without user data.
pub(super) const OF_NOTHING: &[u8] = b"\0\0\0\0\0\0\xff\xff\xff\xff";

/// The topics that the group's members subscribe to, if the group is one of consumers.
pub(super) fn topics_of(group: &ClassicGroup) -> Option<BTreeSet<Arc<str>>> {
    if group.protocol_type.as_deref() != Some(PROTOCOL_TYPE) {
        return None;
    }
    if group.members.is_empty() {
        return Some(BTreeSet::new());
    }
    let protocol = group.protocol.as_deref()?;
    let mut topics = BTreeSet::new();
    for member in group.members.values() {
        read_topics(&member.metadata(protocol), &mut topics)?;
    }
    Some(topics)
}

fn read_topics(metadata: &[u8], topics: &mut BTreeSet<Arc<str>>) -> Option<()> {
    let (version, rest) = metadata.split_first_chunk::<2>()?;
    if i16::from_be_bytes(*version) < 0 {
        return None;
    }
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    for _ in 0..i32::from_be_bytes(*count) {
        let (len, after) = rest.split_first_chunk::<2>()?;
        let len = usize::try_from(i16::from_be_bytes(*len)).ok()?;
        let (name, after) = after.split_at_checked(len)?;
        topics.insert(std::str::from_utf8(name).ok()?.into());
        rest = after;
    }
    Some(())
}
