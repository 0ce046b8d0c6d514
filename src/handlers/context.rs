//! What a handler knows of a request besides its body: header and connection.
//!
//! As Kafka's `RequestContext` and `RequestHeader`. Knows nothing of sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::security::Principal;

/// The header of one request and the connection that it came by. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The API key, e.g. 0 for Produce.
    pub api_key: i16,
    /// The version of the request; the response is encoded in the same.
    pub api_version: i16,
    /// The client's number of the request, returned in the response header.
    pub correlation_id: i32,
    /// The client id; `None` when null. Bytes that are not UTF-8 were replaced by U+FFFD.
    pub client_id: Option<Arc<str>>,
    /// The connection's id, unique in this process.
    pub connection_id: u64,
    /// The listener that accepted the connection, upper case, e.g. `PLAINTEXT`.
    pub listener_name: Arc<str>,
    /// The client's address and port.
    pub client_address: SocketAddr,
    /// Who the client is; `User:ANONYMOUS` without authentication.
    pub principal: Arc<Principal>,
    /// The listener is the one that brokers and the controller use among themselves.
    pub privileged_listener: bool,
    /// Where a handler says that the connection is to be throttled.
    pub throttle: Arc<Throttle>,
}

/// For how long a connection is not read after an answer: quotas set it (KIP-219).
#[derive(Debug, Default)]
pub struct Throttle {
    millis: AtomicU64,
    is_exempt: AtomicBool,
}

impl Throttle {
    /// No further request is read until `mute` after this one is answered.
    pub fn mute_for(&self, mute: Duration) {
        let millis = u64::try_from(mute.as_millis()).unwrap_or(u64::MAX);
        self.millis.fetch_max(millis, Ordering::Relaxed);
    }

    /// Whether there is nothing to wait for.
    pub fn is_zero(&self) -> bool {
        self.millis.load(Ordering::Relaxed) == 0
    }

    /// The time of this request is nobody's quota: it is a broker's.
    pub fn exempt(&self) {
        self.is_exempt.store(true, Ordering::Relaxed);
    }

    /// Whether the request was exempted, and resets it.
    pub fn take_exempt(&self) -> bool {
        self.is_exempt.swap(false, Ordering::Relaxed)
    }

    /// What was set, and resets it.
    pub fn take(&self) -> Duration {
        Duration::from_millis(self.millis.swap(0, Ordering::Relaxed))
    }
}

impl RequestContext {
    /// The client id, empty when null.
    pub fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or("")
    }

    /// The client's address without its port. Kafka prints it with a slash: `/127.0.0.1`.
    pub fn client_ip(&self) -> IpAddr {
        self.client_address.ip()
    }

    /// A context for tests of handlers: this API and version, anonymous, from 127.0.0.1.
    pub fn for_test(api_key: i16, api_version: i16) -> Self {
        RequestContext {
            api_key,
            api_version,
            correlation_id: 1,
            client_id: Some("test".into()),
            connection_id: 0,
            listener_name: "PLAINTEXT".into(),
            client_address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000),
            principal: Arc::new(Principal::anonymous()),
            privileged_listener: true,
            throttle: Arc::default(),
        }
    }
}
