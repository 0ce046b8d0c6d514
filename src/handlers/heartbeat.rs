//! Heartbeat (12), v0-4: a member is alive, and hears of rebalances.
//!
//! v1 throttle time; v3 group instance id (KIP-345); v4 flexible.

use std::sync::Arc;

use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use super::RequestContext;
use super::convert::{nullable, text};
use super::error::code_of;
use crate::broker::Broker;
use crate::coordinator::group::classic::Identity;

/// Answers at once.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: HeartbeatRequest,
) -> HeartbeatResponse {
    let identity = Identity {
        member_id: text(&request.member_id),
        instance_id: nullable(&request.group_instance_id),
    };
    let result = broker.groups.heartbeat(&request.group_id, &identity, request.generation_id);
    HeartbeatResponse::default().with_error_code(code_of(result.as_ref().err()))
}
