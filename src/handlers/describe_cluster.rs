//! DescribeCluster (60), v0-1: the live brokers and the controller (KIP-700).
//!
//! v1 endpoint type (KIP-919): a ZooKeeper-mode broker only has BROKER endpoints.

use super::RequestContext;
use super::cluster_view::{endpoint, text};
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};
use std::sync::Arc;

/// Operations on the cluster, as bits of `AclOperation`: without an authorizer, all of them.
pub const CLUSTER_OPERATIONS: i32 = 8096;
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Describes the cluster by the image.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    broker.introduced().await;
    let refuse = |code: ErrorCode, why: String| {
        DescribeClusterResponse::default()
            .with_error_code(code.0)
            .with_error_message(Some(text(&why)))
            .with_controller_id(BrokerId(-1))
    };
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            let why = "The request was sent to an endpoint of type BROKER, but we wanted an \
                       endpoint of type CONTROLLER";
            return refuse(ErrorCode::MISMATCHED_ENDPOINT_TYPE, why.into());
        }
        other => {
            let why = format!("Unsupported endpoint type {other}");
            return refuse(ErrorCode::UNSUPPORTED_ENDPOINT_TYPE, why);
        }
    }
    let image = broker.image.load();
    let brokers = image.brokers.values().filter_map(|node| {
        let endpoint = endpoint(&image, node.id, &context.listener_name)?;
        let described = DescribeClusterBroker::default()
            .with_broker_id(BrokerId(node.id))
            .with_host(text(&endpoint.host))
            .with_port(i32::from(endpoint.port))
            .with_rack(node.rack.as_deref().map(text));
        Some(described)
    });
    let operations =
        if request.include_cluster_authorized_operations { CLUSTER_OPERATIONS } else { i32::MIN };
    DescribeClusterResponse::default()
        .with_error_message(None)
        .with_cluster_id(text(&broker.cluster_id))
        .with_controller_id(BrokerId(image.controller))
        .with_brokers(brokers.collect())
        .with_cluster_authorized_operations(operations)
}
