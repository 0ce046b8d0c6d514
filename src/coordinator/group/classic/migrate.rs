//! A classic group made of the members of a KIP-848 group, and the end of one that becomes such a
//! group. As `ClassicGroup.fromConsumerGroup` and `completeAllJoinFutures`.

use std::sync::Arc;

use bytes::Bytes;

use super::{ClassicGroup, Effects, JoinReply, Member, Now, State, SyncReply, subscription};
use crate::coordinator::group::records::{GroupValue, MemberValue};
use crate::coordinator::group::{GroupConfig, GroupError};

impl ClassicGroup {
    /// A stable group of these consumers, each with its assignment; sessions begin now.
    pub fn of_members(
        config: Arc<GroupConfig>,
        now: Now,
        generation: i32,
        members: Vec<Member>,
    ) -> (Self, Effects) {
        let mut group = ClassicGroup::new(config, now);
        group.generation = generation;
        group.protocol_type = Some(subscription::PROTOCOL_TYPE.into());
        group.leader = members.first().map(|member| member.id.clone());
        for member in members {
            if let Some(instance) = &member.instance_id {
                group.static_members.insert(instance.clone(), member.id.clone());
            }
            group.members.insert(member.id.clone(), member);
        }
        group.protocol = group.select_protocol();
        group.subscribed = subscription::topics_of(&group);
        group.enter(State::Stable, now);
        let mut effects = Effects::default();
        let ids: Vec<_> = group.members.keys().cloned().collect();
        for id in ids {
            group.restart_session(now, &id, &mut effects);
        }
        (group, effects)
    }

    /// The record of a group that `gone` has left, and that is to rebalance. A classic group's
    /// record keeps who left until the rebalance has ended: a coordinator that loads it before,
    /// Kafka's too (`GroupMetadataManager.onLoaded`), removes that member when its session ends and
    /// asks the others to join again. Here the session is over at once, and the member owns and
    /// wants nothing. Kafka's `ClassicGroup.fromConsumerGroup` leaves it out: loaded, the group is
    /// stable, and what the member had is nobody's.
    pub fn value_left_by(&self, gone: &str) -> GroupValue {
        let mut value = self.value_with(|member| member.assignment.clone());
        value.members.push(MemberValue {
            member_id: gone.into(),
            instance_id: None,
            client_id: "".into(),
            client_host: "".into(),
            rebalance_timeout_ms: 0,
            session_timeout_ms: 1,
            subscription: Bytes::from_static(subscription::OF_NOTHING),
            assignment: Bytes::from_static(subscription::OF_NOTHING),
        });
        value
    }

    /// Asks all members to join again.
    pub fn rebalance(&mut self, now: Now) -> Effects {
        let mut effects = Effects::default();
        self.maybe_prepare_rebalance(now, &mut effects);
        effects
    }

    /// The group ends here: everybody who waits is told why.
    pub fn disband(&mut self, now: Now, why: &GroupError) -> Effects {
        let mut effects = Effects::default();
        self.enter(State::Dead, now);
        self.rebalance = None;
        self.sync_deadline = None;
        for member in self.members.values_mut() {
            if let Some(token) = member.awaiting_join.take() {
                effects.joins.push((token, JoinReply::failed(&member.id, why.clone())));
            }
            if let Some(token) = member.awaiting_sync.take() {
                effects.syncs.push((token, SyncReply::failed(why.clone())));
            }
        }
        effects
    }
}
