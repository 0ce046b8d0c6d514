//! Following: fetches from the leaders of the partitions that this broker follows.
//!
//! As Kafka's `ReplicaFetcherManager` and `ReplicaFetcherThread` at IBP 3.9: Fetch v17, where the
//! leader says by itself from where logs differ (KIP-595), and ListOffsets v9 when out of range.
//! A task for each leader; what it fetches is looked up anew for each request.

mod task;

use super::Replicas;
use crate::metadata::image::Published;
use crate::peer::PeerOptions;
use crate::quota::replication::ReplicationQuota;
use crate::types::BrokerId;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Settings of the fetchers.
#[derive(Clone)]
pub struct FetcherSettings {
    /// The listener by which brokers speak to each other.
    pub listener: Arc<str>,
    /// `replica.fetch.wait.max.ms`.
    pub max_wait_ms: i32,
    /// `replica.fetch.min.bytes`.
    pub min_bytes: i32,
    /// `replica.fetch.response.max.bytes`.
    pub max_bytes: i32,
    /// `replica.fetch.max.bytes`.
    pub partition_max_bytes: i32,
    /// `replica.fetch.backoff.ms`.
    pub backoff: Duration,
    /// `replica.socket.timeout.ms`.
    pub request_timeout: Duration,
    /// Of the connections.
    pub options: PeerOptions,
    /// What throttled replicas may fetch.
    pub quota: Arc<ReplicationQuota>,
}

/// How often leaders are looked up without being told of a change.
const LOOK: Duration = Duration::from_secs(1);

/// Runs until dropped: a task for each broker that leads something followed here.
pub async fn run(
    replicas: Arc<Replicas>,
    image: Arc<Published>,
    broker_epoch: Arc<AtomicI64>,
    settings: FetcherSettings,
) {
    let mut tasks: HashMap<BrokerId, JoinHandle<()>> = HashMap::new();
    loop {
        let leaders = followed_leaders(&replicas);
        tasks.retain(|leader, task| {
            let is_kept = leaders.contains(leader) && !task.is_finished();
            if !is_kept {
                task.abort();
            }
            is_kept
        });
        for leader in leaders {
            tasks.entry(leader).or_insert_with(|| {
                let task = task::Task {
                    leader,
                    replicas: replicas.clone(),
                    image: image.clone(),
                    broker_epoch: broker_epoch.clone(),
                    settings: settings.clone(),
                };
                tokio::spawn(task.run())
            });
        }
        let _ = tokio::time::timeout(LOOK, replicas.roles_changed().notified()).await;
    }
}

fn followed_leaders(replicas: &Replicas) -> BTreeSet<BrokerId> {
    let leaders = replicas.all().into_iter().map(|partition| partition.leader());
    leaders.filter(|leader| *leader >= 0 && *leader != replicas.local()).collect()
}
