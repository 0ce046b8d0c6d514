//! How many connections may be open, and how fast new ones may come.
//!
//! As `kafka.network.ConnectionQuotas`: at `max.connections` (of the broker or of a listener) and
//! above `max.connection.creation.rate` the acceptor waits; above `max.connections.per.ip` the new
//! connection is closed, and above the quota `connection_creation_rate` of its address closed late
//! (KIP-612). Knows nothing of sockets.

use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::config::{BrokerConfig, key};

/// The limits. The default is Kafka's: none.
#[derive(Clone, Debug)]
pub struct Limits {
    /// `max.connections`, of the whole broker.
    pub broker: usize,
    /// `listener.name.<listener>.max.connections`.
    pub listeners: HashMap<Arc<str>, usize>,
    /// `max.connections.per.ip`.
    pub per_ip: usize,
    /// `max.connections.per.ip.overrides`.
    pub per_ip_overrides: HashMap<IpAddr, usize>,
    /// `max.connection.creation.rate`, connections a second, of the whole broker.
    pub rate: u32,
    /// `listener.name.<listener>.max.connection.creation.rate`.
    pub listener_rates: HashMap<Arc<str>, u32>,
    /// The listener that the broker's own limits spare: brokers speak to each other by it, and it
    /// is not the only one.
    pub protected: Option<Arc<str>>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            broker: i32::MAX as usize,
            listeners: HashMap::new(),
            per_ip: i32::MAX as usize,
            per_ip_overrides: HashMap::new(),
            rate: i32::MAX as u32,
            listener_rates: HashMap::new(),
            protected: None,
        }
    }
}

impl Limits {
    /// As configured, dynamic configuration included. Blocks when overrides have host names.
    pub fn from_config(config: &BrokerConfig) -> Limits {
        let at_least_0 = |configured: i32| usize::try_from(configured).unwrap_or(0);
        let names = config.listeners().into_iter().map(|listener| listener.name);
        let names: Vec<Arc<str>> = names.collect();
        let per_listener = |name: &Arc<str>, suffix: &str| -> Option<u32> {
            let key = format!("listener.name.{}.{suffix}", name.to_lowercase());
            config.text(&key)?.trim().parse().ok()
        };
        let listeners = names.iter().filter_map(|name| {
            Some((name.clone(), per_listener(name, "max.connections")? as usize))
        });
        let listener_rates = names.iter().filter_map(|name| {
            Some((name.clone(), per_listener(name, "max.connection.creation.rate")?))
        });
        Limits {
            broker: at_least_0(config.get(key::MAX_CONNECTIONS)),
            listeners: listeners.collect(),
            per_ip: at_least_0(config.get(key::MAX_CONNECTIONS_PER_IP)),
            per_ip_overrides: overrides(&config.get(key::MAX_CONNECTIONS_PER_IP_OVERRIDES)),
            rate: at_least_0(config.get(key::MAX_CONNECTION_CREATION_RATE)) as u32,
            listener_rates: listener_rates.collect(),
            protected: (names.len() > 1).then(|| config.inter_broker_listener_name()),
        }
    }
}

/// `host:limit,127.0.0.1:200`; a host name stands for its first address, as in Kafka.
fn overrides(text: &str) -> HashMap<IpAddr, usize> {
    let one = |entry: &str| {
        let (host, max) = entry.trim().rsplit_once(':')?;
        let host = host.trim().trim_start_matches('[').trim_end_matches(']');
        let address = (host, 0u16).to_socket_addrs().ok()?.next()?;
        Some((address.ip().to_canonical(), max.trim().parse().ok()?))
    };
    text.split(',').filter_map(one).collect()
}

/// Why a connection is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An address has as many connections as it may.
    #[error("too many connections from {address} (maximum = {max})")]
    TooMany {
        /// The client's address.
        address: IpAddr,
        /// Its limit.
        max: usize,
    },
    /// An address makes connections faster than its quota allows: to be closed after a while, so
    /// that it does not try again at once.
    #[error("connections from {address} come too fast")]
    TooFast {
        /// The client's address.
        address: IpAddr,
        /// How long until another is allowed.
        wait: Duration,
    },
}

/// Addresses whose pace is kept; when there are more, those that are at rest are forgotten.
const PACED_ADDRESSES: usize = 4096;

/// Counts the connections of one broker. Shared by its acceptors.
#[derive(Default)]
pub struct ConnectionQuotas {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    limits: Limits,
    total: usize,
    by_listener: HashMap<Arc<str>, Count>,
    by_ip: HashMap<IpAddr, usize>,
    pace: Pace,
    rate_of_addresses: Option<u32>,
    rate_of_address: HashMap<IpAddr, u32>,
    pace_of_address: HashMap<IpAddr, Pace>,
}

#[derive(Default)]
struct Count {
    open: usize,
    pace: Pace,
}

/// A token bucket of one second's worth.
struct Pace {
    tokens: f64,
    at: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { tokens: f64::INFINITY, at: None }
    }
}

impl Pace {
    /// How long to wait until a token is there, zero if it is.
    fn wait(&mut self, rate: u32, now: Instant) -> Duration {
        let rate = f64::from(rate);
        let elapsed = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.at = Some(now);
        self.tokens = (self.tokens + elapsed.as_secs_f64() * rate).min(rate);
        match self.tokens {
            tokens if tokens >= 1.0 => Duration::ZERO,
            // At a rate of 0 nothing is ever admitted; look again for a changed limit.
            tokens if rate > 0.0 => Duration::from_secs_f64(((1.0 - tokens) / rate).min(1.0)),
            _ => Duration::from_secs(1),
        }
    }
}

enum Slot {
    Free,
    Full,
    Wait(Duration),
}

impl State {
    fn slot(&mut self, listener: &Arc<str>, now: Instant) -> Slot {
        let limits = &self.limits;
        let count = self.by_listener.entry(listener.clone()).or_default();
        let listener_max = limits.listeners.get(listener).copied().unwrap_or(usize::MAX);
        let is_protected = limits.protected.as_ref() == Some(listener);
        if count.open >= listener_max || (self.total >= limits.broker && !is_protected) {
            return Slot::Full;
        }
        let rate = limits.listener_rates.get(listener).copied().unwrap_or(i32::MAX as u32);
        let of_broker = self.pace.wait(limits.rate, now);
        let wait = count.pace.wait(rate, now);
        let wait = if is_protected { wait } else { wait.max(of_broker) };
        if !wait.is_zero() {
            return Slot::Wait(wait);
        }
        count.pace.tokens -= 1.0;
        if !is_protected {
            self.pace.tokens -= 1.0;
        }
        Slot::Free
    }

    /// Takes a token of the address, if there is one.
    fn keep_pace(&mut self, address: IpAddr, now: Instant) -> Result<(), Refused> {
        let own = self.rate_of_address.get(&address).copied();
        let Some(rate) = own.or(self.rate_of_addresses) else { return Ok(()) };
        if self.pace_of_address.len() >= PACED_ADDRESSES {
            let second = Duration::from_secs(1);
            let at_work = |pace: &Pace| pace.at.is_some_and(|at| now.duration_since(at) < second);
            self.pace_of_address.retain(|_, pace| at_work(pace));
        }
        let pace = self.pace_of_address.entry(address).or_default();
        match pace.wait(rate, now) {
            Duration::ZERO => {
                pace.tokens -= 1.0;
                Ok(())
            }
            wait => Err(Refused::TooFast { address, wait }),
        }
    }

    fn admit(&mut self, listener: &Arc<str>, ip: IpAddr) -> Result<(), Refused> {
        let limits = &self.limits;
        let max = limits.per_ip_overrides.get(&ip).copied().unwrap_or(limits.per_ip);
        let of_ip = self.by_ip.get(&ip).copied().unwrap_or(0);
        if of_ip >= max {
            return Err(Refused::TooMany { address: ip, max });
        }
        self.keep_pace(ip, Instant::now())?;
        self.by_ip.insert(ip, of_ip + 1);
        self.total += 1;
        self.by_listener.entry(listener.clone()).or_default().open += 1;
        Ok(())
    }
}

impl ConnectionQuotas {
    /// No connections yet, under these limits.
    pub fn new(limits: Limits) -> Arc<Self> {
        let quotas = ConnectionQuotas::default();
        quotas.state.lock().limits = limits;
        Arc::new(quotas)
    }

    /// Replaces the limits (they are dynamic configuration). Open connections stay.
    pub fn set_limits(&self, limits: Limits) {
        self.state.lock().limits = limits;
        self.changed.notify_waiters();
    }

    /// Replaces the connections a second that each address may make, and those of some.
    pub fn set_address_rates(&self, every: Option<u32>, own: HashMap<IpAddr, u32>) {
        let mut state = self.state.lock();
        state.rate_of_addresses = every;
        state.rate_of_address = own;
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        self.state.lock().total
    }

    /// Waits for a free slot, then counts a connection until the permit is dropped.
    pub async fn admit(
        self: &Arc<Self>,
        listener: &Arc<str>,
        ip: IpAddr,
    ) -> Result<Permit, Refused> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let wait = {
                let mut state = self.state.lock();
                match state.slot(listener, Instant::now()) {
                    Slot::Free => {
                        state.admit(listener, ip)?;
                        return Ok(Permit { quotas: self.clone(), listener: listener.clone(), ip });
                    }
                    Slot::Full => None,
                    Slot::Wait(wait) => Some(wait),
                }
            };
            match wait {
                None => changed.await,
                Some(wait) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep(wait) => {}
                },
            }
        }
    }
}

/// One counted connection.
pub struct Permit {
    quotas: Arc<ConnectionQuotas>,
    listener: Arc<str>,
    ip: IpAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.quotas.state.lock();
        state.total -= 1;
        if let Some(count) = state.by_listener.get_mut(&self.listener) {
            count.open -= 1;
        }
        if let Some(of_ip) = state.by_ip.get_mut(&self.ip) {
            *of_ip -= 1;
            if *of_ip == 0 {
                state.by_ip.remove(&self.ip);
            }
        }
        drop(state);
        self.quotas.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt;

    use super::*;

    const IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

    fn listener() -> Arc<str> {
        "PLAINTEXT".into()
    }

    #[tokio::test]
    async fn an_address_over_its_limit_is_refused_and_others_are_not() {
        let overrides = HashMap::from([(OTHER, 2)]);
        let limits = Limits { per_ip: 1, per_ip_overrides: overrides, ..Limits::default() };
        let quotas = ConnectionQuotas::new(limits);
        let first = quotas.admit(&listener(), IP).await.unwrap();
        let refused = quotas.admit(&listener(), IP).await.err();
        assert_eq!(refused, Some(Refused::TooMany { address: IP, max: 1 }));
        let _two = [
            quotas.admit(&listener(), OTHER).await.unwrap(),
            quotas.admit(&listener(), OTHER).await.unwrap(),
        ];
        drop(first);
        assert!(quotas.admit(&listener(), IP).await.is_ok());
        assert_eq!(quotas.open(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_connects_too_fast_is_refused_for_a_while() {
        let quotas = ConnectionQuotas::new(Limits::default());
        quotas.set_address_rates(Some(9), HashMap::from([(IP, 1)]));
        assert!(quotas.admit(&listener(), IP).await.is_ok());
        let wait = Duration::from_secs(1);
        let refused = quotas.admit(&listener(), IP).await.err();
        assert_eq!(refused, Some(Refused::TooFast { address: IP, wait }));
        assert!(quotas.admit(&listener(), OTHER).await.is_ok());
        tokio::time::advance(wait).await;
        assert!(quotas.admit(&listener(), IP).await.is_ok());
    }

    #[tokio::test]
    async fn a_full_listener_waits_until_one_closes() {
        let limits = Limits { listeners: HashMap::from([(listener(), 1)]), ..Limits::default() };
        let quotas = ConnectionQuotas::new(limits);
        let first = quotas.admit(&listener(), IP).await.unwrap();
        let name = listener();
        let mut second = Box::pin(quotas.admit(&name, IP));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(quotas.admit(&"OTHER".into(), IP).await.is_ok());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn the_protected_listener_is_spared_by_the_brokers_limit() {
        let protected = Some(listener());
        let quotas = ConnectionQuotas::new(Limits { broker: 0, protected, ..Limits::default() });
        assert!(quotas.admit(&listener(), IP).await.is_ok());
        let other: Arc<str> = "OTHER".into();
        assert!(quotas.admit(&other, IP).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_raised_limit_lets_a_waiting_acceptor_go_on() {
        let quotas = ConnectionQuotas::new(Limits { broker: 0, ..Limits::default() });
        let name = listener();
        let mut waiting = Box::pin(quotas.admit(&name, IP));
        assert!(waiting.as_mut().now_or_never().is_none());
        quotas.set_limits(Limits::default());
        assert!(waiting.await.is_ok());
    }

    #[test]
    fn limits_are_read_from_the_configuration() {
        let properties = [
            ("zookeeper.connect", "localhost:2181"),
            ("listeners", "PLAINTEXT://:0"),
            ("max.connections.per.ip", "3"),
            ("max.connections.per.ip.overrides", "127.0.0.1:7, 10.0.0.1:8"),
            ("listener.name.plaintext.max.connections", "9"),
        ];
        let properties = properties.iter().map(|(k, v)| (k.to_string(), v.to_string()));
        let config = BrokerConfig::from_properties(properties.collect()).unwrap();
        let limits = Limits::from_config(&config);
        assert_eq!((limits.broker, limits.per_ip), (i32::MAX as usize, 3));
        assert_eq!(limits.per_ip_overrides.get(&IP), Some(&7));
        assert_eq!(limits.per_ip_overrides.len(), 2);
        assert_eq!(limits.listeners.get(&listener()), Some(&9));
    }

    #[test]
    fn a_pace_of_two_a_second_admits_two_then_waits_half_a_second() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        for _ in 0..2 {
            assert_eq!(pace.wait(2, now), Duration::ZERO);
            pace.tokens -= 1.0;
        }
        assert_eq!(pace.wait(2, now), Duration::from_millis(500));
        assert_eq!(pace.wait(2, now + Duration::from_millis(500)), Duration::ZERO);
    }
}
