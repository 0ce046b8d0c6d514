//! A classic consumer group: Kafka's rebalance protocol as a synchronous, clockless machine.
//!
//! The rules are those of Kafka's `GroupCoordinator` and `GroupMetadata` (3.9), with KIP-345
//! (static members), KIP-394 (member id required) and KIP-814 (skip assignment). Every call takes
//! the time and returns [`Effects`]: replies to give, records to append, when to tick next. It
//! knows nothing of logs, sockets, offsets or threads.

mod effects;
mod heartbeat;
mod join;
mod leave;
mod member;
mod migrate;
mod rebalance;
mod requests;
mod state;
mod subscription;
mod sync;
#[cfg(test)]
mod tests;

pub use effects::{Effects, Purpose, Store, Token};
pub use leave::Left;
pub use member::{Member, Protocol};
pub use requests::{
    Identity, JoinReply, JoinRequest, JoinedMember, LeavingMember, SyncReply, SyncRequest,
};
pub use state::{ClassicGroup, State};

/// The time, twice: timers must not jump, records bear the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds on a clock that only goes forward.
    pub ticks: i64,
    /// Milliseconds since 1970.
    pub wall: i64,
}

/// How long a new member may wait in its first join before it is dropped: 5 minutes.
const NEW_MEMBER_JOIN_TIMEOUT_MS: i64 = 300_000;
