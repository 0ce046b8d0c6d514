//! What ConsumerGroupDescribe shows of a KIP-848 group.

use std::sync::Arc;

use super::HeartbeatError;
use super::cell::Group;
use super::consumer::group::ConsumerGroup;
use super::consumer::records::Member;
use super::consumer::refusal::Refusal;
use super::consumer::{Assignment, TopicCatalog};
use super::coordinator::GroupCoordinator;

/// A KIP-848 group in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerDescription {
    /// Its state, e.g. `Stable`.
    pub state: &'static str,
    /// Its epoch.
    pub epoch: i32,
    /// The epoch of its target assignment.
    pub target_epoch: i32,
    /// The assignor's name.
    pub assignor: &'static str,
    /// Its members, by id.
    pub members: Vec<ConsumerMember>,
}

/// A member in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerMember {
    /// Its id.
    pub id: String,
    /// The epoch it has reached.
    pub epoch: i32,
    /// What it says of itself.
    pub member: Member,
    /// What it may use.
    pub assigned: Assignment,
    /// What it shall have.
    pub target: Assignment,
}

impl GroupCoordinator {
    /// A KIP-848 group, with the topics that its assignments are of.
    pub fn describe_consumer(
        &self,
        group_id: &str,
    ) -> Result<(ConsumerDescription, Arc<TopicCatalog>), HeartbeatError> {
        let (partition, owned) = self.owned_named(group_id)?;
        let topics = self.catalog(partition)?;
        let Some(cell) = owned.get(group_id) else {
            let why = format!("Group {group_id} not found.");
            return Err(Refusal::GroupNotFound(why).into());
        };
        match &cell.inner.lock().group {
            Group::Consumer(machine) => Ok((self.described(&machine.group), topics)),
            Group::Classic(_) => {
                let why = format!("Group {group_id} is not a consumer group.");
                Err(Refusal::GroupNotFound(why).into())
            }
        }
    }

    fn described(&self, group: &ConsumerGroup) -> ConsumerDescription {
        let default = self.config().consumer.plan.default_assignor();
        let members = group.members.iter().map(|(id, member)| {
            let current = group.current.get(id);
            ConsumerMember {
                id: id.clone(),
                epoch: current.map_or(0, |current| current.epoch),
                member: Member::clone(member),
                assigned: current.map(|current| current.assigned.clone()).unwrap_or_default(),
                target: group.targets.get(id).cloned().unwrap_or_default(),
            }
        });
        ConsumerDescription {
            state: group.state().name(),
            epoch: group.epoch,
            target_epoch: group.target_epoch,
            assignor: group.assignor(default).name(),
            members: members.collect(),
        }
    }
}
