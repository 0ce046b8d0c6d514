//! What handlers get, and how it is put together.

use crate::config::BrokerConfig;
use crate::log::LogDirs;
use crate::metadata::image::Published;
use crate::metadata::store::SharedStore;
use crate::partition::Replicas;
use crate::types::BrokerId;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Everything that serving a request may need.
pub struct Broker {
    /// `broker.id`, configured or generated.
    pub id: BrokerId,
    /// `/cluster/id`.
    pub cluster_id: Arc<str>,
    /// The configuration as of now; a dynamic change replaces it.
    pub config: ArcSwap<BrokerConfig>,
    /// The metadata image.
    pub image: Published,
    /// The metadata store.
    pub store: SharedStore,
    /// The replicas on this broker.
    pub replicas: Arc<Replicas>,
    /// Their logs.
    pub log_dirs: Arc<LogDirs>,
    /// Broker epoch: the transaction that registered it; -1 before.
    pub epoch: AtomicI64,
}

impl Broker {
    /// The broker epoch; -1 before registration.
    pub fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }
}
