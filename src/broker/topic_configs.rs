//! Configurations in the store: topics', read when a topic is first met, and again when they
//! change; and this broker's dynamic ones.
//!
//! As Kafka's `ZkConfigManager` with `TopicConfigHandler`, and `ZkConfigRepository`.

use super::Broker;
use super::config_store::SeenChanges;
use crate::config::{BrokerConfig, TopicConfig, dynamic};
use crate::metadata::image::{Overrides, Published};
use crate::metadata::records::{ConfigChange, ConfigData, ConfigEntity, EntityName, paths};
use crate::metadata::store::{Change, Store, StoreError};
use crate::quota::connections::Limits;
use crate::types::TopicName;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;

/// Topics that are asked for at once.
const READS_AT_ONCE: usize = 64;

/// The configuration of a topic as of now. Overrides that this broker does not understand are
/// left out, since a topic must not stop for them.
pub fn resolve(config: &BrokerConfig, image: &Published, topic: &str) -> Arc<TopicConfig> {
    let image = image.load();
    let none = Arc::default();
    let overrides = image.topic_configs.get(topic).unwrap_or(&none);
    let (resolved, errors) = TopicConfig::resolve_stored(config, overrides);
    for error in errors {
        tracing::error!(topic, %error, "stored configuration left out");
    }
    Arc::new(resolved)
}

/// The overrides of all topics that have some. Those of one topic that cannot be read are said
/// and left out.
pub(super) async fn all(store: &dyn Store) -> Result<Vec<(TopicName, Arc<Overrides>)>, StoreError> {
    let topics = store.children(&paths::config_type("topics")).await?.unwrap_or_default();
    let read = topics.into_iter().map(async |topic| {
        let overrides = stored(store, &topic).await?.unwrap_or_default();
        Ok((TopicName::from(topic), Arc::new(overrides)))
    });
    let read = futures_util::stream::iter(read).buffer_unordered(READS_AT_ONCE);
    let all: Vec<(TopicName, Arc<Overrides>)> = read.try_collect().await?;
    Ok(all.into_iter().filter(|(_, overrides)| !overrides.is_empty()).collect())
}

/// The overrides of a topic, empty if it has none; `None` if they are unreadable.
async fn stored(store: &dyn Store, topic: &str) -> Result<Option<Overrides>, StoreError> {
    let node = store.get(&paths::topic_config(topic)).await?;
    match node.and_then(|node| node.data).map(|data| ConfigData::decode(&data)) {
        Some(Ok(ConfigData(overrides))) => Ok(Some(overrides)),
        Some(Err(error)) => {
            tracing::error!(topic, %error, "unreadable topic configuration");
            Ok(None)
        }
        None => Ok(Some(Overrides::new())),
    }
}

impl Broker {
    /// Reads the configurations of these topics into the image.
    pub async fn load_topic_configs(&self, topics: BTreeSet<String>) {
        for topic in topics {
            if let Err(error) = self.load_topic_config(&topic).await {
                tracing::error!(topic, %error, "cannot read the topic's configuration");
            }
        }
    }

    async fn load_topic_config(&self, topic: &str) -> Result<(), StoreError> {
        let Some(overrides) = stored(self.store.as_ref(), topic).await? else { return Ok(()) };
        self.image.update(|image| {
            if overrides.is_empty() {
                image.topic_configs.remove(topic);
            } else {
                image.topic_configs.insert(Arc::from(topic), Arc::new(overrides));
            }
        });
        self.replicas.reload_configs(&|changed| changed == topic);
        Ok(())
    }

    /// Reads the dynamic configuration of all brokers and of this one, and puts it in force.
    pub(super) async fn load_broker_config(&self) {
        let mut layers = Vec::with_capacity(2);
        for name in [EntityName::Default, EntityName::Named(self.id.to_string())] {
            let path = ConfigEntity::Broker(name).path();
            let node = match self.store.get(&path).await {
                Ok(node) => node,
                Err(error) => {
                    tracing::error!(path, %error, "cannot read dynamic configuration");
                    return;
                }
            };
            let data = node.and_then(|node| node.data);
            let stored = data
                .map(|data| ConfigData::decode(&data))
                .unwrap_or_else(|| Ok(ConfigData::default()));
            let ConfigData(stored) = stored.unwrap_or_else(|error| {
                tracing::error!(path, %error, "unreadable dynamic configuration");
                ConfigData::default()
            });
            let (usable, refused) = dynamic::usable(&stored);
            refused.iter().for_each(|error| tracing::error!(path, %error, "refused"));
            layers.push(usable);
        }
        let own = layers.pop().unwrap_or_default();
        let all = layers.pop().unwrap_or_default();
        match self.config.load().with_dynamic(all, own) {
            Ok(config) => {
                let config = Arc::new(config);
                self.config.store(config.clone());
                self.replicas.reload_configs(&|_| true);
                self.apply(config).await;
            }
            Err(error) => tracing::error!(%error, "dynamic configuration refused"),
        }
    }

    /// Passes a new configuration on to those that keep what they need of it.
    async fn apply(&self, config: Arc<BrokerConfig>) {
        self.limit_moves(&config);
        if let Err(error) = self.log_dirs.reconfigure(&config) {
            tracing::error!(%error, "the log cleaner cannot follow its configuration");
        }
        self.replication.reconfigure(&config);
        let connections = self.connections.clone();
        // Overrides may have host names, which are looked up.
        let limits = move || connections.set_limits(Limits::from_config(&config));
        if let Err(error) = tokio::task::spawn_blocking(limits).await {
            tracing::error!(%error, "limits on connections cannot follow their configuration");
        }
    }

    /// Follows `/config/changes` for ever.
    pub(crate) async fn follow_config_changes(self: Arc<Self>) {
        let mut watch = match self.store.watch(paths::CONFIG_CHANGES).await {
            Ok(watch) => watch,
            Err(error) => {
                tracing::error!(%error, "cannot watch configuration changes");
                return;
            }
        };
        let mut seen = SeenChanges::default();
        while let Some(change) = watch.recv().await {
            match change {
                Change::Resync => self.resync_configs().await,
                Change::Node(path) => {
                    self.config_changed(&path).await;
                    seen.add(path, Instant::now());
                }
            }
            self.purge_changes(seen.outdated(Instant::now())).await;
        }
    }

    /// Reads all again: changes may have been missed.
    async fn resync_configs(&self) {
        self.load_broker_config().await;
        self.load_quotas().await;
        let hosted = self.replicas.all();
        let topics = hosted.iter().map(|partition| partition.id().topic.to_string()).collect();
        self.load_topic_configs(topics).await;
    }

    async fn config_changed(&self, path: &str) {
        if path == paths::CONFIG_CHANGES {
            return;
        }
        let node = match self.store.get(path).await {
            Ok(Some(node)) => node,
            Ok(None) => return, // an old one, purged
            Err(error) => {
                tracing::error!(path, %error, "cannot read a configuration change");
                return;
            }
        };
        let data = node.data.unwrap_or_default();
        match ConfigChange::decode(&data).map(|change| change.entity()) {
            Ok(Some(ConfigEntity::Topic(topic))) => {
                self.load_topic_configs(BTreeSet::from([topic])).await;
            }
            Ok(Some(ConfigEntity::Broker(_))) => self.load_broker_config().await,
            Ok(Some(entity)) => self.load_quota(entity).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(path, %error, "unreadable configuration change"),
        }
    }
}
