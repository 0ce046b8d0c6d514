//! One member of a classic group. As Kafka's `MemberMetadata`.

use std::sync::Arc;

use bytes::Bytes;

use super::Token;

/// A protocol (assignor) that a member supports, with what it says to the leader about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its name, e.g. `range`.
    pub name: Arc<str>,
    /// Opaque; for consumers a ConsumerProtocolSubscription.
    pub metadata: Bytes,
}

/// A member.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its id, made by the coordinator.
    pub id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// The client id of its first join.
    pub client_id: Arc<str>,
    /// Where it came from, as Kafka prints it: `/127.0.0.1`.
    pub client_host: Arc<str>,
    /// Milliseconds that it may take to join again in a rebalance.
    pub rebalance_timeout_ms: i32,
    /// Milliseconds without a heartbeat after which it is removed.
    pub session_timeout_ms: i32,
    /// What it supports, in its order of preference.
    pub protocols: Vec<Protocol>,
    /// Its part of the assignment of the current generation.
    pub assignment: Bytes,
    pub(in crate::coordinator::group) awaiting_join: Option<Token>,
    pub(in crate::coordinator::group) awaiting_sync: Option<Token>,
    /// In its first join: it cannot send heartbeats yet.
    pub(super) is_new: bool,
    /// When it is removed unless it is heard of; `None` while it waits for others.
    pub(in crate::coordinator::group) session_deadline: Option<i64>,
}

impl Member {
    /// What it says about itself for `protocol`; empty when it does not support it.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|p| &*p.name == protocol);
        found.map(|p| p.metadata.clone()).unwrap_or_default()
    }

    /// Waiting members need no heartbeats, but for those in their first join.
    pub(super) fn may_expire(&self) -> bool {
        self.is_new || (self.awaiting_join.is_none() && self.awaiting_sync.is_none())
    }
}

impl Default for Member {
    fn default() -> Self {
        let none: Arc<str> = "".into();
        Member {
            id: none.clone(),
            instance_id: None,
            client_id: none.clone(),
            client_host: none,
            rebalance_timeout_ms: 0,
            session_timeout_ms: 0,
            protocols: Vec::new(),
            assignment: Bytes::new(),
            awaiting_join: None,
            awaiting_sync: None,
            is_new: false,
            session_deadline: None,
        }
    }
}
