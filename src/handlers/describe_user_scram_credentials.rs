//! DescribeUserScramCredentials (50), v0: who has which SCRAM credentials (KIP-554).
//!
//! As `ZkAdminManager.describeUserScramCredentials`: from the store, never the secrets.

use super::RequestContext;
use super::convert::wire;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::config::Properties;
use crate::metadata::records::{ConfigEntity, EntityName};
use crate::metadata::store::StoreError;
use crate::security::scram::{self, Mechanism};
use crate::types::ErrorCode;
use kafka_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use kafka_protocol::messages::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};
use std::sync::Arc;

/// Describes these users, or all that have credentials.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DescribeUserScramCredentialsRequest,
) -> DescribeUserScramCredentialsResponse {
    let names: Vec<String> =
        request.users.into_iter().flatten().map(|user| user.name.to_string()).collect();
    let response = DescribeUserScramCredentialsResponse::default();
    let found = if names.is_empty() { all(broker).await } else { Ok(some(broker, &names).await) };
    match found {
        Ok(results) => response.with_error_message(Some(wire(""))).with_results(results),
        Err(error) => response
            .with_error_code(error.error_code().0)
            .with_error_message(Some(wire(&error.to_string()))),
    }
}

async fn all(broker: &Broker) -> Result<Vec<DescribeUserScramCredentialsResult>, StoreError> {
    let mut results = Vec::new();
    for (entity, configs) in broker.stored_configs("users").await? {
        if let ConfigEntity::User(EntityName::Named(name), None) = entity {
            results.extend(described(&name, &configs));
        }
    }
    results.sort_by(|a, b| a.user.cmp(&b.user));
    Ok(results)
}

async fn some(broker: &Broker, names: &[String]) -> Vec<DescribeUserScramCredentialsResult> {
    let mut results = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if names.iter().take(at).any(|earlier| earlier == name) {
            continue;
        }
        let twice = names.iter().skip(at + 1).any(|other| other == name);
        results.push(if name.is_empty() {
            refused(name, ErrorCode::RESOURCE_NOT_FOUND, "Username must not be empty")
        } else if twice {
            let why = format!(
                "Cannot describe SCRAM credentials for the same user twice in a single request: \
                 {name}"
            );
            refused(name, ErrorCode::DUPLICATE_RESOURCE, &why)
        } else {
            one(broker, name).await
        });
    }
    results
}

async fn one(broker: &Broker, name: &str) -> DescribeUserScramCredentialsResult {
    let entity = ConfigEntity::User(EntityName::Named(name.to_owned()), None);
    match broker.stored_config(&entity).await {
        Ok(configs) => described(name, &configs).unwrap_or_else(|| {
            let why = format!("Attempt to describe a user credential that does not exist: {name}");
            refused(name, ErrorCode::RESOURCE_NOT_FOUND, &why)
        }),
        Err(error) => refused(name, error.error_code(), error.error_code().message()),
    }
}

/// What a user has; `None` without credentials.
fn described(name: &str, configs: &Properties) -> Option<DescribeUserScramCredentialsResult> {
    let info = |mechanism: Mechanism| {
        let stored = configs.get(mechanism.name())?;
        let info = CredentialInfo::default().with_mechanism(mechanism as i8);
        Some(info.with_iterations(scram::iterations(stored)?))
    };
    let infos: Vec<_> = Mechanism::ALL.into_iter().filter_map(info).collect();
    let result = DescribeUserScramCredentialsResult::default()
        .with_user(wire(name))
        .with_error_message(Some(wire("")));
    (!infos.is_empty()).then(|| result.with_credential_infos(infos))
}

fn refused(name: &str, code: ErrorCode, why: &str) -> DescribeUserScramCredentialsResult {
    DescribeUserScramCredentialsResult::default()
        .with_user(wire(name))
        .with_error_code(code.0)
        .with_error_message(Some(wire(why)))
}
