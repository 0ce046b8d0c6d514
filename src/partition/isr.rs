//! Telling the controller of changes of the in-sync set, and looking for lagging replicas.
//!
//! As Kafka's `AlterPartitionManager` and the `isr-expiration` task: one request at a time carries
//! all pending changes. How the controller is reached is the implementor's.

use super::Replicas;
use crate::types::{BrokerId, TopicId, TopicPartition};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A wanted in-sync set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsrChange {
    /// Of this partition.
    pub partition: TopicPartition,
    /// Its topic's id; zero for none.
    pub topic_id: TopicId,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// The partition epoch that the change starts from.
    pub partition_epoch: i32,
    /// The set, each with its broker epoch (-1 for unknown; KIP-903).
    pub isr: Vec<(BrokerId, i64)>,
}

/// The controller's answer to one [`IsrChange`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IsrAnswer {
    /// Carried out (or already so).
    Done {
        /// The set as it is now.
        isr: Vec<BrokerId>,
        /// The partition epoch now.
        partition_epoch: i32,
    },
    /// Not to be asked again with the same epochs.
    Refused,
    /// To be asked again.
    Retry,
}

/// The way to the controller.
#[async_trait]
pub trait AlterPartition: Send + Sync + 'static {
    /// Asks for the changes; one answer each, in the same order.
    async fn alter_partition(&self, changes: &[IsrChange]) -> Vec<IsrAnswer>;
}

/// Pause before asking again what the controller did not answer.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs until dropped: every half of `replica.lag.time.max.ms` looks for lagging replicas, and
/// whenever a change is wanted asks the controller.
pub async fn run(replicas: Arc<Replicas>, controller: Arc<dyn AlterPartition>) {
    let mut next_check = Instant::now();
    loop {
        tokio::select! {
            () = replicas.isr_wanted().notified() => {}
            () = tokio::time::sleep_until(next_check) => {
                replicas.leaders().iter().for_each(|partition| partition.shrink_isr());
                next_check = Instant::now() + replicas.lag_max() / 2;
            }
        }
        while !ask(&replicas, controller.as_ref()).await {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Asks for all wanted changes. False when some are to be asked for again.
async fn ask(replicas: &Replicas, controller: &dyn AlterPartition) -> bool {
    let asked: Vec<_> = replicas
        .leaders()
        .into_iter()
        .filter_map(|partition| partition.take_isr_change().map(|change| (partition, change)))
        .collect();
    if asked.is_empty() {
        return true;
    }
    let changes: Vec<IsrChange> = asked.iter().map(|(_, change)| change.clone()).collect();
    let answers = controller.alter_partition(&changes).await;
    let mut all_answered = true;
    for (index, (partition, change)) in asked.iter().enumerate() {
        let answer = answers.get(index).unwrap_or(&IsrAnswer::Retry);
        all_answered &= *answer != IsrAnswer::Retry;
        partition.isr_answered(change, answer);
    }
    all_answered
}
