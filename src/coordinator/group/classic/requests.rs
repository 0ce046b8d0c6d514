//! Requests to a classic group and replies of it, without wire types.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::Protocol;
use crate::coordinator::group::GroupError;

/// Who speaks, in every request but a first join.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The member id; empty when unknown.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
}

/// A JoinGroup.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// Who joins; an empty member id for the first time.
    pub identity: Identity,
    /// The client id.
    pub client_id: Arc<str>,
    /// Where it came from, as Kafka prints it: `/127.0.0.1`.
    pub client_host: Arc<str>,
    /// v4 and later, dynamic: a first join only gets an id (KIP-394).
    pub require_known_member_id: bool,
    /// v9 and later: a static leader that comes back may be told to skip assignment (KIP-814).
    pub can_skip_assignment: bool,
    /// Milliseconds to join again in a rebalance.
    pub rebalance_timeout_ms: i32,
    /// Milliseconds without heartbeat.
    pub session_timeout_ms: i32,
    /// `consumer`, `connect`, ….
    pub protocol_type: Arc<str>,
    /// What is supported, best first.
    pub protocols: Vec<Protocol>,
    /// Why the client says it joins (v8).
    pub reason: Option<Arc<str>>,
    /// Makes a new member id unique.
    pub unique: uuid::Uuid,
}

/// The answer to a JoinGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinReply {
    /// `None` is success.
    pub error: Option<GroupError>,
    /// The member's id.
    pub member_id: Arc<str>,
    /// The generation; -1 on error.
    pub generation: i32,
    /// The group's protocol type.
    pub protocol_type: Option<Arc<str>>,
    /// The protocol chosen.
    pub protocol: Option<Arc<str>>,
    /// Member id of the leader; empty on error.
    pub leader: Arc<str>,
    /// The leader is not to run its assignor.
    pub skip_assignment: bool,
    /// All members, for the leader; else empty.
    pub members: Vec<JoinedMember>,
}

impl JoinReply {
    /// A failed join.
    pub fn failed(member_id: &str, error: GroupError) -> JoinReply {
        JoinReply {
            error: Some(error),
            member_id: member_id.into(),
            generation: -1,
            protocol_type: None,
            protocol: None,
            leader: "".into(),
            skip_assignment: false,
            members: Vec::new(),
        }
    }
}

/// A member as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// Its id.
    pub member_id: Arc<str>,
    /// Its `group.instance.id`.
    pub instance_id: Option<Arc<str>>,
    /// What it says about itself for the chosen protocol.
    pub metadata: Bytes,
}

/// A SyncGroup.
#[derive(Clone, Debug, Default)]
pub struct SyncRequest {
    /// Who syncs.
    pub identity: Identity,
    /// The generation it joined.
    pub generation: i32,
    /// The protocol type it believes in (v5).
    pub protocol_type: Option<Arc<str>>,
    /// The protocol it believes in (v5).
    pub protocol: Option<Arc<str>>,
    /// From the leader: assignments by member id.
    pub assignments: BTreeMap<Arc<str>, Bytes>,
}

/// The answer to a SyncGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncReply {
    /// `None` is success.
    pub error: Option<GroupError>,
    /// The group's protocol type.
    pub protocol_type: Option<Arc<str>>,
    /// The protocol chosen.
    pub protocol: Option<Arc<str>>,
    /// The member's part.
    pub assignment: Bytes,
}

impl SyncReply {
    /// A failed sync.
    pub fn failed(error: GroupError) -> SyncReply {
        SyncReply {
            error: Some(error),
            protocol_type: None,
            protocol: None,
            assignment: Bytes::new(),
        }
    }
}

/// One member of a LeaveGroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeavingMember {
    /// Who leaves; an empty member id removes a static member by its instance id.
    pub identity: Identity,
    /// Why (v5).
    pub reason: Option<Arc<str>>,
}
