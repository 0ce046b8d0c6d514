//! Brokers that come, go, change and shut down; their log directories that fail.

use super::Controller;
use super::context::{PartitionPhase, Replica, ReplicaPhase};
use super::elect::Strategy;
use super::error::{ControllerError, Trouble};
use crate::config::SecurityProtocol;
use crate::metadata::image::{BrokerNode, Endpoint};
use crate::metadata::records::{BrokerRegistration, LogDirEvent, paths};
use crate::metadata::store::{Node, Op};
use crate::types::{BrokerId, NO_BROKER, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

/// Number of a security protocol in UpdateMetadata.
fn protocol_number(name: &str) -> i16 {
    match SecurityProtocol::parse(name) {
        Some(SecurityProtocol::Ssl) => 1,
        Some(SecurityProtocol::SaslPlaintext) => 2,
        Some(SecurityProtocol::SaslSsl) => 3,
        Some(SecurityProtocol::Plaintext) | None => 0,
    }
}

/// A broker as its registration says.
fn broker_node(id: BrokerId, node: &Node) -> Option<BrokerNode> {
    let registration = BrokerRegistration::decode(node.data.as_deref()?).ok()?;
    let endpoints = registration.endpoints.into_iter().map(|e| Endpoint {
        security_protocol: protocol_number(&e.security_protocol),
        listener: e.listener,
        host: e.host,
        port: e.port,
    });
    Some(BrokerNode {
        id,
        epoch: node.stat.czxid,
        endpoints: endpoints.collect(),
        rack: registration.rack,
    })
}

impl Controller {
    /// The registered brokers as of now.
    pub(super) async fn read_brokers(&self) -> Result<BTreeMap<BrokerId, BrokerNode>, Trouble> {
        let names = self.nodes.children(paths::BROKER_IDS).await?;
        let ids: Vec<BrokerId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        let nodes = self.nodes.get_all(ids.iter().map(|id| paths::broker(*id)).collect()).await?;
        let read = |(id, node): (BrokerId, Option<Node>)| Some((id, broker_node(id, &node?)?));
        Ok(ids.into_iter().zip(nodes).filter_map(read).collect())
    }

    /// `/brokers/ids` has changed.
    pub(super) async fn on_brokers(&mut self) -> Result<(), Trouble> {
        let now = self.read_brokers().await?;
        let known = &self.context.brokers;
        let (mut new, mut bounced, mut changed) = (Vec::new(), Vec::new(), false);
        for (id, node) in &now {
            match known.get(id) {
                None => new.push(*id),
                Some(old) if old.epoch != node.epoch => bounced.push(*id),
                Some(old) => changed |= old != node,
            }
        }
        let dead: Vec<BrokerId> =
            known.keys().copied().filter(|id| !now.contains_key(id)).collect();
        tracing::info!(?new, ?dead, ?bounced, "brokers have changed");
        for id in &dead {
            self.close_line(*id);
        }
        if changed {
            self.on_modified_brokers(&now);
        }
        if !new.is_empty() {
            self.add_brokers(&now, &new);
            self.on_started(&new).await?;
        }
        if !bounced.is_empty() {
            self.context.brokers.retain(|id, _| !bounced.contains(id));
            bounced.iter().for_each(|id| self.close_line(*id));
            self.on_failed(&bounced).await?;
            self.add_brokers(&now, &bounced);
            self.on_started(&bounced).await?;
        }
        if !dead.is_empty() {
            self.context.brokers.retain(|id, _| !dead.contains(id));
            self.on_failed(&dead).await?;
        }
        Ok(())
    }

    fn close_line(&mut self, broker: BrokerId) {
        if let Some(lines) = &mut self.lines {
            lines.remove(broker);
        }
    }

    fn add_brokers(&mut self, now: &BTreeMap<BrokerId, BrokerNode>, ids: &[BrokerId]) {
        for node in ids.iter().filter_map(|id| now.get(id)) {
            self.context.brokers.insert(node.id, node.clone());
            if let Some(lines) = &mut self.lines {
                lines.add(node);
            }
        }
    }

    /// Registered anew within the same session (other listeners): everybody is told.
    fn on_modified_brokers(&mut self, now: &BTreeMap<BrokerId, BrokerNode>) {
        for node in now.values() {
            if let Some(old) = self.context.brokers.get_mut(&node.id)
                && old.epoch == node.epoch
            {
                *old = node.clone();
            }
        }
        self.tell_brokers_only();
    }

    /// UpdateMetadata to all, with the live brokers and no partition.
    pub(super) fn tell_brokers_only(&mut self) {
        let all = self.context.reachable();
        self.batch.update_metadata(&all, []);
        self.flush();
    }

    /// Brokers have come (Kafka's `onBrokerStartup`). Also used to tell a broker all anew.
    pub(super) async fn on_started(&mut self, new: &[BrokerId]) -> Result<(), Trouble> {
        for id in new {
            self.context.offline_dirs.remove(id);
        }
        let existing: Vec<BrokerId> =
            self.context.reachable().into_iter().filter(|id| !new.contains(id)).collect();
        self.batch.update_metadata(&existing, []);
        self.flush();
        let led: Vec<TopicPartition> = self.context.leadership.keys().cloned().collect();
        self.batch.update_metadata(new, led);
        self.flush();
        let replicas = self.context.replicas_on(new);
        let is_deletable = |r: &&Replica| {
            !matches!(
                self.context.replica_phases.get(*r),
                Some(ReplicaPhase::DeletionStarted | ReplicaPhase::DeletionSuccessful)
            )
        };
        let online: Vec<Replica> = replicas.iter().filter(is_deletable).cloned().collect();
        self.move_replicas(&online, ReplicaPhase::Online).await?;
        self.bring_all_online().await?;
        let moving: Vec<TopicPartition> = self.context.moving.iter().cloned().collect();
        for partition in moving {
            let targets = self.context.assignment(&partition).targets();
            if targets.iter().any(|id| new.contains(id)) {
                self.resume_move(&partition).await?;
            }
        }
        let topics: BTreeSet<_> = replicas
            .into_iter()
            .map(|(p, _)| p.topic)
            .filter(|t| self.context.is_deleting(t))
            .collect();
        self.unblock_deletion(&topics.into_iter().collect::<Vec<_>>()).await
    }

    /// Brokers have gone (Kafka's `onBrokerFailure`); they are no longer in the context.
    async fn on_failed(&mut self, dead: &[BrokerId]) -> Result<(), Trouble> {
        for id in dead {
            self.context.offline_dirs.remove(id);
            self.context.shutting_down.remove(id);
        }
        let replicas = self.context.replicas_on(dead);
        self.on_replicas_offline(&replicas).await
    }

    /// Replicas have become unavailable (Kafka's `onReplicasBecomeOffline`).
    pub(super) async fn on_replicas_offline(
        &mut self,
        replicas: &[Replica],
    ) -> Result<(), Trouble> {
        let (deleting, others): (Vec<Replica>, Vec<Replica>) =
            replicas.iter().cloned().partition(|(p, _)| self.context.is_deleting(&p.topic));
        let leaderless = self.context.with_offline_leader();
        self.set_partitions(&leaderless, PartitionPhase::Offline);
        self.bring_all_online().await?;
        self.move_replicas(&others, ReplicaPhase::Offline).await?;
        self.fail_deletion(&deleting).await?;
        if leaderless.is_empty() {
            self.tell_brokers_only();
        }
        Ok(())
    }

    /// A broker asks to be relieved of its leaderships. Gives the partitions that it still leads.
    pub(super) async fn controlled_shutdown(
        &mut self,
        broker: BrokerId,
        epoch: Option<i64>,
    ) -> Result<Result<Vec<TopicPartition>, ControllerError>, Trouble> {
        let Some(node) = self.context.brokers.get(&broker) else {
            return Ok(Err(ControllerError::BrokerNotAvailable));
        };
        if epoch.is_some_and(|epoch| epoch < node.epoch) {
            return Ok(Err(ControllerError::StaleBrokerEpoch));
        }
        self.context.shutting_down.insert(broker);
        tracing::info!(broker, "broker is shutting down");
        let held = self.context.replicas_on(&[broker]).into_iter().map(|(p, _)| p);
        let (led, followed): (Vec<_>, Vec<_>) = held
            .filter(|p| self.context.replicas(p).len() > 1)
            .filter(|p| self.context.leadership.contains_key(p))
            .filter(|p| !self.context.is_deleting(&p.topic))
            .partition(|p| self.context.leader(p) == broker);
        self.bring_online(&led, Strategy::ControlledShutdown).await?;
        for partition in &followed {
            self.batch.stop_replica(&self.context, broker, partition, false);
        }
        self.flush();
        let followed: Vec<Replica> = followed.into_iter().map(|p| (p, broker)).collect();
        self.move_replicas(&followed, ReplicaPhase::Offline).await?;
        let mut left: Vec<TopicPartition> = self
            .context
            .leadership
            .iter()
            .filter(|(p, l)| l.state.leader == broker && self.context.replicas(p).len() > 1)
            .map(|(p, _)| p.clone())
            .collect();
        left.sort();
        Ok(Ok(left))
    }

    /// `/log_dir_event_notification` has children: their brokers' replicas are asked after.
    pub(super) async fn on_log_dir_events(&mut self) -> Result<(), Trouble> {
        let names = self.nodes.children(paths::LOG_DIR_EVENTS).await?;
        if names.is_empty() {
            return Ok(());
        }
        let path = |name: &String| format!("{}/{name}", paths::LOG_DIR_EVENTS);
        let nodes = self.nodes.get_all(names.iter().map(path).collect()).await?;
        let broker =
            |node: Option<Node>| Some(LogDirEvent::decode(node?.data.as_deref()?).ok()?.broker);
        let brokers: BTreeSet<BrokerId> = nodes.into_iter().filter_map(broker).collect();
        let replicas = self.context.replicas_on(&brokers.into_iter().collect::<Vec<_>>());
        let online: Vec<Replica> = replicas
            .into_iter()
            .filter(|r| self.context.replica_phases.get(r) == Some(&ReplicaPhase::Online))
            .collect();
        // LeaderAndIsr makes the broker say which of them are offline.
        self.move_replicas(&online, ReplicaPhase::Online).await?;
        let delete = |name: &String| Op::Delete { path: path(name), version: None };
        self.nodes.fenced(self.context.fence, names.iter().map(delete).collect()).await?;
        Ok(())
    }

    /// A broker's answer to LeaderAndIsr: which of its replicas it can and cannot serve.
    pub(super) async fn on_leader_and_isr_answer(
        &mut self,
        broker: BrokerId,
        offline: Vec<TopicPartition>,
        online: &[TopicPartition],
    ) -> Result<(), Trouble> {
        if !self.context.brokers.contains_key(&broker) {
            return Ok(());
        }
        let failed = self.context.offline_dirs.entry(broker).or_default();
        let had: Vec<TopicPartition> = failed.iter().cloned().collect();
        failed.retain(|p| !online.contains(p));
        failed.extend(offline.iter().cloned());
        let new: Vec<Replica> =
            offline.into_iter().filter(|p| !had.contains(p)).map(|p| (p, broker)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.on_replicas_offline(&new).await
    }

    /// The epoch of a broker's registration is this one.
    pub(super) fn check_broker(&self, broker: BrokerId, epoch: i64) -> Result<(), ControllerError> {
        match self.context.brokers.get(&broker) {
            Some(node) if node.epoch == epoch && broker != NO_BROKER => Ok(()),
            Some(_) | None => Err(ControllerError::StaleBrokerEpoch),
        }
    }
}
