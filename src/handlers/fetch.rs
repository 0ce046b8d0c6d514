//! Fetch (1), v0-17: reads records, for consumers and for followers.
//!
//! v1 throttle time; v3 max bytes of the whole (KIP-74: the first batch comes whole); v4 isolation
//! and aborted transactions (KIP-98), message format 2; v5 log start; v7 sessions (KIP-227); v9
//! leader epoch (KIP-320); v10 zstd (KIP-110); v11 rack (KIP-392); v12 flexible, diverging epoch
//! (KIP-595); v13 topic ids (KIP-516); v15 replica state (KIP-903); v16 the new leader in errors
//! (KIP-951); v17 directory id (KIP-853, unused). Rules: `KafkaApis.handleFetchRequest`,
//! `ReplicaManager.fetchMessages` and `DelayedFetch`.

mod convert;
mod encode;
mod near;
mod request;
mod rows;

use super::{Reply, RequestContext, lookup, throttle};
use crate::broker::Broker;
use crate::partition::Waiter;
use crate::partition::sessions::{Begun, Key, SessionError};
use crate::quota::table::Limited;
use crate::types::{ErrorCode, now_ms};
use kafka_protocol::messages::FetchRequest;
use request::Plan;
use rows::Row;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Serves one Fetch: merges it with its session, reads, waits while too little is there.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: FetchRequest,
) -> Reply {
    let mut plan = request::plan(broker, context, &request);
    let (user, client) = (&context.principal.name, context.client_id());
    if plan.follower.is_some() {
        context.throttle.exempt();
    } else if let Some(most) = broker.quotas.most_at_once(Limited::Fetch, user, client) {
        plan.max_bytes = plan.max_bytes.min(i64::try_from(most).unwrap_or(i64::MAX));
        plan.min_bytes = plan.min_bytes.min(most);
    }
    let begun = broker.fetch_sessions.begin(
        plan.asked,
        plan.uses_topic_ids,
        request::wanted(broker, &plan, &request),
        &request::forgotten(broker, &plan, &request),
        &|id| lookup::topic_name(broker, id),
        now_ms(),
    );
    match begun {
        Ok(Begun::Full(partitions)) if partitions.iter().any(|p| is_nameless(&plan, &p.key)) => {
            encode::error(context.api_version, ErrorCode::UNKNOWN_SERVER_ERROR)
        }
        Ok(begun) if !is_isolation(request.isolation_level) && has_known(broker, &begun) => {
            let code = ErrorCode::UNKNOWN_SERVER_ERROR;
            encode::refused(context.api_version, code, request.session_id, &request.topics)
        }
        Ok(begun) => {
            let rows = read(broker, context, &plan, &begun).await;
            let copied = rows.iter().filter(|row| row.is_throttled);
            broker.replication.leader.record(copied.map(Row::records_len).sum());
            if let Some(quiet) = throttle(broker, context, &plan, &rows) {
                return throttled(context, &begun, quiet);
            }
            rows::count(broker, &plan, &rows);
            answer(broker, context, &plan, begun, rows)
        }
        Err(error) => encode::error(context.api_version, session_code(error)),
    }
}

fn is_isolation(level: i8) -> bool {
    level == 0 || level == 1
}

/// Whether there is something to read: only then Kafka looks at the isolation level.
fn has_known(broker: &Broker, begun: &Begun) -> bool {
    let is_known = |key: &Key| {
        key.topic.as_deref().is_some_and(|topic| lookup::is_known(broker, topic, key.partition))
    };
    begun.partitions().iter().any(|cached| is_known(&cached.key))
}

/// Whether a session cannot keep this: Kafka fails on one with neither an id nor a name
/// (`CachedPartition.hashCode`).
fn is_nameless(plan: &Plan, key: &Key) -> bool {
    plan.uses_topic_ids && key.topic_id.is_nil()
}

/// How long a consumer must be quiet before it gets this much, if at all. Then it gets nothing yet.
fn throttle(
    broker: &Broker,
    context: &RequestContext,
    plan: &Plan,
    rows: &[Row],
) -> Option<Duration> {
    if plan.follower.is_some() {
        return None;
    }
    let (user, client) = (&context.principal.name, context.client_id());
    let of_time = broker.quotas.check(Limited::Request, user, client);
    if !of_time.is_zero() {
        return Some(of_time);
    }
    if !broker.quotas.is_active(Limited::Fetch) {
        return None;
    }
    let size = rows.iter().map(Row::records_len).sum::<usize>();
    let was_quiet = broker.quotas.check(Limited::Fetch, user, client).is_zero();
    let most = broker.quotas.most_at_once(Limited::Fetch, user, client);
    let size_counted = size as f64;
    let quiet = throttle::record(broker, context, Limited::Fetch, size_counted);
    if quiet.is_zero() {
        return None;
    }
    if was_quiet && most.is_some_and(|most| size > most) {
        // A single batch beyond the quota of a whole window would never come otherwise.
        throttle::mute(context, quiet);
        return None;
    }
    broker.quotas.take_back(Limited::Fetch, user, client, size_counted);
    Some(quiet)
}

/// An answer without partitions; a session that was to be made is not.
fn throttled(context: &RequestContext, begun: &Begun, quiet: Duration) -> Reply {
    let session_id = match begun {
        Begun::Incremental { id, .. } => *id,
        Begun::Full(_) | Begun::Sessionless(_) => 0,
    };
    encode::empty(context.api_version, session_id, throttle::mute(context, quiet))
}

fn session_code(error: SessionError) -> ErrorCode {
    match error {
        SessionError::NotFound => ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
        SessionError::InvalidEpoch => ErrorCode::INVALID_FETCH_SESSION_EPOCH,
        SessionError::TopicIds => ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
    }
}

/// Reads all partitions, and again whenever one of them moved, until there are `min_bytes`, an
/// error, or the deadline.
async fn read(
    broker: &Arc<Broker>,
    context: &RequestContext,
    plan: &Plan,
    begun: &Begun,
) -> Vec<Row> {
    let partitions = begun.partitions();
    let rows = rows::read_all(broker, context, plan, partitions).await;
    if rows::is_enough(plan, &rows) {
        return rows;
    }
    let deadline = Instant::now() + Duration::from_millis(plan.max_wait_ms);
    let waiter = Waiter::new();
    let watched: Vec<_> = rows::replicas(broker, partitions);
    watched.iter().for_each(|partition| partition.register(&waiter));
    loop {
        // Looks again after registering, so that no move falls between.
        let rows = rows::read_all(broker, context, plan, partitions).await;
        if rows::is_enough(plan, &rows) || !waiter.wait_until(deadline).await {
            return rows;
        }
    }
}

fn answer(
    broker: &Arc<Broker>,
    context: &RequestContext,
    plan: &Plan,
    begun: Begun,
    rows: Vec<Row>,
) -> Reply {
    let answers: Vec<_> = rows.iter().map(Row::as_answer).collect();
    let version = context.api_version;
    let sessions = &broker.fetch_sessions;
    let (session_id, mut rows) = match begun {
        Begun::Sessionless(_) => (0, rows),
        Begun::Full(partitions) => {
            let is_follower = plan.follower.is_some();
            let ids = plan.uses_topic_ids;
            (sessions.create(partitions, &answers, is_follower, ids, now_ms()), rows)
        }
        Begun::Incremental { id, epoch, .. } => match sessions.answered(id, epoch, &answers) {
            Ok(sent) => {
                let kept = rows.into_iter().zip(sent).filter(|(_, sent)| *sent);
                (id, kept.map(|(row, _)| row).collect())
            }
            Err(error) => return encode::error(version, session_code(error)),
        },
    };
    // Kafka answers last what it knew before it read.
    if rows.iter().any(Row::is_unknown) {
        rows.sort_by_key(Row::is_unknown);
    }
    encode::response(version, session_id, rows, |row| rows::new_leader(broker, context, row))
}
