//! The configuration of a broker: every key's value, as an array that is cheap to read.
//!
//! Values come in layers, the first that sets a key wins: dynamic for this broker, dynamic for all
//! brokers, the file, the default (Kafka's `DynamicBrokerConfig`).

use super::declare::Key;
use super::error::ConfigError;
use super::key;
use super::listener::Listeners;
use super::value::{self, FromValue, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Properties by name, as in a file or in the metadata store.
pub type Properties = BTreeMap<String, String>;

/// The configuration of a broker. Immutable; a dynamic change makes a new one.
#[derive(Clone)]
pub struct BrokerConfig {
    values: Arc<[Value]>,
    layers: Arc<Layers>,
    listeners: Arc<Listeners>,
}

/// Where values come from, for DescribeConfigs.
#[derive(Clone, Default)]
pub(super) struct Layers {
    /// The file and the overrides on the command line.
    pub file: Properties,
    /// `/config/brokers/<default>`.
    pub dynamic_default: Properties,
    /// `/config/brokers/<id>`.
    pub dynamic_broker: Properties,
}

impl Layers {
    /// What is set for a name, by the strongest layer that sets it.
    fn find(&self, name: &str) -> Option<&str> {
        let layers = [&self.dynamic_broker, &self.dynamic_default, &self.file];
        layers.into_iter().find_map(|layer| layer.get(name)).map(String::as_str)
    }
}

impl std::fmt::Debug for BrokerConfig {
    /// Without values: some are passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrokerConfig").finish_non_exhaustive()
    }
}

impl Default for BrokerConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        BrokerConfig::parsed(Layers::default()).expect("Kafka's defaults are valid")
    }
}

impl BrokerConfig {
    /// The value of a key.
    #[allow(clippy::indexing_slicing)]
    pub fn get<T: FromValue>(&self, key: Key<T>) -> T {
        let value = &self.values[usize::from(key.index)];
        T::from_value(value).expect("a stored value has its key's type")
    }

    /// Whether a key is set anywhere, even to its default.
    pub fn is_set<T>(&self, key: Key<T>) -> bool {
        self.layers.find(key.name()).is_some()
    }

    /// What is set under any name, declared or not, as written.
    pub fn text(&self, name: &str) -> Option<&str> {
        let default = || key::find(name).and_then(|key| key.default);
        self.layers.find(name).or_else(default)
    }

    /// The properties of the file and of the command line.
    pub fn file(&self) -> &Properties {
        &self.layers.file
    }

    /// The dynamic overrides: of all brokers, then of this one.
    pub fn dynamic(&self) -> (&Properties, &Properties) {
        (&self.layers.dynamic_default, &self.layers.dynamic_broker)
    }

    pub(super) fn value(&self, index: u16) -> &Value {
        self.values.get(usize::from(index)).unwrap_or(&Value::Null)
    }

    pub(super) fn layers(&self) -> &Layers {
        &self.layers
    }

    pub(super) fn parsed_listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// Parses and checks the properties of a file; names that are not declared are kept.
    pub fn from_properties(mut file: Properties) -> Result<BrokerConfig, ConfigError> {
        same_id(&mut file);
        let config = BrokerConfig::parsed(Layers { file, ..Layers::default() })?;
        super::validate::validate(&config)?;
        Ok(config)
    }

    /// This configuration under dynamic overrides: cluster-wide ones, then this broker's own.
    /// They replace the overrides that it had.
    pub fn with_dynamic(
        &self,
        default_overrides: Properties,
        broker_overrides: Properties,
    ) -> Result<BrokerConfig, ConfigError> {
        let config = BrokerConfig::parsed(Layers {
            file: self.layers.file.clone(),
            dynamic_default: default_overrides,
            dynamic_broker: broker_overrides,
        })?;
        super::validate::validate(&config)?;
        Ok(config)
    }

    fn parsed(layers: Layers) -> Result<BrokerConfig, ConfigError> {
        let mut values = Vec::with_capacity(key::all().len());
        for key in key::all() {
            values.push(match layers.find(key.name) {
                Some(text) => value::parse(key, text)?,
                None => value::default(key),
            });
        }
        let (values, layers) = (values.into(), Arc::new(layers));
        let mut config = BrokerConfig { values, layers, listeners: Arc::default() };
        config.listeners = Arc::new(Listeners::of(&config)?);
        Ok(config)
    }
}

/// `broker.id` and `node.id` are one: what sets one sets the other.
fn same_id(file: &mut Properties) {
    let (broker, node) = (key::BROKER_ID.name(), key::NODE_ID.name());
    match (file.get(broker).cloned(), file.get(node).cloned()) {
        (Some(id), None) => file.insert(node.to_owned(), id),
        (None, Some(id)) => file.insert(broker.to_owned(), id),
        _ => None,
    };
}
