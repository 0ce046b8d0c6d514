//! ApiVersions (18), v0-4: which APIs and versions this broker serves.
//!
//! v1 throttle time; v2 none; v3 flexible, client software name and version (KIP-511), features
//! (KIP-584); v4 (KIP-1022) may say min version 0 of a feature. A version that is not served is
//! answered in v0 with UNSUPPORTED_VERSION and this API's own range, so that a client can try
//! again. As `ApiVersionsResponse` and `KafkaApis.handleApiVersionsRequest`, ZooKeeper mode.

use std::sync::Arc;

use bytes::BytesMut;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::api_table::{Api, ApiTable, encode};
use super::{RequestContext, RequestError};
use crate::broker::Broker;
use crate::types::ErrorCode;

/// This API's key.
pub const KEY: i16 = 18;

/// Lists what is served. Never fails, but for a bad client software name or version.
pub async fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ApiVersionsRequest,
) -> ApiVersionsResponse {
    let mut response = answer(context, &request);
    if !broker.groups.config().consumer.is_enabled {
        // As Kafka lists them: it knows version 0, and refuses it.
        for api in response.api_keys.iter_mut().filter(|api| matches!(api.api_key, 68 | 69)) {
            api.max_version = 0;
        }
    }
    response
}

/// The answer to a request of a version that is served.
pub fn answer(context: &RequestContext, request: &ApiVersionsRequest) -> ApiVersionsResponse {
    if context.api_version >= 3 && !is_valid(request) {
        return ApiVersionsResponse::default()
            .with_error_code(ErrorCode::INVALID_REQUEST.0)
            .with_finalized_features_epoch(-1);
    }
    // The finalized features' epoch is the version of the znode /feature; no feature is ever
    // finalized in ZooKeeper mode, so it stays 0.
    ApiVersionsResponse::default()
        .with_api_keys(listed(ApiTable::APIS))
        .with_finalized_features_epoch(0)
}

/// Appends the answer to a version that is not served: in v0, with this API's range only.
pub fn encode_unsupported(
    context: &RequestContext,
    apis: &[Api],
    out: &mut BytesMut,
) -> Result<(), RequestError> {
    let own: Vec<Api> = apis.iter().copied().filter(|api| api.key == KEY).collect();
    let response = ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
        .with_api_keys(listed(&own));
    encode(&RequestContext { api_version: 0, ..context.clone() }, &response, out)
}

/// Name and version must be of letters, digits, `.` and `-`, beginning and ending with a letter
/// or digit (KIP-511).
fn is_valid(request: &ApiVersionsRequest) -> bool {
    let is_valid = |text: &str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        ends(text.chars().next())
            && ends(text.chars().next_back())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
    };
    is_valid(&request.client_software_name) && is_valid(&request.client_software_version)
}

fn listed(apis: &[Api]) -> Vec<ApiVersion> {
    apis.iter()
        .filter(|api| is_zookeeper_broker_api(api.key))
        .map(|api| {
            ApiVersion::default()
                .with_api_key(api.key)
                .with_min_version(api.min)
                .with_max_version(api.max)
        })
        .collect()
}

/// The keys that a ZooKeeper-mode 3.9 broker lists.
fn is_zookeeper_broker_api(key: i16) -> bool {
    matches!(key, 0..=51 | 56..=58 | 60..=61 | 65..=69)
}
