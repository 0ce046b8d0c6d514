//! IncrementalAlterConfigs (44), v0-1: changes single configs of topics and brokers, and levels of
//! loggers (KIP-339, KIP-412).
//!
//! v1 flexible. Any broker takes topics' changes, only the broker named its own. As
//! `KafkaApis.handleIncrementalAlterConfigsRequest` in ZooKeeper mode.

use super::RequestContext;
use super::configs::{self, Altered, Failure, Resource, Wanted, altered};
use crate::broker::Broker;
use crate::config::dynamic::{self, Change, Operation};
use crate::telemetry::log_levels::{self, Level};
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
use std::sync::Arc;

altered!(AlterConfigsResource, AlterConfigsResourceResponse);

/// Changes each resource, or says why not.
pub async fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let responses = configs::alter_each(&request.resources, async |resource| {
        alter(broker, resource, request.validate_only).await
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.await)
}

async fn alter(
    broker: &Broker,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Failure> {
    let kind = Resource::of(resource.resource_type);
    check(resource)?;
    let changes = match (changes(resource), kind) {
        (Ok(changes), _) => changes,
        // Kafka only looks at a topic's operations after its checks, and fails there.
        (Err(_), Resource::Topic) => return Err(Failure::unknown()),
        (Err(operation), _) => {
            return Err(Failure::request(format!("Unknown operations type {operation}")));
        }
    };
    match kind {
        Resource::Loggers => {
            alter_loggers(broker, &resource.resource_name, &changes, validate_only)
        }
        _ => {
            let wanted = Wanted::Changes(changes);
            configs::alter(broker, resource.resource(), wanted, validate_only).await
        }
    }
}

/// Duplicate keys and nulls are found before unknown operations are.
fn check(resource: &AlterConfigsResource) -> Result<(), Failure> {
    let changes: Vec<Change> = resource
        .configs
        .iter()
        .map(|config| Change {
            name: config.name.to_string(),
            operation: Operation::from_byte(config.config_operation).unwrap_or(Operation::Set),
            value: config.value.as_ref().map(|value| value.to_string()),
        })
        .collect();
    Ok(dynamic::check_changes(&changes)?)
}

/// The changes asked for; `Err` with an operation that does not exist.
fn changes(resource: &AlterConfigsResource) -> Result<Vec<Change>, i8> {
    let change =
        |config: &kafka_protocol::messages::incremental_alter_configs_request::AlterableConfig| {
            let operation = Operation::from_byte(config.config_operation);
            Ok(Change {
                name: config.name.to_string(),
                operation: operation.ok_or(config.config_operation)?,
                value: config.value.as_ref().map(|value| value.to_string()),
            })
        };
    resource.configs.iter().map(change).collect()
}

fn alter_loggers(
    broker: &Broker,
    name: &str,
    changes: &[Change],
    validate_only: bool,
) -> Result<(), Failure> {
    let id = name.parse::<i32>();
    if id.is_ok_and(|id| id != broker.id) {
        // Kafka has its own id in both places.
        let id = broker.id;
        let why = format!("Unexpected node id. Expected {id}, but received {id}");
        return Err(Failure::request(why));
    }
    configs::check_broker_name(broker, name)?;
    let levels = changes.iter().map(level).collect::<Result<Vec<_>, _>>()?;
    if !validate_only {
        for (change, level) in changes.iter().zip(levels) {
            log_levels::global().set(&change.name, level);
        }
    }
    Ok(())
}

/// The level that a logger shall have; `None` for that of the logger above it.
fn level(change: &Change) -> Result<Option<Level>, Failure> {
    let logger = &change.name;
    if matches!(change.operation, Operation::Append | Operation::Subtract) {
        let operation = format!("{:?}", change.operation).to_uppercase();
        return Err(Failure::request(format!(
            "{operation} operation is not allowed for the BROKER_LOGGER resource"
        )));
    }
    if !log_levels::exists(logger) {
        return Err(Failure::config(format!("Logger {logger} does not exist!")));
    }
    if change.operation == Operation::Delete {
        if logger == log_levels::ROOT {
            let message = "Removing the log level of the root logger is not allowed";
            return Err(Failure::request(message));
        }
        return Ok(None);
    }
    let wanted = change.value.as_deref().unwrap_or_default();
    let Some(level) = Level::parse(wanted) else {
        let valid = Level::ALL.map(Level::name).join(", ");
        return Err(Failure::config(format!(
            "Cannot set the log level of {logger} to {wanted} as it is not a supported log \
             level. Valid log levels are {valid}"
        )));
    };
    Ok(Some(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, operation: Operation, value: Option<&str>) -> Change {
        Change { name: name.into(), operation, value: value.map(str::to_owned) }
    }

    #[test]
    fn a_logger_gets_levels_that_kafka_has() {
        let set = |value| change("kafka.log.LogCleaner", Operation::Set, Some(value));
        assert_eq!(level(&set("DEBUG")), Ok(Some(Level::Debug)));
        let text = "Cannot set the log level of kafka.log.LogCleaner to NOPE as it is not a \
                    supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, \
                    WARN";
        assert_eq!(level(&set("NOPE")), Err(Failure::config(text)));
    }

    #[test]
    fn root_keeps_a_level_and_unknown_loggers_are_refused() {
        let delete = |name| change(name, Operation::Delete, None);
        assert_eq!(level(&delete("kafka.log")), Ok(None));
        assert!(level(&delete("root")).is_err());
        let text = "Logger nope does not exist!";
        assert_eq!(level(&delete("nope")), Err(Failure::config(text)));
    }
}
