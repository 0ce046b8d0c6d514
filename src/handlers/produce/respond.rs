//! The Produce response, by version.

use super::super::error::ToErrorCode;
use super::super::lookup::{self, Node};
use super::validate::Refusal;
use super::{Entry, Outcome};
use crate::broker::Broker;
use crate::handlers::RequestContext;
use crate::log::AppendError;
use crate::partition::PartitionError;
use crate::telemetry::counters::FAILED_PRODUCE;
use crate::types::ErrorCode;
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse,
    TopicProduceResponse,
};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::StrBytes;

/// Builds the response of `request`, whose entries are the next of `entries`. `None` for acks=0
/// without error.
pub(super) fn respond(
    broker: &Broker,
    context: &RequestContext,
    request: &ProduceRequest,
    entries: &mut impl Iterator<Item = Entry>,
) -> Option<ProduceResponse> {
    let mut response = ProduceResponse::default();
    let mut nodes: Vec<Node> = Vec::new();
    let mut failed = false;
    for topic in &request.topic_data {
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for data in &topic.partition_data {
            let Some(entry) = entries.next() else { continue };
            let (code, mut partition) =
                partition(context.api_version, &topic.name, data.index, &entry.outcome);
            failed |= code != ErrorCode::NONE;
            if code == ErrorCode::NOT_LEADER_OR_FOLLOWER && context.api_version >= 10 {
                let (id, epoch) = lookup::leader(broker, &topic.name, data.index);
                partition.current_leader =
                    LeaderIdAndEpoch::default().with_leader_id(id.into()).with_leader_epoch(epoch);
                nodes.extend(lookup::node(broker, id, &context.listener_name));
            }
            partitions.push(partition);
        }
        response.responses.push(
            TopicProduceResponse::default()
                .with_name(topic.name.clone())
                .with_partition_responses(partitions),
        );
    }
    nodes.sort_by_key(|node| node.id);
    nodes.dedup_by_key(|node| node.id);
    response.node_endpoints = nodes.into_iter().map(endpoint).collect();
    (request.acks != 0 || failed).then_some(response)
}

fn endpoint(node: Node) -> NodeEndpoint {
    NodeEndpoint::default()
        .with_node_id(node.id.into())
        .with_host(StrBytes::from_string(node.host))
        .with_port(i32::from(node.port))
        .with_rack(node.rack.map(StrBytes::from_string))
}

fn partition(
    version: i16,
    topic: &str,
    index: i32,
    outcome: &Outcome,
) -> (ErrorCode, PartitionProduceResponse) {
    let mut response = PartitionProduceResponse::default().with_index(index).with_base_offset(-1);
    let code = match outcome {
        Outcome::Refused(Refusal { code, message }) => {
            if version >= 8 {
                response.error_message = message.clone().map(StrBytes::from_string);
            }
            *code
        }
        Outcome::Waiting(..) => ErrorCode::UNKNOWN_SERVER_ERROR,
        Outcome::Failed(error, log_start) => {
            describe(version, topic, error, *log_start, &mut response);
            error.error_code()
        }
        Outcome::Appended(replica, appended, error) => {
            if !appended.duplicate {
                replica.traffic().count_in(appended.messages, appended.bytes);
            }
            response.base_offset = appended.base_offset;
            if version >= 2 {
                response.log_append_time_ms = appended.append_time_ms;
            }
            if version >= 5 {
                response.log_start_offset = appended.log_start_offset;
            }
            error.as_ref().map_or(ErrorCode::NONE, ToErrorCode::error_code)
        }
    };
    if code != ErrorCode::NONE {
        FAILED_PRODUCE.add(1);
    }
    response.error_code = code.0;
    (code, response)
}

/// The message and the records at fault (v8+), as Kafka gives them for refused records only; the
/// log start (v5+) unless the error is one of those that Kafka answers without.
fn describe(
    version: i16,
    topic: &str,
    error: &PartitionError,
    log_start_offset: i64,
    response: &mut PartitionProduceResponse,
) {
    let PartitionError::Append(error) = error else { return };
    let index = response.index;
    let records = match error {
        AppendError::InvalidRecord { errors, .. } | AppendError::InvalidTimestamp { errors } => {
            errors.as_slice()
        }
        AppendError::OutOfOrderSequence { .. }
        | AppendError::InvalidProducerEpoch { .. }
        | AppendError::CoordinatorFenced
        | AppendError::InvalidTxnState
        | AppendError::Unreadable(_)
        | AppendError::UnsupportedCompression => &[],
        AppendError::Corrupt(_)
        | AppendError::TooLarge { .. }
        | AppendError::LargerThanSegment { .. }
        | AppendError::UnexpectedOffset { .. } => return,
        AppendError::Log(error) => {
            // The code alone says that a disk is broken; a full one is the operator's to help.
            if version >= 8 && error.is_disk_full() {
                response.error_message = Some(StrBytes::from_string(error.to_string()));
            }
            return;
        }
    };
    if version >= 5 {
        response.log_start_offset = log_start_offset;
    }
    // Of a batch that is wrong as a whole Kafka gives the code only.
    if version < 8 || records.is_empty() {
        return;
    }
    let told: Vec<(i32, String)> =
        records.iter().map(|record| (record.index, record.fault.told(topic, index))).collect();
    let message = match error {
        AppendError::InvalidRecord { .. } => rejected(&told),
        other => other.to_string(),
    };
    response.error_message = Some(StrBytes::from_string(message));
    let records = told.into_iter().map(|(index, message)| {
        BatchIndexAndErrorMessage::default()
            .with_batch_index(index)
            .with_batch_index_error_message(Some(StrBytes::from_string(message)))
    });
    response.record_errors = records.collect();
}

/// The message for a batch of which these records are refused.
fn rejected(told: &[(i32, String)]) -> String {
    let first = told
        .iter()
        .take(3)
        .map(|(index, message)| format!("RecordError(batchIndex={index}, message='{message}')"));
    format!(
        "One or more records have been rejected due to {} record errors in total, \
         and only showing the first three errors at most: [{}]",
        told.len(),
        first.collect::<Vec<_>>().join(", ")
    )
}
