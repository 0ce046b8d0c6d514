//! The broker's place in the metadata store: the tree it needs, the cluster's id, its own id, and
//! its registration.
//!
//! As `KafkaZkClient.createTopLevelPaths`, `getOrCreateClusterId`, `registerBroker`. Another
//! broker may do the same at the same time; whoever is second takes what it finds.

use super::StartError;
use crate::config::{BrokerConfig, key};
use crate::metadata::records::{BrokerEndpoint, BrokerRegistration, ClusterId, paths};
use crate::metadata::store::{Done, Life, Op, Store, StoreError};
use crate::types::{BrokerId, now_ms};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// The persistent nodes in the order in which Kafka makes them.
fn top_level() -> Vec<String> {
    let fixed = [
        paths::CONSUMERS,
        "/brokers",
        paths::BROKER_IDS,
        paths::TOPICS,
        paths::CONFIG,
        paths::CONFIG_CHANGES,
        paths::ADMIN,
        paths::DELETE_TOPICS,
        paths::BROKER_SEQUENCE,
        paths::ISR_CHANGES,
        paths::PRODUCER_ID_BLOCK,
        paths::LOG_DIR_EVENTS,
    ];
    let kinds = paths::CONFIG_TYPES.iter().map(|kind| paths::config_type(kind));
    fixed.into_iter().map(str::to_owned).chain(kinds).collect()
}

fn create(path: impl Into<String>, data: Option<Bytes>, life: Life) -> Op {
    Op::Create { path: path.into(), data, life }
}

async fn create_if_missing(
    store: &dyn Store,
    path: &str,
    data: Option<Bytes>,
) -> Result<(), StoreError> {
    match store.commit(vec![create(path, data, Life::Persistent)]).await {
        Ok(_) | Err(StoreError::NodeExists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes the nodes that every cluster has.
pub(super) async fn create_tree(store: &dyn Store) -> Result<(), StoreError> {
    for path in top_level() {
        create_if_missing(store, &path, None).await?;
    }
    Ok(())
}

/// The cluster's id, made now if this is the first broker.
pub(super) async fn cluster_id(store: &dyn Store) -> Result<String, StartError> {
    if store.get(paths::CLUSTER_ID).await?.is_none() {
        create_if_missing(store, paths::CLUSTER, None).await?;
        let id = ClusterId::random().encode();
        create_if_missing(store, paths::CLUSTER_ID, Some(id)).await?;
    }
    let node = store.get(paths::CLUSTER_ID).await?;
    let data = node.and_then(|node| node.data).unwrap_or_default();
    let ClusterId(id) = ClusterId::decode(&data)
        .map_err(|error| StartError::Metadata(format!("{}: {error}", paths::CLUSTER_ID)))?;
    Ok(id)
}

/// A new broker id: the version of a counter node above `reserved.broker.max.id`.
pub(super) async fn generate_id(
    store: &dyn Store,
    config: &BrokerConfig,
) -> Result<BrokerId, StartError> {
    let set = Op::Set {
        path: paths::BROKER_SEQUENCE.to_owned(),
        data: Some(Bytes::new()),
        version: None,
    };
    match store.commit(vec![set]).await?.first() {
        Some(Done::Set(stat)) => Ok(config.get(key::RESERVED_BROKER_MAX_ID) + stat.version),
        other => Err(StartError::Metadata(format!("counter node: {other:?}"))),
    }
}

/// Registers the broker; its epoch. Waits for an earlier session of the same broker to end.
pub(super) async fn register(
    store: &dyn Store,
    config: &BrokerConfig,
    id: BrokerId,
    ports: &BTreeMap<String, u16>,
) -> Result<i64, StartError> {
    let path = paths::broker(id);
    let data = registration(config, ports).encode(true);
    let patience = store.session_timeout() + Duration::from_secs(5);
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let ops = vec![
            create(path.clone(), None, Life::Ephemeral),
            Op::Set { path: path.clone(), data: Some(data.clone()), version: None },
        ];
        match store.commit(ops).await {
            Ok(done) => {
                return match done.first() {
                    Some(Done::Created(_, stat)) => Ok(stat.czxid),
                    other => Err(StartError::Metadata(format!("registration: {other:?}"))),
                };
            }
            Err(StoreError::NodeExists(_)) if tokio::time::Instant::now() < deadline => {
                tracing::warn!(id, "already registered; waiting for that session to end");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(StoreError::NodeExists(_)) => return Err(StartError::AlreadyRegistered(id)),
            Err(error) => return Err(error.into()),
        }
    }
}

fn registration(config: &BrokerConfig, ports: &BTreeMap<String, u16>) -> BrokerRegistration {
    let endpoints = config.advertised_listeners().into_iter().map(|listener| BrokerEndpoint {
        listener: listener.name.to_string(),
        security_protocol: listener.protocol.name().to_owned(),
        host: listener.host,
        // Port 0 asked the kernel for one.
        port: match listener.port {
            0 => ports.get(&*listener.name).copied().unwrap_or(0),
            port => port,
        },
    });
    BrokerRegistration {
        endpoints: endpoints.collect(),
        rack: config.get(key::BROKER_RACK).map(|rack| rack.to_string()),
        jmx_port: -1,
        timestamp: now_ms(),
        features: BTreeMap::new(),
    }
}
