//! Join, sync, heartbeat and leave, from the handlers to the group and back.

use tokio::sync::oneshot;

use super::GroupError;
use super::cell::Group;
use super::classic::{
    ClassicGroup, Identity, JoinReply, JoinRequest, LeavingMember, Left, SyncReply, SyncRequest,
};
use super::coordinator::GroupCoordinator;
use super::heartbeats::Unconfirmed;

/// A join under way.
enum Joining {
    /// It is answered when the join phase ends.
    Waits(oneshot::Receiver<JoinReply>),
    /// Answered, once the log is replicated up to a place.
    Answered(JoinReply, Unconfirmed),
}

/// A sync under way.
enum Syncing {
    /// It is answered when the leader has brought its assignment.
    Waits(oneshot::Receiver<SyncReply>),
    /// Answered, once the log is replicated up to a place.
    Answered(SyncReply, Unconfirmed),
}

impl GroupCoordinator {
    /// A member joins; answers when the join phase ends.
    pub async fn join(&self, group_id: &str, request: JoinRequest) -> JoinReply {
        let member_id = request.identity.member_id.clone();
        let failed = |error| JoinReply::failed(&member_id, error);
        match self.begin_join(group_id, request) {
            Ok(Joining::Waits(reply)) => {
                reply.await.unwrap_or_else(|_| failed(GroupError::NotCoordinator))
            }
            Ok(Joining::Answered(reply, written)) => {
                self.await_written(written).await.map_or_else(failed, |()| reply)
            }
            Err(error) => failed(error),
        }
    }

    fn begin_join(&self, group_id: &str, request: JoinRequest) -> Result<Joining, GroupError> {
        let (partition, owned) = self.owned_named(group_id)?;
        ClassicGroup::check_session_timeout(&self.config(), request.session_timeout_ms)?;
        let cell = if request.identity.member_id.is_empty() {
            self.get_or_create(partition, &owned, group_id)
        } else {
            owned.get(group_id).ok_or(GroupError::UnknownMemberId)?
        };
        let mut inner = cell.inner.lock();
        self.revive_as_classic(&cell, &mut inner)?;
        let (token, waiting) = inner.await_join();
        if let Group::Classic(group) = &mut inner.group {
            let effects = group.join(self.now(), token, request);
            self.apply(&cell, &mut inner, effects);
            return Ok(Joining::Waits(waiting));
        }
        inner.forget_join(token);
        let (reply, written) = self.join_consumer(&cell, &mut inner, &request)?;
        Ok(Joining::Answered(reply, written))
    }

    /// A member asks for its assignment; answers when the leader has brought it.
    pub async fn sync(&self, group_id: &str, request: SyncRequest) -> SyncReply {
        match self.begin_sync(group_id, request) {
            Ok(Syncing::Waits(reply)) => {
                reply.await.unwrap_or_else(|_| SyncReply::failed(GroupError::NotCoordinator))
            }
            Ok(Syncing::Answered(reply, written)) => {
                self.await_written(written).await.map_or_else(SyncReply::failed, |()| reply)
            }
            // The rebalance is lost with the old coordinator: join again, here.
            Err(GroupError::CoordinatorLoadInProgress) => {
                SyncReply::failed(GroupError::RebalanceInProgress)
            }
            Err(error) => SyncReply::failed(error),
        }
    }

    fn begin_sync(&self, group_id: &str, request: SyncRequest) -> Result<Syncing, GroupError> {
        let (_, owned) = self.owned_named(group_id)?;
        let cell = owned.get(group_id).ok_or(GroupError::UnknownMemberId)?;
        let mut inner = cell.inner.lock();
        let (token, waiting) = inner.await_sync();
        if let Group::Classic(group) = &mut inner.group {
            let effects = group.sync(self.now(), token, request);
            self.apply(&cell, &mut inner, effects);
            return Ok(Syncing::Waits(waiting));
        }
        inner.forget_sync(token);
        let reply = self.sync_consumer(&cell, &mut inner, &request)?;
        Ok(Syncing::Answered(reply, cell.unconfirmed()))
    }

    /// A member is alive.
    pub fn heartbeat(
        &self,
        group_id: &str,
        identity: &Identity,
        generation: i32,
    ) -> Result<(), GroupError> {
        let owned = match self.owned_named(group_id) {
            // Sessions begin anew when the group is loaded.
            Err(GroupError::CoordinatorLoadInProgress) => return Ok(()),
            Err(error) => return Err(error),
            Ok((_, owned)) => owned,
        };
        let cell = owned.get(group_id).ok_or(GroupError::UnknownMemberId)?;
        let mut inner = cell.inner.lock();
        let Group::Classic(group) = &mut inner.group else {
            return self.heartbeat_consumer(&cell, &mut inner, identity, generation);
        };
        let (result, effects) = group.heartbeat(self.now(), identity, generation);
        self.apply(&cell, &mut inner, effects);
        result
    }

    /// Members leave; a result each, or why none could.
    pub fn leave(&self, group_id: &str, members: &[LeavingMember]) -> Left {
        let (_, owned) = self.owned_named(group_id)?;
        let Some(cell) = owned.get(group_id) else {
            return Ok(vec![Err(GroupError::UnknownMemberId); members.len()]);
        };
        let mut inner = cell.inner.lock();
        let Group::Classic(group) = &mut inner.group else {
            return self.leave_consumer(&cell, &mut inner, members);
        };
        let (left, effects) = group.leave(self.now(), members);
        self.apply(&cell, &mut inner, effects);
        left
    }
}
