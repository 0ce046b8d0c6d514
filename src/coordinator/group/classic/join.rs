//! JoinGroup. As `GroupCoordinator.handleJoinGroup` and what it calls.

use std::sync::Arc;

use bytes::Bytes;

use super::effects::{Purpose, Replacement, Store};
use super::{
    ClassicGroup, Effects, JoinReply, JoinRequest, Member, NEW_MEMBER_JOIN_TIMEOUT_MS, Now, State,
    SyncReply, Token,
};
use crate::coordinator::group::{GroupConfig, GroupError};

impl ClassicGroup {
    /// A member joins. The answer to `token` comes in these effects or in later ones.
    pub fn join(&mut self, now: Now, token: Token, request: JoinRequest) -> Effects {
        let mut effects = Effects::default();
        if let Err((member_id, error)) = self.try_join(now, token, &request, &mut effects) {
            effects.joins.push((token, JoinReply::failed(&member_id, error)));
        }
        // Even a refused join completes a phase that waits for nobody else.
        self.try_complete_join(now, &mut effects);
        effects
    }

    /// A session timeout must be within the broker's bounds, whatever the group.
    pub fn check_session_timeout(config: &GroupConfig, timeout_ms: i32) -> Result<(), GroupError> {
        if (config.min_session_timeout_ms..=config.max_session_timeout_ms).contains(&timeout_ms) {
            return Ok(());
        }
        Err(GroupError::InvalidSessionTimeout)
    }

    fn try_join(
        &mut self,
        now: Now,
        token: Token,
        request: &JoinRequest,
        effects: &mut Effects,
    ) -> Result<(), (Arc<str>, GroupError)> {
        let known = request.identity.member_id.clone();
        ClassicGroup::check_session_timeout(&self.config, request.session_timeout_ms)
            .map_err(|error| (known.clone(), error))?;
        if !self.has_room_for(&known) {
            self.remove(&known, effects);
            return Err(("".into(), GroupError::GroupMaxSizeReached));
        }
        if self.state == State::Dead {
            return Err((known, GroupError::CoordinatorNotAvailable));
        }
        let names: Vec<&str> = request.protocols.iter().map(|p| &*p.name).collect();
        if !self.accepts(&request.protocol_type, &names) {
            return Err((known, GroupError::InconsistentGroupProtocol));
        }
        if known.is_empty() {
            self.join_new(now, token, request, effects)
        } else {
            self.join_again(now, token, request, effects)
        }
    }

    /// `group.max.size` counts those who wait while the group prepares, else the members.
    fn has_room_for(&self, member_id: &str) -> bool {
        let known = self.members.get(member_id);
        match self.state {
            State::Empty | State::Dead => true,
            State::PreparingRebalance => {
                known.is_some_and(|m| m.awaiting_join.is_some())
                    || self.awaiting_joins() < self.config.max_size
            }
            State::CompletingRebalance | State::Stable => {
                known.is_some() || self.members.len() < self.config.max_size
            }
        }
    }

    fn join_new(
        &mut self,
        now: Now,
        token: Token,
        request: &JoinRequest,
        effects: &mut Effects,
    ) -> Result<(), (Arc<str>, GroupError)> {
        let prefix = request.identity.instance_id.as_deref().unwrap_or(&request.client_id);
        let new_id: Arc<str> = format!("{prefix}-{}", request.unique).into();
        if let Some(instance) = &request.identity.instance_id {
            if let Some(old_id) = self.static_members.get(instance).cloned() {
                self.replace_static(now, token, request, &old_id, new_id, effects);
            } else {
                self.add_member(now, token, request, new_id, effects);
            }
            return Ok(());
        }
        if request.require_known_member_id {
            let deadline = now.ticks.saturating_add(i64::from(request.session_timeout_ms));
            self.pending.insert(new_id.clone(), deadline);
            self.arm(deadline, effects);
            return Err((new_id, GroupError::MemberIdRequired));
        }
        self.add_member(now, token, request, new_id, effects);
        Ok(())
    }

    fn join_again(
        &mut self,
        now: Now,
        token: Token,
        request: &JoinRequest,
        effects: &mut Effects,
    ) -> Result<(), (Arc<str>, GroupError)> {
        let id = request.identity.member_id.clone();
        if self.pending.contains_key(&id) {
            if request.identity.instance_id.is_some() {
                let reason = "a static member was given a member id to join with".to_owned();
                return Err((id, GroupError::Unexpected(reason)));
            }
            self.add_member(now, token, request, id, effects);
            return Ok(());
        }
        self.check_member(&request.identity).map_err(|error| (id.clone(), error))?;
        let is_same = self.members.get(&id).is_some_and(|m| m.protocols == request.protocols);
        let is_current = match self.state {
            State::PreparingRebalance => false,
            State::CompletingRebalance => is_same,
            // A leader that joins again asks for a rebalance.
            State::Stable => is_same && !self.is_leader(&id),
            State::Empty | State::Dead => return Err((id, GroupError::UnknownMemberId)),
        };
        if is_current {
            let mut reply = self.joined(&id);
            if self.state == State::Stable {
                reply.members.clear();
            }
            effects.joins.push((token, reply));
            return Ok(());
        }
        self.update_member(&id, request);
        self.await_join(&id, token, effects);
        self.maybe_prepare_rebalance(now, effects);
        Ok(())
    }

    fn add_member(
        &mut self,
        now: Now,
        token: Token,
        request: &JoinRequest,
        id: Arc<str>,
        effects: &mut Effects,
    ) {
        let deadline = now.ticks.saturating_add(NEW_MEMBER_JOIN_TIMEOUT_MS);
        let member = Member {
            id: id.clone(),
            instance_id: request.identity.instance_id.clone(),
            client_id: request.client_id.clone(),
            client_host: request.client_host.clone(),
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            session_timeout_ms: request.session_timeout_ms,
            protocols: request.protocols.clone(),
            assignment: Bytes::new(),
            awaiting_join: Some(token),
            awaiting_sync: None,
            is_new: true,
            session_deadline: Some(deadline),
        };
        if self.state == State::PreparingRebalance && self.generation == 0 {
            self.new_member_added = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.clone());
        }
        if let Some(instance) = &member.instance_id {
            self.static_members.insert(instance.clone(), id.clone());
        }
        self.leader.get_or_insert_with(|| id.clone());
        self.pending.remove(&id);
        self.members.insert(id, member);
        self.arm(deadline, effects);
        self.maybe_prepare_rebalance(now, effects);
    }

    fn update_member(&mut self, id: &str, request: &JoinRequest) {
        if let Some(member) = self.members.get_mut(id) {
            member.rebalance_timeout_ms = request.rebalance_timeout_ms;
            member.session_timeout_ms = request.session_timeout_ms;
            member.protocols = request.protocols.clone();
        }
    }

    /// A static member came back: it takes the place of its old self, which is fenced.
    fn replace_static(
        &mut self,
        now: Now,
        token: Token,
        request: &JoinRequest,
        old_id: &Arc<str>,
        new_id: Arc<str>,
        effects: &mut Effects,
    ) {
        let old_leader = self.leader.clone().unwrap_or_else(|| "".into());
        let Some(instance_id) = request.identity.instance_id.clone() else {
            return;
        };
        self.rename_static(&instance_id, old_id, &new_id, effects);
        let Some(member) = self.members.get(&new_id) else {
            return;
        };
        let replacement = Replacement {
            instance_id,
            old_member_id: old_id.clone(),
            new_member_id: new_id.clone(),
            old_protocols: member.protocols.clone(),
            old_rebalance_timeout_ms: member.rebalance_timeout_ms,
            old_session_timeout_ms: member.session_timeout_ms,
            old_leader,
            skip_assignment: request.can_skip_assignment,
        };
        self.restart_session(now, &new_id, effects);
        self.update_member(&new_id, request);
        self.await_join(&new_id, token, effects);
        match self.state {
            State::Stable if self.select_protocol() == self.protocol => {
                // Its assignment stays, so nobody else needs to know; the new id must be kept.
                let value = self.value_with(|m| m.assignment.clone());
                let purpose = Purpose::Replacement(Box::new(replacement));
                effects.stores.push(Store { value, purpose });
            }
            State::Stable | State::CompletingRebalance => {
                self.maybe_prepare_rebalance(now, effects);
            }
            State::Empty | State::Dead | State::PreparingRebalance => {}
        }
    }

    fn rename_static(
        &mut self,
        instance_id: &Arc<str>,
        from: &Arc<str>,
        to: &Arc<str>,
        effects: &mut Effects,
    ) {
        let Some(mut member) = self.members.remove(from) else {
            return;
        };
        if let Some(token) = member.awaiting_join.take() {
            effects.joins.push((token, JoinReply::failed(from, GroupError::FencedInstanceId)));
        }
        if let Some(token) = member.awaiting_sync.take() {
            effects.syncs.push((token, SyncReply::failed(GroupError::FencedInstanceId)));
        }
        member.id = to.clone();
        self.members.insert(to.clone(), member);
        if self.is_leader(from) {
            self.leader = Some(to.clone());
        }
        if self.pending_sync.remove(from) {
            self.pending_sync.insert(to.clone());
        }
        self.static_members.insert(instance_id.clone(), to.clone());
    }

    /// The record with the new id of a static member is stored, or is not.
    pub(super) fn replacement_stored(
        &mut self,
        now: Now,
        replaced: Replacement,
        result: Result<(), GroupError>,
        effects: &mut Effects,
    ) {
        let id = &replaced.new_member_id;
        if self.static_members.get(&replaced.instance_id) != Some(id) {
            return; // Replaced once more, or gone; its join has been answered.
        }
        let Err(error) = result else {
            if self.state != State::Stable {
                return; // A rebalance began meanwhile; it answers.
            }
            let mut reply = self.joined(id);
            if replaced.skip_assignment {
                reply.skip_assignment = self.is_leader(id);
            } else {
                // Old clients run their assignor when they lead: name another leader.
                reply.leader = replaced.old_leader;
                reply.members.clear();
            }
            self.reply_join(id, reply, effects);
            // Its session may have ended while it waited for the store.
            return self.restart_session(now, id, effects);
        };
        let reply = JoinReply {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: replaced.old_leader.clone(),
            ..JoinReply::failed("", error)
        };
        self.reply_join(id, reply, effects);
        self.rename_static(&replaced.instance_id, id, &replaced.old_member_id, effects);
        if let Some(member) = self.members.get_mut(&replaced.old_member_id) {
            member.protocols = replaced.old_protocols;
            member.rebalance_timeout_ms = replaced.old_rebalance_timeout_ms;
            member.session_timeout_ms = replaced.old_session_timeout_ms;
        }
        self.restart_session(now, &replaced.old_member_id, effects);
    }
}
