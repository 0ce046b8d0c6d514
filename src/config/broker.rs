//! The configuration of a broker: every key's value, as an array that is cheap to read.

use super::declare::Key;
use super::error::ConfigError;
use super::key;
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

impl std::fmt::Debug for BrokerConfig {
    /// Without values: some are passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrokerConfig").finish_non_exhaustive()
    }
}

impl Default for BrokerConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        let values = key::all().iter().map(|key| value::default(key)).collect();
        BrokerConfig { values, layers: Arc::default() }
    }
}

impl BrokerConfig {
    /// The value of a key.
    #[allow(clippy::indexing_slicing)]
    pub fn get<T: FromValue>(&self, key: Key<T>) -> T {
        let value = &self.values[usize::from(key.index)];
        T::from_value(value).expect("a stored value has its key's type")
    }

    pub(super) fn value(&self, index: u16) -> &Value {
        self.values.get(usize::from(index)).unwrap_or(&Value::Null)
    }

    pub(super) fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Parses and checks the properties of a file.
    pub fn from_properties(file: Properties) -> Result<BrokerConfig, ConfigError> {
        BrokerConfig::layered(Layers { file, ..Layers::default() })
    }

    /// This configuration under dynamic overrides: cluster-wide ones, then this broker's own.
    pub fn with_dynamic(
        &self,
        default_overrides: Properties,
        broker_overrides: Properties,
    ) -> Result<BrokerConfig, ConfigError> {
        BrokerConfig::layered(Layers {
            file: self.layers.file.clone(),
            dynamic_default: default_overrides,
            dynamic_broker: broker_overrides,
        })
    }

    fn layered(layers: Layers) -> Result<BrokerConfig, ConfigError> {
        let mut values = Vec::with_capacity(key::all().len());
        for key in key::all() {
            let set = [&layers.dynamic_broker, &layers.dynamic_default, &layers.file]
                .into_iter()
                .find_map(|layer| layer.get(key.name));
            values.push(match set {
                Some(text) => value::parse(key, text)?,
                None => value::default(key),
            });
        }
        Ok(BrokerConfig { values: values.into(), layers: Arc::new(layers) })
    }
}
