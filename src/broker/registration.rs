//! This broker's registration, from its configuration (`KafkaServer.createBrokerInfo`).
//!
//! How it gets into the store is `metadata::layout`'s.

use crate::config::{BrokerConfig, key};
use crate::metadata::records::{BrokerEndpoint, BrokerRegistration};
use crate::types::now_ms;
use std::collections::BTreeMap;

/// What this broker tells the others of itself. `ports` are those that listeners got for port 0.
pub(super) fn registration(
    config: &BrokerConfig,
    ports: &BTreeMap<String, u16>,
) -> BrokerRegistration {
    let endpoints = config.advertised_listeners().into_iter().map(|listener| BrokerEndpoint {
        listener: listener.name.to_string(),
        security_protocol: listener.protocol.name().to_owned(),
        host: listener.host,
        // Port 0 asked the kernel for one.
        port: match listener.port {
            0 => ports.get(&*listener.name).copied().unwrap_or(0),
            port => port,
        },
    });
    BrokerRegistration {
        endpoints: endpoints.collect(),
        rack: config.get(key::BROKER_RACK).map(|rack| rack.to_string()),
        jmx_port: -1,
        timestamp: now_ms(),
        features: BTreeMap::new(),
    }
}
