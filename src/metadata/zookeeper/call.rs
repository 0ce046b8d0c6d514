//! The store's calls in terms of the client crate, and the crate's errors in the store's.
//!
//! A commit of one operation is sent as the plain operation, several as a multi, so that
//! ZooKeeper's transaction log looks as if Kafka had written it.

use crate::metadata::store::{Done, Life, Node, Op, Stat, StoreError};
use bytes::Bytes;
use std::future::Future;
use tokio::time::Instant;
use zookeeper_client::{Acls, Client, CreateMode, Error, MultiWriteError, MultiWriteResult};

/// The outcome, or `Unavailable` after the deadline.
pub(super) async fn bounded<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout_at(deadline, call).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::Unavailable("no answer in time".to_string())),
    }
}

/// An error of the operation at `at`.
pub(super) fn error(at: usize, error: Error) -> StoreError {
    match error {
        Error::NoNode => StoreError::NoNode(at),
        Error::NodeExists => StoreError::NodeExists(at),
        Error::BadVersion => StoreError::BadVersion(at),
        Error::NotEmpty => StoreError::NotEmpty(at),
        Error::SessionExpired | Error::SessionMoved | Error::ClientClosed => {
            StoreError::SessionExpired
        }
        Error::ConnectionLoss
        | Error::NoHosts
        | Error::Timeout
        | Error::Throttled
        | Error::NotReadOnly => StoreError::Unavailable(error.to_string()),
        // What breaks a connection reaches waiting calls as an error of its own.
        Error::Custom(reason) => StoreError::Unavailable(reason.to_string()),
        other => StoreError::Other(other.to_string()),
    }
}

fn stat(stat: zookeeper_client::Stat) -> Stat {
    Stat {
        czxid: stat.czxid,
        mzxid: stat.mzxid,
        version: stat.version,
        ephemeral_owner: stat.ephemeral_owner,
    }
}

pub(super) async fn get(client: &Client, path: &str) -> Result<Option<Node>, StoreError> {
    match client.get_data(path).await {
        Ok((data, found)) => {
            let data = (!data.is_empty()).then(|| Bytes::from(data));
            Ok(Some(Node { data, stat: stat(found) }))
        }
        Err(Error::NoNode) => Ok(None),
        Err(other) => Err(error(0, other)),
    }
}

pub(super) async fn children(
    client: &Client,
    path: &str,
) -> Result<Option<Vec<String>>, StoreError> {
    match client.list_children(path).await {
        Ok(mut names) => {
            names.sort_unstable();
            Ok(Some(names))
        }
        Err(Error::NoNode) => Ok(None),
        Err(other) => Err(error(0, other)),
    }
}

/// Makes what other sessions did before visible to this one.
pub(super) async fn sync(client: &Client) -> Result<(), StoreError> {
    client.sync("/").await.map_err(|failed| error(0, failed))
}

pub(super) async fn commit(client: &Client, ops: &[Op]) -> Result<Vec<Done>, StoreError> {
    match ops {
        [] => Ok(Vec::new()),
        [op] => Ok(vec![single(client, op).await.map_err(|failed| error(0, failed))?]),
        ops => multi(client, ops).await,
    }
}

fn mode(life: Life) -> CreateMode {
    match life {
        Life::Persistent => CreateMode::Persistent,
        Life::Ephemeral => CreateMode::Ephemeral,
        Life::Sequential => CreateMode::PersistentSequential,
    }
}

async fn single(client: &Client, op: &Op) -> Result<Done, Error> {
    match op {
        Op::Create { path, data, life } => {
            let options = mode(*life).with_acls(Acls::anyone_all());
            let data = data.as_deref().unwrap_or_default();
            let (created, number) = client.create(path, data, &options).await?;
            let path = match life {
                Life::Sequential => format!("{path}{number}"),
                Life::Persistent | Life::Ephemeral => path.clone(),
            };
            Ok(Done::Created(path, stat(created)))
        }
        Op::Set { path, data, version } => {
            let data = data.as_deref().unwrap_or_default();
            Ok(Done::Set(stat(client.set_data(path, data, *version).await?)))
        }
        Op::Delete { path, version } => {
            client.delete(path, *version).await?;
            Ok(Done::Deleted)
        }
        Op::Check { path, version } => {
            let mut writer = client.new_multi_writer();
            writer.add_check_version(path, *version)?;
            writer.commit().await?;
            Ok(Done::Checked)
        }
    }
}

async fn multi(client: &Client, ops: &[Op]) -> Result<Vec<Done>, StoreError> {
    let mut writer = client.new_multi_writer();
    for (at, op) in ops.iter().enumerate() {
        let added = match op {
            Op::Create { path, data, life } => {
                let options = mode(*life).with_acls(Acls::anyone_all());
                writer.add_create(path, data.as_deref().unwrap_or_default(), &options)
            }
            Op::Set { path, data, version } => {
                writer.add_set_data(path, data.as_deref().unwrap_or_default(), *version)
            }
            Op::Delete { path, version } => writer.add_delete(path, *version),
            Op::Check { path, version } => writer.add_check_version(path, *version),
        };
        added.map_err(|failed| error(at, failed))?;
    }
    let results = writer.commit().await.map_err(|failed| match failed {
        MultiWriteError::RequestFailed { source } => error(0, source),
        MultiWriteError::OperationFailed { index, source } => error(index, source),
    })?;
    let mut done = Vec::with_capacity(results.len());
    for result in results {
        done.push(match result {
            MultiWriteResult::Check => Done::Checked,
            MultiWriteResult::Delete => Done::Deleted,
            MultiWriteResult::SetData { stat: set } => Done::Set(stat(set)),
            MultiWriteResult::Create { path, stat: created } => {
                Done::Created(path.clone(), created_stat(client, &path, created).await?)
            }
            // The crate's enum may grow; what it has grown we did not ask for.
            other => return Err(StoreError::Other(format!("unexpected result {other:?}"))),
        });
    }
    Ok(done)
}

/// Some servers leave the stat out when a create is part of a multi (ZOOKEEPER-4026): ask again.
async fn created_stat(
    client: &Client,
    path: &str,
    created: zookeeper_client::Stat,
) -> Result<Stat, StoreError> {
    if !created.is_invalid() {
        return Ok(stat(created));
    }
    let found = client.check_stat(path).await.map_err(|failed| error(0, failed))?;
    Ok(found.map(stat).unwrap_or_default())
}
