//! The controller's reads and writes of the store. Every write of a term is one transaction
//! `[check /controller_epoch; op]`, so that a deposed controller cannot write.

use super::error::Trouble;
use crate::metadata::records::{PartitionState, TopicAssignment, paths};
use crate::metadata::store::{Done, Life, Node, Op, SharedStore, Stat, StoreError};
use crate::types::TopicPartition;
use bytes::Bytes;
use futures_util::StreamExt;

/// Transactions in flight at a time.
const PIPELINE: usize = 128;

/// The store, with what the controller does with it.
#[derive(Clone)]
pub(super) struct Nodes {
    /// The store itself.
    pub store: SharedStore,
}

/// A persistent node to be created.
pub(super) fn create(path: String, data: Option<Bytes>) -> Op {
    Op::Create { path, data, life: Life::Persistent }
}

impl Nodes {
    /// Commits each operation by itself under the fence, in order, pipelined.
    ///
    /// # Errors
    /// [`Trouble`] when the fence did not hold or the store failed; what the operation itself
    /// found (no node, wrong version, …) is in its own result.
    pub async fn fenced(
        &self,
        fence: i32,
        ops: Vec<Op>,
    ) -> Result<Vec<Result<Done, StoreError>>, Trouble> {
        let check = Op::Check { path: paths::CONTROLLER_EPOCH.into(), version: fence };
        let commits = ops.into_iter().map(|op| self.store.commit(vec![check.clone(), op]));
        let results: Vec<_> =
            futures_util::stream::iter(commits).buffered(PIPELINE).collect().await;
        results.into_iter().map(|result| settle(result, 1)).collect()
    }

    /// Commits one operation under the fence.
    pub async fn fenced_one(
        &self,
        fence: i32,
        op: Op,
    ) -> Result<Result<Done, StoreError>, Trouble> {
        let mut results = self.fenced(fence, vec![op]).await?;
        Ok(results.pop().unwrap_or_else(|| Err(StoreError::Other("no result".into()))))
    }

    /// Commits one operation without the fence.
    pub async fn plain(&self, op: Op) -> Result<Done, StoreError> {
        let mut done = self.store.commit(vec![op]).await?;
        done.pop().ok_or_else(|| StoreError::Other("no result".into()))
    }

    /// Reads many nodes, pipelined, in order.
    pub async fn get_all(&self, paths: Vec<String>) -> Result<Vec<Option<Node>>, StoreError> {
        let reads = paths.into_iter().map(|path| async move { self.store.get(&path).await });
        let results: Vec<_> = futures_util::stream::iter(reads).buffered(PIPELINE).collect().await;
        results.into_iter().collect()
    }

    /// Names of the children, none where there is no node.
    pub async fn children(&self, path: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.store.children(path).await?.unwrap_or_default())
    }

    /// States of partitions, with their versions; `None` where there is none that can be read.
    pub async fn states(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<(PartitionState, Stat)>>, StoreError> {
        let path = |p: &TopicPartition| paths::partition_state(&p.topic, p.partition);
        let nodes = self.get_all(partitions.iter().map(path).collect()).await?;
        let decode = |node: Option<Node>| {
            let node = node?;
            Some((PartitionState::decode(node.data.as_deref()?).ok()?, node.stat))
        };
        Ok(nodes.into_iter().map(decode).collect())
    }

    /// Assignments of topics; `None` where there is none that can be read.
    pub async fn assignments(
        &self,
        topics: &[impl AsRef<str>],
    ) -> Result<Vec<Option<TopicAssignment>>, StoreError> {
        let path = |t| paths::topic(AsRef::<str>::as_ref(t));
        let nodes = self.get_all(topics.iter().map(path).collect()).await?;
        let decode = |node: Option<Node>| TopicAssignment::decode(node?.data.as_deref()?).ok();
        Ok(nodes.into_iter().map(decode).collect())
    }
}

/// Tells what the fence and the store say from what the operation (at index `own`) says.
fn settle(
    result: Result<Vec<Done>, StoreError>,
    own: usize,
) -> Result<Result<Done, StoreError>, Trouble> {
    match result {
        Ok(mut done) => match done.pop() {
            Some(done) => Ok(Ok(done)),
            None => Err(StoreError::Other("no result".into()).into()),
        },
        Err(StoreError::BadVersion(0) | StoreError::NoNode(0)) => Err(Trouble::Deposed),
        Err(
            error @ (StoreError::NoNode(at)
            | StoreError::NodeExists(at)
            | StoreError::BadVersion(at)
            | StoreError::NotEmpty(at)),
        ) if at == own => Ok(Err(error)),
        Err(error) => Err(error.into()),
    }
}
