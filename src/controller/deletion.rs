//! Deleting topics (Kafka's `TopicDeletionManager`): a queue; each replica is stopped, then its
//! log deleted, then the nodes; a dead replica makes its topic wait.

use super::Controller;
use super::context::{PartitionPhase, Replica, ReplicaPhase};
use super::error::Trouble;
use crate::metadata::records::paths;
use crate::metadata::store::{Op, StoreError};
use crate::types::{TopicName, TopicPartition};

fn delete(path: String) -> Op {
    Op::Delete { path, version: None }
}

impl Controller {
    /// `/admin/delete_topics` may have new children.
    pub(super) async fn on_delete_topics(&mut self) -> Result<(), Trouble> {
        let asked = self.nodes.children(paths::DELETE_TOPICS).await?;
        let (known, unknown): (Vec<String>, Vec<String>) =
            asked.into_iter().partition(|t| self.context.topics.contains_key(t.as_str()));
        let enabled = (self.settings)().delete_topics;
        let refused = if enabled { unknown } else { [unknown, known.clone()].concat() };
        let ops = refused.iter().map(|t| delete(paths::delete_topic(t))).collect();
        self.nodes.fenced(self.context.fence, ops).await?;
        let known: Vec<TopicName> = known
            .into_iter()
            .map(TopicName::from)
            .filter(|t| !self.context.is_deleting(t))
            .collect();
        if !enabled || known.is_empty() {
            return Ok(());
        }
        for topic in &known {
            if self.context.moving.iter().any(|p| p.topic == *topic) {
                self.context.deletion_blocked.insert(topic.clone());
            }
            tracing::info!(%topic, "topic is to be deleted");
        }
        self.context.deleting.extend(known);
        self.resume_deletions().await
    }

    /// What held these topics' deletion up is over.
    pub(super) async fn unblock_deletion(&mut self, topics: &[TopicName]) -> Result<(), Trouble> {
        let queued: Vec<&TopicName> =
            topics.iter().filter(|t| self.context.is_deleting(t)).collect();
        if queued.is_empty() {
            return Ok(());
        }
        for topic in queued {
            self.context.deletion_blocked.remove(topic);
        }
        self.resume_deletions().await
    }

    /// These replicas could not be deleted: their broker or directory is down.
    pub(super) async fn fail_deletion(&mut self, replicas: &[Replica]) -> Result<(), Trouble> {
        let failed: Vec<Replica> =
            replicas.iter().filter(|(p, _)| self.context.is_deleting(&p.topic)).cloned().collect();
        if failed.is_empty() {
            return Ok(());
        }
        self.move_replicas(&failed, ReplicaPhase::DeletionIneligible).await?;
        self.context.deletion_blocked.extend(failed.into_iter().map(|(p, _)| p.topic));
        self.resume_deletions().await
    }

    /// A broker has answered StopReplica for replicas that were to be deleted.
    pub(super) async fn on_replicas_deleted(
        &mut self,
        deleted: Vec<Replica>,
        failed: Vec<Replica>,
    ) -> Result<(), Trouble> {
        self.fail_deletion(&failed).await?;
        let deleted: Vec<Replica> =
            deleted.into_iter().filter(|(p, _)| self.context.is_deleting(&p.topic)).collect();
        if deleted.is_empty() {
            return Ok(());
        }
        self.move_replicas(&deleted, ReplicaPhase::DeletionSuccessful).await?;
        self.resume_deletions().await
    }

    /// Goes on with every queued topic that can go on.
    pub(super) async fn resume_deletions(&mut self) -> Result<(), Trouble> {
        let queued: Vec<TopicName> = self.context.deleting.iter().cloned().collect();
        let mut retry = Vec::new();
        let mut eligible = Vec::new();
        for topic in queued {
            let replicas = self.context.replicas_of(&self.context.partitions_of(&topic));
            let in_phase = |phase| self.context.replicas_in(&topic, phase).len();
            if in_phase(ReplicaPhase::DeletionSuccessful) == replicas.len() {
                self.finish_deletion(&topic).await?;
                continue;
            }
            let is_running = in_phase(ReplicaPhase::DeletionStarted) > 0;
            if !is_running && in_phase(ReplicaPhase::DeletionIneligible) > 0 {
                retry.extend(self.context.replicas_in(&topic, ReplicaPhase::DeletionIneligible));
            }
            if !is_running && !self.context.deletion_blocked.contains(&topic) {
                eligible.push(topic);
            }
        }
        self.move_replicas(&retry, ReplicaPhase::Offline).await?;
        if !eligible.is_empty() {
            self.delete_topics(&eligible).await?;
        }
        Ok(())
    }

    async fn delete_topics(&mut self, topics: &[TopicName]) -> Result<(), Trouble> {
        for topic in topics {
            if self.context.deletion_begun.insert(topic.clone()) {
                let partitions = self.context.partitions_of(topic);
                self.set_partitions(&partitions, PartitionPhase::NonExistent);
            }
        }
        // Everybody is to know that these partitions have no leader any more.
        let all: Vec<TopicPartition> =
            topics.iter().flat_map(|t| self.context.partitions_of(t)).collect();
        let brokers = self.context.reachable();
        self.batch.update_metadata(&brokers, all);
        self.flush();
        self.delete_replicas(topics).await
    }

    async fn delete_replicas(&mut self, topics: &[TopicName]) -> Result<(), Trouble> {
        let (mut dead, mut alive) = (Vec::new(), Vec::new());
        for topic in topics {
            for replica in self.context.replicas_of(&self.context.partitions_of(topic)) {
                let phase = self.context.replica_phases.get(&replica);
                if !self.context.is_online(replica.1, &replica.0) {
                    self.context.deletion_blocked.insert(topic.clone());
                    dead.push(replica);
                } else if phase != Some(&ReplicaPhase::DeletionSuccessful) {
                    alive.push(replica);
                }
            }
        }
        let is_offline = |replica: &Replica| {
            self.context.replica_phases.get(replica) == Some(&ReplicaPhase::Offline)
        };
        dead.retain(is_offline);
        self.move_replicas(&dead, ReplicaPhase::DeletionIneligible).await?;
        self.move_replicas(&alive, ReplicaPhase::Offline).await?;
        self.move_replicas(&alive, ReplicaPhase::DeletionStarted).await
    }

    /// All logs are gone: the nodes follow, one transaction each.
    async fn finish_deletion(&mut self, topic: &TopicName) -> Result<(), Trouble> {
        let replicas = self.context.replicas_in(topic, ReplicaPhase::DeletionSuccessful);
        self.move_replicas(&replicas, ReplicaPhase::NonExistent).await?;
        let mut ops = Vec::new();
        for partition in self.nodes.children(&paths::partitions(topic)).await? {
            let Ok(index) = partition.parse() else { continue };
            ops.push(delete(paths::partition_state(topic, index)));
            ops.push(delete(paths::partition(topic, index)));
        }
        ops.push(delete(paths::partitions(topic)));
        ops.push(delete(paths::topic(topic)));
        ops.push(delete(paths::topic_config(topic)));
        ops.push(delete(paths::delete_topic(topic)));
        for result in self.nodes.fenced(self.context.fence, ops).await? {
            match result {
                Ok(_) | Err(StoreError::NoNode(_)) => {}
                Err(error) => tracing::error!(%topic, %error, "node of a deleted topic stays"),
            }
        }
        self.context.remove_topic(topic);
        tracing::info!(%topic, "topic is deleted");
        Ok(())
    }
}
