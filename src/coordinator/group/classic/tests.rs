//! The rules of classic groups, each as a script.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::*;
use crate::coordinator::group::{GroupConfig, GroupError};

mod joining;
mod random;
mod sessions;
mod static_members;
mod syncing;

/// A group with a clock, that stores at once unless told otherwise.
pub(super) struct Script {
    pub group: ClassicGroup,
    pub ticks: i64,
    next: u64,
    pub joins: Vec<(Token, JoinReply)>,
    pub syncs: Vec<(Token, SyncReply)>,
    /// What was given to be stored.
    pub stores: Vec<Store>,
    /// Reports stores as done when they are asked for.
    pub stores_at_once: bool,
}

impl Script {
    pub fn new() -> Script {
        Script::with(GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() })
    }

    pub fn with(config: GroupConfig) -> Script {
        Script {
            group: ClassicGroup::new(Arc::new(config), Now::default()),
            ticks: 0,
            next: 0,
            joins: Vec::new(),
            syncs: Vec::new(),
            stores: Vec::new(),
            stores_at_once: true,
        }
    }

    pub fn now(&self) -> Now {
        Now { ticks: self.ticks, wall: 1_700_000_000_000 + self.ticks }
    }

    pub fn absorb(&mut self, effects: Effects) {
        self.joins.extend(effects.joins);
        self.syncs.extend(effects.syncs);
        for store in effects.stores {
            if self.stores_at_once {
                let effects = self.group.stored(self.now(), store.purpose, Ok(()));
                self.absorb(effects);
            } else {
                self.stores.push(store);
            }
        }
    }

    /// Goes forward, ticking at every deadline.
    pub fn advance(&mut self, ms: i64) {
        let end = self.ticks + ms;
        while self.group.armed <= end {
            self.ticks = self.ticks.max(self.group.armed);
            let effects = self.group.tick(self.now());
            self.absorb(effects);
        }
        self.ticks = end;
    }

    pub fn send_join(&mut self, request: JoinRequest) -> Token {
        self.next += 1;
        let effects = self.group.join(self.now(), self.next, request);
        self.absorb(effects);
        self.next
    }

    pub fn send_sync(&mut self, request: SyncRequest) -> Token {
        self.next += 1;
        let effects = self.group.sync(self.now(), self.next, request);
        self.absorb(effects);
        self.next
    }

    pub fn join_reply(&self, token: Token) -> Option<JoinReply> {
        self.joins.iter().find(|(t, _)| *t == token).map(|(_, reply)| reply.clone())
    }

    pub fn sync_reply(&self, token: Token) -> Option<SyncReply> {
        self.syncs.iter().find(|(t, _)| *t == token).map(|(_, reply)| reply.clone())
    }

    /// Joins that are answered at once.
    pub fn join_now(&mut self, request: JoinRequest) -> JoinReply {
        let token = self.send_join(request);
        self.join_reply(token).expect("an answer at once")
    }

    /// A stable group of one dynamic member, which leads it.
    pub fn stable_with_one(&mut self) -> Arc<str> {
        let token = self.send_join(request("a"));
        self.advance(0);
        let id = self.join_reply(token).expect("joined").member_id;
        self.send_sync(sync(&id, 1, &[(&id, "all")]));
        assert_eq!(self.group.state(), State::Stable);
        id
    }

    pub fn heartbeat(&mut self, id: &str, generation: i32) -> Result<(), GroupError> {
        let (result, effects) = self.group.heartbeat(self.now(), &identity(id), generation);
        self.absorb(effects);
        result
    }

    pub fn leave(&mut self, members: &[LeavingMember]) -> Left {
        let (left, effects) = self.group.leave(self.now(), members);
        self.absorb(effects);
        left
    }
}

/// A first join of client `client`, as of v3: without known member id.
pub(super) fn request(client: &str) -> JoinRequest {
    JoinRequest {
        identity: Identity::default(),
        client_id: client.into(),
        client_host: "/127.0.0.1".into(),
        require_known_member_id: false,
        can_skip_assignment: false,
        rebalance_timeout_ms: 60_000,
        session_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: protocols(&["range"]),
        reason: None,
        unique: Uuid::new_v4(),
    }
}

pub(super) fn again(client: &str, id: &str) -> JoinRequest {
    JoinRequest { identity: identity(id), ..request(client) }
}

pub(super) fn protocols(names: &[&str]) -> Vec<Protocol> {
    let metadata = Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff");
    names.iter().map(|n| Protocol { name: (*n).into(), metadata: metadata.clone() }).collect()
}

pub(super) fn identity(id: &str) -> Identity {
    Identity { member_id: id.into(), instance_id: None }
}

pub(super) fn sync(id: &str, generation: i32, assignments: &[(&str, &str)]) -> SyncRequest {
    SyncRequest {
        identity: identity(id),
        generation,
        assignments: assignments
            .iter()
            .map(|(id, part)| ((*id).into(), Bytes::copy_from_slice(part.as_bytes())))
            .collect(),
        ..SyncRequest::default()
    }
}

pub(super) fn leaving(id: &str) -> LeavingMember {
    LeavingMember { identity: identity(id), reason: None }
}
