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
fn outcome(result: Result<(), Failure>) -> (i16, Option<StrBytes>) {
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

/// A resource of an alter request and its answer, of either API.
pub trait Altered {
    /// Its entry of the response.
    type Response;

    /// Kind and name of the resource.
    fn resource(&self) -> (i8, &StrBytes);

    /// Its entry of the response.
    fn response(&self, code: i16, message: Option<StrBytes>) -> Self::Response;
}

/// Implements [`Altered`] for the messages of one API, which differ in nothing but their modules.
macro_rules! altered {
    ($request:path, $response:path) => {
        impl $crate::handlers::configs::Altered for $request {
            type Response = $response;

            fn resource(&self) -> (i8, &kafka_protocol::protocol::StrBytes) {
                (self.resource_type, &self.resource_name)
            }

            fn response(
                &self,
                code: i16,
                message: Option<kafka_protocol::protocol::StrBytes>,
            ) -> $response {
                <$response>::default()
                    .with_error_code(code)
                    .with_error_message(message)
                    .with_resource_type(self.resource_type)
                    .with_resource_name(self.resource_name.clone())
            }
        }
    };
}

pub(super) use altered;

/// Whether the resource is named more than once.
pub fn is_repeated<R: Altered>(resources: &[R], resource: &R) -> bool {
    resources.iter().filter(|other| other.resource() == resource.resource()).count() > 1
}

/// Alters each resource by `alter`, one after the other; what is named twice is left alone.
pub async fn alter_each<R: Altered>(
    resources: &[R],
    alter: impl AsyncFn(&R) -> Result<(), Failure>,
) -> Vec<R::Response> {
    let mut responses = Vec::with_capacity(resources.len());
    for resource in resources {
        let altered = match is_repeated(resources, resource) {
            false => alter(resource).await,
            true => Err(Failure::request("Each resource must appear at most once.")),
        };
        let (code, message) = outcome(altered);
        responses.push(resource.response(code, message));
    }
    responses
}

/// Alters what may be altered as a whole: a topic or a broker, not loggers.
pub async fn alter(
    broker: &Broker,
    (kind, name): (i8, &StrBytes),
    wanted: Wanted,
    validate_only: bool,
) -> Result<(), Failure> {
    match Resource::of(kind) {
        Resource::Topic => alter_topic(broker, name, wanted, validate_only).await,
        Resource::Broker => alter_broker(broker, name, wanted, validate_only).await,
        Resource::ClientMetrics => Err(Failure::request(
            "AlterConfigs is only supported for topics and brokers, but resource type is \
             CLIENT_METRICS",
        )),
        Resource::Loggers | Resource::Unknown(_) => {
            Err(Failure::request(format!("Unknown resource type {kind}")))
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
async fn alter_topic(
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
async fn alter_broker(
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
    if validate_only {
        return Ok(());
    }
    // Kafka asks for the secret only when it is about to keep a password.
    if dynamic::has_password(&overrides) {
        let why = match current.is_set(key::PASSWORD_ENCODER_SECRET) {
            true => "Passwords are not accepted as dynamic configs",
            false => "Password encoder secret not configured",
        };
        return Err(Failure::config(format!(
            "Invalid config value for resource ConfigResource(type=BROKER, name='{name}'): {why}"
        )));
    }
    Ok(broker.store_config(&entity, overrides).await?)
}

#[cfg(test)]
mod tests;
