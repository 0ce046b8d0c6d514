//! The join phase: from PreparingRebalance to the next generation. As Kafka's `DelayedJoin`,
//! `InitialDelayedJoin` and `onCompleteJoin`.

use std::sync::Arc;

use bytes::Bytes;

use super::effects::{Purpose, Store};
use super::{ClassicGroup, Effects, JoinReply, Now, State, SyncReply, Token, subscription};
use crate::coordinator::group::GroupError;

/// A join phase under way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rebalance {
    /// The first of an empty group: it waits `group.initial.rebalance.delay.ms`, again whenever
    /// somebody came meanwhile, until the rebalance timeout is used up.
    Initial {
        /// When it ends or is extended.
        deadline: i64,
        /// The length of this delay.
        delay: i64,
        /// What is left of the rebalance timeout after it.
        remaining: i64,
    },
    /// Ends when all members have joined, or at the deadline without the others.
    Ongoing {
        /// When it ends.
        deadline: i64,
    },
}

impl Rebalance {
    pub(super) fn deadline(self) -> i64 {
        match self {
            Rebalance::Initial { deadline, .. } | Rebalance::Ongoing { deadline } => deadline,
        }
    }
}

impl ClassicGroup {
    /// Starts a join phase unless one is under way or the group is dead.
    pub(super) fn maybe_prepare_rebalance(&mut self, now: Now, effects: &mut Effects) {
        if matches!(self.state, State::Empty | State::Stable | State::CompletingRebalance) {
            self.prepare_rebalance(now, effects);
        }
    }

    pub(super) fn prepare_rebalance(&mut self, now: Now, effects: &mut Effects) {
        if self.state == State::CompletingRebalance {
            self.reset_assignments(now, GroupError::RebalanceInProgress, effects);
        }
        self.pending_sync.clear();
        self.sync_deadline = None;
        let timeout = self.max_rebalance_timeout_ms();
        let rebalance = if self.state == State::Empty {
            let delay = i64::from(self.config.initial_rebalance_delay_ms.max(0));
            Rebalance::Initial {
                deadline: now.ticks.saturating_add(delay),
                delay,
                remaining: (timeout - delay).max(0),
            }
        } else {
            Rebalance::Ongoing { deadline: now.ticks.saturating_add(timeout) }
        };
        self.enter(State::PreparingRebalance, now);
        self.start_rebalance(now, rebalance, effects);
    }

    fn start_rebalance(&mut self, now: Now, rebalance: Rebalance, effects: &mut Effects) {
        self.rebalance = Some(rebalance);
        self.arm(rebalance.deadline(), effects);
        self.try_complete_join(now, effects);
    }

    /// Ends the join phase if everybody is there.
    pub(super) fn try_complete_join(&mut self, now: Now, effects: &mut Effects) {
        let is_ongoing = matches!(self.rebalance, Some(Rebalance::Ongoing { .. }));
        let is_complete = self.pending.is_empty() && self.members.len() == self.awaiting_joins();
        if self.state == State::PreparingRebalance && is_ongoing && is_complete {
            self.complete_join(now, effects);
        }
    }

    /// The join phase's deadline has come.
    pub(super) fn join_deadline(&mut self, now: Now, effects: &mut Effects) {
        match self.rebalance {
            Some(Rebalance::Initial { delay, remaining, .. })
                if self.new_member_added && remaining != 0 =>
            {
                self.new_member_added = false;
                let configured = i64::from(self.config.initial_rebalance_delay_ms.max(0));
                let next = configured.min(remaining);
                let rebalance = Rebalance::Initial {
                    deadline: now.ticks.saturating_add(next),
                    delay: next,
                    remaining: (remaining - delay).max(0),
                };
                self.rebalance = Some(rebalance);
                self.arm(rebalance.deadline(), effects);
            }
            Some(_) => self.complete_join(now, effects),
            None => {}
        }
    }

    fn complete_join(&mut self, now: Now, effects: &mut Effects) {
        self.rebalance = None;
        let absent: Vec<Arc<str>> = self
            .members
            .values()
            .filter(|m| m.awaiting_join.is_none() && m.instance_id.is_none())
            .map(|m| m.id.clone())
            .collect();
        for id in absent {
            self.remove(&id, effects);
        }
        if self.state == State::Dead {
            return;
        }
        if !self.elect_joined_leader() && !self.members.is_empty() {
            // Only static members, none of which has joined: wait until their sessions end.
            let deadline = now.ticks.saturating_add(self.max_rebalance_timeout_ms().max(1));
            let rebalance = Rebalance::Ongoing { deadline };
            return self.start_rebalance(now, rebalance, effects);
        }
        self.next_generation(now);
        if self.state == State::Empty {
            let value = self.value_with(|_| Bytes::new());
            effects.stores.push(Store { value, purpose: Purpose::Empty });
            return;
        }
        self.answer_joins(now, effects);
    }

    fn answer_joins(&mut self, now: Now, effects: &mut Effects) {
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for id in &ids {
            let reply = self.joined(id);
            self.reply_join(id, reply, effects);
            self.restart_session(now, id, effects);
            if let Some(member) = self.members.get_mut(id) {
                member.is_new = false;
            }
        }
        self.pending_sync = ids.into_iter().collect();
        let deadline = now.ticks.saturating_add(self.max_rebalance_timeout_ms());
        self.sync_deadline = Some(deadline);
        self.arm(deadline, effects);
    }

    /// Keeps the leader if it has joined, else makes one of a member that has.
    fn elect_joined_leader(&mut self) -> bool {
        let Some(leader) = self.leader.as_ref().and_then(|id| self.members.get(id)) else {
            return false;
        };
        if leader.awaiting_join.is_some() {
            return true;
        }
        let joined = self.members.values().find(|m| m.awaiting_join.is_some());
        let Some(joined) = joined.map(|m| m.id.clone()) else {
            return false;
        };
        self.leader = Some(joined);
        true
    }

    fn next_generation(&mut self, now: Now) {
        self.generation = self.generation.saturating_add(1);
        if self.members.is_empty() {
            self.protocol = None;
            self.subscribed = subscription::topics_of(self);
            self.enter(State::Empty, now);
        } else {
            self.protocol = self.select_protocol();
            self.subscribed = subscription::topics_of(self);
            self.enter(State::CompletingRebalance, now);
        }
    }

    /// Takes a member out of every table. What it waits for is answered UNKNOWN_MEMBER_ID.
    pub(super) fn remove(&mut self, member_id: &str, effects: &mut Effects) {
        if let Some(member) = self.members.remove(member_id) {
            if let Some(instance) = &member.instance_id {
                self.static_members.remove(instance);
            }
            if let Some(token) = member.awaiting_join {
                let reply = JoinReply::failed("", GroupError::UnknownMemberId);
                effects.joins.push((token, reply));
            }
            if let Some(token) = member.awaiting_sync {
                effects.syncs.push((token, SyncReply::failed(GroupError::UnknownMemberId)));
            }
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending.remove(member_id);
        self.pending_sync.remove(member_id);
    }

    /// Removes a member and lets the others rebalance, or finish rebalancing without it.
    pub(super) fn remove_and_rebalance(
        &mut self,
        now: Now,
        member_id: &str,
        effects: &mut Effects,
    ) {
        self.remove(member_id, effects);
        match self.state {
            State::Dead | State::Empty => {}
            State::Stable | State::CompletingRebalance => {
                self.maybe_prepare_rebalance(now, effects);
            }
            State::PreparingRebalance => self.try_complete_join(now, effects),
        }
    }

    pub(super) fn reply_join(&mut self, id: &str, reply: JoinReply, effects: &mut Effects) {
        let waiting = self.members.get_mut(id).and_then(|m| m.awaiting_join.take());
        if let Some(token) = waiting {
            effects.joins.push((token, reply));
        }
    }

    /// Makes the member wait for the join phase to end. A join it waited in before is superseded.
    pub(super) fn await_join(&mut self, id: &str, token: Token, effects: &mut Effects) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        if let Some(old) = member.awaiting_join.replace(token) {
            let reply = JoinReply::failed(id, GroupError::RebalanceInProgress);
            effects.joins.push((old, reply));
        }
    }

    /// The member's session begins anew.
    pub(super) fn restart_session(&mut self, now: Now, id: &str, effects: &mut Effects) {
        if let Some(member) = self.members.get_mut(id) {
            let deadline = now.ticks.saturating_add(i64::from(member.session_timeout_ms));
            member.session_deadline = Some(deadline);
            self.arm(deadline, effects);
        }
    }

    pub(super) fn arm(&mut self, deadline: i64, effects: &mut Effects) {
        if deadline < self.armed {
            self.armed = deadline;
            effects.wake = Some(deadline);
        }
    }
}
