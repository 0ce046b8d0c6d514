//! UpdateFeatures (57), v0-1 (KIP-584): in ZooKeeper mode no feature is supported.

use super::RequestContext;
use super::cluster_view::text;
use crate::broker::Broker;
use crate::types::ErrorCode;
use kafka_protocol::messages::update_features_response::UpdatableFeatureResult;
use kafka_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};
use std::sync::Arc;

/// Refuses every feature.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: UpdateFeaturesRequest,
) -> UpdateFeaturesResponse {
    if !broker.controller.is_active() {
        let code = ErrorCode::NOT_CONTROLLER;
        return UpdateFeaturesResponse::default()
            .with_error_code(code.0)
            .with_error_message(Some(text(code.message())));
    }
    let why = "Could not apply finalized feature update because the provided feature is not \
               supported.";
    let results = request.feature_updates.iter().map(|update| {
        UpdatableFeatureResult::default()
            .with_feature(update.feature.clone())
            .with_error_code(ErrorCode::INVALID_REQUEST.0)
            .with_error_message(Some(text(why)))
    });
    UpdateFeaturesResponse::default().with_error_message(None).with_results(results.collect())
}
