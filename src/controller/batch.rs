//! What one step of the controller has to tell the brokers, gathered and then sent.
//!
//! As Kafka's `ControllerBrokerRequestBatch`, for IBP 3.9: LeaderAndIsr v7, UpdateMetadata v8,
//! StopReplica v4. A broker gets them in this order.

use super::channel::{Lines, Push};
use super::context::{Context, Leadership};
use crate::metadata::image::BrokerNode;
use crate::metadata::records::ReplicaAssignment;
use crate::types::{BrokerId, TopicPartition};
use kafka_protocol::messages::leader_and_isr_request::{
    LeaderAndIsrLiveLeader, LeaderAndIsrPartitionState, LeaderAndIsrTopicState,
};
use kafka_protocol::messages::stop_replica_request::{
    StopReplicaPartitionState, StopReplicaTopicState,
};
use kafka_protocol::messages::update_metadata_request::{
    UpdateMetadataBroker, UpdateMetadataEndpoint, UpdateMetadataPartitionState,
    UpdateMetadataTopicState,
};
use kafka_protocol::messages::{
    self as wire, LeaderAndIsrRequest, StopReplicaRequest, UpdateMetadataRequest,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::{BTreeMap, BTreeSet};

/// Leader epoch of a StopReplica for a partition whose topic is being deleted.
const EPOCH_DURING_DELETE: i32 = -2;
/// Leader of a partition whose topic is being deleted, in UpdateMetadata.
const LEADER_DURING_DELETE: BrokerId = -2;
/// Leader epoch of a StopReplica for a partition that never had a leader.
const NO_EPOCH: i32 = -1;

/// Text for the wire.
pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_string())
}

fn ids(ids: &[BrokerId]) -> Vec<wire::BrokerId> {
    ids.iter().copied().map(wire::BrokerId).collect()
}

/// Requests being gathered.
#[derive(Default)]
pub(super) struct Batch {
    leader_and_isr: BTreeMap<BrokerId, BTreeMap<TopicPartition, LeaderAndIsrPartitionState>>,
    stop: BTreeMap<BrokerId, BTreeMap<TopicPartition, StopReplicaPartitionState>>,
    metadata_brokers: BTreeSet<BrokerId>,
    metadata_partitions: BTreeSet<TopicPartition>,
}

/// Who sends.
#[derive(Clone, Copy)]
pub(super) struct From<'a> {
    /// The controller's broker id.
    pub controller: BrokerId,
    /// The listener whose endpoints leaders have in LeaderAndIsr.
    pub listener: &'a str,
}

impl Batch {
    /// LeaderAndIsr to these brokers, and UpdateMetadata of the partition to all.
    pub fn leader_and_isr(
        &mut self,
        context: &Context,
        brokers: &[BrokerId],
        partition: &TopicPartition,
        is_new: bool,
    ) {
        let Some(leadership) = context.leadership.get(partition) else { return };
        let assignment = context.assignment(partition);
        for &broker in brokers.iter().filter(|id| **id >= 0) {
            let states = self.leader_and_isr.entry(broker).or_default();
            let was_new = states.get(partition).is_some_and(|state| state.is_new);
            let state = leader_state(partition, leadership, &assignment, is_new || was_new);
            states.insert(partition.clone(), state);
        }
        self.update_metadata(&context.reachable(), [partition.clone()]);
    }

    /// StopReplica of the partition to a broker.
    pub fn stop_replica(
        &mut self,
        context: &Context,
        broker: BrokerId,
        partition: &TopicPartition,
        delete: bool,
    ) {
        let leader_epoch = if context.is_deleting(&partition.topic) {
            EPOCH_DURING_DELETE
        } else {
            context.leadership.get(partition).map_or(NO_EPOCH, |l| l.state.leader_epoch)
        };
        let states = self.stop.entry(broker).or_default();
        let was_delete = states.get(partition).is_some_and(|state| state.delete_partition);
        let state = StopReplicaPartitionState::default()
            .with_partition_index(partition.partition)
            .with_leader_epoch(leader_epoch)
            .with_delete_partition(delete || was_delete);
        states.insert(partition.clone(), state);
    }

    /// UpdateMetadata to these brokers: the live brokers and these partitions (may be none).
    pub fn update_metadata(
        &mut self,
        brokers: &[BrokerId],
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) {
        self.metadata_brokers.extend(brokers);
        self.metadata_partitions.extend(partitions);
    }

    /// Sends all, and is empty again.
    pub fn send(&mut self, context: &Context, lines: &Lines, from: From<'_>) {
        let batch = std::mem::take(self);
        for (broker, states) in batch.leader_and_isr {
            let Some(node) = context.brokers.get(&broker) else { continue };
            let request = leader_request(context, node, states, from);
            lines.send(broker, Push::LeaderAndIsr(request));
        }
        if !batch.metadata_brokers.is_empty() {
            let request = metadata_request(context, &batch.metadata_partitions, from);
            for broker in batch.metadata_brokers {
                let Some(node) = context.brokers.get(&broker) else { continue };
                let request = request.clone().with_broker_epoch(node.epoch);
                lines.send(broker, Push::UpdateMetadata(request));
            }
        }
        for (broker, states) in batch.stop {
            let Some(node) = context.brokers.get(&broker) else { continue };
            let request = stop_request(context, node, states, from);
            lines.send(broker, Push::StopReplica(request));
        }
    }
}

fn leader_state(
    partition: &TopicPartition,
    leadership: &Leadership,
    assignment: &ReplicaAssignment,
    is_new: bool,
) -> LeaderAndIsrPartitionState {
    let state = &leadership.state;
    LeaderAndIsrPartitionState::default()
        .with_partition_index(partition.partition)
        .with_controller_epoch(state.controller_epoch)
        .with_leader(wire::BrokerId(state.leader))
        .with_leader_epoch(state.leader_epoch)
        .with_isr(ids(&state.isr))
        .with_partition_epoch(leadership.version)
        .with_replicas(ids(&assignment.replicas))
        .with_adding_replicas(ids(&assignment.adding))
        .with_removing_replicas(ids(&assignment.removing))
        .with_is_new(is_new)
        .with_leader_recovery_state(i8::from(state.recovering))
}

fn leader_request(
    context: &Context,
    node: &BrokerNode,
    states: BTreeMap<TopicPartition, LeaderAndIsrPartitionState>,
    from: From<'_>,
) -> LeaderAndIsrRequest {
    let leaders: BTreeSet<BrokerId> = states.values().map(|state| state.leader.0).collect();
    let live = leaders.iter().filter_map(|id| context.brokers.get(id)).filter_map(|leader| {
        let endpoint = leader.endpoints.iter().find(|e| e.listener == from.listener)?;
        let live = LeaderAndIsrLiveLeader::default()
            .with_broker_id(wire::BrokerId(leader.id))
            .with_host_name(text(&endpoint.host))
            .with_port(i32::from(endpoint.port));
        Some(live)
    });
    let live = live.collect();
    let mut topics: Vec<LeaderAndIsrTopicState> = Vec::new();
    for (partition, state) in states {
        if topics.last().is_none_or(|t| t.topic_name.as_str() != &*partition.topic) {
            let topic = LeaderAndIsrTopicState::default()
                .with_topic_name(wire::TopicName(text(&partition.topic)))
                .with_topic_id(
                    context.topics.get(&partition.topic).map_or_else(Default::default, |t| t.id),
                );
            topics.push(topic);
        }
        if let Some(topic) = topics.last_mut() {
            topic.partition_states.push(state);
        }
    }
    LeaderAndIsrRequest::default()
        .with_controller_id(wire::BrokerId(from.controller))
        .with_controller_epoch(context.epoch)
        .with_broker_epoch(node.epoch)
        .with_topic_states(topics)
        .with_live_leaders(live)
}

fn stop_request(
    context: &Context,
    node: &BrokerNode,
    states: BTreeMap<TopicPartition, StopReplicaPartitionState>,
    from: From<'_>,
) -> StopReplicaRequest {
    let mut topics: Vec<StopReplicaTopicState> = Vec::new();
    for (partition, state) in states {
        if topics.last().is_none_or(|t| t.topic_name.as_str() != &*partition.topic) {
            let name = wire::TopicName(text(&partition.topic));
            topics.push(StopReplicaTopicState::default().with_topic_name(name));
        }
        if let Some(topic) = topics.last_mut() {
            topic.partition_states.push(state);
        }
    }
    StopReplicaRequest::default()
        .with_controller_id(wire::BrokerId(from.controller))
        .with_controller_epoch(context.epoch)
        .with_broker_epoch(node.epoch)
        .with_topic_states(topics)
}

fn metadata_request(
    context: &Context,
    partitions: &BTreeSet<TopicPartition>,
    from: From<'_>,
) -> UpdateMetadataRequest {
    let mut topics: Vec<UpdateMetadataTopicState> = Vec::new();
    for partition in partitions {
        let Some(state) = metadata_state(context, partition) else { continue };
        if topics.last().is_none_or(|t| t.topic_name.as_str() != &*partition.topic) {
            let id = context.topics.get(&partition.topic).map(|t| t.id).unwrap_or_default();
            let topic = UpdateMetadataTopicState::default()
                .with_topic_name(wire::TopicName(text(&partition.topic)))
                .with_topic_id(id);
            topics.push(topic);
        }
        if let Some(topic) = topics.last_mut() {
            topic.partition_states.push(state);
        }
    }
    UpdateMetadataRequest::default()
        .with_controller_id(wire::BrokerId(from.controller))
        .with_controller_epoch(context.epoch)
        .with_topic_states(topics)
        .with_live_brokers(context.brokers.values().map(metadata_broker).collect())
}

fn metadata_state(
    context: &Context,
    partition: &TopicPartition,
) -> Option<UpdateMetadataPartitionState> {
    let leadership = context.leadership.get(partition)?;
    let deleting = context.is_deleting(&partition.topic);
    let leader = if deleting { LEADER_DURING_DELETE } else { leadership.state.leader };
    let replicas = context.replicas(partition);
    let offline: Vec<BrokerId> =
        replicas.iter().copied().filter(|id| !context.is_online(*id, partition)).collect();
    let state = UpdateMetadataPartitionState::default()
        .with_partition_index(partition.partition)
        .with_controller_epoch(leadership.state.controller_epoch)
        .with_leader(wire::BrokerId(leader))
        .with_leader_epoch(leadership.state.leader_epoch)
        .with_isr(ids(&leadership.state.isr))
        .with_zk_version(leadership.version)
        .with_replicas(ids(&replicas))
        .with_offline_replicas(ids(&offline));
    Some(state)
}

fn metadata_broker(node: &BrokerNode) -> UpdateMetadataBroker {
    let endpoints = node.endpoints.iter().map(|endpoint| {
        UpdateMetadataEndpoint::default()
            .with_port(i32::from(endpoint.port))
            .with_host(text(&endpoint.host))
            .with_listener(text(&endpoint.listener))
            .with_security_protocol(endpoint.security_protocol)
    });
    UpdateMetadataBroker::default()
        .with_id(wire::BrokerId(node.id))
        .with_endpoints(endpoints.collect())
        .with_rack(node.rack.as_deref().map(text))
}
