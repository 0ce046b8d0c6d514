//! What the three config APIs share: kinds of resources, and changes of topics' and brokers'
//! configs, as Kafka's `ConfigAdminManager` (checks) and `ZkAdminManager` (topics, storing) do it.

use super::error::ToErrorCode;
use crate::broker::Broker;
use crate::config::dynamic::{self, Change, Refusal, Scope};
use crate::config::{Properties, key};
use crate::metadata::records::{ConfigEntity, EntityName};
use crate::metadata::store::StoreError;
use crate::types::ErrorCode;
use kafka_protocol::protocol::StrBytes;

/// A kind of resource that has configs (`ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A topic.
    Topic,
    /// A broker, or all of them.
    Broker,
    /// The loggers of a broker.
    Loggers,
    /// Client metrics, which exist in KRaft mode only.
    ClientMetrics,
    /// Another number.
    Unknown(i8),
}

impl Resource {
    /// The kind with this number.
    pub fn of(number: i8) -> Resource {
        match number {
            2 => Resource::Topic,
            4 => Resource::Broker,
            8 => Resource::Loggers,
            16 => Resource::ClientMetrics,
            other => Resource::Unknown(other),
        }
    }
}

/// A code and a text other than success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Code.
    pub code: ErrorCode,
    /// Text; `None` for null.
    pub message: Option<String>,
}

impl Failure {
    /// INVALID_REQUEST.
    pub fn request(message: impl Into<String>) -> Failure {
        Failure { code: ErrorCode::INVALID_REQUEST, message: Some(message.into()) }
    }

    /// INVALID_CONFIG.
    pub fn config(message: impl Into<String>) -> Failure {
        Failure { code: ErrorCode::INVALID_CONFIG, message: Some(message.into()) }
    }

    /// UNKNOWN_SERVER_ERROR without a text.
    pub fn unknown() -> Failure {
        Failure { code: ErrorCode::UNKNOWN_SERVER_ERROR, message: None }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Request(message) => Failure::request(message),
            Refusal::Config(message) => Failure::config(message),
            Refusal::Unknown(_) => Failure::unknown(),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        tracing::warn!(%error, "cannot change a configuration");
        Failure { code: error.error_code(), message: None }
    }
}

/// Code and text of an outcome, as the alter responses have them.
pub fn outcome(result: Result<(), Failure>) -> (i16, Option<StrBytes>) {
    match result {
        Ok(()) => (ErrorCode::NONE.0, None),
        Err(failure) => (failure.code.0, failure.message.map(StrBytes::from_string)),
    }
}

/// What a request asks of one resource.
pub enum Wanted {
    /// These changes on top of what is stored.
    Changes(Vec<Change>),
    /// All there shall be.
    All(Properties),
}

impl Wanted {
    fn applied(
        self,
        stored: &Properties,
        change: fn(&Properties, &[Change]) -> Result<Properties, Refusal>,
    ) -> Result<Properties, Refusal> {
        match self {
            Wanted::Changes(changes) => change(stored, &changes),
            Wanted::All(all) => Ok(all),
        }
    }
}

/// Checks that the name is empty (where that means all brokers) or this broker's id.
pub fn check_broker_name(broker: &Broker, name: &str) -> Result<(), Failure> {
    let Ok(id) = name.parse::<i32>() else {
        let message = format!("Node id must be an integer, but it is: {name}");
        return Err(Failure::request(message));
    };
    if id == broker.id {
        return Ok(());
    }
    let message = format!("Unexpected broker id, expected {}, but received {name}", broker.id);
    Err(Failure::request(message))
}

/// Changes a topic's configs.
pub async fn alter_topic(
    broker: &Broker,
    topic: &str,
    wanted: Wanted,
    validate_only: bool,
) -> Result<(), Failure> {
    if topic.is_empty() {
        return Err(Failure::request("Default topic resources are not allowed."));
    }
    let entity = ConfigEntity::Topic(topic.to_owned());
    // Only the changes need what is stored; an append to a key that is no list fails first.
    let stored = match wanted {
        Wanted::Changes(_) => broker.stored_config(&entity).await?,
        Wanted::All(_) => Properties::new(),
    };
    let overrides = wanted.applied(&stored, dynamic::change_topic)?;
    if !broker.image.load().topics.contains_key(topic) {
        let message = Some(format!("The topic '{topic}' does not exist."));
        return Err(Failure { code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message });
    }
    dynamic::check_topic_change(&broker.config.load(), topic, &overrides)?;
    if validate_only {
        return Ok(());
    }
    Ok(broker.store_config(&entity, overrides).await?)
}

/// Changes this broker's configs, or those of all brokers where `name` is empty.
pub async fn alter_broker(
    broker: &Broker,
    name: &str,
    wanted: Wanted,
    validate_only: bool,
) -> Result<(), Failure> {
    let (scope, entity) = if name.is_empty() {
        (Scope::Cluster, EntityName::Default)
    } else {
        check_broker_name(broker, name)?;
        (Scope::Broker, EntityName::Named(broker.id.to_string()))
    };
    let entity = ConfigEntity::Broker(entity);
    let stored = match wanted {
        Wanted::Changes(_) => broker.stored_config(&entity).await?,
        Wanted::All(_) => Properties::new(),
    };
    let overrides = wanted.applied(&stored, dynamic::change_broker)?;
    let current = broker.config.load_full();
    dynamic::check_broker(&current, scope, &overrides)?;
    if dynamic::has_password(&overrides) {
        let why = match current.is_set(key::PASSWORD_ENCODER_SECRET) {
            true => "Passwords are not accepted as dynamic configs",
            false => "Password encoder secret not configured",
        };
        return Err(Failure::config(format!(
            "Invalid config value for resource ConfigResource(type=BROKER, name='{name}'): {why}"
        )));
    }
    if validate_only {
        return Ok(());
    }
    Ok(broker.store_config(&entity, overrides).await?)
}

#[cfg(test)]
mod tests;
