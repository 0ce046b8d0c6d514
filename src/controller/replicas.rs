//! Replicas' changes of phase (Kafka's `ZkReplicaStateMachine`).

use super::Controller;
use super::context::{Replica, ReplicaPhase};
use super::error::Trouble;
use crate::metadata::store::StoreError;
use crate::types::{BrokerId, NO_BROKER, TopicPartition};
use std::collections::BTreeMap;

use ReplicaPhase::{
    DeletionIneligible, DeletionStarted, DeletionSuccessful, New, NonExistent, Offline, Online,
};

/// From which phases one may come to `to`.
fn may_come(from: ReplicaPhase, to: ReplicaPhase) -> bool {
    let from_ones: &[ReplicaPhase] = match to {
        New => &[NonExistent],
        Online | Offline => &[New, Online, Offline, DeletionIneligible],
        DeletionStarted => &[Offline],
        DeletionSuccessful => &[DeletionStarted],
        DeletionIneligible => &[Offline, DeletionStarted],
        NonExistent => &[DeletionSuccessful],
    };
    from_ones.contains(&from)
}

impl Controller {
    /// Changes the phase of replicas, writes what must be written, and tells the brokers.
    pub(super) async fn move_replicas(
        &mut self,
        replicas: &[Replica],
        to: ReplicaPhase,
    ) -> Result<(), Trouble> {
        let mut by_broker: BTreeMap<BrokerId, Vec<TopicPartition>> = BTreeMap::new();
        for replica in replicas {
            let from = *self.context.replica_phases.entry(replica.clone()).or_insert(NonExistent);
            if may_come(from, to) {
                by_broker.entry(replica.1).or_default().push(replica.0.clone());
            } else {
                let (partition, broker) = replica;
                tracing::error!(%partition, broker, ?from, ?to, "replica cannot change so");
            }
        }
        for (broker, partitions) in by_broker {
            self.move_of_broker(broker, partitions, to).await?;
        }
        self.flush();
        Ok(())
    }

    async fn move_of_broker(
        &mut self,
        broker: BrokerId,
        partitions: Vec<TopicPartition>,
        to: ReplicaPhase,
    ) -> Result<(), Trouble> {
        if to == Offline {
            return self.take_offline(broker, partitions).await;
        }
        for partition in partitions {
            let is_led = self.context.leadership.contains_key(&partition);
            match to {
                New if self.context.leader(&partition) == broker => {
                    tracing::error!(%partition, broker, "a new replica cannot be the leader");
                    continue;
                }
                New if is_led => {
                    self.batch.leader_and_isr(&self.context, &[broker], &partition, true);
                }
                Online => self.replica_online(broker, &partition),
                DeletionStarted => {
                    self.batch.stop_replica(&self.context, broker, &partition, true);
                }
                NonExistent => {
                    let mut assignment = self.context.assignment(&partition);
                    for list in
                        [&mut assignment.replicas, &mut assignment.adding, &mut assignment.removing]
                    {
                        list.retain(|id| *id != broker);
                    }
                    self.context.set_assignment(&partition, assignment);
                    self.context.replica_phases.remove(&(partition, broker));
                    continue;
                }
                New | Offline | DeletionSuccessful | DeletionIneligible => {}
            }
            self.context.replica_phases.insert((partition, broker), to);
        }
        Ok(())
    }

    fn replica_online(&mut self, broker: BrokerId, partition: &TopicPartition) {
        let phase = self.context.replica_phases.get(&(partition.clone(), broker));
        if phase == Some(&New) {
            let mut assignment = self.context.assignment(partition);
            if !assignment.replicas.contains(&broker) {
                tracing::error!(%partition, broker, "new replica is not assigned");
                assignment.replicas.push(broker);
                self.context.set_assignment(partition, assignment);
            }
            return;
        }
        self.batch.leader_and_isr(&self.context, &[broker], partition, false);
    }

    async fn take_offline(
        &mut self,
        broker: BrokerId,
        partitions: Vec<TopicPartition>,
    ) -> Result<(), Trouble> {
        for partition in &partitions {
            self.batch.stop_replica(&self.context, broker, partition, false);
        }
        let (led, leaderless): (Vec<_>, Vec<_>) =
            partitions.into_iter().partition(|p| self.context.leadership.contains_key(p));
        let removed = self.remove_from_in_sync(broker, &led).await?;
        for partition in removed {
            if !self.context.is_deleting(&partition.topic) {
                let mut recipients = self.context.replicas(&partition);
                recipients.retain(|id| *id != broker);
                self.batch.leader_and_isr(&self.context, &recipients, &partition, false);
            }
            self.context.replica_phases.insert((partition, broker), Offline);
        }
        for partition in leaderless {
            let brokers = self.context.reachable();
            self.batch.update_metadata(&brokers, [partition.clone()]);
            self.context.replica_phases.insert((partition, broker), Offline);
        }
        Ok(())
    }

    /// Takes the replica out of in-sync sets, but never the last one; a led partition loses its
    /// leader. Gives the partitions for which it is done.
    async fn remove_from_in_sync(
        &mut self,
        broker: BrokerId,
        partitions: &[TopicPartition],
    ) -> Result<Vec<TopicPartition>, Trouble> {
        let mut done = Vec::new();
        let mut left = partitions.to_vec();
        while !left.is_empty() {
            let current = self.read_leaderships(&left).await?;
            let mut writes = Vec::new();
            for partition in std::mem::take(&mut left) {
                let Some(now) = current.get(&partition) else {
                    tracing::error!(%partition, "partition has no state");
                    continue;
                };
                if !now.state.isr.contains(&broker) {
                    // Kafka keeps what it has read: another's change of the set may be news.
                    self.context.leadership.insert(partition.clone(), now.clone());
                    done.push(partition);
                    continue;
                }
                let leader = if now.state.leader == broker { NO_BROKER } else { now.state.leader };
                let mut isr = now.state.isr.clone();
                if isr.len() > 1 {
                    isr.retain(|id| *id != broker);
                }
                let state = now.next(leader, isr, now.state.recovering);
                writes.push((partition, state, now.version));
            }
            let written = self.write_states(writes.clone()).await?;
            for ((partition, _, _), result) in writes.into_iter().zip(written) {
                match result {
                    Ok(()) => done.push(partition),
                    Err(StoreError::BadVersion(_)) => left.push(partition),
                    Err(error) => tracing::error!(%partition, %error, "state was not written"),
                }
            }
        }
        done.sort();
        Ok(done)
    }
}
