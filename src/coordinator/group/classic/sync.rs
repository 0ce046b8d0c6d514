//! SyncGroup, and what follows when metadata is stored. As `GroupCoordinator.doSyncGroup`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::effects::{Purpose, Store};
use super::{ClassicGroup, Effects, Now, State, SyncReply, SyncRequest, Token};
use crate::coordinator::group::GroupError;

impl ClassicGroup {
    /// A member asks for its assignment; the leader brings everybody's.
    pub fn sync(&mut self, now: Now, token: Token, request: SyncRequest) -> Effects {
        let mut effects = Effects::default();
        if let Err(error) = self.try_sync(now, token, request, &mut effects) {
            effects.syncs.push((token, SyncReply::failed(error)));
        }
        effects
    }

    fn try_sync(
        &mut self,
        now: Now,
        token: Token,
        request: SyncRequest,
        effects: &mut Effects,
    ) -> Result<(), GroupError> {
        self.check_sync(&request)?;
        let id = request.identity.member_id.clone();
        match self.state {
            State::Empty | State::Dead => return Err(GroupError::UnknownMemberId),
            State::PreparingRebalance => return Err(GroupError::RebalanceInProgress),
            State::CompletingRebalance => {
                self.synced(&id);
                let waiting = self.members.get_mut(&id).map(|m| &mut m.awaiting_sync);
                if let Some(old) = waiting.and_then(|waiting| waiting.replace(token)) {
                    let reply = SyncReply::failed(GroupError::RebalanceInProgress);
                    effects.syncs.push((old, reply));
                }
                if self.is_leader(&id) {
                    self.store_assignment(request, effects);
                }
            }
            State::Stable => {
                self.synced(&id);
                effects.syncs.push((token, self.assigned(&id)));
                self.restart_session(now, &id, effects);
            }
        }
        Ok(())
    }

    fn check_sync(&self, request: &SyncRequest) -> Result<(), GroupError> {
        if self.state == State::Dead {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        self.check_member(&request.identity)?;
        if request.generation != self.generation {
            return Err(GroupError::IllegalGeneration);
        }
        let differs =
            |theirs: &Option<Arc<str>>, ours: &Option<Arc<str>>| theirs.is_some() && theirs != ours;
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol, &self.protocol)
        {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    fn synced(&mut self, id: &str) {
        self.pending_sync.remove(id);
        if self.pending_sync.is_empty() {
            self.sync_deadline = None;
        }
    }

    fn store_assignment(&mut self, request: SyncRequest, effects: &mut Effects) {
        let assignments: BTreeMap<Arc<str>, Bytes> = self
            .members
            .keys()
            .map(|id| (id.clone(), request.assignments.get(id).cloned().unwrap_or_default()))
            .collect();
        let value = self.value_with(|m| assignments.get(&m.id).cloned().unwrap_or_default());
        let purpose = Purpose::Assignment { generation: self.generation, assignments };
        effects.stores.push(Store { value, purpose });
    }

    fn assigned(&self, id: &str) -> SyncReply {
        SyncReply {
            error: None,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self.members.get(id).map(|m| m.assignment.clone()).unwrap_or_default(),
        }
    }

    /// A [`Store`] of earlier effects has succeeded, or failed.
    pub fn stored(
        &mut self,
        now: Now,
        purpose: Purpose,
        result: Result<(), GroupError>,
    ) -> Effects {
        let mut effects = Effects::default();
        match purpose {
            // Without members there is no harm in the old record: they would time out.
            Purpose::Empty => {}
            Purpose::Replacement(replaced) => {
                self.replacement_stored(now, *replaced, result, &mut effects);
            }
            Purpose::Assignment { generation, assignments } => {
                if self.state == State::CompletingRebalance && self.generation == generation {
                    self.assignment_stored(now, &assignments, result, &mut effects);
                }
            }
        }
        effects
    }

    fn assignment_stored(
        &mut self,
        now: Now,
        assignments: &BTreeMap<Arc<str>, Bytes>,
        result: Result<(), GroupError>,
        effects: &mut Effects,
    ) {
        if let Err(error) = result {
            self.reset_assignments(now, error, effects);
            self.maybe_prepare_rebalance(now, effects);
            return;
        }
        for (id, member) in &mut self.members {
            member.assignment = assignments.get(id).cloned().unwrap_or_default();
        }
        self.enter(State::Stable, now);
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for id in ids {
            let reply = self.assigned(&id);
            self.reply_sync(now, &id, reply, effects);
        }
    }

    pub(super) fn reset_assignments(&mut self, now: Now, error: GroupError, effects: &mut Effects) {
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for id in ids {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = Bytes::new();
            }
            self.reply_sync(now, &id, SyncReply::failed(error.clone()), effects);
        }
    }

    /// Answers a waiting sync, if there is one; its member's session begins anew.
    fn reply_sync(&mut self, now: Now, id: &str, reply: SyncReply, effects: &mut Effects) {
        let waiting = self.members.get_mut(id).and_then(|m| m.awaiting_sync.take());
        if let Some(token) = waiting {
            effects.syncs.push((token, reply));
            self.restart_session(now, id, effects);
        }
    }
}
