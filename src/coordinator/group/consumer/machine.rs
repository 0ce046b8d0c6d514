//! A KIP-848 group with its deadlines: sessions, revocations, and what classic members owe.
//!
//! As the timers of Kafka's GroupMetadataManager: a member whose deadline passes is removed.
//! Clockless; what a deadline leads to is planned by `plan`.

use super::group::ConsumerGroup;
use super::plan::Plan;
use super::reconcile::MemberState;
use super::records::Record;
use std::collections::{BTreeMap, BTreeSet};

/// A group and its deadlines, in ticks (milliseconds on a clock that only goes forward).
#[derive(Debug, Default)]
pub struct ConsumerMachine {
    /// What the records say.
    pub group: ConsumerGroup,
    deadlines: BTreeMap<String, Deadlines>,
    /// When the surroundings will call [`due`](Self::due).
    armed: Option<i64>,
}

/// When a member is removed.
#[derive(Clone, Copy, Debug, Default)]
struct Deadlines {
    /// Unless it is heard of.
    session: Option<i64>,
    /// Unless it has left this epoch: it was asked to give partitions up.
    revocation: Option<(i64, i32)>,
    /// Unless it joins again (classic protocol).
    join: Option<i64>,
    /// Unless it asks for its assignment (classic protocol).
    sync: Option<i64>,
}

impl Deadlines {
    fn all(&self) -> impl Iterator<Item = i64> {
        let revocation = self.revocation.map(|(at, _)| at);
        [self.session, revocation, self.join, self.sync].into_iter().flatten()
    }
}

impl ConsumerMachine {
    /// A group read back or converted: all sessions begin anew.
    pub fn new(group: ConsumerGroup, now: i64, session_timeout_ms: i32) -> ConsumerMachine {
        let mut machine = ConsumerMachine { group, ..ConsumerMachine::default() };
        for (id, member) in &machine.group.members {
            let session = member
                .classic
                .as_ref()
                .map_or(session_timeout_ms, |classic| classic.session_timeout_ms);
            let revoking = machine.group.current.get(id).filter(|c| {
                c.state == MemberState::UnrevokedPartitions && member.classic.is_none()
            });
            let deadlines = Deadlines {
                session: Some(after(now, session)),
                revocation: revoking.map(|c| (after(now, member.rebalance_timeout_ms), c.epoch)),
                ..Deadlines::default()
            };
            machine.deadlines.insert(id.clone(), deadlines);
        }
        machine
    }

    /// Takes in a plan whose records are in the log.
    pub fn apply(&mut self, plan: Plan) {
        for record in plan.records {
            if let Record::Member(id, None) = &record {
                self.deadlines.remove(id);
            }
            self.group.apply(record);
        }
        self.group.looked_at = plan.looked_at.or(self.group.looked_at);
    }

    /// The member has been heard of.
    pub fn restart_session(&mut self, id: &str, now: i64, session_timeout_ms: i32) {
        self.change(id, |deadlines| deadlines.session = Some(after(now, session_timeout_ms)));
    }

    /// The member has been asked to give partitions up, or need not any more.
    pub fn set_revoking(&mut self, id: &str, now: i64, is_revoking: bool) {
        let timeout = self.group.members.get(id).map_or(0, |m| m.rebalance_timeout_ms);
        let epoch = self.group.current.get(id).map_or(0, |c| c.epoch);
        let deadline = is_revoking.then(|| (after(now, timeout), epoch));
        self.change(id, |deadlines| deadlines.revocation = deadline);
    }

    /// A classic member has joined and is to sync.
    pub fn await_sync(&mut self, id: &str, now: i64, timeout_ms: i32) {
        self.change(id, |deadlines| {
            deadlines.join = None;
            deadlines.sync = Some(after(now, timeout_ms));
        });
    }

    /// A classic member has synced.
    pub fn synced(&mut self, id: &str) {
        self.change(id, |deadlines| deadlines.sync = None);
    }

    /// A classic member has been told to join again.
    pub fn await_join(&mut self, id: &str, now: i64, timeout_ms: i32) {
        self.change(id, |deadlines| {
            deadlines.join.get_or_insert(after(now, timeout_ms));
        });
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Deadlines)) {
        match self.deadlines.get_mut(id) {
            Some(deadlines) => change(deadlines),
            None if self.group.members.contains_key(id) => {
                let mut deadlines = Deadlines::default();
                change(&mut deadlines);
                self.deadlines.insert(id.to_owned(), deadlines);
            }
            None => {}
        }
    }

    /// The next call of [`due`](Self::due), if it must be sooner than was said before. Deadlines
    /// mostly move away; that they did is found out when they come.
    pub fn arm(&mut self, id: &str) -> Option<i64> {
        let first = self.deadlines.get(id)?.all().min()?;
        self.arm_at(first)
    }

    /// As [`arm`](Self::arm), after any change.
    pub fn arm_all(&mut self) -> Option<i64> {
        let first = self.deadlines.values().flat_map(Deadlines::all).min()?;
        self.arm_at(first)
    }

    /// Whether no call is agreed yet: [`arm_all`](Self::arm_all) must be asked.
    pub fn is_unarmed(&self) -> bool {
        self.armed.is_none()
    }

    fn arm_at(&mut self, at: i64) -> Option<i64> {
        if self.armed.is_some_and(|armed| armed <= at) {
            return None;
        }
        self.armed = Some(at);
        Some(at)
    }

    /// Members that have overstepped a deadline. Call [`arm_all`](Self::arm_all) after it.
    pub fn due(&mut self, now: i64) -> BTreeSet<String> {
        self.armed = None;
        let mut due = BTreeSet::new();
        for (id, deadlines) in &mut self.deadlines {
            let epoch = self.group.current.get(id).map(|current| current.epoch);
            let has_moved_on = |(_, asked_in): (i64, i32)| Some(asked_in) != epoch;
            if deadlines.revocation.is_some_and(has_moved_on) {
                deadlines.revocation = None;
            }
            if deadlines.all().any(|at| at <= now) {
                due.insert(id.clone());
            }
        }
        due
    }

    /// The members could not be removed: try again at this time.
    pub fn postpone(&mut self, ids: &BTreeSet<String>, until: i64) {
        for (_, deadlines) in self.deadlines.iter_mut().filter(|(id, _)| ids.contains(*id)) {
            *deadlines = Deadlines { session: Some(until), ..Deadlines::default() };
        }
    }
}

fn after(now: i64, timeout_ms: i32) -> i64 {
    now.saturating_add(i64::from(timeout_ms.max(0)))
}
