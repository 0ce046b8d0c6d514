//! Heartbeats, sessions and the tick. As `GroupCoordinator.handleHeartbeat` and
//! `onExpireHeartbeat`, `onExpirePendingSync`.

use std::sync::Arc;

use super::{ClassicGroup, Effects, Identity, Now, State};
use crate::coordinator::group::GroupError;

impl ClassicGroup {
    /// A member is alive; it is told when it is to join again.
    pub fn heartbeat(
        &mut self,
        now: Now,
        identity: &Identity,
        generation: i32,
    ) -> (Result<(), GroupError>, Effects) {
        let mut effects = Effects::default();
        let result = self.check_generation(identity, generation).and_then(|()| match self.state {
            State::Empty | State::Dead => Err(GroupError::UnknownMemberId),
            State::Stable | State::CompletingRebalance => {
                self.restart_session(now, &identity.member_id, &mut effects);
                Ok(())
            }
            State::PreparingRebalance => {
                self.restart_session(now, &identity.member_id, &mut effects);
                Err(GroupError::RebalanceInProgress)
            }
        });
        (result, effects)
    }

    fn check_generation(&self, identity: &Identity, generation: i32) -> Result<(), GroupError> {
        if self.state == State::Dead {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        self.check_member(identity)?;
        if generation != self.generation {
            return Err(GroupError::IllegalGeneration);
        }
        Ok(())
    }

    /// Whether this identity may commit offsets; a member's commit counts as a heartbeat.
    ///
    /// Non-members (generation -1) may commit to an empty group, by whatever name: a consumer that
    /// assigns itself sends its `group.instance.id`. Within a transaction those that give no name
    /// may commit to any, since old producers do not say who they are.
    pub fn check_commit(
        &mut self,
        now: Now,
        identity: &Identity,
        generation: i32,
        is_transactional: bool,
    ) -> (Result<(), GroupError>, Effects) {
        let mut effects = Effects::default();
        let result = self.try_commit(now, identity, generation, is_transactional, &mut effects);
        (result, effects)
    }

    fn try_commit(
        &mut self,
        now: Now,
        identity: &Identity,
        generation: i32,
        is_transactional: bool,
        effects: &mut Effects,
    ) -> Result<(), GroupError> {
        if self.state == State::Dead {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        if generation < 0 && self.state == State::Empty {
            return Ok(());
        }
        let claims_membership =
            generation >= 0 || !identity.member_id.is_empty() || identity.instance_id.is_some();
        if claims_membership {
            self.check_generation(identity, generation)?;
        } else if !is_transactional {
            return Err(GroupError::UnknownMemberId);
        }
        if is_transactional || self.state == State::Empty {
            return Ok(());
        }
        if self.state == State::CompletingRebalance {
            return Err(GroupError::RebalanceInProgress);
        }
        self.restart_session(now, &identity.member_id, effects);
        Ok(())
    }

    /// Does what has become due, and says when to call again.
    pub fn tick(&mut self, now: Now) -> Effects {
        let mut effects = Effects::default();
        self.armed = i64::MAX;
        if self.state == State::Dead {
            return effects;
        }
        self.expire_pending(now, &mut effects);
        self.expire_sessions(now, &mut effects);
        if self.sync_deadline.is_some_and(|deadline| deadline <= now.ticks) {
            self.expire_sync(now, &mut effects);
        }
        if self.rebalance.is_some_and(|rebalance| rebalance.deadline() <= now.ticks) {
            self.join_deadline(now, &mut effects);
        }
        self.armed = self.next_deadline().unwrap_or(i64::MAX);
        effects.wake = (self.armed != i64::MAX).then_some(self.armed);
        effects
    }

    fn expire_pending(&mut self, now: Now, effects: &mut Effects) {
        let before = self.pending.len();
        self.pending.retain(|_, deadline| *deadline > now.ticks);
        if self.pending.len() != before {
            self.try_complete_join(now, effects);
        }
    }

    fn expire_sessions(&mut self, now: Now, effects: &mut Effects) {
        let mut expired: Vec<Arc<str>> = Vec::new();
        for member in self.members.values_mut() {
            if member.session_deadline.is_some_and(|deadline| deadline <= now.ticks) {
                member.session_deadline = None;
                if member.may_expire() {
                    expired.push(member.id.clone());
                }
            }
        }
        for id in expired {
            self.remove_and_rebalance(now, &id, effects);
        }
    }

    /// Members that never synced are removed.
    fn expire_sync(&mut self, now: Now, effects: &mut Effects) {
        self.sync_deadline = None;
        if !matches!(self.state, State::CompletingRebalance | State::Stable) {
            return;
        }
        let silent = std::mem::take(&mut self.pending_sync);
        if silent.is_empty() {
            return;
        }
        for id in silent {
            self.remove(&id, effects);
        }
        self.maybe_prepare_rebalance(now, effects);
    }

    fn next_deadline(&self) -> Option<i64> {
        let sessions = self.members.values().filter_map(|m| m.session_deadline);
        let others = self.pending.values().copied().chain(self.sync_deadline);
        sessions.chain(others).chain(self.rebalance.map(|r| r.deadline())).min()
    }

    /// The group moves to another broker: everybody who waits is told.
    pub fn unload(&mut self, now: Now) -> Effects {
        self.disband(now, &GroupError::NotCoordinator)
    }
}
