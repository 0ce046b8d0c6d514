//! What a call to the machine asks of its surroundings.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::{JoinReply, Protocol, SyncReply};
use crate::coordinator::group::records::GroupValue;

/// A waiting request; the caller made it up and knows whom it means.
pub type Token = u64;

/// Things to do after a call, in this order: store, replies, timer.
#[derive(Debug, Default)]
#[must_use]
pub struct Effects {
    /// Group metadata to append; report each with `ClassicGroup::stored`.
    pub stores: Vec<Store>,
    /// Joins to answer.
    pub joins: Vec<(Token, JoinReply)>,
    /// Syncs to answer.
    pub syncs: Vec<(Token, SyncReply)>,
    /// Call `tick` at this time (ticks), or before. `None`: as before.
    pub wake: Option<i64>,
}

/// Group metadata to append.
#[derive(Debug)]
pub struct Store {
    /// The record's value.
    pub value: GroupValue,
    /// Give it back when the append has succeeded or failed.
    pub purpose: Purpose,
}

/// Why group metadata is stored, with what is needed to go on.
#[derive(Debug)]
pub enum Purpose {
    /// The leader's assignment: members get it when it is stored.
    Assignment {
        /// The generation that it is for.
        generation: i32,
        /// Assignments by member id.
        assignments: BTreeMap<Arc<str>, Bytes>,
    },
    /// The group became empty.
    Empty,
    /// A static member came back with a new member id.
    Replacement(Box<Replacement>),
}

/// How to undo the replacement of a static member, and whom to answer.
#[derive(Debug)]
pub struct Replacement {
    pub(super) instance_id: Arc<str>,
    pub(super) old_member_id: Arc<str>,
    pub(super) new_member_id: Arc<str>,
    pub(super) old_protocols: Vec<Protocol>,
    pub(super) old_rebalance_timeout_ms: i32,
    pub(super) old_session_timeout_ms: i32,
    pub(super) old_leader: Arc<str>,
    pub(super) skip_assignment: bool,
}
