//! One group under its lock: members, offsets, and the requests that wait for it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::classic::{ClassicGroup, JoinReply, SyncReply, Token};
use super::offsets::Offsets;

/// A group, shared.
pub(super) struct GroupCell {
    /// The group's id.
    pub id: Arc<str>,
    /// The partition of `__consumer_offsets` that keeps it.
    pub partition: i32,
    /// Everything that changes.
    pub inner: Mutex<Inner>,
}

/// What the lock protects.
pub(super) struct Inner {
    pub group: ClassicGroup,
    pub offsets: Offsets,
    joins: HashMap<Token, oneshot::Sender<JoinReply>>,
    syncs: HashMap<Token, oneshot::Sender<SyncReply>>,
    next_token: Token,
    /// The deadline that counts (ticks).
    pub scheduled: i64,
}

impl GroupCell {
    pub fn new(id: Arc<str>, partition: i32, group: ClassicGroup, offsets: Offsets) -> Arc<Self> {
        let inner = Inner {
            group,
            offsets,
            joins: HashMap::new(),
            syncs: HashMap::new(),
            next_token: 0,
            scheduled: i64::MAX,
        };
        Arc::new(GroupCell { id, partition, inner: Mutex::new(inner) })
    }
}

impl Inner {
    /// A place for the answer to a join.
    pub fn await_join(&mut self) -> (Token, oneshot::Receiver<JoinReply>) {
        let (sender, receiver) = oneshot::channel();
        self.next_token += 1;
        self.joins.insert(self.next_token, sender);
        (self.next_token, receiver)
    }

    /// A place for the answer to a sync.
    pub fn await_sync(&mut self) -> (Token, oneshot::Receiver<SyncReply>) {
        let (sender, receiver) = oneshot::channel();
        self.next_token += 1;
        self.syncs.insert(self.next_token, sender);
        (self.next_token, receiver)
    }

    /// Answers a join. Its client may be gone.
    pub fn answer_join(&mut self, token: Token, reply: JoinReply) {
        if let Some(sender) = self.joins.remove(&token) {
            let _ = sender.send(reply);
        }
    }

    /// Answers a sync. Its client may be gone.
    pub fn answer_sync(&mut self, token: Token, reply: SyncReply) {
        if let Some(sender) = self.syncs.remove(&token) {
            let _ = sender.send(reply);
        }
    }
}
