//! A member as a client library behaves: joins, syncs, heartbeats, and does what errors ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use super::check::Told;
use super::world::Broker;
use crate::coordinator::group::GroupError;
use crate::coordinator::group::classic::{
    Identity, JoinReply, JoinRequest, Protocol, SyncReply, SyncRequest,
};

pub const GROUP: &str = "g";
/// Partitions that a leader spreads.
pub const PARTS: u8 = 8;

/// A request on its way, and to whom.
pub struct Pending<T> {
    pub answer: JoinHandle<T>,
    pub since: Instant,
    broker: Broker,
}

/// What a client is about.
pub enum Doing {
    Nothing,
    Joining(Pending<JoinReply>),
    Syncing(Pending<SyncReply>),
    Member,
}

/// A client.
pub struct Client {
    pub instance: Option<Arc<str>>,
    pub id: Arc<str>,
    pub generation: i32,
    pub doing: Doing,
    pub parts: BTreeSet<u8>,
    /// JoinGroup v4 or later, v9 or later.
    version: (bool, bool),
    /// Whom it takes for the coordinator.
    pub broker: Broker,
    /// The group was full, or it uses the name of another: it does not come back by itself.
    pub is_out: bool,
}

impl Client {
    pub fn new(n: usize, broker: Broker) -> Client {
        Client {
            // Two static members, and a third that bears the name of the second.
            instance: match n {
                0 => Some("i0".into()),
                1 | 2 => Some("i1".into()),
                _ => None,
            },
            id: "".into(),
            generation: -1,
            doing: Doing::Nothing,
            parts: BTreeSet::new(),
            version: (!n.is_multiple_of(3), n.is_multiple_of(2)),
            broker,
            is_out: false,
        }
    }

    pub fn identity(&self) -> Identity {
        Identity { member_id: self.id.clone(), instance_id: self.instance.clone() }
    }

    /// What it goes by over restarts.
    fn name(&self) -> Arc<str> {
        self.instance.clone().unwrap_or_else(|| self.id.clone())
    }

    /// Forgets everything, as a process that ends.
    pub fn die(&mut self) {
        self.id = "".into();
        self.generation = -1;
        self.parts.clear();
        self.doing = Doing::Nothing;
    }

    /// Since when it waits for an answer.
    pub fn waits_since(&self) -> Option<Instant> {
        match &self.doing {
            Doing::Joining(pending) => Some(pending.since),
            Doing::Syncing(pending) => Some(pending.since),
            Doing::Nothing | Doing::Member => None,
        }
    }

    /// Does what is next: nothing while it waits.
    pub fn act(&mut self, unique: u128) {
        match self.doing {
            Doing::Nothing => self.join(unique),
            Doing::Member => {
                let result =
                    self.broker.coordinator.heartbeat(GROUP, &self.identity(), self.generation);
                self.obey(result.err());
            }
            Doing::Joining(_) | Doing::Syncing(_) => {}
        }
    }

    /// Sends a JoinGroup.
    pub fn join(&mut self, unique: u128) {
        self.is_out = false;
        let metadata = Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff");
        let request = JoinRequest {
            identity: self.identity(),
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            require_known_member_id: self.version.0 && self.instance.is_none(),
            can_skip_assignment: self.version.1,
            rebalance_timeout_ms: 60_000,
            session_timeout_ms: 10_000,
            protocol_type: "consumer".into(),
            protocols: vec![Protocol { name: "range".into(), metadata }],
            reason: None,
            unique: Uuid::from_u128(unique),
        };
        let coordinator = self.broker.coordinator.clone();
        let answer = tokio::spawn(async move { coordinator.join(GROUP, request).await });
        self.doing = Doing::Joining(self.pending(answer));
    }

    fn pending<T>(&self, answer: JoinHandle<T>) -> Pending<T> {
        Pending { answer, since: Instant::now(), broker: self.broker.clone() }
    }

    fn sync(&mut self, assignments: BTreeMap<Arc<str>, Bytes>) {
        let request = SyncRequest {
            identity: self.identity(),
            generation: self.generation,
            protocol_type: Some("consumer".into()),
            protocol: Some("range".into()),
            assignments,
        };
        let coordinator = self.broker.coordinator.clone();
        let answer = tokio::spawn(async move { coordinator.sync(GROUP, request).await });
        self.doing = Doing::Syncing(self.pending(answer));
    }

    /// Takes an answer that has come. `now` is the coordinator of now.
    pub fn receive(&mut self, now: &Broker, told: &mut Told) {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Joining(pending) if pending.answer.is_finished() => {
                let reply = pending.answer.now_or_never().expect("finished").expect("no panic");
                self.joined(&pending.broker, now, reply, told);
            }
            Doing::Syncing(pending) if pending.answer.is_finished() => {
                let reply = pending.answer.now_or_never().expect("finished").expect("no panic");
                self.synced(reply, told);
            }
            other => self.doing = other,
        }
    }

    fn joined(&mut self, by: &Broker, now: &Broker, reply: JoinReply, told: &mut Told) {
        if reply.error == Some(GroupError::MemberIdRequired) {
            self.id = reply.member_id;
            return;
        }
        if reply.error.is_some() {
            return self.obey(reply.error);
        }
        assert!(!reply.member_id.is_empty());
        self.id = reply.member_id.clone();
        self.generation = reply.generation;
        let leads = !reply.members.is_empty() && !reply.skip_assignment;
        let mut assignments = BTreeMap::new();
        if leads {
            assert_eq!(reply.leader, reply.member_id, "who gets the members is told to lead");
            told.leads(by.incarnation, reply.generation, &reply.member_id);
            for (n, member) in reply.members.iter().enumerate() {
                let parts = (0..PARTS).filter(|p| usize::from(*p) % reply.members.len() == n);
                let part: Vec<u8> =
                    reply.generation.to_be_bytes().into_iter().chain(parts).collect();
                assignments.insert(member.member_id.clone(), Bytes::from(part));
            }
            assert!(assignments.contains_key(&self.id), "the leader is a member");
            assert_eq!(assignments.len(), reply.members.len(), "each member once");
        }
        // A generation of one broker says nothing to the next.
        if by.incarnation == now.incarnation {
            self.sync(assignments);
        }
    }

    fn synced(&mut self, reply: SyncReply, told: &mut Told) {
        if reply.error.is_some() {
            return self.obey(reply.error);
        }
        let (_, parts) = reply.assignment.split_at_checked(4).expect("an assignment, once");
        self.parts = parts.iter().copied().collect();
        told.assigned(self.generation, &self.name(), &self.parts);
        self.doing = Doing::Member;
    }

    /// Does what an error asks for.
    fn obey(&mut self, error: Option<GroupError>) {
        let Some(error) = error else { return };
        self.doing = Doing::Nothing;
        match error {
            GroupError::UnknownMemberId | GroupError::IllegalGeneration => self.die(),
            GroupError::FencedInstanceId | GroupError::GroupMaxSizeReached => {
                self.die();
                self.is_out = true;
            }
            GroupError::RebalanceInProgress
            | GroupError::NotCoordinator
            | GroupError::CoordinatorNotAvailable
            | GroupError::CoordinatorLoadInProgress
            | GroupError::Unexpected(_) => {}
            other => panic!("{other} to {:?}", self.identity()),
        }
    }
}
