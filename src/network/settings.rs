//! What the network layer needs of the configuration, in its own units.
//!
//! Knows nothing of property files: the broker fills it from its configuration.

use std::sync::Arc;
use std::time::Duration;

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
    /// `connections.max.idle.ms`.
    pub max_idle: Duration,
}

/// One listener.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// Its name, upper case, e.g. `PLAINTEXT`.
    pub name: Arc<str>,
    /// Host to bind to; empty for every address.
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

impl Settings {
    /// `socket.{send,receive}.buffer.bytes` as a size to set, if one is to be set.
    pub fn buffer(configured: i32) -> Option<usize> {
        (configured != KAFKA_DEFAULT_BUFFER).then(|| usize::try_from(configured).ok()).flatten()
    }
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
            max_idle: Duration::from_secs(600),
        }
    }
}
