//! Partitions' changes of phase: first leaders, elections (Kafka's `ZkPartitionStateMachine`).

use super::context::{Leadership, PartitionPhase};
use super::elect::{Strategy, choose};
use super::error::Trouble;
use super::nodes::create;
use super::{Controller, batch};
use crate::metadata::records::{ConfigData, PartitionState, paths};
use crate::metadata::store::{Done, Op, StoreError};
use crate::types::{BrokerId, TopicName, TopicPartition};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What became of an election of one partition: the leader, or why there is none.
pub(super) type Elected = Result<BrokerId, String>;

impl Controller {
    /// Only changes what is remembered.
    pub(super) fn set_partitions(&mut self, partitions: &[TopicPartition], to: PartitionPhase) {
        for partition in partitions {
            if to == PartitionPhase::NonExistent {
                self.context.partition_phases.remove(partition);
            } else {
                self.context.partition_phases.insert(partition.clone(), to);
            }
        }
    }

    /// Brings partitions online: new ones get their first leader, others are elected for.
    pub(super) async fn bring_online(
        &mut self,
        partitions: &[TopicPartition],
        strategy: Strategy,
    ) -> Result<BTreeMap<TopicPartition, Elected>, Trouble> {
        let phase = |p: &TopicPartition| self.context.partition_phases.get(p).copied();
        let (new, others): (Vec<_>, Vec<_>) = partitions
            .iter()
            .filter(|p| phase(p).is_some())
            .cloned()
            .partition(|p| phase(p) == Some(PartitionPhase::New));
        let mut results = self.create_states(&new).await?;
        results.extend(self.elect(others, strategy).await?);
        self.flush();
        Ok(results)
    }

    /// Elects for every partition without a live leader (Kafka's
    /// `triggerOnlinePartitionStateChange`).
    pub(super) async fn bring_all_online(&mut self) -> Result<(), Trouble> {
        let wanted = [PartitionPhase::Offline, PartitionPhase::New];
        let phases = self.context.partition_phases.iter();
        let found: Vec<_> = phases
            .filter(|(p, phase)| wanted.contains(phase) && !self.context.is_deleting(&p.topic))
            .map(|(p, _)| p.clone())
            .collect();
        self.bring_online(&found, Strategy::Offline { unclean: false }).await?;
        Ok(())
    }

    async fn create_states(
        &mut self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Elected>, Trouble> {
        let mut results = BTreeMap::new();
        let mut states = Vec::new();
        for partition in partitions {
            let replicas = self.context.replicas(partition);
            let online = |id: &BrokerId| self.context.is_online(*id, partition);
            let isr: Vec<BrokerId> = replicas.iter().copied().filter(online).collect();
            let Some(&leader) = isr.first() else {
                tracing::warn!(%partition, ?replicas, "no replica of a new partition is alive");
                results.insert(partition.clone(), Err("no replica is alive".into()));
                continue;
            };
            let controller_epoch = self.context.epoch;
            let state = PartitionState {
                controller_epoch,
                leader,
                leader_epoch: 0,
                isr,
                recovering: false,
            };
            states.push((partition.clone(), state));
        }
        self.create_parents(&states).await?;
        let created = |(p, state): &(TopicPartition, PartitionState)| {
            create(paths::partition_state(&p.topic, p.partition), Some(state.encode()))
        };
        let fence = self.context.fence;
        let done = self.nodes.fenced(fence, states.iter().map(created).collect()).await?;
        for ((partition, state), done) in states.into_iter().zip(done) {
            let result = match done {
                Ok(_) => {
                    let (leader, isr) = (state.leader, state.isr.clone());
                    let leadership = Leadership { state, version: 0 };
                    self.context.leadership.insert(partition.clone(), leadership);
                    self.batch.leader_and_isr(&self.context, &isr, &partition, true);
                    self.set_partitions(std::slice::from_ref(&partition), PartitionPhase::Online);
                    Ok(leader)
                }
                Err(error) => {
                    tracing::error!(%partition, %error, "partition has a state already");
                    Err(error.to_string())
                }
            };
            results.insert(partition, result);
        }
        Ok(results)
    }

    /// `…/partitions` of each topic, then `…/partitions/N`; they may exist.
    async fn create_parents(
        &self,
        states: &[(TopicPartition, PartitionState)],
    ) -> Result<(), Trouble> {
        let topics: BTreeSet<&TopicName> = states.iter().map(|(p, _)| &p.topic).collect();
        let ops = topics.iter().map(|t| create(paths::partitions(t), None)).collect();
        self.nodes.fenced(self.context.fence, ops).await?;
        let path = |p: &TopicPartition| paths::partition(&p.topic, p.partition);
        let ops = states.iter().map(|(p, _)| create(path(p), None)).collect();
        self.nodes.fenced(self.context.fence, ops).await?;
        Ok(())
    }

    async fn elect(
        &mut self,
        mut left: Vec<TopicPartition>,
        strategy: Strategy,
    ) -> Result<BTreeMap<TopicPartition, Elected>, Trouble> {
        let mut results = BTreeMap::new();
        // A changed node (an in-sync set written by its leader at an old IBP) is read again.
        while !left.is_empty() {
            left = self.elect_once(left, strategy, &mut results).await?;
        }
        Ok(results)
    }

    async fn elect_once(
        &mut self,
        partitions: Vec<TopicPartition>,
        strategy: Strategy,
        results: &mut BTreeMap<TopicPartition, Elected>,
    ) -> Result<Vec<TopicPartition>, Trouble> {
        let current = self.read_leaderships(&partitions).await?;
        let unclean = self.unclean_topics(&current, strategy).await?;
        let mut writes = Vec::new();
        for partition in partitions {
            let Some(now) = current.get(&partition) else {
                results.insert(partition, Err("the partition has no state".into()));
                continue;
            };
            let allowed = unclean.contains(&partition.topic);
            match choose(&self.context, &partition, now, strategy, allowed) {
                Some(choice) => {
                    writes.push((partition, choice.state, now.version, choice.recipients));
                }
                None => {
                    let why = format!(
                        "Failed to elect leader for partition {partition} under strategy {}",
                        strategy.name()
                    );
                    tracing::warn!("{why}");
                    results.insert(partition, Err(why));
                }
            }
        }
        let states = writes.iter().map(|(p, s, v, _)| (p.clone(), s.clone(), *v)).collect();
        let written = self.write_states(states).await?;
        let mut again = Vec::new();
        for ((partition, state, _, recipients), written) in writes.into_iter().zip(written) {
            match written {
                Ok(()) => {
                    self.batch.leader_and_isr(&self.context, &recipients, &partition, false);
                    self.set_partitions(std::slice::from_ref(&partition), PartitionPhase::Online);
                    results.insert(partition, Ok(state.leader));
                }
                Err(StoreError::BadVersion(_)) => again.push(partition),
                Err(error) => {
                    results.insert(partition, Err(error.to_string()));
                }
            }
        }
        Ok(again)
    }

    /// States as they are in the store now; partitions without one are left out.
    pub(super) async fn read_leaderships(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<HashMap<TopicPartition, Leadership>, Trouble> {
        let states = self.nodes.states(partitions).await?;
        let found = partitions.iter().zip(states).filter_map(|(partition, found)| {
            let (state, stat) = found?;
            Some((partition.clone(), Leadership { state, version: stat.version }))
        });
        let found: HashMap<_, _> = found.collect();
        if found.values().any(|l| l.state.controller_epoch > self.context.epoch) {
            return Err(Trouble::Deposed);
        }
        Ok(found)
    }

    /// Writes states at the versions read, with this controller's epoch, and remembers them.
    pub(super) async fn write_states(
        &mut self,
        writes: Vec<(TopicPartition, PartitionState, i32)>,
    ) -> Result<Vec<Result<(), StoreError>>, Trouble> {
        let controller_epoch = self.context.epoch;
        let writes: Vec<_> = writes
            .into_iter()
            .map(|(p, state, version)| (p, PartitionState { controller_epoch, ..state }, version))
            .collect();
        let op = |(p, state, version): &(TopicPartition, PartitionState, i32)| Op::Set {
            path: paths::partition_state(&p.topic, p.partition),
            data: Some(state.encode()),
            version: Some(*version),
        };
        let ops = writes.iter().map(op).collect();
        let done = self.nodes.fenced(self.context.fence, ops).await?;
        let mut results = Vec::with_capacity(writes.len());
        for ((partition, state, version), done) in writes.into_iter().zip(done) {
            results.push(match done {
                Ok(done) => {
                    let version = match done {
                        Done::Set(stat) => stat.version,
                        Done::Created(..) | Done::Deleted | Done::Checked => version + 1,
                    };
                    self.context.leadership.insert(partition, Leadership { state, version });
                    Ok(())
                }
                Err(error) => Err(error),
            });
        }
        Ok(results)
    }

    /// Topics that may be led by a replica out of sync, of those that have no other way.
    async fn unclean_topics(
        &self,
        current: &HashMap<TopicPartition, Leadership>,
        strategy: Strategy,
    ) -> Result<BTreeSet<TopicName>, Trouble> {
        let Strategy::Offline { unclean } = strategy else { return Ok(BTreeSet::new()) };
        let has_no_in_sync = |p: &TopicPartition, l: &Leadership| {
            !l.state.isr.iter().any(|id| self.context.is_online(*id, p))
        };
        let topics: BTreeSet<TopicName> = current
            .iter()
            .filter(|(p, l)| has_no_in_sync(p, l))
            .map(|(p, _)| p.topic.clone())
            .collect();
        if unclean {
            return Ok(topics);
        }
        let default = (self.settings)().unclean_election;
        let nodes = self.nodes.get_all(topics.iter().map(|t| paths::topic_config(t)).collect());
        let nodes = nodes.await?;
        let allows = |node: Option<crate::metadata::store::Node>| {
            let own = node
                .and_then(|node| ConfigData::decode(node.data.as_deref()?).ok())
                .and_then(|config| config.0.get("unclean.leader.election.enable").cloned());
            own.map_or(default, |value| value.trim().eq_ignore_ascii_case("true"))
        };
        Ok(topics
            .into_iter()
            .zip(nodes)
            .filter(|(_, n)| allows(n.clone()))
            .map(|(t, _)| t)
            .collect())
    }

    /// Sends what has been gathered.
    pub(super) fn flush(&mut self) {
        let settings = (self.settings)();
        let from = batch::From { controller: settings.broker, listener: &settings.listener };
        if let Some(lines) = &self.lines {
            self.batch.send(&self.context, lines, from);
        }
    }
}
