//! A controller's term: winning the election, loading the context, resigning.

use super::channel::{Answered, Lines};
use super::context::{Context, PartitionPhase, Replica, ReplicaPhase};
use super::error::Trouble;
use super::{Controller, batch::Batch};
use crate::metadata::records::{
    ControllerNode, FeatureNode, FeatureStatus, decode_controller_epoch, encode_controller_epoch,
    paths,
};
use crate::metadata::store::{Done, Life, Op, StoreError};
use crate::types::{BrokerId, NO_BROKER, TopicName, TopicPartition, now_ms};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;

/// A won election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Won {
    pub epoch: i32,
    pub fence: i32,
}

impl Controller {
    /// Who is in `/controller`, or [`NO_BROKER`].
    pub(super) async fn read_controller(&self) -> Result<BrokerId, StoreError> {
        let node = self.nodes.store.get(paths::CONTROLLER).await?;
        let id = node
            .and_then(|node| ControllerNode::decode(node.data.as_deref()?).ok())
            .map_or(NO_BROKER, |node| node.broker_id);
        self.standing.controller.store(id, Ordering::Release);
        Ok(id)
    }

    /// Tries to become the controller. `None`: somebody else is.
    pub(super) async fn run_for_office(&self) -> Result<Option<Won>, Trouble> {
        if self.read_controller().await? != NO_BROKER {
            return Ok(None);
        }
        let (epoch, version) = self.read_epoch().await?;
        let own = (self.settings)().broker;
        let node =
            ControllerNode { broker_id: own, timestamp: now_ms(), kraft_controller_epoch: -1 };
        let epoch = epoch + 1;
        let ops = vec![
            Op::Create {
                path: paths::CONTROLLER.into(),
                data: Some(node.encode()),
                life: Life::Ephemeral,
            },
            Op::Set {
                path: paths::CONTROLLER_EPOCH.into(),
                data: Some(encode_controller_epoch(epoch)),
                version: Some(version),
            },
        ];
        match self.nodes.store.commit(ops).await {
            Ok(done) => {
                let fence = match done.last() {
                    Some(Done::Set(stat)) => stat.version,
                    Some(Done::Created(..) | Done::Deleted | Done::Checked) | None => version + 1,
                };
                self.standing.controller.store(own, Ordering::Release);
                Ok(Some(Won { epoch, fence }))
            }
            Err(StoreError::NodeExists(_) | StoreError::BadVersion(_)) => {
                self.read_controller().await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn read_epoch(&self) -> Result<(i32, i32), Trouble> {
        loop {
            if let Some(node) = self.nodes.store.get(paths::CONTROLLER_EPOCH).await? {
                let epoch = decode_controller_epoch(node.data.as_deref().unwrap_or_default())?;
                return Ok((epoch, node.stat.version));
            }
            let op = super::nodes::create(
                paths::CONTROLLER_EPOCH.into(),
                Some(encode_controller_epoch(0)),
            );
            match self.nodes.plain(op).await {
                Ok(_) | Err(StoreError::NodeExists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes office (Kafka's `onControllerFailover`): reads all, then tells the brokers.
    pub(super) async fn take_office(
        &mut self,
        won: Won,
        answers: mpsc::Sender<Answered>,
    ) -> Result<(), Trouble> {
        tracing::info!(epoch = won.epoch, "elected as controller");
        self.context = Context { epoch: won.epoch, fence: won.fence, ..Context::default() };
        self.batch = Batch::default();
        self.legacy_moves = BTreeMap::new();
        self.create_feature().await?;
        for parent in [paths::LOG_DIR_EVENTS, paths::ISR_CHANGES] {
            self.delete_children(parent).await?;
        }
        self.load(answers).await?;
        // Before any broker hears of this term: who was told of a controller may ask it at once.
        self.standing.epoch.store(won.epoch, Ordering::Release);
        self.tell_brokers_only();
        self.start_replicas().await?;
        self.start_partitions().await?;
        for partition in self.context.moving.clone() {
            self.resume_move(&partition).await?;
        }
        self.on_legacy_reassignment().await?;
        self.on_delete_topics().await?;
        self.resume_deletions().await?;
        self.on_legacy_election().await?;
        self.delete_legacy_election().await
    }

    async fn create_feature(&self) -> Result<(), Trouble> {
        if self.nodes.store.get(paths::FEATURE).await?.is_some() {
            return Ok(());
        }
        let feature = FeatureNode { version: 2, status: FeatureStatus::Enabled };
        let op = super::nodes::create(paths::FEATURE.into(), Some(feature.encode()));
        match self.nodes.plain(op).await {
            Ok(_) | Err(StoreError::NodeExists(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn delete_children(&self, parent: &str) -> Result<(), Trouble> {
        let names = self.nodes.children(parent).await?;
        let delete = |name: String| Op::Delete { path: format!("{parent}/{name}"), version: None };
        self.nodes.fenced(self.context.fence, names.into_iter().map(delete).collect()).await?;
        Ok(())
    }

    async fn load(&mut self, answers: mpsc::Sender<Answered>) -> Result<(), Trouble> {
        self.context.brokers = self.read_brokers().await?;
        let topics = self.nodes.children(paths::TOPICS).await?;
        let topics: Vec<TopicName> = topics.into_iter().map(TopicName::from).collect();
        self.load_topics(&topics).await?;
        let partitions = self.context.all_partitions();
        self.context.leadership = self.read_leaderships(&partitions).await?;
        let is_moving = |p: &&TopicPartition| self.context.assignment(p).is_moving();
        self.context.moving = partitions.iter().filter(is_moving).cloned().collect();
        let mut lines = Lines::new(self.context.epoch, self.channels.clone(), answers);
        self.context.brokers.values().for_each(|node| lines.add(node));
        self.lines = Some(lines);
        if (self.settings)().delete_topics {
            let asked = self.nodes.children(paths::DELETE_TOPICS).await?;
            let asked = asked.into_iter().map(TopicName::from);
            let known: Vec<_> = asked.filter(|t| self.context.topics.contains_key(t)).collect();
            for topic in &known {
                let partitions = self.context.partitions_of(topic);
                let replicas = self.context.replicas_of(&partitions);
                let is_dead = |(p, id): &Replica| !self.context.is_online(*id, p);
                let is_moving = self.context.moving.iter().any(|p| p.topic == *topic);
                if is_moving || replicas.iter().any(is_dead) {
                    self.context.deletion_blocked.insert(topic.clone());
                }
            }
            self.context.deleting.extend(known);
        }
        tracing::info!(
            brokers = self.context.brokers.len(),
            topics = self.context.topics.len(),
            partitions = partitions.len(),
            "controller context loaded"
        );
        Ok(())
    }

    /// Replicas' first phases, and what follows for those that are dead.
    async fn start_replicas(&mut self) -> Result<(), Trouble> {
        let all = self.context.replicas_of(&self.context.all_partitions());
        let (online, offline): (Vec<Replica>, Vec<Replica>) =
            all.into_iter().partition(|(p, id)| self.context.is_online(*id, p));
        for replica in &online {
            self.context.replica_phases.insert(replica.clone(), ReplicaPhase::Online);
        }
        for replica in &offline {
            // Of topics to be deleted; the others go on to Offline at once.
            self.context.replica_phases.insert(replica.clone(), ReplicaPhase::DeletionIneligible);
        }
        self.move_replicas(&online, ReplicaPhase::Online).await?;
        self.move_replicas(&offline, ReplicaPhase::Offline).await
    }

    async fn start_partitions(&mut self) -> Result<(), Trouble> {
        for partition in self.context.all_partitions() {
            let phase = match self.context.leadership.get(&partition) {
                None => PartitionPhase::New,
                Some(l) if self.context.is_online(l.state.leader, &partition) => {
                    PartitionPhase::Online
                }
                Some(_) => PartitionPhase::Offline,
            };
            self.context.partition_phases.insert(partition, phase);
        }
        self.bring_all_online().await
    }

    /// Ends the term: channels are closed, all is forgotten.
    pub(super) fn resign(&mut self) {
        if self.standing.epoch.swap(-1, Ordering::AcqRel) >= 0 {
            tracing::info!(epoch = self.context.epoch, "resigned as controller");
        }
        self.lines = None;
        self.batch = Batch::default();
        self.context = Context::default();
        self.legacy_moves.clear();
    }
}
