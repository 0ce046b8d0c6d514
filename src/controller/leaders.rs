//! Elections that somebody asks for: ElectLeaders, the old node, the automatic rebalance.

use super::Controller;
use super::elect::Strategy;
use super::error::{ControllerError, Trouble};
use super::handle::ElectionType;
use crate::metadata::records::{ElectionRequest, paths};
use crate::metadata::store::Op;
use crate::types::{BrokerId, TopicPartition};
use std::collections::BTreeMap;

/// Results by partition: the leader that is to be seen in the metadata.
pub(super) type Elections = BTreeMap<TopicPartition, Result<BrokerId, ControllerError>>;

impl Controller {
    /// Elects for those of these partitions that need it.
    pub(super) async fn elect_leaders(
        &mut self,
        kind: ElectionType,
        partitions: Vec<TopicPartition>,
    ) -> Result<Elections, Trouble> {
        let mut results = Elections::new();
        let mut electable = Vec::new();
        for partition in partitions {
            match self.needs_election(kind, &partition) {
                Ok(()) => electable.push(partition),
                Err(error) => {
                    results.insert(partition, Err(error));
                }
            }
        }
        let strategy = match kind {
            ElectionType::Preferred => Strategy::Preferred,
            ElectionType::Unclean => Strategy::Offline { unclean: true },
        };
        for (partition, elected) in self.bring_online(&electable, strategy).await? {
            let result = elected.map_err(|why| match kind {
                ElectionType::Preferred => ControllerError::PreferredLeaderNotAvailable(why),
                ElectionType::Unclean => ControllerError::EligibleLeadersNotAvailable(why),
            });
            results.insert(partition, result);
        }
        Ok(results)
    }

    fn needs_election(
        &self,
        kind: ElectionType,
        partition: &TopicPartition,
    ) -> Result<(), ControllerError> {
        let replicas = self.context.replicas(partition);
        let Some(preferred) = replicas.first() else {
            return Err(ControllerError::UnknownTopicOrPartition(
                "The partition does not exist.".into(),
            ));
        };
        if self.context.is_deleting(&partition.topic) {
            return Err(ControllerError::InvalidTopic("The topic is being deleted".into()));
        }
        let leader = self.context.leader(partition);
        let is_needed = match kind {
            ElectionType::Preferred => leader != *preferred,
            ElectionType::Unclean => !self.context.is_live(leader),
        };
        if is_needed { Ok(()) } else { Err(ControllerError::ElectionNotNeeded) }
    }

    /// `/admin/preferred_replica_election`, the way before KIP-460.
    pub(super) async fn on_legacy_election(&mut self) -> Result<(), Trouble> {
        if let Some(node) = self.nodes.store.get(paths::PREFERRED_REPLICA_ELECTION).await? {
            let request = ElectionRequest::decode(node.data.as_deref().unwrap_or_default());
            let partitions = request.map_or_else(|_| Vec::new(), |request| request.0);
            let partitions =
                partitions.into_iter().map(|p| TopicPartition::new(p.topic, p.partition)).collect();
            self.elect_leaders(ElectionType::Preferred, partitions).await?;
            self.delete_legacy_election().await?;
        }
        Ok(())
    }

    /// Deletes the node; that there is none is no harm.
    pub(super) async fn delete_legacy_election(&mut self) -> Result<(), Trouble> {
        let path = paths::PREFERRED_REPLICA_ELECTION.into();
        self.nodes.fenced_one(self.context.fence, Op::Delete { path, version: None }).await?.ok();
        Ok(())
    }

    /// Gives preferred leaders their partitions back where a broker has lost too many.
    pub(super) async fn rebalance(&mut self) -> Result<(), Trouble> {
        let settings = (self.settings)();
        let mut by_preferred: BTreeMap<BrokerId, (usize, Vec<TopicPartition>)> = BTreeMap::new();
        for partition in self.context.all_partitions() {
            if self.context.is_deleting(&partition.topic) {
                continue;
            }
            let Some(&preferred) = self.context.replicas(&partition).first() else { continue };
            let entry = by_preferred.entry(preferred).or_default();
            entry.0 += 1;
            if self.context.leader(&partition) != preferred {
                entry.1.push(partition);
            }
        }
        let mut candidates = Vec::new();
        for (broker, (total, mut elsewhere)) in by_preferred {
            let is_tolerable = elsewhere.len() as f64 / total as f64
                <= f64::from(settings.imbalance_percentage) / 100.0;
            if is_tolerable || !self.context.is_live(broker) {
                continue;
            }
            let can_lead = |p: &TopicPartition| {
                let leadership = self.context.leadership.get(p);
                !self.context.moving.contains(p)
                    && self.context.is_online(broker, p)
                    && leadership.is_some_and(|l| l.state.isr.contains(&broker))
            };
            elsewhere.retain(can_lead);
            candidates.extend(elsewhere);
        }
        if !candidates.is_empty() {
            tracing::info!(partitions = candidates.len(), "leaders go back to preferred replicas");
            self.elect_leaders(ElectionType::Preferred, candidates).await?;
        }
        Ok(())
    }
}
