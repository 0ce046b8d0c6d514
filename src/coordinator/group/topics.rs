//! The topics that KIP-848 groups are assigned from, taken from the published metadata image.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::GROUP_TOPIC;
use super::consumer::TopicCatalog;
use crate::metadata::image::Published;

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
}

impl ImageTopics {
    /// Of this image.
    pub fn new(image: Arc<Published>) -> ImageTopics {
        let changes = image.changes();
        ImageTopics { image, changes, last: Mutex::default() }
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
        let topics = image.topics.values().filter(|topic| !topic.id.is_nil());
        let entries = topics.map(|t| (t.name.clone(), t.id, t.partitions.len() as i32));
        let mut fresh = TopicCatalog::new(entries);
        fresh.version = known.version + 1;
        let is_same = known.version > 0 && known.is_like(&fresh);
        let fresh = if is_same { known.clone() } else { Arc::new(fresh) };
        *last = (count, fresh.clone());
        Some(fresh)
    }
}
