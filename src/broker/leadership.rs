//! What follows from the controller's orders besides the replicas themselves: coordinators.

use super::Broker;
use crate::coordinator::group::GROUP_TOPIC;
use crate::coordinator::transaction::TRANSACTION_TOPIC;
use crate::partition::Told;
use crate::types::TopicPartition;

impl Broker {
    /// Tells the coordinators which of their partitions this broker now leads or follows.
    pub fn leadership_changed(&self, told: &Told) {
        for (id, leader_epoch) in &told.became_leader {
            if &*id.topic == GROUP_TOPIC {
                self.groups.on_leadership(id.partition, *leader_epoch);
            }
            if &*id.topic == TRANSACTION_TOPIC {
                self.transactions.on_leadership(id.partition, *leader_epoch);
            }
        }
        for (id, _) in &told.became_follower {
            self.resigned(id);
        }
    }

    /// Tells the coordinators of a replica taken out of service.
    pub fn replica_stopped(&self, id: &TopicPartition, _deleted: bool) {
        self.resigned(id);
    }

    fn resigned(&self, id: &TopicPartition) {
        if &*id.topic == GROUP_TOPIC {
            self.groups.on_resignation(id.partition);
        }
        if &*id.topic == TRANSACTION_TOPIC {
            self.transactions.on_resignation(id.partition);
        }
    }

    /// Tells the coordinators of partitions that no longer exist.
    pub fn partitions_deleted(&self, deleted: &[TopicPartition]) {
        if !deleted.is_empty() {
            self.groups.on_partitions_deleted(deleted);
        }
    }
}
