//! What the network layer needs of the configuration, in its own units.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{BrokerConfig, SecurityProtocol, key};

/// The settings of a [`Server`](super::Server); read once, when it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `listeners`.
    pub listeners: Vec<ListenerSettings>,
    /// Data threads, at least 1.
    pub threads: usize,
    /// `socket.send.buffer.bytes`; `None` leaves the kernel to tune it.
    pub send_buffer: Option<usize>,
    /// `socket.receive.buffer.bytes`; `None` leaves the kernel to tune it.
    pub receive_buffer: Option<usize>,
    /// `socket.listen.backlog.size`.
    pub backlog: i32,
    /// `socket.request.max.bytes`.
    pub max_request_bytes: usize,
    /// `queued.max.request.bytes`; 0 and less is no limit.
    pub max_queued_bytes: i64,
    /// `connections.max.idle.ms`.
    pub max_idle: Duration,
}

/// One listener.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// Its name, upper case, e.g. `PLAINTEXT`.
    pub name: Arc<str>,
    /// How its connections are secured.
    pub protocol: SecurityProtocol,
    /// Host to bind to, without brackets; empty for every address.
    pub host: String,
    /// Port; 0 for one of the kernel's choice.
    pub port: u16,
    /// Brokers and the controller speak to each other by this one.
    pub privileged: bool,
}

/// Kafka's default of both socket buffer settings, in bytes.
///
/// A receive buffer of 100 KiB more than halves the rate of large Produce requests against what
/// the kernel's own tuning gives, so the default is taken to mean "not set".
const KAFKA_DEFAULT_BUFFER: i32 = 102_400;

/// `connections.max.idle.ms` beyond this (or negative: never) is no limit in practice.
const LONGEST_IDLE_MS: u64 = 10 * 365 * 24 * 3600 * 1000;

impl Settings {
    /// As configured. `num.network.threads` counts when it is set; Kafka's default of 3 does not
    /// suit threads that serve requests inline, so otherwise there is one data thread a core.
    pub fn from_config(config: &BrokerConfig) -> Settings {
        let privileged = config
            .control_plane_listener_name()
            .unwrap_or_else(|| config.inter_broker_listener_name());
        let listeners = config.listeners().into_iter().map(|listener| ListenerSettings {
            privileged: listener.name == privileged,
            name: listener.name,
            protocol: listener.protocol,
            host: listener.host,
            port: listener.port,
        });
        let defaults = Settings::default();
        let threads = match config.is_set(key::NUM_NETWORK_THREADS) {
            true => usize::try_from(config.get(key::NUM_NETWORK_THREADS)).unwrap_or(1),
            false => defaults.threads,
        };
        let max_request_bytes = usize::try_from(config.get(key::SOCKET_REQUEST_MAX_BYTES));
        let max_idle = u64::try_from(config.get(key::CONNECTIONS_MAX_IDLE_MS));
        let max_idle = max_idle.unwrap_or(LONGEST_IDLE_MS).min(LONGEST_IDLE_MS);
        Settings {
            listeners: listeners.collect(),
            threads,
            send_buffer: buffer(config.get(key::SOCKET_SEND_BUFFER_BYTES)),
            receive_buffer: buffer(config.get(key::SOCKET_RECEIVE_BUFFER_BYTES)),
            backlog: config.get(key::SOCKET_LISTEN_BACKLOG_SIZE),
            max_request_bytes: max_request_bytes.unwrap_or(defaults.max_request_bytes),
            max_queued_bytes: config.get(key::QUEUED_MAX_REQUEST_BYTES),
            max_idle: Duration::from_millis(max_idle),
        }
    }
}

/// A configured buffer size as a size to set, if one is to be set.
fn buffer(configured: i32) -> Option<usize> {
    (configured != KAFKA_DEFAULT_BUFFER).then(|| usize::try_from(configured).ok()).flatten()
}

impl Default for Settings {
    /// Kafka's defaults, no listeners, one data thread a core.
    fn default() -> Self {
        Settings {
            listeners: Vec::new(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            send_buffer: None,
            receive_buffer: None,
            backlog: 50,
            max_request_bytes: 104_857_600,
            max_queued_bytes: -1,
            max_idle: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(properties: &[(&str, &str)]) -> Settings {
        let all = [("zookeeper.connect", "localhost:2181")];
        let all = all.iter().chain(properties);
        let properties = all.map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Settings::from_config(&BrokerConfig::from_properties(properties).unwrap())
    }

    #[test]
    fn kafkas_default_socket_buffers_are_left_to_the_kernel() {
        let defaults = settings(&[]);
        assert_eq!((defaults.send_buffer, defaults.receive_buffer), (None, None));
        let set = settings(&[
            ("socket.send.buffer.bytes", "-1"),
            ("socket.receive.buffer.bytes", "65536"),
        ]);
        assert_eq!((set.send_buffer, set.receive_buffer), (None, Some(65_536)));
    }

    #[test]
    fn the_inter_broker_listener_is_privileged_unless_there_is_a_control_plane() {
        let listeners = ("listeners", "IN://:1,OUT://h:2,CTRL://:3");
        let protocols = "IN:PLAINTEXT,OUT:PLAINTEXT,CTRL:PLAINTEXT";
        let protocols = ("listener.security.protocol.map", protocols);
        let advertised = ("advertised.listeners", "IN://a:1,OUT://a:2,CTRL://a:3");
        let inter = ("inter.broker.listener.name", "IN");
        let privileged = |properties: &[_]| -> Vec<String> {
            let listeners = settings(properties).listeners;
            let names = listeners.iter().filter(|l| l.privileged).map(|l| l.name.to_string());
            names.collect()
        };
        let common = [listeners, protocols, advertised, inter];
        assert_eq!(privileged(&common), ["IN"]);
        let control = [&common[..], &[("control.plane.listener.name", "CTRL")]].concat();
        assert_eq!(privileged(&control), ["CTRL"]);
    }
}
