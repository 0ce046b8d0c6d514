//! What handlers get, and how it is put together.
//!
//! As Kafka's `KafkaServer`, without the network, which lies above. Start order: configuration, log
//! directories with their recovery, listeners bound (by the caller), metadata store, cluster id,
//! controller, and registration last, so that nobody is told of a broker that cannot serve.

mod config_store;
mod disks;
mod internal_topics;
mod introduction;
mod leadership;
mod loading_report;
mod producer_ids;
mod quotas;
mod registration;
mod start;
mod topic_configs;

pub use internal_topics::{InternalTopic, InternalTopics};
pub use start::{Opened, StartError};
pub use topic_configs::resolve as resolve_topic_config;

use crate::config::BrokerConfig;
use crate::controller::ControllerHandle;
use crate::controller::client::ControllerClient;
use crate::coordinator::group::GroupCoordinator;
use crate::coordinator::transaction::{TransactionCoordinator, Verifier};
use crate::log::LogDirs;
use crate::metadata::image::Published;
use crate::metadata::store::SharedStore;
use crate::partition::Replicas;
use crate::partition::sessions::FetchSessions;
use crate::quota::clients::ClientQuotas;
use crate::quota::connections::ConnectionQuotas;
use crate::quota::replication::ReplicationQuotas;
use crate::types::BrokerId;
use arc_swap::ArcSwap;
use introduction::Introduction;
use producer_ids::ProducerIds;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::runtime::Handle;

/// Everything that serving a request may need.
pub struct Broker {
    /// `broker.id`, configured or generated.
    pub id: BrokerId,
    /// `/cluster/id`.
    pub cluster_id: Arc<str>,
    /// The configuration as of now; a dynamic change replaces it.
    pub config: Arc<ArcSwap<BrokerConfig>>,
    /// The metadata image.
    pub image: Arc<Published>,
    /// The metadata store.
    pub store: SharedStore,
    /// The replicas on this broker.
    pub replicas: Arc<Replicas>,
    /// Their logs.
    pub log_dirs: Arc<LogDirs>,
    /// Fetch sessions (KIP-227).
    pub fetch_sessions: FetchSessions,
    /// The controller, should this broker be it.
    pub controller: ControllerHandle,
    /// Requests to the active controller.
    pub controller_client: Arc<ControllerClient>,
    /// Producer ids in stock.
    pub producer_ids: Arc<ProducerIds>,
    /// The coordinator of groups and their offsets.
    pub groups: Arc<GroupCoordinator>,
    /// The quotas of clients.
    pub quotas: ClientQuotas,
    /// The quotas of replicas that are being moved.
    pub replication: ReplicationQuotas,
    /// The connections of this broker, and their limits.
    pub connections: Arc<ConnectionQuotas>,
    /// The coordinator of transactions.
    pub transactions: Arc<TransactionCoordinator>,
    /// Asks coordinators whether a partition is in a transaction.
    pub verifier: Verifier,
    /// Internal topics being created.
    pub internal_topics: InternalTopics,
    pub(crate) introduction: Introduction,
    /// The runtime of everything that is not a client's connection.
    pub control: Handle,
    epoch: Arc<AtomicI64>,
}

impl Broker {
    /// The broker epoch: the transaction that registered it; -1 before.
    pub fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Waits, in the first seconds, until a controller has told this broker of the cluster.
    pub async fn introduced(&self) {
        self.introduction.wait(&self.image).await;
    }

    /// Whether a controller's request is for an earlier registration of this broker. A later one
    /// than this broker knows is not stale: the controller may hear of it first.
    pub fn is_stale_epoch(&self, epoch: i64) -> bool {
        epoch != -1 && epoch < self.epoch()
    }
}
