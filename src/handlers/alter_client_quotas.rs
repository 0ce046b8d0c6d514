//! AlterClientQuotas (49), v0-1: sets and takes away quotas of users, client ids and addresses
//! (KIP-546, KIP-612).
//!
//! v1 flexible. Any broker takes them. As `ZkAdminManager.alterClientQuotas`.

use super::RequestContext;
use super::convert::wire;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::config::Properties;
use crate::metadata::records::{ConfigEntity, EntityName};
use crate::quota::table::{ValueType, resolve, value_type};
use crate::types::ErrorCode;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, OpData};
use kafka_protocol::messages::alter_client_quotas_response as answer;
use kafka_protocol::messages::{AlterClientQuotasRequest, AlterClientQuotasResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far from a whole number a value of a whole quota may be.
const EPSILON: f64 = 1e-6;

type Refusal = (ErrorCode, Option<String>);

fn refused(why: impl Into<String>) -> Refusal {
    (ErrorCode::INVALID_REQUEST, Some(why.into()))
}

/// An entity as asked for: of a type named twice the last name counts.
type Parts = BTreeMap<StrBytes, Option<StrBytes>>;

/// Alters each entity by itself; of one that is named twice the last outcome is answered.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: AlterClientQuotasRequest,
) -> AlterClientQuotasResponse {
    let part = |part: &EntityData| (part.entity_type.clone(), part.entity_name.clone());
    let mut outcomes = BTreeMap::new();
    for entry in &request.entries {
        let parts: Parts = entry.entity.iter().map(part).collect();
        let altered = alter(broker, &parts, &entry.ops, request.validate_only).await;
        outcomes.insert(parts, altered);
    }
    let mut entries = Vec::with_capacity(outcomes.len());
    for (parts, altered) in outcomes {
        let (code, why) = altered.err().unwrap_or((ErrorCode::NONE, None));
        let entity = parts.into_iter().map(|(kind, name)| {
            answer::EntityData::default().with_entity_type(kind).with_entity_name(name)
        });
        entries.push(
            answer::EntryData::default()
                .with_error_code(code.0)
                .with_error_message(why.map(|why| wire(&why)))
                .with_entity(entity.collect()),
        );
    }
    AlterClientQuotasResponse::default().with_entries(entries)
}

async fn alter(
    broker: &Broker,
    parts: &Parts,
    ops: &[OpData],
    validate_only: bool,
) -> Result<(), Refusal> {
    let entity = entity(parts)?;
    if let ConfigEntity::Ip(EntityName::Named(name)) = &entity {
        let asked = name.clone();
        // A name may have to be looked up.
        let found = tokio::task::spawn_blocking(move || resolve(&asked)).await;
        if !found.is_ok_and(|found| found.is_some()) {
            // Kafka names it as it stands in the path.
            let path = entity.entity_path();
            let name = path.trim_start_matches("ips/");
            return Err(refused(format!("{name} is not a valid IP or resolvable host.")));
        }
    }
    let failed = |error: crate::metadata::store::StoreError| {
        tracing::info!(%error, "cannot alter quotas");
        (error.error_code(), Some(error.error_code().message().to_owned()))
    };
    let mut configs = broker.stored_config(&entity).await.map_err(failed)?;
    let of_address = matches!(entity, ConfigEntity::Ip(_));
    ops.iter().try_for_each(|op| apply(&mut configs, op, of_address))?;
    if validate_only {
        return Ok(());
    }
    broker.store_config(&entity, configs).await.map_err(failed)
}

fn entity(parts: &Parts) -> Result<ConfigEntity, Refusal> {
    if parts.is_empty() {
        return Err(refused("Invalid empty client quota entity"));
    }
    let (mut user, mut client, mut address) = (None, None, None);
    for (kind, name) in parts {
        let kind = kind.as_str();
        let place = match kind {
            "user" => &mut user,
            "client-id" => &mut client,
            "ip" => &mut address,
            other => {
                return Err(refused(format!("Unhandled client quota entity type: {other}")));
            }
        };
        *place = Some(match name {
            None => EntityName::Default,
            Some(name) if name.is_empty() => {
                return Err(refused(format!("Empty {kind} not supported")));
            }
            Some(name) => EntityName::Named(name.to_string()),
        });
    }
    match (user, client, address) {
        (Some(user), client, None) => Ok(ConfigEntity::User(user, client)),
        (None, Some(client), None) => Ok(ConfigEntity::Client(client)),
        (None, None, Some(address)) => Ok(ConfigEntity::Ip(address)),
        (_, _, Some(_)) => Err(refused(
            "Invalid quota entity combination, IP entity should not be used with user/client ID \
             entity.",
        )),
        (None, None, None) => Err(refused("Invalid client quota entity")),
    }
}

fn apply(configs: &mut Properties, op: &OpData, of_address: bool) -> Result<(), Refusal> {
    let key = op.key.as_str();
    if op.remove {
        configs.remove(key);
        return Ok(());
    }
    let kind = value_type(key, of_address)
        .ok_or_else(|| refused(format!("Invalid configuration key {key}")))?;
    let name = match kind {
        ValueType::Double => {
            // As Java prints it: with a fraction.
            configs.insert(key.to_owned(), format!("{:?}", op.value));
            return Ok(());
        }
        ValueType::Int => "INT",
        ValueType::Long => "LONG",
    };
    let whole = match kind {
        ValueType::Int => i64::from((op.value + EPSILON) as i32),
        ValueType::Long | ValueType::Double => (op.value + EPSILON) as i64,
    };
    // Not a number is not near one either.
    let is_whole = (whole as f64 - op.value).abs() <= EPSILON;
    if !is_whole {
        return Err(refused(format!("Configuration {key} must be a {name} value")));
    }
    configs.insert(key.to_owned(), whole.to_string());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(key: &str, value: f64) -> OpData {
        OpData::default().with_key(wire(key)).with_value(value)
    }

    #[test]
    fn whole_quotas_take_only_whole_numbers() {
        let mut configs = Properties::new();
        apply(&mut configs, &op("producer_byte_rate", 1000.0), false).unwrap();
        apply(&mut configs, &op("request_percentage", 50.0), false).unwrap();
        assert_eq!(configs["producer_byte_rate"], "1000");
        assert_eq!(configs["request_percentage"], "50.0");
        let error = apply(&mut configs, &op("consumer_byte_rate", 0.5), false).unwrap_err();
        assert_eq!(error, refused("Configuration consumer_byte_rate must be a LONG value"));
        let error = apply(&mut configs, &op("consumer_byte_rate", f64::NAN), false).unwrap_err();
        assert_eq!(error, refused("Configuration consumer_byte_rate must be a LONG value"));
        let error = apply(&mut configs, &op("producer_byte_rate", 1.0), true).unwrap_err();
        assert_eq!(error, refused("Invalid configuration key producer_byte_rate"));
        let gone = op("producer_byte_rate", 0.0).with_remove(true);
        apply(&mut configs, &gone, false).unwrap();
        assert_eq!(configs.len(), 1);
    }

    #[test]
    fn an_address_stands_alone() {
        let entity = |parts: &[(&str, Option<&str>)]| {
            entity(&parts.iter().map(|(kind, name)| (wire(kind), name.map(wire))).collect())
        };
        let both = entity(&[("user", None), ("client-id", Some("c"))]).unwrap();
        assert_eq!(both.entity_path(), "users/<default>/clients/c");
        assert!(entity(&[("ip", None), ("user", Some("u"))]).is_err());
        assert!(entity(&[("user", Some(""))]).is_err());
        assert!(entity(&[]).is_err());
    }
}
