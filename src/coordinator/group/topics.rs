//! The topics that KIP-848 groups are assigned from, taken from the published metadata image.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::GROUP_TOPIC;
use super::consumer::{Racks, TopicCatalog};
use crate::metadata::image::{Image, Published, TopicImage};
use crate::types::BrokerId;

/// Gives the topics as of now.
pub trait Topics: Send + Sync + 'static {
    /// All topics; `None` while the image does not have what a group kept in this partition of
    /// `__consumer_offsets` must find there: the controller has not yet told of the topics.
    fn catalog(&self, partition: i32) -> Option<Arc<TopicCatalog>>;
}

/// The topics of the image; made anew when the image changes, renumbered when they do.
pub struct ImageTopics {
    image: Arc<Published>,
    changes: watch::Receiver<u64>,
    last: Mutex<(u64, Arc<TopicCatalog>)>,
    /// Racks of brokers, also of those that are away: groups need not know of a restart.
    racks: Mutex<BTreeMap<BrokerId, String>>,
}

impl ImageTopics {
    /// Of this image.
    pub fn new(image: Arc<Published>) -> ImageTopics {
        let changes = image.changes();
        ImageTopics { image, changes, last: Mutex::default(), racks: Mutex::default() }
    }

    fn racks(&self, image: &Image) -> BTreeMap<BrokerId, String> {
        let mut racks = self.racks.lock();
        for broker in image.brokers.values() {
            match &broker.rack {
                Some(rack) => racks.insert(broker.id, rack.clone()),
                None => racks.remove(&broker.id),
            };
        }
        racks.clone()
    }
}

impl Topics for ImageTopics {
    fn catalog(&self, partition: i32) -> Option<Arc<TopicCatalog>> {
        // Before the image: a later one is then taken in again, never missed.
        let count = *self.changes.borrow();
        let image = self.image.load();
        image.partition(GROUP_TOPIC, partition)?;
        let mut last = self.last.lock();
        let (at, known) = &*last;
        if *at == count && known.version > 0 {
            return Some(known.clone());
        }
        let topics = || image.topics.values().filter(|topic| !topic.id.is_nil());
        let entries = topics().map(|t| (t.name.clone(), t.id, t.partitions.len() as i32));
        let mut fresh = TopicCatalog::new(entries);
        let racks = self.racks(&image);
        for topic in topics().filter(|_| !racks.is_empty()) {
            fresh.set_racks(topic.id, racks_of(topic, &racks));
        }
        fresh.version = known.version + 1;
        let is_same = known.version > 0 && known.is_like(&fresh);
        let fresh = if is_same { known.clone() } else { Arc::new(fresh) };
        *last = (count, fresh.clone());
        Some(fresh)
    }
}

/// Racks of the partitions that have replicas on brokers with a rack.
fn racks_of(topic: &TopicImage, brokers: &BTreeMap<BrokerId, String>) -> Racks {
    let partitions = topic.partitions.iter().map(|(partition, image)| {
        let racks = image.replicas.iter().filter_map(|id| brokers.get(id).cloned());
        (*partition, racks.collect())
    });
    partitions
        .filter(|(_, racks): &(i32, std::collections::BTreeSet<_>)| !racks.is_empty())
        .collect()
}
