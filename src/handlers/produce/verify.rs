//! Before the first batch of a transaction goes to a partition, its coordinator is asked whether
//! the partition is in it (KIP-890, part 1). Requests without such batches pass at once.
//!
//! Rules: `ReplicaManager.handleProduceAppend`, `partitionEntriesForVerification`.

use super::{Entry, Outcome, RequestContext};
use crate::broker::Broker;
use crate::config::key;
use crate::coordinator::transaction::Verdict;
use crate::coordinator::transaction::machine::Producer;
use crate::partition::{Partition, TransactionalBatch, Verification};
use crate::types::{ErrorCode, TopicPartition};
use kafka_protocol::messages::ProduceRequest;
use std::collections::HashMap;
use std::sync::Arc;

/// The first version that knows TRANSACTION_ABORTABLE.
const ABORTABLE: i16 = 11;

/// A batch that waits for the coordinator's word.
struct Asked {
    entry: usize,
    partition: Arc<Partition>,
    verification: Verification,
}

/// Refuses what is not in its transaction.
pub(super) async fn verify(
    broker: &Arc<Broker>,
    contexts: &[RequestContext],
    requests: &[ProduceRequest],
    entries: &mut [Entry],
) {
    if entries.iter().all(|entry| transactional(entry).is_none()) {
        return;
    }
    refuse_anonymous(requests, entries);
    for ((request, producer), asked) in questions(entries) {
        let id = requests.get(request).and_then(|r| r.transactional_id.as_ref());
        let ids: Vec<TopicPartition> =
            asked.iter().map(|asked| asked.partition.id().clone()).collect();
        let config = broker.config.load_full();
        let verdicts = match id {
            Some(id) if config.get(key::TRANSACTION_PARTITION_VERIFICATION_ENABLE) => {
                broker.verifier.verify(&id.0, producer, &ids).await
            }
            _ => vec![Verdict::InTransaction; ids.len()],
        };
        let version = contexts.get(request).map_or(0, |context| context.api_version);
        for (asked, verdict) in asked.into_iter().zip(verdicts) {
            let refused = settle(&asked, producer, verdict, version);
            if let (Err(code), Some(entry)) = (refused, entries.get_mut(asked.entry)) {
                entry.outcome = Outcome::Refused(code.into());
            }
        }
    }
}

fn transactional(entry: &Entry) -> Option<(&Arc<Partition>, TransactionalBatch)> {
    match &entry.outcome {
        Outcome::Waiting(partition, records) => {
            TransactionalBatch::of(records).map(|batch| (partition, batch))
        }
        Outcome::Refused(_) | Outcome::Failed(..) | Outcome::Appended(..) => None,
    }
}

/// A request with transactional records and no transactional id is refused whole.
fn refuse_anonymous(requests: &[ProduceRequest], entries: &mut [Entry]) {
    for (index, request) in requests.iter().enumerate() {
        let is_its = |entry: &&mut Entry| entry.request == index;
        let has_some =
            entries.iter().any(|entry| entry.request == index && transactional(entry).is_some());
        if request.transactional_id.is_none() && has_some {
            for entry in entries.iter_mut().filter(is_its) {
                let code = ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
                entry.outcome = Outcome::Refused(code.into());
            }
        }
    }
}

/// What must be asked, by request and producer.
fn questions(entries: &[Entry]) -> Vec<((usize, Producer), Vec<Asked>)> {
    let mut all: Vec<((usize, Producer), Vec<Asked>)> = Vec::new();
    let mut places: HashMap<(usize, i64, i16), usize> = HashMap::new();
    for (entry, at) in entries.iter().zip(0..) {
        let Some((partition, batch)) = transactional(entry) else { continue };
        let (id, epoch) = (batch.producer_id, batch.producer_epoch);
        let Some(verification) = partition.start_verification(id, epoch) else { continue };
        let asked = Asked { entry: at, partition: partition.clone(), verification };
        let place = *places.entry((entry.request, id, epoch)).or_insert_with(|| {
            all.push(((entry.request, Producer { id, epoch }), Vec::new()));
            all.len() - 1
        });
        if let Some((_, list)) = all.get_mut(place) {
            list.push(asked);
        }
    }
    all
}

fn settle(
    asked: &Asked,
    producer: Producer,
    verdict: Verdict,
    version: i16,
) -> Result<(), ErrorCode> {
    let Asked { partition, verification, .. } = asked;
    if verdict == Verdict::InTransaction
        && partition.verified(producer.id, producer.epoch, *verification)
    {
        return Ok(());
    }
    partition.not_verified(producer.id, *verification);
    Err(match verdict {
        // In it when asked, but a marker came meanwhile.
        Verdict::InTransaction => ErrorCode::INVALID_TXN_STATE,
        Verdict::NotInTransaction if version >= ABORTABLE => ErrorCode::TRANSACTION_ABORTABLE,
        Verdict::NotInTransaction => ErrorCode::INVALID_TXN_STATE,
        Verdict::Fenced => ErrorCode::INVALID_PRODUCER_EPOCH,
        // Old clients retry this one, and look for no new leader.
        Verdict::Unavailable => ErrorCode::NOT_ENOUGH_REPLICAS,
        Verdict::Refused(code) => code,
    })
}
