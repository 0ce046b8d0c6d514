//! AlterUserScramCredentials (51), v0: sets and deletes users' SCRAM credentials (KIP-554).
//!
//! As `ZkAdminManager.alterUserScramCredentials`, on the controller: all changes of a user are
//! made, or none. What is stored is below `/config/users`, beside the user's quotas.

use super::RequestContext;
use super::convert::wire;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::config::Properties;
use crate::metadata::records::{ConfigEntity, EntityName};
use crate::security::scram::{self, Mechanism};
use crate::types::ErrorCode;
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use kafka_protocol::messages::alter_user_scram_credentials_response as answer;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Why a user's changes are refused.
type Refusal = (ErrorCode, &'static str);

/// Alters each user by itself, if this broker is the controller.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: AlterUserScramCredentialsRequest,
) -> AlterUserScramCredentialsResponse {
    let is_active = broker.controller.is_active();
    let mut results = Vec::new();
    for (user, verdict) in users(&request) {
        let altered = match verdict {
            _ if !is_active => {
                let code = ErrorCode::NOT_CONTROLLER;
                Err((code, code.message()))
            }
            Some(refusal) => Err(refusal),
            None => alter(broker, &request, &user).await,
        };
        let (code, why) = match altered {
            Ok(()) => (ErrorCode::NONE, ""),
            Err(refusal) => refusal,
        };
        results.push(
            answer::AlterUserScramCredentialsResult::default()
                .with_user(wire(&user))
                .with_error_code(code.0)
                .with_error_message(Some(wire(why))),
        );
    }
    AlterUserScramCredentialsResponse::default().with_results(results)
}

/// The users named, each with the first reason to refuse it.
fn users(request: &AlterUserScramCredentialsRequest) -> BTreeMap<String, Option<Refusal>> {
    let mut users: BTreeMap<String, Option<Refusal>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let deletions = request.deletions.iter().map(|d| (&d.name, d.mechanism, None));
    let upsertions = request.upsertions.iter().map(|u| (&u.name, u.mechanism, Some(u.iterations)));
    // A user's upsertions are looked at before its deletions.
    for (name, mechanism, iterations) in upsertions.chain(deletions) {
        let refusal = refusal(name, mechanism, iterations).or_else(|| {
            let is_first = seen.insert((name.clone(), mechanism));
            let twice = "A user credential cannot be altered twice in the same request";
            (!is_first).then_some((ErrorCode::DUPLICATE_RESOURCE, twice))
        });
        let known = users.entry(name.to_string()).or_default();
        *known = known.or(refusal);
    }
    users
}

fn refusal(name: &str, mechanism: i8, iterations: Option<i32>) -> Option<Refusal> {
    let iterations = iterations.unwrap_or(scram::MIN_ITERATIONS);
    if name.is_empty() {
        Some((ErrorCode::UNACCEPTABLE_CREDENTIAL, "Username must not be empty"))
    } else if Mechanism::from_byte(mechanism).is_none() {
        Some((ErrorCode::UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism"))
    } else if iterations > scram::MAX_ITERATIONS {
        Some((ErrorCode::UNACCEPTABLE_CREDENTIAL, "Too many iterations"))
    } else if iterations < scram::MIN_ITERATIONS {
        Some((ErrorCode::UNACCEPTABLE_CREDENTIAL, "Too few iterations"))
    } else {
        None
    }
}

async fn alter(
    broker: &Broker,
    request: &AlterUserScramCredentialsRequest,
    user: &str,
) -> Result<(), Refusal> {
    let failed = |error: crate::metadata::store::StoreError| {
        tracing::info!(%error, "cannot alter SCRAM credentials");
        (error.error_code(), error.error_code().message())
    };
    let entity = ConfigEntity::User(EntityName::Named(user.to_owned()), None);
    let stored = broker.stored_config(&entity).await.map_err(failed)?;
    let configs = changed(stored, request, user)?;
    broker.store_config(&entity, configs).await.map_err(failed)
}

fn changed(
    mut configs: Properties,
    request: &AlterUserScramCredentialsRequest,
    user: &str,
) -> Result<Properties, Refusal> {
    let missing = "Attempt to delete a user credential that does not exist";
    for deletion in request.deletions.iter().filter(|one| one.name.as_str() == user) {
        let name = Mechanism::from_byte(deletion.mechanism).map_or("", Mechanism::name);
        configs.remove(name).ok_or((ErrorCode::RESOURCE_NOT_FOUND, missing))?;
    }
    for upsertion in request.upsertions.iter().filter(|one| one.name.as_str() == user) {
        let ScramCredentialUpsertion { salt, salted_password, iterations, .. } = upsertion;
        if let Some(mechanism) = Mechanism::from_byte(upsertion.mechanism) {
            let credential = scram::credential(mechanism, salt, salted_password, *iterations);
            configs.insert(mechanism.name().to_owned(), credential);
        }
    }
    Ok(configs)
}
