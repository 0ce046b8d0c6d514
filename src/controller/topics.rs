//! Topics and partitions that appear and disappear in the store, whoever wrote them.

use super::Controller;
use super::context::{PartitionPhase, Replica, ReplicaPhase, Topic};
use super::elect::Strategy;
use super::error::Trouble;
use crate::metadata::records::{TopicAssignment, paths};
use crate::metadata::store::Op;
use crate::types::{TopicName, TopicPartition};
use std::collections::BTreeSet;

impl Controller {
    /// The children of `/brokers/topics` may have changed.
    pub(super) async fn on_topics(&mut self) -> Result<(), Trouble> {
        let names = self.nodes.children(paths::TOPICS).await?;
        let now: BTreeSet<TopicName> = names.into_iter().map(TopicName::from).collect();
        let gone: Vec<TopicName> =
            self.context.topics.keys().filter(|t| !now.contains(*t)).cloned().collect();
        for topic in gone {
            tracing::info!(%topic, "topic is gone");
            self.context.remove_topic(&topic);
        }
        let new: Vec<TopicName> =
            now.into_iter().filter(|t| !self.context.topics.contains_key(t)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.load_topics(&new).await?;
        let partitions: Vec<TopicPartition> =
            new.iter().flat_map(|t| self.context.partitions_of(t)).collect();
        tracing::info!(topics = ?new, partitions = partitions.len(), "new topics");
        self.on_new_partitions(&partitions).await
    }

    /// Reads assignments into the context; a topic without an id gets one.
    pub(super) async fn load_topics(&mut self, topics: &[TopicName]) -> Result<(), Trouble> {
        let assignments = self.nodes.assignments(topics).await?;
        for (topic, assignment) in topics.iter().zip(assignments) {
            let Some(mut assignment) = assignment else { continue };
            if assignment.topic_id.is_none() {
                assignment.topic_id = Some(uuid::Uuid::new_v4());
                self.write_assignment(topic, &assignment).await?;
            }
            let id = assignment.topic_id.unwrap_or_default();
            let partitions = assignment.partitions;
            self.context.topics.insert(topic.clone(), Topic { id, partitions });
        }
        Ok(())
    }

    /// Writes `/brokers/topics/T` under the fence.
    pub(super) async fn write_assignment(
        &self,
        topic: &TopicName,
        assignment: &TopicAssignment,
    ) -> Result<(), Trouble> {
        let path = paths::topic(topic);
        let op = Op::Set { path, data: Some(assignment.encode()), version: None };
        if let Err(error) = self.nodes.fenced_one(self.context.fence, op).await? {
            tracing::error!(%topic, %error, "assignment was not written");
        }
        Ok(())
    }

    /// The context's assignment of a topic, for writing.
    pub(super) fn assignment_node(&self, topic: &TopicName) -> TopicAssignment {
        let found = self.context.topics.get(topic).cloned().unwrap_or_default();
        let topic_id = (!found.id.is_nil()).then_some(found.id);
        TopicAssignment { topic_id, partitions: found.partitions }
    }

    /// `/brokers/topics/T` has changed: partitions may have been added.
    pub(super) async fn on_topic(&mut self, topic: &TopicName) -> Result<(), Trouble> {
        let Some(Some(assignment)) = self.nodes.assignments(&[topic]).await?.pop() else {
            return Ok(());
        };
        let Some(known) = self.context.topics.get(topic) else { return Ok(()) };
        let added: Vec<(i32, _)> = assignment
            .partitions
            .into_iter()
            .filter(|(index, _)| !known.partitions.contains_key(index))
            .collect();
        if added.is_empty() {
            return Ok(());
        }
        if self.context.is_deleting(topic) {
            tracing::warn!(%topic, "no partitions are added to a topic being deleted");
            let assignment = self.assignment_node(topic);
            return self.write_assignment(topic, &assignment).await;
        }
        let mut partitions = Vec::new();
        for (index, assignment) in added {
            let partition = TopicPartition::new(topic.clone(), index);
            self.context.set_assignment(&partition, assignment);
            partitions.push(partition);
        }
        tracing::info!(%topic, added = partitions.len(), "new partitions");
        self.on_new_partitions(&partitions).await
    }

    async fn on_new_partitions(&mut self, partitions: &[TopicPartition]) -> Result<(), Trouble> {
        self.set_partitions(partitions, PartitionPhase::New);
        let replicas: Vec<Replica> = self.context.replicas_of(partitions);
        self.move_replicas(&replicas, ReplicaPhase::New).await?;
        self.bring_online(partitions, Strategy::Offline { unclean: false }).await?;
        self.move_replicas(&replicas, ReplicaPhase::Online).await
    }
}
