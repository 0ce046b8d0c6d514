//! Members of the new protocol and of the classic one, as client libraries behave. A client uses
//! its partitions only while its session must still be alive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use super::client::GROUP;
use super::world::Broker;
use crate::coordinator::group::classic::{
    Identity, JoinReply, JoinRequest, JoinedMember, LeavingMember, Protocol, SyncReply, SyncRequest,
};
use crate::coordinator::group::consumer::Assignment;
use crate::coordinator::group::consumer::plan::{Heartbeat, LEAVE};
use crate::coordinator::group::consumer::protocol::read_subscription;
use crate::coordinator::group::{GroupError, HeartbeatError, HeartbeatReply};
use crate::types::TopicId;

pub const TOPIC: &str = "t";
const ID: TopicId = TopicId::from_u128(1);
/// `group.consumer.session.timeout.ms`, and the classic members' own.
const SESSION: Duration = Duration::from_secs(45);
/// `max.poll.interval.ms`: how long a member may take to give up what it is asked to.
const REBALANCE: Duration = Duration::from_secs(60);

enum Doing {
    Nothing,
    Beating(JoinHandle<Result<HeartbeatReply, HeartbeatError>>),
    Joining(JoinHandle<JoinReply>, u64),
    Syncing(JoinHandle<SyncReply>),
    Member,
}

/// A client of either kind.
pub struct Mixed {
    name: String,
    is_modern: bool,
    /// Of the classic protocol, and cooperative (KIP-429): it keeps what it has while it joins.
    keeps: bool,
    id: Arc<str>,
    epoch: i32,
    parts: BTreeSet<i32>,
    /// The next heartbeat carries everything: the last answer did not come.
    is_full: bool,
    doing: Doing,
    since: Instant,
    /// Until when its session is alive.
    alive: Instant,
    /// When it was last known not to be asked for anything: one that could not say in time that it
    /// gave up what it was asked to has lost the rest.
    unasked: Instant,
}

impl Mixed {
    pub fn new(n: usize, is_modern: bool, keeps: bool) -> Mixed {
        Mixed {
            name: format!("m{n}"),
            is_modern,
            keeps,
            id: "".into(),
            epoch: 0,
            parts: BTreeSet::new(),
            is_full: false,
            doing: Doing::Nothing,
            since: Instant::now(),
            alive: Instant::now(),
            unasked: Instant::now(),
        }
    }

    /// What it uses now.
    pub fn uses(&self) -> BTreeSet<i32> {
        let is_late = self.is_modern && self.unasked.elapsed() >= REBALANCE;
        let is_alive = Instant::now() < self.alive && !is_late;
        if is_alive { self.parts.clone() } else { BTreeSet::new() }
    }

    /// How long it has waited for an answer.
    pub fn waits(&self) -> Option<Duration> {
        let waits = !matches!(self.doing, Doing::Nothing | Doing::Member);
        Some(if waits { self.since.elapsed() } else { Duration::ZERO })
    }

    /// Forgets everything, as a process that ends.
    pub fn die(&mut self) {
        self.id = "".into();
        self.epoch = 0;
        self.parts.clear();
        self.is_full = false;
        self.doing = Doing::Nothing;
    }

    /// Does not get the answer that it waits for.
    pub fn lose(&mut self) {
        if !matches!(self.doing, Doing::Member | Doing::Nothing) {
            self.doing = Doing::Nothing;
            self.is_full = true;
        }
    }

    /// Leaves, and does not look whether it could.
    pub fn leave(&mut self, broker: &Broker) {
        let coordinator = broker.coordinator.clone();
        if self.is_modern && self.epoch > 0 {
            let beat = Heartbeat { epoch: LEAVE, ..self.heartbeat() };
            tokio::spawn(async move {
                let _ = coordinator.consumer_heartbeat(GROUP, beat).await;
            });
        } else if !self.id.is_empty() {
            let leaving = LeavingMember { identity: self.identity(), reason: None };
            let _ = coordinator.leave(GROUP, &[leaving]);
        }
        self.die();
    }

    fn identity(&self) -> Identity {
        Identity { member_id: self.id.clone(), instance_id: None }
    }

    /// Does what is next: nothing while it waits.
    pub fn act(&mut self, broker: &Broker, unique: u128) {
        match self.doing {
            Doing::Nothing | Doing::Member if self.is_modern => self.beat(broker),
            Doing::Nothing => self.join(broker, unique),
            Doing::Member => {
                let sent = Instant::now();
                let result = broker.coordinator.heartbeat(GROUP, &self.identity(), self.epoch);
                match result {
                    Ok(()) => self.alive = sent + SESSION,
                    Err(error) => self.obey(&error),
                }
            }
            _ => {}
        }
    }

    fn heartbeat(&self) -> Heartbeat {
        let is_full = self.is_full || self.epoch == 0;
        let parts = (!self.parts.is_empty()).then(|| (ID, self.parts.clone()));
        Heartbeat {
            member_id: self.name.clone(),
            epoch: self.epoch,
            rebalance_timeout_ms: if is_full { 60_000 } else { -1 },
            topics: is_full.then(|| BTreeSet::from([TOPIC.to_owned()])),
            owned: Some(parts.into_iter().collect::<Assignment>()),
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            ..Heartbeat::default()
        }
    }

    fn beat(&mut self, broker: &Broker) {
        if self.epoch == 0 {
            self.parts.clear();
        }
        let (beat, coordinator) = (self.heartbeat(), broker.coordinator.clone());
        self.since = Instant::now();
        self.doing = Doing::Beating(tokio::spawn(async move {
            coordinator.consumer_heartbeat(GROUP, beat).await
        }));
    }

    /// An eager member gives everything up before it joins, a cooperative one says what it has.
    fn join(&mut self, broker: &Broker, unique: u128) {
        if !self.keeps {
            self.parts.clear();
        }
        let metadata = b"\0\x01\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\x01\0\x01t";
        let metadata = with_parts(metadata, &self.parts).freeze();
        let request = JoinRequest {
            identity: self.identity(),
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            require_known_member_id: true,
            can_skip_assignment: true,
            rebalance_timeout_ms: 60_000,
            session_timeout_ms: SESSION.as_millis() as i32,
            protocol_type: "consumer".into(),
            protocols: vec![Protocol { name: "range".into(), metadata }],
            reason: None,
            unique: Uuid::from_u128(unique),
        };
        let coordinator = broker.coordinator.clone();
        let answer = tokio::spawn(async move { coordinator.join(GROUP, request).await });
        self.since = Instant::now();
        self.doing = Doing::Joining(answer, broker.incarnation);
    }

    /// Takes an answer that has come; the epoch that it tells.
    pub fn receive(&mut self, broker: &Broker, partitions: i32) -> i32 {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Beating(answer) if answer.is_finished() => {
                self.beaten(answer.now_or_never().expect("finished").expect("no panic"))
            }
            Doing::Joining(answer, by) if answer.is_finished() => {
                let reply = answer.now_or_never().expect("finished").expect("no panic");
                self.joined(reply, by, broker, partitions)
            }
            Doing::Syncing(answer) if answer.is_finished() => {
                let reply = answer.now_or_never().expect("finished").expect("no panic");
                self.synced(reply)
            }
            other => {
                self.doing = other;
                0
            }
        }
    }

    fn beaten(&mut self, answer: Result<HeartbeatReply, HeartbeatError>) -> i32 {
        match answer {
            Ok(reply) => {
                let before = self.parts.clone();
                if let Some(mut assignment) = reply.assignment {
                    self.parts = assignment.remove(&ID).unwrap_or_default();
                }
                if before.is_subset(&self.parts) {
                    self.unasked = self.since;
                }
                self.epoch = reply.epoch;
                self.is_full = false;
                self.alive = self.since + SESSION;
                reply.epoch
            }
            Err(HeartbeatError::Group(_)) => {
                self.is_full = true;
                0
            }
            Err(HeartbeatError::Refused(_)) => {
                self.die();
                0
            }
        }
    }

    fn joined(&mut self, reply: JoinReply, by: u64, broker: &Broker, partitions: i32) -> i32 {
        if let Some(error) = reply.error {
            match error {
                GroupError::MemberIdRequired => self.id = reply.member_id,
                error => self.obey(&error),
            }
            return 0;
        }
        self.id = reply.member_id;
        self.epoch = reply.generation;
        let assignments = assign(&reply.members, partitions);
        if by != broker.incarnation {
            return 0;
        }
        let request = SyncRequest {
            identity: self.identity(),
            generation: self.epoch,
            assignments,
            ..SyncRequest::default()
        };
        let coordinator = broker.coordinator.clone();
        self.since = Instant::now();
        self.doing =
            Doing::Syncing(tokio::spawn(async move { coordinator.sync(GROUP, request).await }));
        // A generation is kept with its first sync.
        0
    }

    fn synced(&mut self, reply: SyncReply) -> i32 {
        if let Some(error) = reply.error {
            self.obey(&error);
            return 0;
        }
        let before = std::mem::take(&mut self.parts);
        self.parts = parts(&reply.assignment).expect("an assignment");
        self.alive = self.since + SESSION;
        // A cooperative member that has given something up joins again to say so.
        let says_more = self.keeps && !before.is_subset(&self.parts);
        self.doing = if says_more { Doing::Nothing } else { Doing::Member };
        self.epoch
    }

    /// Does what an error asks for.
    fn obey(&mut self, error: &GroupError) {
        match error {
            GroupError::UnknownMemberId | GroupError::IllegalGeneration => self.die(),
            GroupError::RebalanceInProgress => {
                if !self.keeps {
                    self.parts.clear();
                }
                self.doing = Doing::Nothing;
            }
            GroupError::NotCoordinator
            | GroupError::CoordinatorNotAvailable
            | GroupError::CoordinatorLoadInProgress
            | GroupError::Unexpected(_) => {
                if !matches!(self.doing, Doing::Member) {
                    self.doing = Doing::Nothing;
                }
            }
            other => panic!("{other} to {}", self.name),
        }
    }
}

/// What a leader assigns: to each its part, but for what another still has.
fn assign(members: &[JoinedMember], partitions: i32) -> BTreeMap<Arc<str>, Bytes> {
    let owned = |m: &JoinedMember| {
        let read = read_subscription(&m.metadata).expect("a subscription");
        read.owned.into_iter().flat_map(|(_, parts)| parts).collect::<BTreeSet<i32>>()
    };
    let owned: Vec<BTreeSet<i32>> = members.iter().map(owned).collect();
    let is_free =
        |n: usize, p: &i32| owned.iter().enumerate().all(|(m, o)| m == n || !o.contains(p));
    let part = |(n, member): (usize, &JoinedMember)| {
        let mine = (0..partitions).filter(|p| *p as usize % members.len() == n);
        let mine: BTreeSet<i32> = mine.filter(|p| is_free(n, p)).collect();
        let mut out = with_parts(b"\0\x01\0\0\0\x01\0\x01t", &mine);
        out.extend([0xff; 4]);
        (member.member_id.clone(), out.freeze())
    };
    members.iter().enumerate().map(part).collect()
}

/// These bytes and a list of partitions.
fn with_parts(head: &[u8], parts: &BTreeSet<i32>) -> BytesMut {
    let mut out = BytesMut::from(head);
    out.extend((parts.len() as i32).to_be_bytes());
    parts.iter().for_each(|p| out.extend(p.to_be_bytes()));
    out
}

/// The partitions of `t` in a ConsumerProtocolAssignment.
fn parts(bytes: &[u8]) -> Option<BTreeSet<i32>> {
    let (topics, rest) = bytes.get(2..)?.split_first_chunk::<4>()?;
    if i32::from_be_bytes(*topics) == 0 {
        return Some(BTreeSet::new());
    }
    let (count, mut rest) = rest.get(3..)?.split_first_chunk::<4>()?;
    let mut parts = BTreeSet::new();
    for _ in 0..i32::from_be_bytes(*count) {
        let (part, after) = rest.split_first_chunk::<4>()?;
        parts.insert(i32::from_be_bytes(*part));
        rest = after;
    }
    Some(parts)
}
