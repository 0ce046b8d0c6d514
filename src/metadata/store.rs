//! The metadata store: a small versioned tree with watches, what ZooKeeper gives and all we ask.
//!
//! Few write it (controller, configuration changes, registration); everybody reads the
//! [image](super::image) instead. Paths are absolute and without the chroot: `/brokers/ids/1`.
//! Two implementations pass one contract suite (`metadata/contract.rs`); no caller may ask which
//! one it has.

use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// Versions and ownership of a node, as in ZooKeeper's `Stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Transaction that created the node. For `/brokers/ids/N` it is the broker epoch.
    pub czxid: i64,
    /// Transaction that last changed the data.
    pub mzxid: i64,
    /// Changes of the data since creation, from 0.
    pub version: i32,
    /// Session that owns an ephemeral node, 0 for a persistent one.
    pub ephemeral_owner: i64,
}

/// A node as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// `None` where Kafka writes `null`. Empty content reads as `None` too.
    pub data: Option<Bytes>,
    /// Its versions.
    pub stat: Stat,
}

/// How a created node lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Until deleted.
    Persistent,
    /// Until its session ends.
    Ephemeral,
    /// Persistent; ten digits, counted per parent, are added to the name.
    Sequential,
}

/// One operation of a [`Store::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Creates a node; its parent must exist.
    Create {
        /// Full path (for [`Life::Sequential`] the path without its number).
        path: String,
        /// Content; `None` is stored as `null`.
        data: Option<Bytes>,
        /// How long it lives.
        life: Life,
    },
    /// Replaces a node's data.
    Set {
        /// Full path.
        path: String,
        /// New content.
        data: Option<Bytes>,
        /// Expected version, `None` for any.
        version: Option<i32>,
    },
    /// Deletes a node without children.
    Delete {
        /// Full path.
        path: String,
        /// Expected version, `None` for any.
        version: Option<i32>,
    },
    /// Does nothing but fail the commit unless the node has this version.
    Check {
        /// Full path.
        path: String,
        /// Expected version.
        version: i32,
    },
}

/// What an operation of a successful commit did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Created, at this path (with its number when sequential) and with this stat.
    Created(String, Stat),
    /// Data set, with the stat after it.
    Set(Stat),
    /// Deleted.
    Deleted,
    /// Version was as expected.
    Checked,
}

/// Why a store call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The operation at this index found no node (or no parent).
    #[error("operation {0}: no such node")]
    NoNode(usize),
    /// The operation at this index found the node already there.
    #[error("operation {0}: node exists")]
    NodeExists(usize),
    /// The operation at this index found another version.
    #[error("operation {0}: version is not the expected one")]
    BadVersion(usize),
    /// The operation at this index wanted to delete a node with children.
    #[error("operation {0}: node has children")]
    NotEmpty(usize),
    /// The session is gone: its ephemeral nodes too. A new one is being made.
    #[error("the metadata session has expired")]
    SessionExpired,
    /// No answer in time; the operation may or may not have been carried out.
    #[error("the metadata store does not answer: {0}")]
    Unavailable(String),
    /// Not allowed, malformed, or a fault of the store itself.
    #[error("metadata store: {0}")]
    Other(String),
}

/// What a [`Store::watch`] reports, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something at or below the watched path: this node was created, changed or deleted.
    Node(String),
    /// Changes may have been missed (reconnected, new session, too slow a reader): read all again.
    Resync,
}

/// State of the session with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// Live, with this id. A new id after `Lost` means: ephemeral nodes must be made again.
    Live(i64),
    /// Connection lost; the session may still be alive at the server. Act as if not the controller.
    Suspended,
    /// Expired; a new one is being made.
    Lost,
}

/// Watched changes of a subtree. Dropping it ends the watch.
pub type Watch = tokio::sync::mpsc::Receiver<Change>;

/// The store. All calls are bounded in time by the implementation (`Unavailable`).
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The node, or `None` where there is none.
    async fn get(&self, path: &str) -> Result<Option<Node>, StoreError>;

    /// Names (not paths) of the children, ascending; `None` where there is no node.
    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, StoreError>;

    /// Carries out all operations, or none and says which one failed. One [`Done`] each.
    async fn commit(&self, ops: Vec<Op>) -> Result<Vec<Done>, StoreError>;

    /// Changes at and below `path` (which need not exist) from now on. The first item is always
    /// [`Change::Resync`], so that a reader has one loop only.
    async fn watch(&self, path: &str) -> Result<Watch, StoreError>;

    /// The session's state, to be awaited.
    fn session(&self) -> tokio::sync::watch::Receiver<Session>;

    /// Session time-out as granted; an upper bound for how long a dead broker's nodes live.
    fn session_timeout(&self) -> Duration;

    /// Ends the session, so that its ephemeral nodes vanish at once.
    async fn close(&self);
}

/// A shared store.
pub type SharedStore = Arc<dyn Store>;
