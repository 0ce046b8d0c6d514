//! A Fetch request as wanted partitions and limits, whatever its version.

use crate::broker::Broker;
use crate::config::key;
use crate::handlers::{RequestContext, lookup};
use crate::partition::Bound;
use crate::partition::sessions::{Asked, Key, Wanted};
use kafka_protocol::messages::FetchRequest;
use std::sync::Arc;

/// Who fetches and within which limits.
#[derive(Debug)]
pub(super) struct Plan {
    /// Session id and epoch.
    pub asked: Asked,
    /// From v13 on.
    pub uses_topic_ids: bool,
    /// Broker id and broker epoch of a follower.
    pub follower: Option<(i32, i64)>,
    /// Up to where is read.
    pub bound: Bound,
    /// How long to wait for `min_bytes`.
    pub max_wait_ms: u64,
    /// Fewer bytes than these are waited for.
    pub min_bytes: usize,
    /// Bytes of the whole response. A negative limit, of this or of a partition, fails the read
    /// of one that has records (`LogSegment.read`).
    pub max_bytes: i64,
    /// Up to v2 even the first batch must fit.
    pub is_limit_hard: bool,
    /// The message format that the client understands: 0, 1 or 2.
    pub magic: u8,
    /// Whether zstd is understood.
    pub takes_zstd: bool,
    /// Whether a follower may answer (KIP-392).
    pub leader_only: bool,
    /// The consumer's rack, where replicas are chosen by it.
    pub rack: Option<String>,
}

/// Reads the limits.
pub(super) fn plan(broker: &Broker, context: &RequestContext, request: &FetchRequest) -> Plan {
    let version = context.api_version;
    let replica =
        if version >= 15 { request.replica_state.replica_id.0 } else { request.replica_id.0 };
    let follower = (replica >= 0).then_some((replica, request.replica_state.replica_epoch));
    let bound = match (replica, request.isolation_level) {
        // -2 is a debugging consumer, which sees all; -1 an ordinary one.
        (0.., _) | (-2, _) => Bound::LogEnd,
        (_, 1) => Bound::LastStable,
        _ => Bound::HighWatermark,
    };
    let config = broker.config.load();
    let limit = config.get(key::FETCH_MAX_BYTES);
    let max_bytes = request.max_bytes.min(limit);
    Plan {
        asked: Asked { id: request.session_id, epoch: request.session_epoch },
        uses_topic_ids: version >= 13,
        follower,
        bound,
        max_wait_ms: u64::try_from(request.max_wait_ms).unwrap_or(0),
        min_bytes: request.min_bytes.min(max_bytes).max(0) as usize,
        max_bytes: max_bytes.into(),
        is_limit_hard: version <= 2,
        magic: match version {
            0 | 1 => 0,
            2 | 3 => 1,
            _ => 2,
        },
        takes_zstd: version >= 10,
        leader_only: follower.is_some() || version < 11,
        rack: (follower.is_none() && version >= 11 && !request.rack_id.is_empty())
            .then(|| request.rack_id.to_string())
            .filter(|_| config.selects_by_rack()),
    }
}

/// What the request itself asks of each partition, in its order.
pub(super) fn wanted(broker: &Broker, plan: &Plan, request: &FetchRequest) -> Vec<(Key, Wanted)> {
    let mut all = Vec::new();
    for topic in &request.topics {
        let name = topic_name(broker, plan, &topic.topic, topic.topic_id);
        for partition in &topic.partitions {
            let key = Key {
                topic: name.clone(),
                topic_id: topic.topic_id,
                partition: partition.partition,
            };
            let wanted = Wanted {
                offset: partition.fetch_offset,
                max_bytes: partition.partition_max_bytes,
                leader_epoch: known(partition.current_leader_epoch),
                last_fetched_epoch: known(partition.last_fetched_epoch),
                log_start: partition.log_start_offset,
            };
            all.push((key, wanted));
        }
    }
    all
}

/// What the request takes out of its session.
pub(super) fn forgotten(broker: &Broker, plan: &Plan, request: &FetchRequest) -> Vec<Key> {
    let mut all = Vec::new();
    for topic in &request.forgotten_topics_data {
        let name = topic_name(broker, plan, &topic.topic, topic.topic_id);
        let keys = topic.partitions.iter().map(|partition| Key {
            topic: name.clone(),
            topic_id: topic.topic_id,
            partition: *partition,
        });
        all.extend(keys);
    }
    all
}

fn topic_name(
    broker: &Broker,
    plan: &Plan,
    name: &str,
    id: crate::types::TopicId,
) -> Option<Arc<str>> {
    if plan.uses_topic_ids { lookup::topic_name(broker, id) } else { Some(Arc::from(name)) }
}

fn known(epoch: i32) -> Option<i32> {
    (epoch >= 0).then_some(epoch)
}
