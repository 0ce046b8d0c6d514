//! LeaderAndIsr (4), v0-7: the controller says who leads and who is in sync.
//!
//! v1 is-new; v2 broker epoch, grouped by topic; v3 replicas being added and removed (KIP-455);
//! v4 flexible; v5 topic ids, answers by them (KIP-516); v6 recovery state (KIP-704); v7 KRaft
//! controller. Rules: `KafkaApis.handleLeaderAndIsrRequest`, `ReplicaManager.
//! becomeLeaderOrFollower`.

use super::RequestContext;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::partition::LeaderAndIsr;
use crate::types::{ErrorCode, TopicId};
use kafka_protocol::messages::leader_and_isr_request::LeaderAndIsrPartitionState;
use kafka_protocol::messages::leader_and_isr_response::{
    LeaderAndIsrPartitionError, LeaderAndIsrTopicError,
};
use kafka_protocol::messages::{LeaderAndIsrRequest, LeaderAndIsrResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Carries out the controller's decision, and tells the coordinators.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: LeaderAndIsrRequest,
) -> LeaderAndIsrResponse {
    let response = LeaderAndIsrResponse::default();
    if broker.is_stale_epoch(request.broker_epoch) {
        return response.with_error_code(ErrorCode::STALE_BROKER_EPOCH.0);
    }
    let orders = orders(&request);
    broker.load_topic_configs(new_topics(broker, &orders)).await;
    // Makes and opens files: not for a thread that serves connections.
    let (replicas, epoch) = (broker.replicas.clone(), request.controller_epoch);
    let applied = tokio::task::spawn_blocking(move || {
        let told = replicas.apply_leader_and_isr(epoch, &orders);
        (orders, told)
    });
    let Ok((orders, told)) = applied.await else {
        return response.with_error_code(ErrorCode::UNKNOWN_SERVER_ERROR.0);
    };
    let told = match told {
        Ok(told) => told,
        Err(newest) => {
            tracing::warn!(epoch = request.controller_epoch, newest, "stale controller epoch");
            return response.with_error_code(ErrorCode::STALE_CONTROLLER_EPOCH.0);
        }
    };
    broker.leadership_changed(&told);
    let codes = told.outcomes.iter().map(|outcome| match outcome {
        Ok(()) => ErrorCode::NONE,
        Err(error) => error.error_code(),
    });
    answer(context.api_version, response, &orders, codes)
}

fn orders(request: &LeaderAndIsrRequest) -> Vec<LeaderAndIsr> {
    let none = TopicId::nil();
    let loose = request.ungrouped_partition_states.iter();
    let mut orders: Vec<_> =
        loose.map(|state| order(state.topic_name.to_string(), none, state)).collect();
    for topic in &request.topic_states {
        let name = topic.topic_name.to_string();
        let states = topic.partition_states.iter();
        orders.extend(states.map(|state| order(name.clone(), topic.topic_id, state)));
    }
    orders
}

fn order(topic: String, topic_id: TopicId, state: &LeaderAndIsrPartitionState) -> LeaderAndIsr {
    let ids = |list: &[kafka_protocol::messages::BrokerId]| list.iter().map(|id| id.0).collect();
    LeaderAndIsr {
        topic,
        partition: state.partition_index,
        topic_id,
        controller_epoch: state.controller_epoch,
        leader: state.leader.0,
        leader_epoch: state.leader_epoch,
        isr: ids(&state.isr),
        partition_epoch: state.partition_epoch,
        replicas: ids(&state.replicas),
        adding: ids(&state.adding_replicas),
        removing: ids(&state.removing_replicas),
        is_new: state.is_new,
        recovery_state: state.leader_recovery_state,
    }
}

/// Topics of which this broker gets its first replica: their configuration is to be read.
fn new_topics(broker: &Broker, orders: &[LeaderAndIsr]) -> BTreeSet<String> {
    let is_new = |order: &&LeaderAndIsr| {
        broker.replicas.get(&order.topic, order.partition).is_none()
            && order.replicas.contains(&broker.id)
    };
    orders.iter().filter(is_new).map(|order| order.topic.clone()).collect()
}

fn answer(
    version: i16,
    mut response: LeaderAndIsrResponse,
    orders: &[LeaderAndIsr],
    codes: impl Iterator<Item = ErrorCode>,
) -> LeaderAndIsrResponse {
    for (order, code) in orders.iter().zip(codes) {
        let error = LeaderAndIsrPartitionError::default()
            .with_partition_index(order.partition)
            .with_error_code(code.0);
        if version < 5 {
            let topic = StrBytes::from_string(order.topic.clone());
            response.partition_errors.push(error.with_topic_name(topic.into()));
            continue;
        }
        match response.topics.iter_mut().find(|topic| topic.topic_id == order.topic_id) {
            Some(topic) => topic.partition_errors.push(error),
            None => response.topics.push(
                LeaderAndIsrTopicError::default()
                    .with_topic_id(order.topic_id)
                    .with_partition_errors(vec![error]),
            ),
        }
    }
    response
}
