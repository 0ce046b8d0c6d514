//! One group under its lock: members, offsets, and the requests that wait for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::GroupConfig;
use super::classic::{ClassicGroup, JoinReply, Now, State, SyncReply, Token};
use super::consumer::group::GroupState;
use super::consumer::machine::ConsumerMachine;
use super::offsets::Offsets;

/// A group, shared.
pub(super) struct GroupCell {
    /// The group's id.
    pub id: Arc<str>,
    /// The partition of `__consumer_offsets` that keeps it.
    pub partition: i32,
    /// Everything that changes.
    pub inner: Mutex<Inner>,
    /// Where the log ended after the last record of a KIP-848 group.
    written: AtomicI64,
    /// Up to where the log is known to be replicated.
    replicated: AtomicI64,
}

/// The members, by the protocol that they speak.
pub(super) enum Group {
    /// The classic rebalance protocol, and groups that only store offsets. A group that was
    /// removed is one in state `Dead`, whatever it was.
    Classic(ClassicGroup),
    /// KIP-848, perhaps with members that still speak the classic protocol.
    Consumer(ConsumerMachine),
}

impl Group {
    /// Whether the group was removed, or is another broker's now.
    pub fn is_dead(&self) -> bool {
        matches!(self, Group::Classic(group) if group.state() == State::Dead)
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        match self {
            Group::Classic(group) => group.state() == State::Empty,
            Group::Consumer(machine) => machine.group.state() == GroupState::Empty,
        }
    }
}

/// What the lock protects.
pub(super) struct Inner {
    pub group: Group,
    pub offsets: Offsets,
    joins: HashMap<Token, oneshot::Sender<JoinReply>>,
    syncs: HashMap<Token, oneshot::Sender<SyncReply>>,
    next_token: Token,
    /// The deadline that counts (ticks).
    pub scheduled: i64,
}

impl GroupCell {
    pub fn new(id: Arc<str>, partition: i32, group: Group, offsets: Offsets) -> Arc<Self> {
        let inner = Inner {
            group,
            offsets,
            joins: HashMap::new(),
            syncs: HashMap::new(),
            next_token: 0,
            scheduled: i64::MAX,
        };
        Arc::new(GroupCell {
            id,
            partition,
            inner: Mutex::new(inner),
            written: AtomicI64::new(0),
            replicated: AtomicI64::new(0),
        })
    }

    /// Records of a KIP-848 group were appended; the log ends here now.
    pub fn wrote(&self, end_offset: i64) {
        self.written.fetch_max(end_offset, Ordering::Relaxed);
    }

    /// The log is replicated up to here.
    pub fn replicated(&self, end_offset: i64) {
        self.replicated.fetch_max(end_offset, Ordering::Relaxed);
    }

    /// Up to where the log must be replicated before an answer may tell of the group, if it is not
    /// known to be: another coordinator would not know of what is not. As the deferred events of
    /// Kafka's `CoordinatorRuntime`, also for requests that change nothing.
    pub fn unconfirmed(self: &Arc<Self>) -> Option<(Arc<GroupCell>, i64)> {
        let written = self.written.load(Ordering::Relaxed);
        let is_open = written > self.replicated.load(Ordering::Relaxed);
        is_open.then(|| (self.clone(), written))
    }
}

impl Inner {
    /// The group is no more; requests that still hold it find it dead.
    pub fn kill(&mut self, config: Arc<GroupConfig>, now: Now) {
        match &mut self.group {
            Group::Classic(group) => group.kill(now),
            Group::Consumer(_) => {
                let mut group = ClassicGroup::new(config, now);
                group.kill(now);
                self.group = Group::Classic(group);
            }
        }
    }

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

    /// The join was answered otherwise.
    pub fn forget_join(&mut self, token: Token) {
        self.joins.remove(&token);
    }

    /// The sync was answered otherwise.
    pub fn forget_sync(&mut self, token: Token) {
        self.syncs.remove(&token);
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
