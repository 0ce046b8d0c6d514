//! Values that follow from several keys (`KafkaConfig`'s computed fields).

use super::BrokerConfig;
use super::key;
use super::listener::{self, Listener, SecurityProtocol};
use std::path::PathBuf;
use std::sync::Arc;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The only value of `replica.selector.class` that does something; others name Java classes, or
/// the selector that always takes the leader.
pub(super) const RACK_AWARE_SELECTOR: &str =
    "org.apache.kafka.common.replica.RackAwareReplicaSelector";

impl BrokerConfig {
    /// Whether consumers are sent to replicas in their own rack (KIP-392).
    pub fn selects_by_rack(&self) -> bool {
        self.get(key::REPLICA_SELECTOR_CLASS).is_some_and(|class| *class == *RACK_AWARE_SELECTOR)
    }

    /// Addresses to bind.
    pub fn listeners(&self) -> Vec<Listener> {
        self.parsed_listeners().bound.clone()
    }

    /// Addresses told to clients: `advertised.listeners`, else `listeners`; where those have no
    /// host, this machine's name.
    pub fn advertised_listeners(&self) -> Vec<Listener> {
        let mut advertised = self.parsed_listeners().advertised.clone();
        for listener in advertised.iter_mut().filter(|listener| listener.host.is_empty()) {
            listener.host = listener::host_name();
        }
        advertised
    }

    /// The listener that brokers use among themselves, upper case.
    pub fn inter_broker_listener_name(&self) -> Arc<str> {
        self.parsed_listeners().inter_broker.clone()
    }

    /// The security protocol of a listener name (upper case).
    pub fn listener_protocol(&self, name: &str) -> Option<SecurityProtocol> {
        self.parsed_listeners().protocols.get(name).copied()
    }

    /// The listener of the control plane, if there is one of its own.
    pub fn control_plane_listener_name(&self) -> Option<Arc<str>> {
        self.get(key::CONTROL_PLANE_LISTENER_NAME).map(|name| name.to_uppercase().into())
    }

    /// `log.dirs`, else `log.dir`; without duplicates and empty entries.
    pub fn log_dirs(&self) -> Vec<PathBuf> {
        let text = self.get(key::LOG_DIRS).unwrap_or_else(|| self.get(key::LOG_DIR));
        let mut dirs: Vec<PathBuf> = Vec::new();
        for dir in text.split(',').map(str::trim).filter(|dir| !dir.is_empty()) {
            let dir = PathBuf::from(dir);
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        dirs
    }

    /// Whether metadata is kept in ZooKeeper; else in the embedded store.
    pub fn uses_zookeeper(&self) -> bool {
        self.get(key::ZOOKEEPER_CONNECT).is_some()
    }

    /// Retention by time in milliseconds; -1 for unlimited.
    pub fn log_retention_ms(&self) -> i64 {
        let ms = self
            .get(key::LOG_RETENTION_MS)
            .or_else(|| self.get(key::LOG_RETENTION_MINUTES).map(|n| i64::from(n) * MINUTE_MS))
            .unwrap_or_else(|| i64::from(self.get(key::LOG_RETENTION_HOURS)) * HOUR_MS);
        if ms < 0 { -1 } else { ms }
    }

    /// Age in milliseconds at which a segment is rolled.
    pub fn log_roll_ms(&self) -> i64 {
        let hours = || i64::from(self.get(key::LOG_ROLL_HOURS)) * HOUR_MS;
        self.get(key::LOG_ROLL_MS).unwrap_or_else(hours)
    }

    /// Most milliseconds by which a segment is rolled earlier.
    pub fn log_roll_jitter_ms(&self) -> i64 {
        let hours = || i64::from(self.get(key::LOG_ROLL_JITTER_HOURS)) * HOUR_MS;
        self.get(key::LOG_ROLL_JITTER_MS).unwrap_or_else(hours)
    }

    /// Longest time in milliseconds that records stay unflushed; `i64::MAX` for no limit.
    pub fn log_flush_interval_ms(&self) -> i64 {
        let fallback = || self.get(key::LOG_FLUSH_SCHEDULER_INTERVAL_MS);
        self.get(key::LOG_FLUSH_INTERVAL_MS).unwrap_or_else(fallback)
    }

    /// Retention of committed offsets in milliseconds.
    pub fn offsets_retention_ms(&self) -> i64 {
        i64::from(self.get(key::OFFSETS_RETENTION_MINUTES)) * MINUTE_MS
    }

    /// Time in milliseconds to wait for ZooKeeper at start.
    pub fn zookeeper_connection_timeout_ms(&self) -> i32 {
        let session = || self.get(key::ZOOKEEPER_SESSION_TIMEOUT_MS);
        self.get(key::ZOOKEEPER_CONNECTION_TIMEOUT_MS).unwrap_or_else(session)
    }

    /// Threads that move replicas between log directories: one a directory unless set.
    pub fn replica_alter_log_dirs_threads(&self) -> usize {
        match self.get(key::NUM_REPLICA_ALTER_LOG_DIRS_THREADS) {
            Some(threads) => usize::try_from(threads).unwrap_or(1).max(1),
            None => self.log_dirs().len(),
        }
    }

    /// `max.connections.per.ip.overrides` as `(host or address, limit)`.
    pub fn max_connections_per_ip_overrides(&self) -> Vec<(String, i32)> {
        super::validate::parse_limits(&self.get(key::MAX_CONNECTIONS_PER_IP_OVERRIDES))
            .unwrap_or_default()
    }

    /// A key that may be set for one listener: `listener.name.<listener>.<key>`, else the plain
    /// key's value as text.
    pub fn listener_value(&self, listener: &str, name: &str) -> Option<Arc<str>> {
        let prefixed = format!("listener.name.{}.{name}", listener.to_lowercase());
        self.text(&prefixed).or_else(|| self.text(name)).map(Arc::from)
    }

    /// As [`listener_value`](Self::listener_value) for a key that may also be set for one SASL
    /// mechanism: `listener.name.<listener>.<mechanism>.<key>`.
    pub fn mechanism_value(&self, listener: &str, mechanism: &str, name: &str) -> Option<Arc<str>> {
        let prefixed = format!(
            "listener.name.{}.{}.{name}",
            listener.to_lowercase(),
            mechanism.to_lowercase()
        );
        self.text(&prefixed).map(Arc::from).or_else(|| self.listener_value(listener, name))
    }
}
