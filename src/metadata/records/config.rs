//! Config entities under `/config`, and the change nodes that tell brokers to read one again.
//!
//! Does not know what a key means; values (SCRAM credentials and quotas too) are strings here.

use super::json::{self, Object};
use super::sanitize::{desanitize, sanitize};
use super::{RecordError, paths};
use bytes::Bytes;
use serde::Deserialize;
use std::collections::BTreeMap;

const DEFAULT: &str = "<default>";

/// One entity, or what holds for all that have no own entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityName {
    /// `<default>`.
    Default,
    /// This one; not encoded.
    Named(String),
}

impl EntityName {
    fn encoded(&self) -> String {
        match self {
            EntityName::Default => DEFAULT.to_string(),
            EntityName::Named(name) => sanitize(name),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text == DEFAULT {
            return Some(EntityName::Default);
        }
        Some(EntityName::Named(desanitize(text)?))
    }
}

/// What can have configs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConfigEntity {
    /// A topic.
    Topic(String),
    /// A broker by id, or all.
    Broker(EntityName),
    /// A client id: quotas.
    Client(EntityName),
    /// A user: quotas and SCRAM credentials; or its quotas with one client id.
    User(EntityName, Option<EntityName>),
    /// An IP address: connection rate.
    Ip(EntityName),
}

impl ConfigEntity {
    /// As change nodes name it, which is its path below `/config`.
    ///
    /// Example: `users/bob/clients/c1`.
    pub fn entity_path(&self) -> String {
        match self {
            ConfigEntity::Topic(topic) => format!("topics/{topic}"),
            ConfigEntity::Broker(name) => format!("brokers/{}", name.encoded()),
            ConfigEntity::Client(name) => format!("clients/{}", name.encoded()),
            ConfigEntity::User(user, None) => format!("users/{}", user.encoded()),
            ConfigEntity::User(user, Some(client)) => {
                format!("users/{}/clients/{}", user.encoded(), client.encoded())
            }
            ConfigEntity::Ip(name) => format!("ips/{}", name.encoded()),
        }
    }

    /// Full path of its node.
    pub fn path(&self) -> String {
        format!("{}/{}", paths::CONFIG, self.entity_path())
    }

    /// The reverse of [`ConfigEntity::entity_path`].
    pub fn parse(entity_path: &str) -> Option<ConfigEntity> {
        let parts: Vec<&str> = entity_path.split('/').collect();
        match parts[..] {
            ["topics", topic] => Some(ConfigEntity::Topic(topic.to_string())),
            ["brokers", name] => EntityName::parse(name).map(ConfigEntity::Broker),
            ["clients", name] => EntityName::parse(name).map(ConfigEntity::Client),
            ["users", name] => Some(ConfigEntity::User(EntityName::parse(name)?, None)),
            ["users", user, "clients", client] => {
                let client = Some(EntityName::parse(client)?);
                Some(ConfigEntity::User(EntityName::parse(user)?, client))
            }
            ["ips", name] => EntityName::parse(name).map(ConfigEntity::Ip),
            _ => None,
        }
    }
}

/// Content of an entity's node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigData(pub BTreeMap<String, String>);

impl ConfigData {
    /// JSON of version 1.
    pub fn encode(&self) -> Bytes {
        let mut entries: Vec<(String, &String)> =
            self.0.iter().map(|(key, value)| (key.clone(), value)).collect();
        json::properties_order(&mut entries);
        let config = entries.iter().fold(Object::new(), |object, (k, value)| object.text(k, value));
        Object::new().number("version", 1).raw("config", &config.finish()).end()
    }

    /// Reads version 1.
    pub fn decode(data: &[u8]) -> Result<ConfigData, RecordError> {
        #[derive(Deserialize)]
        struct Wire {
            version: i64,
            #[serde(default)]
            config: BTreeMap<String, String>,
        }
        let wire: Wire = json::read("config", data)?;
        if wire.version != 1 {
            return Err(RecordError::UnknownVersion { what: "config", version: wire.version });
        }
        Ok(ConfigData(wire.config))
    }
}

/// A change node: this entity is to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// As in [`ConfigEntity::entity_path`]; kept as text, since a later Kafka may know more kinds.
    pub entity_path: String,
}

impl ConfigChange {
    /// The change of `entity`.
    pub fn of(entity: &ConfigEntity) -> Self {
        ConfigChange { entity_path: entity.entity_path() }
    }

    /// What changed, `None` for a kind this broker does not know.
    pub fn entity(&self) -> Option<ConfigEntity> {
        ConfigEntity::parse(&self.entity_path)
    }

    /// JSON of version 2.
    pub fn encode(&self) -> Bytes {
        Object::new().number("version", 2).text("entity_path", &self.entity_path).end()
    }

    /// Reads versions 1 (topics and clients only, type and name apart) and 2.
    pub fn decode(data: &[u8]) -> Result<ConfigChange, RecordError> {
        const WHAT: &str = "config change";
        #[derive(Deserialize)]
        struct Wire {
            version: i64,
            entity_path: Option<String>,
            entity_type: Option<String>,
            entity_name: Option<String>,
        }
        let wire: Wire = json::read(WHAT, data)?;
        let entity_path = match (wire.version, wire.entity_path) {
            (1, _) => wire.entity_type.zip(wire.entity_name).map(|(t, name)| format!("{t}/{name}")),
            (2, path) => path,
            (version, _) => return Err(RecordError::UnknownVersion { what: WHAT, version }),
        };
        let missing = || RecordError::malformed(WHAT, "names no entity");
        Ok(ConfigChange { entity_path: entity_path.ok_or_else(missing)? })
    }
}
