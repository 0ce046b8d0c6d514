//! What a broker does in the store before it serves: the tree, the cluster id, its registration.
//!
//! The same nodes in the same order as Kafka's broker (`KafkaServer.startup`,
//! `KafkaZkClient.createTopLevelPaths`, `registerBroker`). Of a cluster that exists already it
//! changes nothing. Does not know the controller, who makes `/controller` and `/feature`.

use super::records::{BrokerRegistration, ClusterId, RecordError, paths};
use super::store::{Change, Done, Life, Node, Op, Session, Store, StoreError};
use crate::types::BrokerId;
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// Why a broker cannot join.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A node that is there cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Another live broker has this id.
    #[error(
        "broker id {0} is registered by another live session: another broker has the same \
         broker.id, or a former run of this one is still alive"
    )]
    BrokerIdTaken(BrokerId),
    /// Ids of 32 bits have run out.
    #[error("no broker id can be generated above {0}")]
    NoBrokerId(BrokerId),
}

/// Nodes without data of every cluster, parents first.
const TREE: [&str; 17] = [
    paths::CONSUMERS,
    paths::BROKERS,
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
    "/config/topics",
    "/config/clients",
    "/config/users",
    "/config/brokers",
    "/config/ips",
];

/// Nodes without data of a cluster with delegation tokens.
const TOKEN_TREE: [&str; 3] = [paths::DELEGATION_TOKEN, paths::TOKEN_CHANGES, paths::TOKENS];

/// Creates what every cluster has; what is there stays as it is.
pub async fn create_tree(store: &dyn Store) -> Result<(), StoreError> {
    for path in TREE {
        create_if_absent(store, path).await?;
    }
    Ok(())
}

/// Creates where ACLs are kept.
pub async fn create_acl_tree(store: &dyn Store) -> Result<(), StoreError> {
    create_if_absent(store, paths::ACL).await?;
    for kind in paths::ACL_RESOURCE_TYPES {
        create_if_absent(store, &format!("{}/{kind}", paths::ACL)).await?;
    }
    for path in [paths::ACL_EXTENDED, paths::ACL_PREFIXED] {
        create_if_absent(store, path).await?;
    }
    for kind in paths::ACL_RESOURCE_TYPES {
        create_if_absent(store, &format!("{}/{kind}", paths::ACL_PREFIXED)).await?;
    }
    for path in [paths::ACL_CHANGES, paths::ACL_EXTENDED_CHANGES] {
        create_if_absent(store, path).await?;
    }
    Ok(())
}

/// Creates where delegation tokens are kept.
pub async fn create_token_tree(store: &dyn Store) -> Result<(), StoreError> {
    for path in TOKEN_TREE {
        create_if_absent(store, path).await?;
    }
    Ok(())
}

fn create(path: &str, data: Option<Bytes>, life: Life) -> Op {
    Op::Create { path: path.to_string(), data, life }
}

async fn create_if_absent(store: &dyn Store, path: &str) -> Result<(), StoreError> {
    if store.get(path).await?.is_some() {
        return Ok(());
    }
    match store.commit(vec![create(path, None, Life::Persistent)]).await {
        Ok(_) | Err(StoreError::NodeExists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The cluster's id, `None` before its first broker has started.
pub async fn read_cluster_id(store: &dyn Store) -> Result<Option<ClusterId>, LayoutError> {
    let Some(Node { data, .. }) = store.get(paths::CLUSTER_ID).await? else { return Ok(None) };
    Ok(Some(ClusterId::decode(data.as_deref().unwrap_or_default())?))
}

/// The cluster's id; `proposed` becomes it if there is none yet.
pub async fn cluster_id(store: &dyn Store, proposed: ClusterId) -> Result<ClusterId, LayoutError> {
    if let Some(id) = read_cluster_id(store).await? {
        return Ok(id);
    }
    create_if_absent(store, paths::CLUSTER).await?;
    let op = create(paths::CLUSTER_ID, Some(proposed.encode()), Life::Persistent);
    match store.commit(vec![op]).await {
        Ok(_) => Ok(proposed),
        // Another broker was faster.
        Err(StoreError::NodeExists(_)) => Ok(read_cluster_id(store).await?.unwrap_or(proposed)),
        Err(error) => Err(error.into()),
    }
}

/// A broker id that nobody has had: above `reserved_max` (`reserved.broker.max.id`), counted by the
/// data version of `/brokers/seqid`.
///
/// Example: the first one with the default of 1000 is 1001.
pub async fn generate_broker_id(
    store: &dyn Store,
    reserved_max: BrokerId,
) -> Result<BrokerId, LayoutError> {
    let path = paths::BROKER_SEQUENCE.to_string();
    let count = || Op::Set { path: path.clone(), data: Some(Bytes::new()), version: None };
    let done = match store.commit(vec![count()]).await {
        Err(StoreError::NoNode(_)) => {
            for path in [paths::BROKERS, paths::BROKER_SEQUENCE] {
                create_if_absent(store, path).await?;
            }
            store.commit(vec![count()]).await?
        }
        outcome => outcome?,
    };
    let Some(Done::Set(stat)) = done.first() else {
        return Err(StoreError::Other("a set was not answered as one".to_string()).into());
    };
    reserved_max.checked_add(stat.version).ok_or(LayoutError::NoBrokerId(reserved_max))
}

/// Registers this broker and gives its epoch, the transaction that made its node.
///
/// Its node may be there already. Of this session (the answer to a former try got lost): it is
/// written again. Of a former run's session: that ends within `patience` (the session time-out), so
/// it is awaited, and `waiting` is called once before that.
///
/// # Errors
/// `BrokerIdTaken` when the other session does not end in that time.
pub async fn register_broker(
    store: &dyn Store,
    id: BrokerId,
    registration: &BrokerRegistration,
    with_features: bool,
    patience: Duration,
    waiting: impl Fn() + Send,
) -> Result<i64, LayoutError> {
    let path = paths::broker(id);
    let data = Some(registration.encode(with_features));
    let deadline = Instant::now() + patience;
    let mut told = false;
    loop {
        let set = Op::Set { path: path.clone(), data: data.clone(), version: None };
        let outcome = store.commit(vec![create(&path, None, Life::Ephemeral), set.clone()]).await;
        match outcome {
            Ok(done) => return epoch_of(&done),
            Err(StoreError::NodeExists(_)) => {}
            Err(error) => return Err(error.into()),
        }
        // Watched before it is read, so that its end is not missed.
        let mut changes = store.watch(&path).await?;
        let Some(node) = store.get(&path).await? else { continue };
        if is_own(store, &node) {
            match store.commit(vec![set]).await {
                Ok(done) => return epoch_of(&done),
                Err(StoreError::NoNode(_)) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        if !told {
            waiting();
            told = true;
        }
        let vanished = async {
            while let Some(change) = changes.recv().await {
                let unchanged = matches!(&change, Change::Node(other) if *other != path);
                if !unchanged && store.get(&path).await?.is_none() {
                    break;
                }
            }
            Ok::<(), StoreError>(())
        };
        match tokio::time::timeout_at(deadline, vanished).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(LayoutError::BrokerIdTaken(id)),
        }
    }
}

fn is_own(store: &dyn Store, node: &Node) -> bool {
    matches!(*store.session().borrow(), Session::Live(id) if id == node.stat.ephemeral_owner)
}

fn epoch_of(done: &[Done]) -> Result<i64, LayoutError> {
    let stat = done.iter().find_map(|done| match done {
        Done::Set(stat) => Some(stat.czxid),
        Done::Created(..) | Done::Deleted | Done::Checked => None,
    });
    let missing = || StoreError::Other("a set was not answered as one".to_string());
    Ok(stat.ok_or_else(missing)?)
}

/// Takes this broker's registration away (a clean shutdown closes the session instead, which does
/// it too). A node that is not there, or not this session's, is left alone.
pub async fn unregister_broker(store: &dyn Store, id: BrokerId) -> Result<(), StoreError> {
    let path = paths::broker(id);
    match store.get(&path).await? {
        Some(node) if is_own(store, &node) => {}
        _ => return Ok(()),
    }
    match store.commit(vec![Op::Delete { path, version: None }]).await {
        Ok(_) | Err(StoreError::NoNode(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
