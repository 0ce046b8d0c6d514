//! Configurations in the store: topics', read when a topic is first met, and again when they
//! change; and this broker's dynamic ones.
//!
//! As Kafka's `ZkConfigManager` with `TopicConfigHandler`, and `ZkConfigRepository`.

use super::Broker;
use super::config_store::SeenChanges;
use crate::config::{BrokerConfig, TopicConfig, dynamic};
use crate::metadata::image::{Overrides, Published};
use crate::metadata::records::{ConfigChange, ConfigData, ConfigEntity, EntityName, paths};
use crate::metadata::store::{Change, StoreError};
use crate::quota::connections::Limits;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;

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
        let node = self.store.get(&paths::topic_config(topic)).await?;
        let overrides = match node.and_then(|node| node.data).map(|data| ConfigData::decode(&data))
        {
            Some(Ok(ConfigData(overrides))) => overrides,
            Some(Err(error)) => {
                tracing::error!(topic, %error, "unreadable topic configuration");
                return Ok(());
            }
            None => Overrides::new(),
        };
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
