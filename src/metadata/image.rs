//! The metadata image: what everybody reads, published whole and never changed in place.
//!
//! Brokers, topics and leaders come from the controller's UpdateMetadata; topic configs from the
//! broker's own watch on `/config/changes`. Produce and Fetch read this and never wait for a store.

use crate::types::{BrokerId, NO_BROKER, TopicId, TopicName};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// One listener of a broker as advertised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Listener name, upper case: `PLAINTEXT`, `EXTERNAL`.
    pub listener: String,
    /// Security protocol as Kafka numbers it: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    pub security_protocol: i16,
    /// Advertised host.
    pub host: String,
    /// Advertised port.
    pub port: u16,
}

/// A live broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerNode {
    /// `broker.id`.
    pub id: BrokerId,
    /// Transaction id of its registration.
    pub epoch: i64,
    /// Its listeners.
    pub endpoints: Vec<Endpoint>,
    /// `broker.rack`.
    pub rack: Option<String>,
}

/// A partition as the controller last told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionImage {
    /// Leader, or [`NO_BROKER`] (-1), or -2 while its topic is being deleted.
    pub leader: BrokerId,
    /// Leader epoch, from 0.
    pub leader_epoch: i32,
    /// In-sync replicas.
    pub isr: Vec<BrokerId>,
    /// Version of the partition's state node (KIP-497's partition epoch).
    pub partition_epoch: i32,
    /// Assigned replicas, preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Assigned replicas that are not alive.
    pub offline_replicas: Vec<BrokerId>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicImage {
    /// Name.
    pub name: TopicName,
    /// Id; zero where the controller gave none (IBP below 2.8).
    pub id: TopicId,
    /// Partitions by index.
    pub partitions: BTreeMap<i32, PartitionImage>,
}

/// Overrides of a topic, by Kafka's key names, as stored in `/config/topics/<topic>`.
pub type Overrides = BTreeMap<String, String>;

/// The whole image.
#[derive(Clone, Debug)]
pub struct Image {
    /// Active controller, or [`NO_BROKER`].
    pub controller: BrokerId,
    /// Epoch of the controller that last spoke to us.
    pub controller_epoch: i32,
    /// Live brokers by id.
    pub brokers: BTreeMap<BrokerId, Arc<BrokerNode>>,
    /// Topics by name.
    pub topics: HashMap<TopicName, Arc<TopicImage>>,
    /// Names by topic id (zero ids left out).
    pub names: HashMap<TopicId, TopicName>,
    /// Overrides by topic; a topic without any may be missing.
    pub topic_configs: HashMap<TopicName, Arc<Overrides>>,
}

impl Image {
    /// No brokers, no topics, no controller.
    pub fn empty() -> Self {
        Image {
            controller: NO_BROKER,
            controller_epoch: 0,
            brokers: BTreeMap::new(),
            topics: HashMap::new(),
            names: HashMap::new(),
            topic_configs: HashMap::new(),
        }
    }

    /// The partition, if topic and index are known.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<&PartitionImage> {
        self.topics.get(topic)?.partitions.get(&partition)
    }
}

/// Where the current image is published: `load()` is lock-free; `update` serialises writers.
pub struct Published {
    current: arc_swap::ArcSwap<Image>,
    writers: parking_lot::Mutex<()>,
    changes: tokio::sync::watch::Sender<u64>,
}

impl Default for Published {
    fn default() -> Self {
        Published {
            current: arc_swap::ArcSwap::from_pointee(Image::empty()),
            writers: parking_lot::Mutex::new(()),
            changes: tokio::sync::watch::channel(0).0,
        }
    }
}

impl Published {
    /// The image as of now.
    pub fn load(&self) -> arc_swap::Guard<Arc<Image>> {
        self.current.load()
    }

    /// The image as of now, to be kept across an await.
    pub fn snapshot(&self) -> Arc<Image> {
        self.current.load_full()
    }

    /// Counts publications, to await one. Subscribe before loading, and none is missed.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Publishes a changed copy. Topics and configs are shared, so a copy costs a pointer each.
    pub fn update<R>(&self, change: impl FnOnce(&mut Image) -> R) -> R {
        let _one = self.writers.lock();
        let mut next = Image::clone(&self.current.load());
        let result = change(&mut next);
        self.current.store(Arc::new(next));
        self.changes.send_modify(|count| *count += 1);
        result
    }
}
