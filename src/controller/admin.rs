//! Creating topics and partitions: checks, assignment, and the nodes from which the controller
//! learns of them (Kafka's `ZkAdminManager`). Runs in the caller's task, not the controller's.

use super::assignment::{BrokerRack, assign_replicas};
use super::error::ControllerError;
use super::handle::ControllerHandle;
use super::nodes::create;
use super::topic_name::{collides, validate_topic_name};
use crate::config::{BrokerConfig, dynamic};
use crate::metadata::image::Overrides;
use crate::metadata::records::{ConfigData, ReplicaAssignment, TopicAssignment, paths};
use crate::metadata::store::{Op, StoreError};
use crate::types::{BrokerId, TopicId};
use std::collections::{BTreeMap, BTreeSet};

/// A topic to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// Name.
    pub name: String,
    /// Number of partitions, -1 for the default.
    pub partitions: i32,
    /// Replication factor, -1 for the default.
    pub replication_factor: i16,
    /// Replicas by partition; empty to have them assigned.
    pub assignments: Vec<(i32, Vec<BrokerId>)>,
    /// Overrides as given; `None` is a null value. The last of two wins.
    pub configs: Vec<(String, Option<String>)>,
}

/// A created (or validated) topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its id; zero when only validated.
    pub id: TopicId,
    /// Number of partitions.
    pub partitions: i32,
    /// Replicas a partition.
    pub replication_factor: i16,
    /// Its overrides.
    pub configs: Overrides,
}

/// More partitions for a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPartitions {
    /// The topic.
    pub topic: String,
    /// Number of partitions that it is to have.
    pub count: i32,
    /// Replicas of the new ones; `None` to have them assigned.
    pub assignments: Option<Vec<Vec<BrokerId>>>,
}

fn duplicate(replicas: &[BrokerId]) -> bool {
    replicas.iter().collect::<BTreeSet<_>>().len() != replicas.len()
}

fn join(ids: impl IntoIterator<Item = impl ToString>) -> String {
    ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>().join(", ")
}

fn exists(topic: &str) -> ControllerError {
    ControllerError::TopicExists(format!("Topic '{topic}' already exists."))
}

impl ControllerHandle {
    /// Creates a topic if this broker is the controller. `brokers`: those that are alive.
    /// The new topic is not led yet when this returns.
    ///
    /// # Errors
    /// As Kafka's CreateTopics, in its order of checks.
    pub async fn create_topic(
        &self,
        config: &BrokerConfig,
        brokers: &[BrokerRack],
        topic: NewTopic,
        validate_only: bool,
    ) -> Result<Created, ControllerError> {
        self.require_active()?;
        self.create_topic_from_anywhere(config, brokers, topic, validate_only).await
    }

    /// As [`ControllerHandle::create_topic`], also where this broker is not the controller, which
    /// will notice: how topics are created automatically.
    pub async fn create_topic_from_anywhere(
        &self,
        config: &BrokerConfig,
        brokers: &[BrokerRack],
        topic: NewTopic,
        validate_only: bool,
    ) -> Result<Created, ControllerError> {
        let existing = self.nodes.children(paths::TOPICS).await?;
        let deleting = self.nodes.children(paths::DELETE_TOPICS).await?.contains(&topic.name);
        let (assignments, configs) =
            self.check_topic(config, brokers, &topic, &existing, deleting)?;
        let created = Created {
            id: if validate_only { TopicId::nil() } else { uuid::Uuid::new_v4() },
            partitions: assignments.len() as i32,
            replication_factor: assignments.values().next().map_or(0, Vec::len) as i16,
            configs,
        };
        if !validate_only {
            self.write_topic(&topic.name, &created, assignments).await?;
        }
        Ok(created)
    }

    fn check_topic(
        &self,
        config: &BrokerConfig,
        brokers: &[BrokerRack],
        topic: &NewTopic,
        existing: &[String],
        deleting: bool,
    ) -> Result<(BTreeMap<i32, Vec<BrokerId>>, Overrides), ControllerError> {
        let name = &topic.name;
        if existing.contains(name) && !deleting {
            return Err(exists(name));
        }
        let nulls: Vec<&str> =
            topic.configs.iter().filter(|(_, v)| v.is_none()).map(|(k, _)| k.as_str()).collect();
        if !nulls.is_empty() {
            return Err(ControllerError::InvalidConfig(format!(
                "Null value not supported for topic configs: {}",
                nulls.join(",")
            )));
        }
        let assignments = self.assign(brokers, topic)?;
        validate_topic_name(name)?;
        if deleting {
            // Its name is free only when all of it is gone (`AdminZkClient.validateTopicCreate`).
            return Err(ControllerError::TopicExists(format!(
                "Topic '{name}' is marked for deletion."
            )));
        }
        let colliding: Vec<&str> =
            existing.iter().map(String::as_str).filter(|e| collides(e, name)).collect();
        if !colliding.is_empty() {
            return Err(ControllerError::InvalidTopic(format!(
                "Topic '{name}' collides with existing topics: {}",
                colliding.join(", ")
            )));
        }
        check_assignments(&assignments)?;
        let configs: Overrides = topic
            .configs
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
            .collect();
        check_configs(config, &configs)?;
        Ok((assignments, configs))
    }

    fn assign(
        &self,
        brokers: &[BrokerRack],
        topic: &NewTopic,
    ) -> Result<BTreeMap<i32, Vec<BrokerId>>, ControllerError> {
        let settings = (self.settings)();
        if !topic.assignments.is_empty() {
            if topic.partitions != -1 || topic.replication_factor != -1 {
                return Err(ControllerError::InvalidRequest(
                    "Both numPartitions or replicationFactor and replicasAssignments were set. \
                     Both cannot be used at the same time."
                        .into(),
                ));
            }
            return Ok(topic.assignments.iter().cloned().collect());
        }
        let or = |given: i32, default: i32| if given == -1 { default } else { given };
        let partitions = or(topic.partitions, settings.partitions);
        let factor = or(topic.replication_factor.into(), settings.replication_factor.into()) as i16;
        let places = brokers.len().max(1) as u32;
        let random = || (rand::random::<u32>() % places) as usize;
        assign_replicas(brokers, partitions, factor, 0, random(), random())
    }

    async fn write_topic(
        &self,
        name: &str,
        created: &Created,
        assignments: BTreeMap<i32, Vec<BrokerId>>,
    ) -> Result<(), ControllerError> {
        self.write_topic_config(name, &created.configs).await?;
        let partitions = assignments
            .into_iter()
            .map(|(index, replicas)| (index, ReplicaAssignment::settled(replicas)))
            .collect();
        let node = TopicAssignment { topic_id: Some(created.id), partitions };
        match self.nodes.plain(create(paths::topic(name), Some(node.encode()))).await {
            Ok(_) => Ok(()),
            Err(StoreError::NodeExists(_)) => Err(exists(name)),
            Err(error) => Err(error.into()),
        }
    }

    /// As every config write: fenced by the version of `/controller`; created if it is not there.
    async fn write_topic_config(
        &self,
        name: &str,
        configs: &Overrides,
    ) -> Result<(), ControllerError> {
        let path = paths::topic_config(name);
        let data = Some(ConfigData(configs.clone()).encode());
        let controller = self.nodes.store.get(paths::CONTROLLER).await?;
        let check = controller
            .map(|node| Op::Check { path: paths::CONTROLLER.into(), version: node.stat.version });
        let at = usize::from(check.is_some());
        let set = Op::Set { path: path.clone(), data: data.clone(), version: None };
        match self.nodes.store.commit(check.into_iter().chain([set]).collect()).await {
            Ok(_) => return Ok(()),
            Err(StoreError::NoNode(index)) if index == at => {}
            Err(StoreError::NoNode(_) | StoreError::BadVersion(_)) => {
                return Err(ControllerError::NotController);
            }
            Err(error) => return Err(error.into()),
        }
        self.nodes.plain(create(path, data)).await?;
        Ok(())
    }

    /// Adds partitions if this broker is the controller.
    ///
    /// # Errors
    /// As Kafka's CreatePartitions, in its order of checks.
    pub async fn create_partitions(
        &self,
        brokers: &[BrokerRack],
        asked: NewPartitions,
        validate_only: bool,
    ) -> Result<(), ControllerError> {
        self.require_active()?;
        let topic = &asked.topic;
        let found = self.nodes.assignments(&[topic]).await?.pop().flatten();
        let Some(mut node) = found else {
            return Err(ControllerError::UnknownTopicOrPartition(format!(
                "The topic '{topic}' does not exist."
            )));
        };
        if node.partitions.values().any(ReplicaAssignment::is_moving) {
            return Err(ControllerError::ReassignmentInProgress(format!(
                "A partition reassignment is in progress for the topic '{topic}'."
            )));
        }
        let new = new_partitions(brokers, &node, &asked)?;
        if validate_only {
            return Ok(());
        }
        let settled = |(index, replicas)| (index, ReplicaAssignment::settled(replicas));
        node.partitions.extend(new.into_iter().map(settled));
        let path = paths::topic(topic);
        let op = Op::Set { path, data: Some(node.encode()), version: None };
        self.nodes.plain(op).await?;
        Ok(())
    }
}

fn check_assignments(assignments: &BTreeMap<i32, Vec<BrokerId>>) -> Result<(), ControllerError> {
    let invalid = |why: String| Err(ControllerError::InvalidReplicaAssignment(why));
    let sizes: BTreeSet<usize> = assignments.values().map(Vec::len).collect();
    if sizes.len() != 1 {
        return invalid("All partitions should have the same number of replicas".into());
    }
    if assignments.values().any(|replicas| duplicate(replicas)) {
        let entry = |(index, replicas): (&i32, &Vec<BrokerId>)| {
            format!("{index} -> ArrayBuffer({})", join(replicas))
        };
        let entries = assignments.iter().map(entry);
        return invalid(format!("Duplicate replica assignment found: HashMap({})", join(entries)));
    }
    if !assignments.keys().copied().eq(0..assignments.len() as i32) {
        let count = assignments.len() as i64;
        let sum: i64 = assignments.keys().map(|index| i64::from(*index).max(0)).sum();
        // Kafka compares sums, and then fails to find the replicas of partition 0.
        if !assignments.contains_key(&0) && sum == count * (count - 1) / 2 {
            return Err(ControllerError::Unknown);
        }
        return invalid("partitions should be a consecutive 0-based integer sequence".into());
    }
    Ok(())
}

fn check_configs(config: &BrokerConfig, configs: &Overrides) -> Result<(), ControllerError> {
    let checked = dynamic::check_topic(config, configs);
    checked.map(drop).map_err(|error| ControllerError::InvalidConfig(error.to_string()))
}

fn new_partitions(
    brokers: &[BrokerRack],
    node: &TopicAssignment,
    asked: &NewPartitions,
) -> Result<BTreeMap<i32, Vec<BrokerId>>, ControllerError> {
    let has = node.partitions.len() as i32;
    if asked.count < has {
        return Err(ControllerError::InvalidPartitions(format!(
            "Topic currently has {has} partitions, which is higher than the requested {}.",
            asked.count
        )));
    }
    if asked.count == has {
        return Err(ControllerError::InvalidPartitions(format!(
            "Topic already has {has} partitions."
        )));
    }
    let first = node.partitions.get(&0).map(|a| a.replicas.clone()).unwrap_or_default();
    let Some(assignments) = &asked.assignments else {
        let mut sorted: Vec<&BrokerRack> = brokers.iter().collect();
        sorted.sort_by_key(|broker| broker.id);
        let leader = first.first().copied().unwrap_or_default();
        let start = sorted.iter().position(|broker| broker.id >= leader).unwrap_or(0);
        let factor = first.len() as i16;
        return assign_replicas(brokers, asked.count - has, factor, has, start, start);
    };
    check_new_assignments(brokers, assignments, asked.count - has, has, first.len())?;
    Ok((has..).zip(assignments.iter().cloned()).collect())
}

fn check_new_assignments(
    brokers: &[BrokerRack],
    assignments: &[Vec<BrokerId>],
    increment: i32,
    first: i32,
    factor: usize,
) -> Result<(), ControllerError> {
    let invalid = |why: String| Err(ControllerError::InvalidReplicaAssignment(why));
    if assignments.len() as i64 != i64::from(increment) {
        return invalid(format!(
            "Increasing the number of partitions by {increment} but {} assignments provided.",
            assignments.len()
        ));
    }
    let known: BTreeSet<BrokerId> = brokers.iter().map(|broker| broker.id).collect();
    let all: BTreeSet<BrokerId> = assignments.iter().flatten().copied().collect();
    let unknown: Vec<&BrokerId> = all.difference(&known).collect();
    if !unknown.is_empty() {
        let unknown = join(unknown);
        return invalid(format!("Unknown broker(s) in replica assignment: {unknown}."));
    }
    for (index, replicas) in (first..).zip(assignments) {
        if replicas.is_empty() {
            return invalid(format!(
                "Cannot have replication factor of 0 for partition id {index}."
            ));
        }
        if duplicate(replicas) {
            return invalid(format!(
                "Duplicate brokers not allowed in replica assignment: {} for partition id {index}.",
                join(replicas)
            ));
        }
    }
    let odd: Vec<(i32, usize)> =
        (first..).zip(assignments.iter().map(Vec::len)).filter(|(_, len)| *len != factor).collect();
    if odd.is_empty() {
        return Ok(());
    }
    invalid(format!(
        "Inconsistent replication factor between partitions, partition 0 has {factor} while \
         partitions [{}] have replication factors [{}], respectively.",
        join(odd.iter().map(|(index, _)| index)),
        join(odd.iter().map(|(_, len)| len)),
    ))
}
