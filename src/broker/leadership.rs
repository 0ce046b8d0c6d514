//! What follows from the controller's orders besides the replicas themselves: coordinators.

use super::Broker;
use crate::partition::Told;
use crate::types::TopicPartition;

impl Broker {
    /// Tells the coordinators which of their partitions this broker now leads or follows.
    pub fn leadership_changed(&self, told: &Told) {
        let _ = told;
    }

    /// Tells the coordinators of a replica taken out of service.
    pub fn replica_stopped(&self, id: &TopicPartition, deleted: bool) {
        let _ = (id, deleted);
    }

    /// Tells the coordinators of partitions that no longer exist.
    pub fn partitions_deleted(&self, deleted: &[TopicPartition]) {
        let _ = deleted;
    }
}
