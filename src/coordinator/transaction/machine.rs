//! One transactional id: its producer, its state and what may happen next.
//!
//! Synchronous and clockless. A change is first *prepared* as a [`Transit`]: it is appended to
//! `__transaction_state`, and then either [`Transaction::complete`]d or [`Transaction::give_up`].
//! While it is under way everything else is answered CONCURRENT_TRANSACTIONS. The rules are those
//! of Kafka's TransactionMetadata and TransactionCoordinator, KIP-98, KIP-360 and KIP-890 part 1.
//! Knows nothing of logs, markers or wire messages.

use crate::types::TopicPartition;
use std::collections::BTreeSet;

/// "No producer id" in records and answers.
pub const NO_PRODUCER_ID: i64 = -1;
/// "No producer epoch".
pub const NO_PRODUCER_EPOCH: i16 = -1;
/// The last epoch a producer may have; the one above is kept for fencing it.
pub(super) const LAST_EPOCH: i16 = i16::MAX - 1;

/// State of a transaction, by the number it has in `__transaction_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No transaction yet.
    Empty = 0,
    /// Partitions have been added.
    Ongoing = 1,
    /// Commit decided; markers are being written.
    PrepareCommit = 2,
    /// Abort decided; markers are being written.
    PrepareAbort = 3,
    /// Committed everywhere.
    CompleteCommit = 4,
    /// Aborted everywhere.
    CompleteAbort = 5,
    /// Expired, about to be forgotten.
    Dead = 6,
    /// The producer is being fenced; an abort follows. Never written to the log.
    PrepareEpochFence = 7,
}

impl State {
    /// All of them, in the order of their numbers.
    pub const ALL: [State; 8] = [
        State::Empty,
        State::Ongoing,
        State::PrepareCommit,
        State::PrepareAbort,
        State::CompleteCommit,
        State::CompleteAbort,
        State::Dead,
        State::PrepareEpochFence,
    ];

    /// The state with this number in the log.
    pub fn from_number(number: i8) -> Option<State> {
        usize::try_from(number).ok().and_then(|i| State::ALL.get(i).copied())
    }

    /// The name as ListTransactions and DescribeTransactions give it.
    pub fn name(self) -> &'static str {
        match self {
            State::Empty => "Empty",
            State::Ongoing => "Ongoing",
            State::PrepareCommit => "PrepareCommit",
            State::PrepareAbort => "PrepareAbort",
            State::CompleteCommit => "CompleteCommit",
            State::CompleteAbort => "CompleteAbort",
            State::Dead => "Dead",
            State::PrepareEpochFence => "PrepareEpochFence",
        }
    }

    /// Whether a transactional id in this state may be forgotten when it is old.
    pub fn may_expire(self) -> bool {
        matches!(self, State::Empty | State::CompleteCommit | State::CompleteAbort)
    }
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its records become visible to read_committed.
    Commit,
    /// Its records are skipped by read_committed.
    Abort,
}

/// Why a request about a transaction is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another change is under way: try again.
    #[error("another transaction of this id is being completed")]
    Concurrent,
    /// The transactional id is not bound to this producer id.
    #[error("the producer id is not that of the transactional id")]
    ProducerIdMapping,
    /// A newer producer has taken the transactional id.
    #[error("a newer producer has the transactional id")]
    Fenced,
    /// Not possible in this state.
    #[error("the transaction is in a state that does not allow this")]
    InvalidState,
    /// The state must never be met here: a fault of the coordinator.
    #[error("the coordinator met a state it should never meet")]
    Impossible,
}

/// Who a request says it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Producer id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

/// The part of a transaction that is written to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Producer id.
    pub producer_id: i64,
    /// Epoch in force.
    pub producer_epoch: i16,
    /// Epoch before the last bump that named it (KIP-360); -1 for none. Not in the log.
    pub last_producer_epoch: i16,
    /// `transaction.timeout.ms` of the producer.
    pub timeout_ms: i32,
    /// State.
    pub state: State,
    /// Partitions of the transaction.
    pub partitions: BTreeSet<TopicPartition>,
    /// When its first partition was added, ms since 1970, also once it has ended; -1 without one.
    pub start_ms: i64,
    /// Last change, ms since 1970.
    pub update_ms: i64,
}

/// A prepared change: what will hold once it is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transit(pub Snapshot);

/// What InitProducerId leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Init {
    /// Append this, then answer with its producer id and epoch.
    Append(Transit),
    /// A transaction is open: abort it as this (fenced) producer and answer
    /// CONCURRENT_TRANSACTIONS meanwhile.
    AbortFirst(Producer),
}

/// What EndTxn leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Append this, then write the markers.
    Append(Transit),
    /// It has ended so already: answer success again.
    Already,
}

/// A transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    current: Snapshot,
    /// Producer id before the last rotation (epochs were exhausted).
    last_producer_id: i64,
    pending: Option<State>,
    /// A fence could not be appended: its epoch is already used up.
    failed_fence: bool,
}

impl Transaction {
    /// A transactional id that was never seen, bound to a fresh producer id.
    pub fn new(producer_id: i64, timeout_ms: i32, now_ms: i64) -> Transaction {
        Transaction::load(Snapshot {
            producer_id,
            producer_epoch: NO_PRODUCER_EPOCH,
            last_producer_epoch: NO_PRODUCER_EPOCH,
            timeout_ms,
            state: State::Empty,
            partitions: BTreeSet::new(),
            start_ms: -1,
            update_ms: now_ms,
        })
    }

    /// As read from the log.
    pub fn load(current: Snapshot) -> Transaction {
        Transaction {
            current,
            last_producer_id: NO_PRODUCER_ID,
            pending: None,
            failed_fence: false,
        }
    }

    /// What holds now.
    pub fn current(&self) -> &Snapshot {
        &self.current
    }

    /// The state that a change under way leads to.
    pub fn pending(&self) -> Option<State> {
        self.pending
    }

    /// Whether InitProducerId must bring a fresh producer id, as the epochs are used up.
    pub fn wants_fresh_id(&self, expected: Option<Producer>) -> bool {
        self.current.state.may_expire()
            && self.current.producer_epoch >= LAST_EPOCH
            && expected.is_none_or(|p| p.epoch == self.current.producer_epoch)
    }

    /// InitProducerId: a producer takes the id, or (KIP-360) the same one goes on with a new epoch.
    ///
    /// `fresh_id` is there when [`Self::wants_fresh_id`]; one that is no longer wanted is not used.
    pub fn init(
        &mut self,
        timeout_ms: i32,
        expected: Option<Producer>,
        fresh_id: Option<i64>,
        now_ms: i64,
    ) -> Result<Init, Refusal> {
        if self.pending.is_some() {
            return Err(Refusal::Concurrent);
        }
        if expected.is_some_and(|p| !self.may_go_on_as(p)) {
            return Err(Refusal::Fenced);
        }
        let wants_fresh_id = self.wants_fresh_id(expected);
        // Another has used the epochs up since it was asked: try again.
        if wants_fresh_id && fresh_id.is_none() {
            return Err(Refusal::Concurrent);
        }
        match self.current.state {
            State::PrepareCommit | State::PrepareAbort => Err(Refusal::Concurrent),
            State::Dead | State::PrepareEpochFence => Err(Refusal::Impossible),
            State::Ongoing => self.fence(now_ms).map(Init::AbortFirst),
            State::Empty | State::CompleteCommit | State::CompleteAbort => {
                let mut next = self.current.clone();
                next.state = State::Empty;
                next.partitions.clear();
                next.start_ms = -1;
                next.timeout_ms = timeout_ms;
                next.update_ms = now_ms;
                match fresh_id.filter(|_| wants_fresh_id) {
                    Some(id) => {
                        next.producer_id = id;
                        next.producer_epoch = 0;
                        next.last_producer_epoch = match expected {
                            Some(_) => self.current.producer_epoch,
                            None => NO_PRODUCER_EPOCH,
                        };
                    }
                    None => self.next_epoch(expected, &mut next)?,
                }
                Ok(Init::Append(self.prepare(next)))
            }
        }
    }

    /// Whether InitProducerId may name this producer as the one it was.
    fn may_go_on_as(&self, producer: Producer) -> bool {
        self.current.producer_epoch == NO_PRODUCER_EPOCH
            || producer.id == self.current.producer_id
            || (producer.id == self.last_producer_id
                && producer.epoch == self.current.last_producer_epoch)
    }

    fn next_epoch(&self, expected: Option<Producer>, next: &mut Snapshot) -> Result<(), Refusal> {
        let epoch = self.current.producer_epoch;
        let bumped = epoch.checked_add(1).ok_or(Refusal::Impossible)?;
        (next.producer_epoch, next.last_producer_epoch) = match expected {
            None => (bumped, NO_PRODUCER_EPOCH),
            Some(p) if epoch == NO_PRODUCER_EPOCH || p.epoch == epoch => (bumped, epoch),
            // The answer to the first try was lost: the same answer again.
            Some(p) if p.epoch == self.current.last_producer_epoch => (epoch, p.epoch),
            Some(_) => return Err(Refusal::Fenced),
        };
        Ok(())
    }

    /// Takes the transaction away from its producer, so that it can be aborted.
    fn fence(&mut self, now_ms: i64) -> Result<Producer, Refusal> {
        // A fence that failed has used its epoch up already, which may be the last of all.
        let bump = i16::from(!self.failed_fence);
        let epoch = self.current.producer_epoch.checked_add(bump).ok_or(Refusal::Impossible)?;
        self.pending = Some(State::PrepareEpochFence);
        self.current.update_ms = now_ms;
        Ok(Producer { id: self.current.producer_id, epoch })
    }

    /// Fences the producer if its transaction has been open for longer than its time-out.
    pub fn time_out(&mut self, now_ms: i64) -> Option<Producer> {
        let open = self.current.state == State::Ongoing && self.pending.is_none();
        let due = self.current.start_ms.saturating_add(i64::from(self.current.timeout_ms));
        if open && due < now_ms { self.fence(now_ms).ok() } else { None }
    }

    /// AddPartitionsToTxn and AddOffsetsToTxn. `None`: all of them were in it already.
    pub fn add_partitions(
        &mut self,
        producer: Producer,
        partitions: impl IntoIterator<Item = TopicPartition>,
        now_ms: i64,
    ) -> Result<Option<Transit>, Refusal> {
        self.check(producer)?;
        if self.pending.is_some() {
            return Err(Refusal::Concurrent);
        }
        let mut next = self.current.clone();
        match self.current.state {
            State::PrepareCommit | State::PrepareAbort => return Err(Refusal::Concurrent),
            State::Dead | State::PrepareEpochFence => return Err(Refusal::Impossible),
            State::Ongoing => {}
            State::Empty | State::CompleteCommit | State::CompleteAbort => {
                next.partitions.clear();
                next.start_ms = now_ms;
            }
        }
        next.partitions.extend(partitions);
        if self.current.state == State::Ongoing && next.partitions == self.current.partitions {
            return Ok(None);
        }
        next.state = State::Ongoing;
        next.update_ms = now_ms;
        Ok(Some(self.prepare(next)))
    }

    /// Whether the partition is in the producer's open transaction (KIP-890 verification).
    pub fn verify(
        &self,
        producer: Producer,
        partitions: &[TopicPartition],
    ) -> Result<Vec<bool>, Refusal> {
        self.check(producer)?;
        match self.current.state {
            State::PrepareCommit | State::PrepareAbort => Err(Refusal::Concurrent),
            _ => Ok(partitions.iter().map(|p| self.current.partitions.contains(p)).collect()),
        }
    }

    fn check(&self, producer: Producer) -> Result<(), Refusal> {
        if producer.id != self.current.producer_id {
            return Err(Refusal::ProducerIdMapping);
        }
        if producer.epoch != self.current.producer_epoch {
            return Err(Refusal::Fenced);
        }
        Ok(())
    }

    /// EndTxn. `from_client` is false for the coordinator's own abort, which comes with the
    /// epoch that [`Self::init`] or [`Self::time_out`] fenced the producer with.
    pub fn end(
        &mut self,
        producer: Producer,
        outcome: Outcome,
        from_client: bool,
        now_ms: i64,
    ) -> Result<End, Refusal> {
        let epoch = self.current.producer_epoch;
        if producer.id != self.current.producer_id {
            return Err(Refusal::ProducerIdMapping);
        }
        if (from_client && producer.epoch != epoch) || producer.epoch < epoch {
            return Err(Refusal::Fenced);
        }
        let fencing = self.pending == Some(State::PrepareEpochFence);
        if self.pending.is_some() && (!fencing || from_client) {
            return Err(Refusal::Concurrent);
        }
        let (prepared, completed) = match outcome {
            Outcome::Commit => (State::PrepareCommit, State::CompleteCommit),
            Outcome::Abort => (State::PrepareAbort, State::CompleteAbort),
        };
        match self.current.state {
            State::Ongoing => {
                let mut next = self.current.clone();
                if fencing && outcome == Outcome::Abort {
                    self.pending = None;
                    next.producer_epoch = producer.epoch;
                    next.last_producer_epoch = NO_PRODUCER_EPOCH;
                }
                next.state = prepared;
                next.update_ms = now_ms;
                Ok(End::Append(self.prepare(next)))
            }
            state if state == completed => Ok(End::Already),
            state if state == prepared => Err(Refusal::Concurrent),
            State::Dead | State::PrepareEpochFence => Err(Refusal::Impossible),
            _ => Err(Refusal::InvalidState),
        }
    }

    /// All markers are written: the change that ends the transaction for good.
    pub fn markers_written(&mut self, now_ms: i64) -> Result<Transit, Refusal> {
        if self.pending.is_some() {
            return Err(Refusal::Concurrent);
        }
        let mut next = self.current.clone();
        next.state = match self.current.state {
            State::PrepareCommit => State::CompleteCommit,
            State::PrepareAbort => State::CompleteAbort,
            _ => return Err(Refusal::InvalidState),
        };
        next.partitions.clear();
        next.update_ms = now_ms;
        Ok(self.prepare(next))
    }

    /// Begins to forget the id, if it is idle since before `expired_ms`.
    pub fn expire(&mut self, expired_ms: i64) -> bool {
        let idle = self.pending.is_none() && self.current.state.may_expire();
        let expires = idle && self.current.update_ms <= expired_ms;
        if expires {
            self.pending = Some(State::Dead);
        }
        expires
    }

    fn prepare(&mut self, next: Snapshot) -> Transit {
        self.pending = Some(next.state);
        Transit(next)
    }

    /// The prepared change is in the log.
    pub fn complete(&mut self, Transit(mut next): Transit) {
        debug_assert_eq!(self.pending, Some(next.state), "completes what was not prepared");
        if next.state == State::Empty {
            // As Kafka: the log says -1, but until it is loaded again the id shows when its last
            // transaction began.
            next.start_ms = self.current.start_ms;
        }
        if next.producer_id != self.current.producer_id {
            self.last_producer_id = self.current.producer_id;
        }
        self.pending = None;
        self.failed_fence = false;
        self.current = next;
    }

    /// The prepared change could not be written: as if it had never been asked for, except that
    /// an epoch which was to fence the producer is not used for anything else.
    pub fn give_up(&mut self, Transit(next): &Transit) {
        self.pending = None;
        if next.state == State::PrepareAbort && next.producer_epoch > self.current.producer_epoch {
            self.current.producer_epoch = next.producer_epoch;
            self.failed_fence = true;
        }
    }

    /// Forgetting, or a fence whose abort was refused, could not be carried through.
    pub fn give_up_pending(&mut self) {
        self.pending = None;
    }
}

#[cfg(test)]
mod tests;
