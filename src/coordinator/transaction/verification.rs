//! Asking whether a partition is in a producer's open transaction (KIP-890, part 1).
//!
//! The coordinator may be here or elsewhere: then by AddPartitionsToTxn v5, verify only. As
//! `AddPartitionsToTxnManager`, with its translation of errors.

use std::collections::HashMap;
use std::sync::Arc;

use kafka_protocol::messages::AddPartitionsToTxnRequest;
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::protocol::StrBytes;
use tracing::debug;

use super::machine::Producer;
use super::{BrokerPeers, TRANSACTION_TOPIC, TransactionCoordinator, TransactionError};
use crate::metadata::image::Published;
use crate::types::{BrokerId, ErrorCode, TopicPartition};

/// What the coordinator says of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the open transaction.
    InTransaction,
    /// It is not, or there is none.
    NotInTransaction,
    /// The producer has been fenced.
    Fenced,
    /// Nobody could say; the client is to try again.
    Unavailable,
    /// Refused for another reason.
    Refused(ErrorCode),
}

/// Asks coordinators.
pub struct Verifier {
    id: BrokerId,
    image: Arc<Published>,
    coordinator: Arc<TransactionCoordinator>,
    peers: Arc<BrokerPeers>,
    runtime: tokio::runtime::Handle,
}

impl Verifier {
    /// For broker `id`; connections live on `runtime`.
    pub fn new(
        id: BrokerId,
        image: Arc<Published>,
        coordinator: Arc<TransactionCoordinator>,
        peers: Arc<BrokerPeers>,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Verifier { id, image, coordinator, peers, runtime }
    }

    /// A verdict for each partition, in their order.
    pub async fn verify(
        &self,
        transactional_id: &str,
        producer: Producer,
        partitions: &[TopicPartition],
    ) -> Vec<Verdict> {
        let keeper = self.coordinator.partition_for(transactional_id);
        let leader = self.image.load().partition(TRANSACTION_TOPIC, keeper).map(|p| p.leader);
        let verdicts = match leader {
            Some(leader) if leader == self.id => self.here(transactional_id, producer, partitions),
            Some(leader) => self.there(leader, transactional_id, producer, partitions).await,
            None => vec![Verdict::Unavailable; partitions.len()],
        };
        if verdicts.iter().any(|verdict| *verdict != Verdict::InTransaction) {
            debug!(
                id = transactional_id,
                ?producer,
                ?leader,
                ?partitions,
                ?verdicts,
                "not verified"
            );
        }
        verdicts
    }

    fn here(&self, id: &str, producer: Producer, partitions: &[TopicPartition]) -> Vec<Verdict> {
        match self.coordinator.verify(id, producer, partitions) {
            Ok(are_in) => are_in.into_iter().map(Verdict::of).collect(),
            Err(error) => vec![Verdict::of_local(&error); partitions.len()],
        }
    }

    async fn there(
        &self,
        leader: BrokerId,
        id: &str,
        producer: Producer,
        partitions: &[TopicPartition],
    ) -> Vec<Verdict> {
        let unavailable = || vec![Verdict::Unavailable; partitions.len()];
        let Some(peer) = self.peers.get(leader) else {
            return unavailable();
        };
        let request = request(id, producer, partitions);
        // A connection's task must not live on the thread of one client's connection.
        let answered = self.runtime.spawn(async move { peer.send(5, request).await }).await;
        let Ok(Ok(response)) = answered else {
            return unavailable();
        };
        if response.error_code != 0 {
            return vec![Verdict::of_code(ErrorCode(response.error_code)); partitions.len()];
        }
        let topics = response.results_by_transaction.iter().flat_map(|t| &t.topic_results);
        let codes: HashMap<(&str, i32), i16> = topics
            .flat_map(|topic| {
                let results = topic.results_by_partition.iter();
                results
                    .map(|p| ((topic.name.0.as_str(), p.partition_index), p.partition_error_code))
            })
            .collect();
        let verdict = |id: &TopicPartition| {
            let code = codes.get(&(&*id.topic, id.partition)).copied();
            code.map_or(Verdict::Unavailable, |code| Verdict::of_code(ErrorCode(code)))
        };
        partitions.iter().map(verdict).collect()
    }
}

fn request(
    transactional_id: &str,
    producer: Producer,
    partitions: &[TopicPartition],
) -> AddPartitionsToTxnRequest {
    let mut topics: Vec<AddPartitionsToTxnTopic> = Vec::new();
    for id in partitions {
        match topics.iter_mut().find(|topic| *topic.name.0 == *id.topic) {
            Some(topic) => topic.partitions.push(id.partition),
            None => topics.push(
                AddPartitionsToTxnTopic::default()
                    .with_name(StrBytes::from_string(id.topic.to_string()).into())
                    .with_partitions(vec![id.partition]),
            ),
        }
    }
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(StrBytes::from_string(transactional_id.to_owned()).into())
        .with_producer_id(producer.id.into())
        .with_producer_epoch(producer.epoch)
        .with_verify_only(true)
        .with_topics(topics);
    AddPartitionsToTxnRequest::default().with_transactions(vec![transaction])
}

impl Verdict {
    fn of(is_in: bool) -> Verdict {
        if is_in { Verdict::InTransaction } else { Verdict::NotInTransaction }
    }

    fn of_local(error: &TransactionError) -> Verdict {
        match error {
            TransactionError::NotCoordinator
            | TransactionError::LoadInProgress
            | TransactionError::NotAvailable
            | TransactionError::Concurrent => Verdict::Unavailable,
            TransactionError::ProducerFenced => Verdict::Fenced,
            TransactionError::ProducerIdMapping => {
                Verdict::Refused(ErrorCode::INVALID_PRODUCER_ID_MAPPING)
            }
            TransactionError::InvalidState => Verdict::NotInTransaction,
            TransactionError::InvalidRequest => Verdict::Refused(ErrorCode::INVALID_REQUEST),
            TransactionError::InvalidTimeout
            | TransactionError::NotFound
            | TransactionError::NoProducerId(_)
            | TransactionError::Unexpected(_) => Verdict::Refused(ErrorCode::UNKNOWN_SERVER_ERROR),
        }
    }

    fn of_code(code: ErrorCode) -> Verdict {
        match code {
            ErrorCode::NONE => Verdict::InTransaction,
            ErrorCode::INVALID_TXN_STATE | ErrorCode::TRANSACTION_ABORTABLE => {
                Verdict::NotInTransaction
            }
            ErrorCode::PRODUCER_FENCED => Verdict::Fenced,
            ErrorCode::CONCURRENT_TRANSACTIONS
            | ErrorCode::NETWORK_EXCEPTION
            | ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
            | ErrorCode::COORDINATOR_NOT_AVAILABLE
            | ErrorCode::NOT_COORDINATOR => Verdict::Unavailable,
            other => Verdict::Refused(other),
        }
    }
}
