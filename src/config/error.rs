//! What can be wrong with a configuration. Texts are Kafka's where a client sees them.

use super::declare::Declaration;

/// A refused configuration; nothing has been touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that its key does not take.
    #[error("Invalid value {value} for configuration {key}: {why}")]
    Invalid {
        /// Key.
        key: String,
        /// Value as given; `[hidden]` for a password.
        value: String,
        /// What would be valid.
        why: String,
    },
    /// A topic key that does not exist.
    #[error("Unknown topic config name: {0}")]
    UnknownTopicKey(String),
    /// A broker key that does not exist, with the nearest that does.
    #[error("unknown configuration key {key}: did you mean {nearest}?")]
    UnknownKey {
        /// Key as given.
        key: String,
        /// A declared key spelt alike.
        nearest: &'static str,
    },
    /// A topic that shall be tiered.
    #[error(
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with \
         remote log storage."
    )]
    Tiered,
    /// A requirement on several keys, or on what follows from a key, that is not met.
    #[error("{0}")]
    Requirement(String),
    /// Keys whose values do not go together.
    #[error("{0}")]
    Conflict(String),
    /// A value that cannot be taken apart. AlterConfigs gives Kafka's words alone, which may not
    /// say what they are about.
    #[error("{key}: {why}")]
    Malformed {
        /// Key.
        key: String,
        /// In Kafka's words.
        why: String,
    },
    /// A value that asks for what this broker does not have, where it would be unsafe without.
    #[error("cannot start with {key}={value}: {why}")]
    Unavailable {
        /// Key.
        key: String,
        /// Value as given.
        value: String,
        /// What would be missing.
        why: String,
    },
    /// A file or an argument that cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl ConfigError {
    pub(super) fn invalid(key: &Declaration, value: &str, why: impl Into<String>) -> Self {
        let hidden = key.kind == super::declare::Type::Password;
        ConfigError::Invalid {
            key: key.name.to_owned(),
            value: if hidden { "[hidden]".to_owned() } else { value.to_owned() },
            why: why.into(),
        }
    }
}
