//! Produce (0), v0-11: appends records to partitions that this broker leads.
//!
//! v1 throttle time; v2 message format 1 and append time; v3 transactional id, format 2 only
//! (KIP-98); v5 log start; v7 zstd (KIP-110); v8 per-record errors (KIP-467); v9 flexible; v10 the
//! new leader in errors (KIP-951); v11 none. Requests of one socket read come together: what they
//! have for one partition is appended under one lock with one write. Rules: `KafkaApis.
//! handleProduceRequest`, `ProduceRequest.validateRecords`, `ReplicaManager.appendRecords`.

mod repeats;
mod respond;
mod validate;
mod verify;

use super::{RequestContext, lookup, throttle};
use crate::broker::Broker;
use crate::log::{Appended, Origin, RecordSet};
use crate::partition::{Partition, PartitionError};
use crate::quota::table::Limited;
use crate::types::ErrorCode;
use bytes::Bytes;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use validate::Refusal;

/// What became of one partition of one request.
enum Outcome {
    /// Refused before the partition saw it.
    Refused(Refusal),
    /// The partition or its log, which starts at this offset, refused it.
    Failed(PartitionError, i64),
    /// To be appended.
    Waiting(Arc<Partition>, Bytes),
    /// Written, and for acks=-1 why it did not get committed, if so.
    Appended(Arc<Partition>, Appended, Option<PartitionError>),
}

/// One partition of one request.
struct Entry {
    request: usize,
    acks: i16,
    outcome: Outcome,
}

/// Serves Produce requests of one connection, in order. An entry is `None` for acks=0 without
/// error. One that breaks the connection has none, nor has any after it.
pub async fn handle_group(
    broker: &Arc<Broker>,
    contexts: &[RequestContext],
    mut requests: Vec<ProduceRequest>,
) -> Vec<Option<ProduceResponse>> {
    let broken = requests.iter().position(|request| has_null_records(broker, request));
    requests.truncate(broken.unwrap_or(requests.len()));
    requests.iter_mut().for_each(repeats::merge);
    let mut entries: Vec<Entry> = Vec::with_capacity(requests.len());
    let mut sizes: SmallVec<[usize; 16]> = SmallVec::new();
    for (index, (context, request)) in contexts.iter().zip(&mut requests).enumerate() {
        sizes.push(plan(broker, context, index, request, &mut entries));
    }
    verify::verify(broker, contexts, &requests, &mut entries).await;
    append(&mut entries);
    let started = Instant::now();
    wait_committed(&mut entries, &requests, started).await;
    let mut entries = entries.into_iter();
    contexts
        .iter()
        .zip(&requests)
        .zip(sizes)
        .map(|((context, request), size)| {
            let throttle_ms = throttle(broker, context, size);
            let response = respond::respond(broker, context, request, &mut entries);
            // v0 has no place for it.
            let throttle_ms = if context.api_version >= 1 { throttle_ms } else { 0 };
            response.map(|response| response.with_throttle_time_ms(throttle_ms))
        })
        .collect()
}

/// Whether records of a partition that is there are null, which the schema allows: Kafka fails on
/// them before it appends any of the request.
fn has_null_records(broker: &Broker, request: &ProduceRequest) -> bool {
    request.topic_data.iter().any(|topic| {
        let mut nulls = topic.partition_data.iter().filter(|data| data.records.is_none());
        nulls.any(|data| lookup::is_known(broker, &topic.name, data.index))
    })
}

/// Counts the bytes of a request on its client's quota.
fn throttle(broker: &Broker, context: &RequestContext, size: usize) -> i32 {
    let quiet = throttle::record(broker, context, Limited::Produce, size as f64);
    throttle::mute(context, quiet)
}

/// Checks each partition of a request; what passes waits to be appended. Gives the bytes of all.
fn plan(
    broker: &Broker,
    context: &RequestContext,
    index: usize,
    request: &mut ProduceRequest,
    entries: &mut Vec<Entry>,
) -> usize {
    let acks = request.acks;
    let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    let size = partitions.map(|data| data.records.as_ref().map_or(0, Bytes::len)).sum();
    if request.transactional_id.is_none() && validate::is_transactional(request) {
        let refused = || Outcome::Refused(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED.into());
        let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
        entries.extend(partitions.map(|_| Entry { request: index, acks, outcome: refused() }));
        return size;
    }
    let is_admin = context.client_id() == "__admin_client";
    for topic in &mut request.topic_data {
        let is_refused = is_internal(&topic.name) && !is_admin;
        for data in &mut topic.partition_data {
            let records = data.records.take();
            let outcome = check(broker, context, acks, &topic.name, data.index, records)
                .map_or_else(Outcome::Refused, |(partition, records)| {
                    if is_refused {
                        return Outcome::Refused(ErrorCode::INVALID_TOPIC_EXCEPTION.into());
                    }
                    Outcome::Waiting(partition, records)
                });
            entries.push(Entry { request: index, acks, outcome });
        }
    }
    size
}

/// Topics that only the broker itself writes.
fn is_internal(topic: &str) -> bool {
    topic == "__consumer_offsets" || topic == "__transaction_state"
}

fn check(
    broker: &Broker,
    context: &RequestContext,
    acks: i16,
    topic: &str,
    index: i32,
    records: Option<Bytes>,
) -> Result<(Arc<Partition>, Bytes), Refusal> {
    let found = broker.replicas.get(topic, index);
    if !lookup::is_known(broker, topic, index) {
        return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.into());
    }
    let records = records.unwrap_or_default();
    validate::validate(context.api_version, &records)?;
    if !(-1..=1).contains(&acks) {
        return Err(ErrorCode::INVALID_REQUIRED_ACKS.into());
    }
    let partition = found.ok_or_else(|| lookup::not_here(broker, topic, index))?;
    Ok((partition, records))
}

/// Appends all that waits: a partition's records together, as long as their acks agree.
fn append(entries: &mut [Entry]) {
    let mut done = 0;
    while let Some(rest) = entries.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let Some(acks) = rest.first().map(|entry| entry.acks) else { return };
        let run = rest.iter().position(|entry| entry.acks != acks).unwrap_or(rest.len());
        append_run(rest.get_mut(..run).unwrap_or_default(), acks);
        done += run;
    }
}

fn append_run(entries: &mut [Entry], acks: i16) {
    // By partition, and in the order of the requests within one.
    let mut waiting: SmallVec<[(*const Partition, usize); 16]> = SmallVec::new();
    for (index, entry) in entries.iter().enumerate() {
        if let Outcome::Waiting(partition, _) = &entry.outcome {
            waiting.push((Arc::as_ptr(partition), index));
        }
    }
    waiting.sort_unstable();
    for of_one in waiting.chunk_by(|(one, _), (other, _)| one == other) {
        append_to_one(entries, of_one.iter().map(|(_, index)| *index), acks);
    }
}

/// Appends the records of these entries, which are all of one partition.
fn append_to_one(entries: &mut [Entry], indexes: impl Iterator<Item = usize> + Clone, acks: i16) {
    let mut sets: SmallVec<[RecordSet; 8]> = SmallVec::new();
    let mut of = None;
    for index in indexes.clone() {
        if let Some(Outcome::Waiting(partition, records)) = entries.get(index).map(|e| &e.outcome) {
            sets.push(RecordSet { records: records.clone() });
            of.get_or_insert_with(|| Arc::clone(partition));
        }
    }
    let Some(partition) = of else { return };
    let results = partition.append(&sets, Origin::Client, acks);
    for (index, result) in indexes.zip(results) {
        if let Some(entry) = entries.get_mut(index) {
            entry.outcome = match result {
                Ok(appended) => Outcome::Appended(partition.clone(), appended, None),
                Err(error) => Outcome::Failed(error, partition.log().log_start_offset()),
            };
        }
    }
}

/// With acks=-1, waits until all that was appended is committed, each request to its own deadline.
async fn wait_committed(entries: &mut [Entry], requests: &[ProduceRequest], started: Instant) {
    for entry in entries.iter_mut().filter(|entry| entry.acks == -1) {
        let Outcome::Appended(partition, appended, error) = &mut entry.outcome else { continue };
        let timeout_ms = requests.get(entry.request).map_or(0, |request| request.timeout_ms);
        let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
        let end = appended.last_offset + 1;
        *error = partition.committed(end, started + timeout).await.err();
    }
}
