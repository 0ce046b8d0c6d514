//! LeaveGroup, of one or more members. As `GroupCoordinator.handleLeaveGroup`.

use std::sync::Arc;

use super::{ClassicGroup, Effects, LeavingMember, Now, State};
use crate::coordinator::group::GroupError;

/// How the leaving of each member went, in their order; or why nobody could leave.
pub type Left = Result<Vec<Result<(), GroupError>>, GroupError>;

impl ClassicGroup {
    /// Removes members. An empty member id with an instance id is an administrator's removal.
    pub fn leave(&mut self, now: Now, members: &[LeavingMember]) -> (Left, Effects) {
        let mut effects = Effects::default();
        if self.state == State::Dead {
            return (Err(GroupError::CoordinatorNotAvailable), effects);
        }
        let results = members.iter().map(|m| self.leave_one(now, m, &mut effects)).collect();
        (Ok(results), effects)
    }

    fn leave_one(
        &mut self,
        now: Now,
        leaving: &LeavingMember,
        effects: &mut Effects,
    ) -> Result<(), GroupError> {
        let identity = &leaving.identity;
        if self.pending.remove(&identity.member_id).is_some() {
            self.try_complete_join(now, effects);
            return Ok(());
        }
        let id: Arc<str> = if identity.member_id.is_empty() {
            let instance = identity.instance_id.as_ref().ok_or(GroupError::UnknownMemberId)?;
            self.static_members.get(instance).cloned().ok_or(GroupError::UnknownMemberId)?
        } else {
            self.check_member(identity)?;
            identity.member_id.clone()
        };
        self.remove_and_rebalance(now, &id, effects);
        Ok(())
    }
}
