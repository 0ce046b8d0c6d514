//! `/brokers/ids/N`: a live broker and its listeners (Kafka's `BrokerIdZNode`).
//!
//! Version 5 is written from IBP 2.7 on (with `features`), 4 below it; versions 1 and 2 (one
//! address without listener names) and 3 are read too.

use super::json::{self, Object};
use super::{RecordError, paths};
use crate::types::BrokerId;
use bytes::Bytes;
use serde::Deserialize;
use std::collections::BTreeMap;

const WHAT: &str = "broker registration";

/// An advertised listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerEndpoint {
    /// Listener name, upper case.
    pub listener: String,
    /// `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    pub security_protocol: String,
    /// Advertised host; an IPv6 address without brackets.
    pub host: String,
    /// Advertised port.
    pub port: u16,
}

impl BrokerEndpoint {
    /// As in JSON: `PLAINTEXT://127.0.0.1:9092`.
    pub(super) fn url(&self) -> String {
        if self.host.contains(':') {
            format!("{}://[{}]:{}", self.listener, self.host, self.port)
        } else {
            format!("{}://{}:{}", self.listener, self.host, self.port)
        }
    }

    fn parse(url: &str, protocols: &BTreeMap<String, String>) -> Option<BrokerEndpoint> {
        let (listener, address) = url.split_once("://")?;
        let (host, port) = address.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        Some(BrokerEndpoint {
            listener: listener.to_string(),
            security_protocol: protocols.get(listener).map_or(listener, |p| p).to_string(),
            host: host.to_string(),
            port: port.parse().ok()?,
        })
    }
}

/// Versions of a feature that a broker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct VersionRange {
    /// Lowest.
    pub min_version: i16,
    /// Highest.
    pub max_version: i16,
}

/// A broker as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRegistration {
    /// Advertised listeners, in the order of `advertised.listeners`.
    pub endpoints: Vec<BrokerEndpoint>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Port of JMX, -1 for none.
    pub jmx_port: i32,
    /// When it registered, milliseconds since 1970.
    pub timestamp: i64,
    /// Supported features; version 5 only, empty in ZooKeeper mode.
    pub features: BTreeMap<String, VersionRange>,
}

impl BrokerRegistration {
    /// Path of broker `id`.
    pub fn path(id: BrokerId) -> String {
        paths::broker(id)
    }

    /// JSON of version 5 (`with_features`, IBP 2.7 and later) or 4.
    pub fn encode(&self, with_features: bool) -> Bytes {
        let mut object = Object::new();
        if with_features {
            object = object.raw("features", &self.features_json());
        }
        let protocols = self.endpoints.iter().fold(Object::new(), |object, endpoint| {
            object.text(&endpoint.listener, &endpoint.security_protocol)
        });
        let urls: Vec<String> = self.endpoints.iter().map(BrokerEndpoint::url).collect();
        object = object
            .raw("listener_security_protocol_map", &protocols.finish())
            .raw("endpoints", &json::texts(urls.iter().map(String::as_str)))
            .text_if_some("rack", self.rack.as_deref())
            .number("jmx_port", self.jmx_port);
        // Clients before 0.9 read these two; without a plain listener there is nothing for them.
        object = match self.endpoints.iter().find(|e| e.security_protocol == "PLAINTEXT") {
            Some(plain) => object.number("port", plain.port).text("host", &plain.host),
            None => object.number("port", -1).raw("host", "null"),
        };
        object
            .number("version", if with_features { 5 } else { 4 })
            .text("timestamp", &self.timestamp.to_string())
            .end()
    }

    fn features_json(&self) -> String {
        let object = self.features.iter().fold(Object::new(), |object, (name, range)| {
            let range = Object::new()
                .number("min_version", range.min_version)
                .number("max_version", range.max_version);
            object.raw(name, &range.finish())
        });
        object.finish()
    }

    /// Reads versions 1 to 5.
    pub fn decode(data: &[u8]) -> Result<BrokerRegistration, RecordError> {
        let wire: Wire = json::read(WHAT, data)?;
        if wire.version < 1 {
            return Err(RecordError::UnknownVersion { what: WHAT, version: wire.version });
        }
        let endpoints = if wire.version < 3 { wire.single() } else { wire.listed() }?;
        Ok(BrokerRegistration {
            endpoints,
            rack: wire.rack,
            jmx_port: wire.jmx_port,
            timestamp: wire.timestamp,
            features: wire.features.unwrap_or_default(),
        })
    }
}

#[derive(Deserialize)]
struct Wire {
    version: i64,
    #[serde(default)]
    listener_security_protocol_map: BTreeMap<String, String>,
    #[serde(default)]
    endpoints: Vec<String>,
    #[serde(default)]
    rack: Option<String>,
    #[serde(default = "no_port")]
    jmx_port: i32,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    port: i64,
    #[serde(default, deserialize_with = "json::lenient_number")]
    timestamp: i64,
    #[serde(default)]
    features: Option<BTreeMap<String, VersionRange>>,
}

fn no_port() -> i32 {
    -1
}

impl Wire {
    fn single(&self) -> Result<Vec<BrokerEndpoint>, RecordError> {
        let host = self.host.clone().ok_or_else(|| RecordError::malformed(WHAT, "no host"))?;
        let port = u16::try_from(self.port).map_err(|e| RecordError::malformed(WHAT, e))?;
        let plain = "PLAINTEXT".to_string();
        Ok(vec![BrokerEndpoint { listener: plain.clone(), security_protocol: plain, host, port }])
    }

    fn listed(&self) -> Result<Vec<BrokerEndpoint>, RecordError> {
        let parse = |url: &String| {
            BrokerEndpoint::parse(url, &self.listener_security_protocol_map)
                .ok_or_else(|| RecordError::malformed(WHAT, format!("endpoint {url}")))
        };
        self.endpoints.iter().map(parse).collect()
    }
}
