//! ConsumerGroupDescribe (69), v0: KIP-848 groups with their members.
//!
//! Kafka 3.9 lists it in ZooKeeper mode and answers UNSUPPORTED_VERSION for every group; clients
//! then ask DescribeGroups.

use crate::broker::Broker;
use crate::handlers::RequestContext;
use crate::types::ErrorCode;
use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup;
use kafka_protocol::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse};
use std::sync::Arc;

/// Answers.
pub async fn handle(
    _broker: &Arc<Broker>,
    _context: &RequestContext,
    request: ConsumerGroupDescribeRequest,
) -> ConsumerGroupDescribeResponse {
    let refused = |group| {
        DescribedGroup::default()
            .with_group_id(group)
            .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
    };
    let groups = request.group_ids.into_iter().map(refused).collect();
    ConsumerGroupDescribeResponse::default().with_groups(groups)
}
