//! Topics a member subscribes to, by name and by regular expression (KIP-848, version 1).
//!
//! Kafka takes RE2/J patterns, which must match the whole name; the crate `regex` is of the same
//! family: linear in time, without look-around or back-references.

use super::TopicCatalog;
use super::records::Member;
use crate::types::TopicId;
use std::collections::{BTreeSet, HashMap};

/// Whether the pattern can be used; else what is wrong with it, in one line.
pub fn check(pattern: &str) -> Result<(), String> {
    compile(pattern).map(drop).map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        last.trim_start_matches("error: ").to_owned()
    })
}

fn compile(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::Regex::new(&format!("^(?:{pattern})$"))
}

/// Resolves subscriptions against one catalog; members with the same pattern share the work.
pub struct Resolver<'a> {
    topics: &'a TopicCatalog,
    matches: HashMap<String, BTreeSet<TopicId>>,
}

impl<'a> Resolver<'a> {
    /// For these topics.
    pub fn new(topics: &'a TopicCatalog) -> Resolver<'a> {
        Resolver { topics, matches: HashMap::new() }
    }

    /// Existing topics that the member subscribes to.
    pub fn resolve(&mut self, member: &Member) -> BTreeSet<TopicId> {
        let named = member.topics.iter().filter_map(|topic| self.topics.id(topic));
        let mut ids: BTreeSet<TopicId> = named.collect();
        if let Some(pattern) = &member.topic_regex {
            ids.extend(self.matching(pattern).iter());
        }
        ids
    }

    /// The names of existing topics that match.
    pub fn names(&mut self, pattern: &str) -> BTreeSet<String> {
        let topics = self.topics;
        let ids = self.matching(pattern).iter();
        ids.filter_map(|id| Some(topics.get(*id)?.name.to_string())).collect()
    }

    fn matching(&mut self, pattern: &str) -> &BTreeSet<TopicId> {
        let topics = self.topics;
        self.matches.entry(pattern.to_owned()).or_insert_with(|| matching(pattern, topics))
    }
}

fn matching(pattern: &str, topics: &TopicCatalog) -> BTreeSet<TopicId> {
    let Ok(regex) = compile(pattern) else { return BTreeSet::new() };
    topics.by_id().filter(|(_, entry)| regex.is_match(&entry.name)).map(|(id, _)| id).collect()
}
