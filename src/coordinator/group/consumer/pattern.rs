//! Topics a member subscribes to, by name and by regular expression (KIP-848, version 1).
//!
//! Kafka takes RE2/J patterns, which must match the whole name; the crate `regex` is of the same
//! family: linear in time, without look-around or back-references.

use super::TopicCatalog;
use super::records::Member;
use crate::types::TopicId;
use std::collections::BTreeSet;

/// Whether the pattern can be used; else what is wrong with it.
pub fn check(pattern: &str) -> Result<(), String> {
    compile(pattern).map(drop)
}

fn compile(pattern: &str) -> Result<regex::Regex, String> {
    regex::Regex::new(&format!("^(?:{pattern})$")).map_err(|e| e.to_string())
}

/// Existing topics that the member subscribes to.
pub fn resolve(member: &Member, topics: &TopicCatalog) -> BTreeSet<TopicId> {
    let mut ids: BTreeSet<TopicId> = member.topics.iter().filter_map(|t| topics.id(t)).collect();
    if let Some(regex) = member.topic_regex.as_deref().and_then(|p| compile(p).ok()) {
        let matching = topics.by_id().filter(|(_, entry)| regex.is_match(&entry.name));
        ids.extend(matching.map(|(id, _)| id));
    }
    ids
}
