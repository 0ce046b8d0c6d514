//! Kafka releases as named by `inter.broker.protocol.version` and `message.format.version`
//! (`MetadataVersion`).

use super::declare::Declaration;
use super::error::ConfigError;
use super::value::Value;

/// Every release that has a name of its own, oldest first.
pub const RELEASES: &[&str] = &[
    "0.8.0",
    "0.8.1",
    "0.8.2",
    "0.9.0",
    "0.10.0-IV0",
    "0.10.0-IV1",
    "0.10.1-IV0",
    "0.10.1-IV1",
    "0.10.1-IV2",
    "0.10.2-IV0",
    "0.11.0-IV0",
    "0.11.0-IV1",
    "0.11.0-IV2",
    "1.0-IV0",
    "1.1-IV0",
    "2.0-IV0",
    "2.0-IV1",
    "2.1-IV0",
    "2.1-IV1",
    "2.1-IV2",
    "2.2-IV0",
    "2.2-IV1",
    "2.3-IV0",
    "2.3-IV1",
    "2.4-IV0",
    "2.4-IV1",
    "2.5-IV0",
    "2.6-IV0",
    "2.7-IV0",
    "2.7-IV1",
    "2.7-IV2",
    "2.8-IV0",
    "2.8-IV1",
    "3.0-IV0",
    "3.0-IV1",
    "3.1-IV0",
    "3.2-IV0",
    "3.3-IV0",
    "3.3-IV1",
    "3.3-IV2",
    "3.3-IV3",
    "3.4-IV0",
    "3.5-IV0",
    "3.5-IV1",
    "3.5-IV2",
    "3.6-IV0",
    "3.6-IV1",
    "3.6-IV2",
    "3.7-IV0",
    "3.7-IV1",
    "3.7-IV2",
    "3.7-IV3",
    "3.7-IV4",
    "3.8-IV0",
    "3.9-IV0",
    "4.0-IV0",
    "4.0-IV1",
];

/// Position of a release in [`RELEASES`]; `3.9`, `3.9.1` and `3.9-IV0` are the same one.
pub fn position(text: &str) -> Option<usize> {
    if let Some(exact) = RELEASES.iter().position(|name| *name == text) {
        return Some(exact);
    }
    let parts: Vec<&str> = text.split('.').collect();
    let kept = if text.starts_with("0.") { 3 } else { 2 };
    let short = parts.get(..kept)?.join(".");
    let prefix = format!("{short}-IV");
    RELEASES.iter().rposition(|name| *name == short || name.starts_with(&prefix))
}

pub(super) fn check(key: &Declaration, value: &Value) -> Result<(), ConfigError> {
    match value {
        Value::Text(text) if position(text).is_none() => {
            Err(ConfigError::invalid(key, text, format!("Version {text} is not a valid version")))
        }
        _ => Ok(()),
    }
}
