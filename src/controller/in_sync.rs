//! Changes of in-sync sets: AlterPartition (KIP-497, KIP-704, KIP-903) and, for brokers of an IBP
//! below 2.7, their own writes with `/isr_change_notification`.

use super::Controller;
use super::error::{ControllerError, Trouble};
use super::handle::{InSync, InSyncChange};
use crate::metadata::records::{IsrChange, PartitionState, paths};
use crate::metadata::store::{Op, StoreError};
use crate::types::{BrokerId, TopicPartition};
use std::collections::BTreeMap;

/// Result of one partition.
pub(super) type InSyncResult = Result<InSync, ControllerError>;

impl Controller {
    /// Changes in-sync sets as leaders ask.
    pub(super) async fn alter_partitions(
        &mut self,
        broker: BrokerId,
        epoch: i64,
        changes: Vec<InSyncChange>,
    ) -> Result<Result<BTreeMap<TopicPartition, InSyncResult>, ControllerError>, Trouble> {
        if let Err(error) = self.check_broker(broker, epoch) {
            return Ok(Err(error));
        }
        let mut results = BTreeMap::new();
        let mut writes = Vec::new();
        for change in changes {
            match self.check_change(&change) {
                Ok(Some(state)) => {
                    writes.push((change.partition, state, change.partition_epoch));
                }
                Ok(None) => {
                    let now = self.in_sync(&change.partition);
                    results.insert(change.partition, now);
                }
                Err(error) => {
                    results.insert(change.partition, Err(error));
                }
            }
        }
        let partitions: Vec<TopicPartition> = writes.iter().map(|(p, _, _)| p.clone()).collect();
        let written = self.write_states(writes).await?;
        let mut changed = Vec::new();
        for (partition, written) in partitions.into_iter().zip(written) {
            let result = match written {
                Ok(()) => {
                    changed.push(partition.clone());
                    self.in_sync(&partition)
                }
                Err(StoreError::BadVersion(_)) => Err(ControllerError::InvalidUpdateVersion),
                Err(error) => Err(error.into()),
            };
            results.insert(partition, result);
        }
        if !changed.is_empty() {
            let all = self.context.reachable();
            self.batch.update_metadata(&all, changed.iter().cloned());
            self.flush();
        }
        for partition in changed {
            self.on_in_sync(&partition).await?;
        }
        Ok(Ok(results))
    }

    fn in_sync(&self, partition: &TopicPartition) -> InSyncResult {
        let unknown = || ControllerError::UnknownTopicOrPartition(String::new());
        let now = self.context.leadership.get(partition).ok_or_else(unknown)?;
        Ok(InSync {
            leader: now.state.leader,
            leader_epoch: now.state.leader_epoch,
            isr: now.state.isr.clone(),
            recovering: now.state.recovering,
            partition_epoch: now.version,
        })
    }

    /// The state to be written; `None` when it is so already.
    fn check_change(
        &self,
        change: &InSyncChange,
    ) -> Result<Option<PartitionState>, ControllerError> {
        let Some(now) = self.context.leadership.get(&change.partition) else {
            return Err(ControllerError::UnknownTopicOrPartition(String::new()));
        };
        let isr: Vec<BrokerId> = change.isr.iter().map(|(id, _)| *id).collect();
        if change.leader_epoch > now.state.leader_epoch || change.partition_epoch > now.version {
            // The leader knows of a newer controller than this one.
            return Err(ControllerError::NotController);
        }
        if change.leader_epoch < now.state.leader_epoch {
            return Err(ControllerError::FencedLeaderEpoch);
        }
        if isr == now.state.isr && change.recovering == now.state.recovering {
            return Ok(None);
        }
        if change.partition_epoch < now.version {
            return Err(ControllerError::InvalidUpdateVersion);
        }
        if change.recovering && (!now.state.recovering || isr.len() > 1) {
            return Err(ControllerError::InvalidRequest(String::new()));
        }
        let is_eligible = |(id, epoch): &(BrokerId, i64)| match self.context.brokers.get(id) {
            Some(node) => *epoch == -1 || *epoch == node.epoch,
            // Without epochs (before v3) a dead broker is not noticed here.
            None => *epoch == -1,
        };
        if !change.isr.iter().all(is_eligible) {
            return Err(ControllerError::IneligibleReplica);
        }
        let state = PartitionState { isr, recovering: change.recovering, ..now.state.clone() };
        Ok(Some(state))
    }

    /// `/isr_change_notification` has children: leaders at an old IBP have written states.
    pub(super) async fn on_isr_changes(&mut self) -> Result<(), Trouble> {
        let names = self.nodes.children(paths::ISR_CHANGES).await?;
        if names.is_empty() {
            return Ok(());
        }
        let path = |name: &String| format!("{}/{name}", paths::ISR_CHANGES);
        let nodes = self.nodes.get_all(names.iter().map(path).collect()).await?;
        let changes = nodes
            .into_iter()
            .flatten()
            .filter_map(|node| IsrChange::decode(node.data.as_deref()?).ok());
        let mut partitions: Vec<TopicPartition> = changes
            .flat_map(|change| change.0)
            .map(|p| TopicPartition::new(p.topic, p.partition))
            .filter(|p| !self.context.replicas(p).is_empty())
            .collect();
        partitions.sort();
        partitions.dedup();
        let read = self.read_leaderships(&partitions).await?;
        self.context.leadership.extend(read);
        let all = self.context.reachable();
        self.batch.update_metadata(&all, partitions.iter().cloned());
        self.flush();
        let delete = |name: &String| Op::Delete { path: path(name), version: None };
        self.nodes.fenced(self.context.fence, names.iter().map(delete).collect()).await?;
        for partition in partitions {
            self.on_in_sync(&partition).await?;
        }
        Ok(())
    }
}
