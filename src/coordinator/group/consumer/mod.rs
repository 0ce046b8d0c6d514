//! Consumer groups of KIP-848: the broker assigns, members follow by heartbeats.
//!
//! A [`group::ConsumerGroup`] is what its records say: a heartbeat is *planned* into records,
//! the records are appended to `__consumer_offsets`, and only then applied, by the same function
//! that loads them after a restart. Clockless; knows no wire messages and no log.

pub mod assignor;
pub mod group;
pub mod machine;
pub mod migrate;
pub mod pattern;
pub mod plan;
pub mod protocol;
pub mod reconcile;
pub mod records;
pub mod refusal;

use crate::types::{TopicId, TopicName};
use std::collections::{BTreeMap, BTreeSet};

/// Partitions by topic.
pub type Assignment = BTreeMap<TopicId, BTreeSet<i32>>;

/// Racks by partition.
pub type Racks = BTreeMap<i32, BTreeSet<String>>;

/// A topic as an assignor needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicEntry {
    /// Name.
    pub name: TopicName,
    /// Number of partitions.
    pub partitions: i32,
    /// Racks of the replicas of each partition, as far as brokers have one.
    pub racks: Racks,
}

/// The topics that exist, by id and by name, taken from the metadata image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicCatalog {
    /// Another number when the topics are others: groups look at topics only when it changes.
    pub version: u64,
    topics: BTreeMap<TopicId, TopicEntry>,
    ids: BTreeMap<TopicName, TopicId>,
}

impl TopicCatalog {
    /// From (name, id, number of partitions).
    pub fn new(topics: impl IntoIterator<Item = (TopicName, TopicId, i32)>) -> TopicCatalog {
        let mut catalog = TopicCatalog::default();
        for (name, id, partitions) in topics {
            catalog.ids.insert(name.clone(), id);
            catalog.topics.insert(id, TopicEntry { name, partitions, racks: Racks::new() });
        }
        catalog
    }

    /// With these racks of a topic.
    pub fn set_racks(&mut self, id: TopicId, racks: Racks) {
        if let Some(entry) = self.topics.get_mut(&id) {
            entry.racks = racks;
        }
    }

    /// Whether the topics are the same, whatever the version.
    pub fn is_like(&self, other: &TopicCatalog) -> bool {
        self.topics == other.topics
    }

    /// Ascending by id.
    pub fn by_id(&self) -> impl Iterator<Item = (TopicId, &TopicEntry)> {
        self.topics.iter().map(|(id, entry)| (*id, entry))
    }

    /// The topic of this id.
    pub fn get(&self, id: TopicId) -> Option<&TopicEntry> {
        self.topics.get(&id)
    }

    /// The id of this name.
    pub fn id(&self, name: &str) -> Option<TopicId> {
        self.ids.get(name).copied()
    }
}
