//! DescribeClientQuotas (48), v0-1: the quotas stored for users, client ids and addresses
//! (KIP-546).
//!
//! v1 flexible. As `ZkAdminManager.describeClientQuotas`.

use super::RequestContext;
use super::convert::wire;
use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::metadata::records::{ConfigEntity, EntityName};
use crate::quota::table::value_type;
use crate::types::ErrorCode;
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_protocol::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which entities are asked for, by part.
#[derive(Default)]
struct Filter {
    user: Option<Match>,
    client: Option<Match>,
    address: Option<Match>,
    strict: bool,
}

enum Match {
    Exact(String),
    Default,
    Any,
}

/// Lists the quotas of the entities that match.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DescribeClientQuotasRequest,
) -> DescribeClientQuotasResponse {
    match describe(broker, &request).await {
        Ok(entries) => DescribeClientQuotasResponse::default()
            .with_error_message(Some(wire("")))
            .with_entries(Some(entries)),
        Err((code, why)) => DescribeClientQuotasResponse::default()
            .with_error_code(code.0)
            .with_error_message(why.map(|why| wire(&why)))
            .with_entries(None),
    }
}

async fn describe(
    broker: &Broker,
    request: &DescribeClientQuotasRequest,
) -> Result<Vec<EntryData>, (ErrorCode, Option<String>)> {
    let filter = Filter::of(request)?;
    let mut entries = Vec::new();
    for kind in ["users", "clients", "ips"] {
        let stored = broker.stored_configs(kind).await;
        let stored = stored.map_err(|error| (error.error_code(), Some(error.to_string())))?;
        let wanted = stored.into_iter().filter(|(entity, _)| filter.matches(entity));
        entries.extend(wanted.filter_map(|(entity, configs)| entry(&entity, &configs)));
    }
    Ok(entries)
}

impl Filter {
    fn of(request: &DescribeClientQuotasRequest) -> Result<Filter, (ErrorCode, Option<String>)> {
        let invalid = |why: String| Err((ErrorCode::INVALID_REQUEST, Some(why)));
        let mut filter = Filter { strict: request.strict, ..Filter::default() };
        for component in &request.components {
            let (name, part) = match component.entity_type.as_str() {
                "user" => ("user", &mut filter.user),
                "client-id" => ("client", &mut filter.client),
                "ip" => ("ip", &mut filter.address),
                "" => return invalid("Unexpected empty filter component entity type".into()),
                other => {
                    let why = format!("Custom entity type '{other}' not supported");
                    return Err((ErrorCode::UNSUPPORTED_VERSION, Some(why)));
                }
            };
            if part.is_some() {
                return invalid(format!("Duplicate {name} filter component entity type"));
            }
            *part = Some(wanted(component)?);
        }
        if filter.address.is_some() && (filter.user.is_some() || filter.client.is_some()) {
            let why = "Invalid entity filter component combination, IP filter component should \
                       not be used with user or clientId filter component.";
            return invalid(why.to_owned());
        }
        Ok(filter)
    }

    fn matches(&self, entity: &ConfigEntity) -> bool {
        let part = |wanted: &Option<Match>, name: Option<&EntityName>| match (wanted, name) {
            (None, name) => name.is_none() || !self.strict,
            (Some(_), None) => false,
            (Some(Match::Any), Some(_)) => true,
            (Some(Match::Default), Some(name)) => *name == EntityName::Default,
            (Some(Match::Exact(wanted)), Some(EntityName::Named(name))) => wanted == name,
            (Some(Match::Exact(_)), Some(EntityName::Default)) => false,
        };
        match entity {
            ConfigEntity::Ip(address) => {
                self.user.is_none() && self.client.is_none() && part(&self.address, Some(address))
            }
            ConfigEntity::User(user, client) => {
                self.address.is_none()
                    && part(&self.user, Some(user))
                    && part(&self.client, client.as_ref())
            }
            ConfigEntity::Client(client) => {
                self.address.is_none() && part(&self.user, None) && part(&self.client, Some(client))
            }
            ConfigEntity::Topic(_) | ConfigEntity::Broker(_) => false,
        }
    }
}

/// What a component asks for. A name is read only where it is to be matched; some clients send one
/// always.
fn wanted(component: &ComponentData) -> Result<Match, (ErrorCode, Option<String>)> {
    match (component.match_type, &component._match) {
        (0, Some(name)) => Ok(Match::Exact(name.to_string())),
        (1, _) => Ok(Match::Default),
        (2, _) => Ok(Match::Any),
        // Kafka throws at these, and tells no more.
        _ => Err((ErrorCode::UNKNOWN_SERVER_ERROR, None)),
    }
}

/// An entity with its quotas; `None` without any.
fn entry(entity: &ConfigEntity, configs: &BTreeMap<String, String>) -> Option<EntryData> {
    let part = |kind: &str, name: &EntityName| {
        EntityData::default().with_entity_type(wire(kind)).with_entity_name(match name {
            EntityName::Default => None,
            EntityName::Named(name) => Some(wire(name)),
        })
    };
    let parts = match entity {
        ConfigEntity::Ip(address) => vec![part("ip", address)],
        ConfigEntity::Client(client) => vec![part("client-id", client)],
        ConfigEntity::User(user, client) => {
            let client = client.as_ref().map(|client| part("client-id", client));
            std::iter::once(part("user", user)).chain(client).collect()
        }
        ConfigEntity::Topic(_) | ConfigEntity::Broker(_) => return None,
    };
    let of_address = matches!(entity, ConfigEntity::Ip(_));
    let values = configs.iter().filter_map(|(key, text)| {
        value_type(key, of_address)?;
        let value = text.trim().parse().ok()?;
        Some(ValueData::default().with_key(wire(key)).with_value(value))
    });
    let values: Vec<_> = values.collect();
    (!values.is_empty()).then(|| EntryData::default().with_entity(parts).with_values(values))
}
