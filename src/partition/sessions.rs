//! Fetch sessions (KIP-227): what a client asked for before, so that it need not ask again.
//!
//! As Kafka's `FetchSession` and `FetchSessionCache`. Knows neither logs nor the wire: a handler
//! begins a fetch, and afterwards says what each partition answered.

mod cache;
mod session;

pub use cache::FetchSessions;
pub use session::{Answer, Cached, Key, Wanted};

/// Session id and epoch of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// 0 for none.
    pub id: i32,
    /// 0 begins a session, -1 ends one (or is a fetch without), else the next expected.
    pub epoch: i32,
}

/// Why a session cannot go on; the client begins a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Evicted, or never was.
    #[error("no such fetch session")]
    NotFound,
    /// A request was lost or came twice.
    #[error("not the next epoch of the fetch session")]
    InvalidEpoch,
    /// Began with names and goes on with topic ids, or the other way round.
    #[error("the fetch session began without topic ids, or with them")]
    TopicIds,
}

/// What a request became.
#[derive(Debug)]
pub enum Begun {
    /// No session; every partition is answered.
    Sessionless(Vec<Cached>),
    /// A session may be made of it; every partition is answered.
    Full(Vec<Cached>),
    /// Goes on with session `id`; only what changed is answered.
    Incremental {
        /// The session.
        id: i32,
        /// Its epoch after this request.
        epoch: i32,
        /// All its partitions, in order.
        partitions: Vec<Cached>,
    },
}

impl Begun {
    /// The partitions to read.
    pub fn partitions(&self) -> &[Cached] {
        match self {
            Begun::Sessionless(list) | Begun::Full(list) => list,
            Begun::Incremental { partitions, .. } => partitions,
        }
    }
}

/// The epoch after this one: 1 follows the greatest.
pub fn next_epoch(epoch: i32) -> i32 {
    match epoch {
        ..0 => -1,
        i32::MAX => 1,
        _ => epoch + 1,
    }
}

#[cfg(test)]
mod tests;
