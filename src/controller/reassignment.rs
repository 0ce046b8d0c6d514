//! Moving partitions to other brokers (KIP-455): `onPartitionReassignment`'s phases A and B.

use super::Controller;
use super::context::{Replica, ReplicaPhase, origin_replicas, reassign_to};
use super::elect::Strategy;
use super::error::{ControllerError, Trouble};
use crate::metadata::records::{PartitionState, ReassignmentRequest, ReplicaAssignment, paths};
use crate::metadata::store::Op;
use crate::types::{BrokerId, TopicPartition};
use std::collections::BTreeMap;

fn list(ids: &[BrokerId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Controller {
    /// Starts (`Some`: target replicas) or cancels (`None`) reassignments.
    pub(super) async fn reassign(
        &mut self,
        asked: Vec<(TopicPartition, Option<Vec<BrokerId>>)>,
    ) -> Result<BTreeMap<TopicPartition, Result<(), ControllerError>>, Trouble> {
        let mut results = BTreeMap::new();
        let mut accepted = Vec::new();
        for (partition, targets) in asked {
            match self.plan(&partition, targets) {
                Ok(plan) => accepted.push((partition, plan)),
                Err(error) => {
                    results.insert(partition, Err(error));
                }
            }
        }
        for (partition, plan) in accepted {
            self.drop_legacy_request(&partition).await?;
            self.move_on(&partition, plan).await?;
            results.insert(partition, Ok(()));
        }
        Ok(results)
    }

    fn plan(
        &self,
        partition: &TopicPartition,
        targets: Option<Vec<BrokerId>>,
    ) -> Result<ReplicaAssignment, ControllerError> {
        let now = self.context.assignment(partition);
        let plan = match targets {
            Some(targets) => self.plan_targets(&now, &targets)?,
            None if now.is_moving() => reassign_to(&now, &origin_replicas(&now)),
            None => return Err(ControllerError::NoReassignmentInProgress),
        };
        // Asked last: what is wrong with the replicas is said of an unknown partition too.
        let unknown = |why: &str| Err(ControllerError::UnknownTopicOrPartition(why.into()));
        if self.context.is_deleting(&partition.topic) {
            return unknown("The topic is being deleted.");
        }
        if now.replicas.is_empty() {
            return unknown("The partition does not exist.");
        }
        Ok(plan)
    }

    /// What moves a partition to these replicas, if they may have it
    /// (`KafkaController.validateReplicas`).
    fn plan_targets(
        &self,
        now: &ReplicaAssignment,
        targets: &[BrokerId],
    ) -> Result<ReplicaAssignment, ControllerError> {
        let invalid = |why: String| Err(ControllerError::InvalidReplicaAssignment(why));
        if targets.is_empty() {
            return invalid("Empty replica list specified in partition reassignment.".into());
        }
        let mut unique = targets.to_vec();
        unique.sort_unstable();
        unique.dedup();
        if unique.len() != targets.len() {
            return invalid(format!(
                "Duplicate replica ids in partition reassignment replica list: ArrayBuffer({})",
                list(targets)
            ));
        }
        if targets.iter().any(|id| *id < 0) {
            return invalid(format!(
                "Invalid broker id in replica list: ArrayBuffer({})",
                list(targets)
            ));
        }
        let plan = reassign_to(now, targets);
        if plan.adding.iter().any(|id| !self.context.is_live(*id)) {
            return invalid(format!(
                "Replica assignment has brokers that are not alive. Replica list: \
                 ArrayBuffer({}), live broker list: Set({})",
                list(&plan.adding),
                list(&self.context.live())
            ));
        }
        Ok(plan)
    }

    /// Goes on with a reassignment that is under way.
    pub(super) async fn resume_move(&mut self, partition: &TopicPartition) -> Result<(), Trouble> {
        let assignment = self.context.assignment(partition);
        self.move_on(partition, assignment).await
    }

    async fn move_on(
        &mut self,
        partition: &TopicPartition,
        plan: ReplicaAssignment,
    ) -> Result<(), Trouble> {
        if self.context.is_deleting(&partition.topic) {
            self.context.deletion_blocked.insert(partition.topic.clone());
        }
        self.write_plan(partition, &plan).await?;
        let replicas = |ids: &[BrokerId]| -> Vec<Replica> {
            ids.iter().map(|id| (partition.clone(), *id)).collect()
        };
        if !self.is_complete(partition, &plan).await? {
            self.bump_leader_epoch(partition, &plan.replicas).await?;
            return self.move_replicas(&replicas(&plan.adding), ReplicaPhase::New).await;
        }
        self.move_replicas(&replicas(&plan.adding), ReplicaPhase::Online).await?;
        let settled = ReplicaAssignment::settled(plan.targets());
        self.context.set_assignment(partition, settled.clone());
        self.move_leader_if_required(partition, &settled).await?;
        self.remove_replicas(&replicas(&plan.removing)).await?;
        self.context.set_assignment(partition, settled);
        let node = self.assignment_node(&partition.topic);
        self.write_assignment(&partition.topic, &node).await?;
        self.context.moving.remove(partition);
        self.drop_legacy_request(partition).await?;
        let all = self.context.reachable();
        self.batch.update_metadata(&all, [partition.clone()]);
        self.flush();
        tracing::info!(%partition, "reassignment is complete");
        self.unblock_deletion(std::slice::from_ref(&partition.topic)).await
    }

    /// Writes the plan where it is new, and drops the replicas of a plan that it replaces.
    async fn write_plan(
        &mut self,
        partition: &TopicPartition,
        plan: &ReplicaAssignment,
    ) -> Result<(), Trouble> {
        let now = self.context.assignment(partition);
        if now != *plan {
            self.context.set_assignment(partition, plan.clone());
            let node = self.assignment_node(&partition.topic);
            self.write_assignment(&partition.topic, &node).await?;
            let dropped: Vec<Replica> = now
                .replicas
                .iter()
                .filter(|id| !plan.replicas.contains(id))
                .map(|id| (partition.clone(), *id))
                .collect();
            self.remove_replicas(&dropped).await?;
            self.context.set_assignment(partition, plan.clone());
        }
        self.context.moving.insert(partition.clone());
        Ok(())
    }

    async fn is_complete(
        &self,
        partition: &TopicPartition,
        plan: &ReplicaAssignment,
    ) -> Result<bool, Trouble> {
        if !plan.is_moving() {
            return Ok(true);
        }
        let state = self.nodes.states(std::slice::from_ref(partition)).await?.pop().flatten();
        let is_in_sync = |(state, _): (PartitionState, _)| {
            plan.targets().iter().all(|id| state.isr.contains(id))
        };
        Ok(state.is_some_and(is_in_sync))
    }

    async fn move_leader_if_required(
        &mut self,
        partition: &TopicPartition,
        settled: &ReplicaAssignment,
    ) -> Result<(), Trouble> {
        let leader = self.context.leader(partition);
        if settled.replicas.contains(&leader) && self.context.is_online(leader, partition) {
            return self.bump_leader_epoch(partition, &settled.replicas).await;
        }
        self.bring_online(std::slice::from_ref(partition), Strategy::Reassign).await?;
        Ok(())
    }

    /// Leader epoch + 1 with everything else as it is, and LeaderAndIsr to these replicas.
    async fn bump_leader_epoch(
        &mut self,
        partition: &TopicPartition,
        recipients: &[BrokerId],
    ) -> Result<(), Trouble> {
        loop {
            let mut read = self.read_leaderships(std::slice::from_ref(partition)).await?;
            let Some(now) = read.remove(partition) else { return Ok(()) };
            let state = now.next(now.state.leader, now.state.isr.clone(), now.state.recovering);
            let written = self.write_states(vec![(partition.clone(), state, now.version)]).await?;
            if written.iter().all(Result::is_ok) {
                break;
            }
        }
        self.batch.leader_and_isr(&self.context, recipients, partition, false);
        self.flush();
        Ok(())
    }

    async fn remove_replicas(&mut self, replicas: &[Replica]) -> Result<(), Trouble> {
        for phase in [
            ReplicaPhase::Offline,
            ReplicaPhase::DeletionStarted,
            ReplicaPhase::DeletionSuccessful,
            ReplicaPhase::NonExistent,
        ] {
            self.move_replicas(replicas, phase).await?;
        }
        Ok(())
    }

    /// The in-sync set of a moving partition may have grown.
    pub(super) async fn on_in_sync(&mut self, partition: &TopicPartition) -> Result<(), Trouble> {
        if !self.context.moving.contains(partition) {
            return Ok(());
        }
        let assignment = self.context.assignment(partition);
        if self.is_complete(partition, &assignment).await? {
            self.move_on(partition, assignment).await?;
        }
        Ok(())
    }

    /// Reassignments under way, of these partitions or of all.
    pub(super) fn moving(
        &self,
        of: Option<&[TopicPartition]>,
    ) -> Vec<(TopicPartition, ReplicaAssignment)> {
        let candidates: Vec<TopicPartition> = match of {
            Some(partitions) => partitions.to_vec(),
            None => self.context.moving.iter().cloned().collect(),
        };
        let with = candidates.into_iter().map(|p| (p.clone(), self.context.assignment(&p)));
        with.filter(|(_, assignment)| assignment.is_moving()).collect()
    }

    /// `/admin/reassign_partitions`, the way before KIP-455.
    pub(super) async fn on_legacy_reassignment(&mut self) -> Result<(), Trouble> {
        let Some(node) = self.nodes.store.get(paths::REASSIGN_PARTITIONS).await? else {
            return Ok(());
        };
        let Ok(request) = ReassignmentRequest::decode(node.data.as_deref().unwrap_or_default())
        else {
            tracing::error!("/admin/reassign_partitions cannot be read");
            let path = paths::REASSIGN_PARTITIONS.into();
            let op = Op::Delete { path, version: None };
            self.nodes.fenced_one(self.context.fence, op).await?.ok();
            return Ok(());
        };
        self.legacy_moves = BTreeMap::new();
        for (partition, replicas) in request.0 {
            let partition = TopicPartition::new(partition.topic, partition.partition);
            self.legacy_moves.insert(partition, replicas);
        }
        let moves: Vec<_> = self.legacy_moves.clone().into_iter().collect();
        for (partition, targets) in moves {
            match self.plan(&partition, Some(targets)) {
                Ok(plan) => self.move_on(&partition, plan).await?,
                Err(error) => {
                    tracing::warn!(%partition, %error, "reassignment is refused");
                    self.drop_legacy_request(&partition).await?;
                }
            }
        }
        Ok(())
    }

    /// Takes a partition out of the old-style request; the last one takes the node with it.
    async fn drop_legacy_request(&mut self, partition: &TopicPartition) -> Result<(), Trouble> {
        if self.legacy_moves.remove(partition).is_none() {
            return Ok(());
        }
        let path = paths::REASSIGN_PARTITIONS.to_string();
        let op = if self.legacy_moves.is_empty() {
            Op::Delete { path, version: None }
        } else {
            let partition = |p: &TopicPartition| crate::metadata::records::PartitionRef {
                topic: p.topic.to_string(),
                partition: p.partition,
            };
            let left =
                self.legacy_moves.iter().map(|(p, replicas)| (partition(p), replicas.clone()));
            let data = Some(ReassignmentRequest(left.collect()).encode());
            Op::Set { path, data, version: None }
        };
        self.nodes.fenced_one(self.context.fence, op).await?.ok();
        Ok(())
    }
}
