//! Listeners: `NAME://host:port` lists and the map from listener name to security protocol
//! (Kafka's `EndPoint` and `CoreUtils.listenerListToEndPoints`).

use super::BrokerConfig;
use super::error::ConfigError;
use super::key;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a listener's connections are secured; the discriminant is Kafka's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    Plaintext = 0,
    /// TLS.
    Ssl = 1,
    /// SASL on a plain connection.
    SaslPlaintext = 2,
    /// SASL inside TLS.
    SaslSsl = 3,
}

impl SecurityProtocol {
    /// Kafka's name: `SASL_SSL`.
    pub fn name(self) -> &'static str {
        match self {
            SecurityProtocol::Plaintext => "PLAINTEXT",
            SecurityProtocol::Ssl => "SSL",
            SecurityProtocol::SaslPlaintext => "SASL_PLAINTEXT",
            SecurityProtocol::SaslSsl => "SASL_SSL",
        }
    }

    /// The protocol with this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            SecurityProtocol::Plaintext,
            SecurityProtocol::Ssl,
            SecurityProtocol::SaslPlaintext,
            SecurityProtocol::SaslSsl,
        ];
        all.into_iter().find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }

    /// Whether connections are encrypted.
    pub fn uses_tls(self) -> bool {
        matches!(self, SecurityProtocol::Ssl | SecurityProtocol::SaslSsl)
    }

    /// Whether clients authenticate by SASL.
    pub fn uses_sasl(self) -> bool {
        matches!(self, SecurityProtocol::SaslPlaintext | SecurityProtocol::SaslSsl)
    }
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Name, upper case.
    pub name: Arc<str>,
    /// Its security protocol.
    pub protocol: SecurityProtocol,
    /// Host without brackets; empty for all interfaces.
    pub host: String,
    /// Port; 0 lets the system choose.
    pub port: u16,
}

impl std::fmt::Display for Listener {
    /// As Kafka's `EndPoint.connectionString`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "{}://[{}]:{}", self.name, self.host, self.port),
            false => write!(f, "{}://{}:{}", self.name, self.host, self.port),
        }
    }
}

/// Security protocols by listener name (upper case).
pub(super) type ProtocolMap = BTreeMap<String, SecurityProtocol>;

/// Reads `listener.security.protocol.map`: `EXTERNAL:SASL_SSL,PLAINTEXT:PLAINTEXT`.
pub(super) fn protocol_map(text: &str) -> Result<ProtocolMap, ConfigError> {
    let name = key::LISTENER_SECURITY_PROTOCOL_MAP.name();
    let refuse =
        |why: String| ConfigError::Invalid { key: name.to_owned(), value: text.to_owned(), why };
    let mut map = ProtocolMap::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let Some((listener, protocol)) = entry.rsplit_once(':') else {
            return Err(refuse(format!("'{entry}' is not LISTENER:PROTOCOL")));
        };
        let Some(protocol) = SecurityProtocol::parse(protocol.trim()) else {
            return Err(refuse(format!(
                "{} is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
                protocol.trim()
            )));
        };
        map.insert(listener.trim().to_uppercase(), protocol);
    }
    Ok(map)
}

/// Reads a list of listeners.
pub(super) fn parse_list(
    key: &'static str,
    text: &str,
    protocols: &ProtocolMap,
    advertised: bool,
) -> Result<Vec<Listener>, ConfigError> {
    let failed = |why: String| ConfigError::Malformed {
        key: key.to_owned(),
        why: format!("Error creating broker listeners from '{text}': {why}"),
    };
    let mut listeners: Vec<Listener> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, host, port) = parse_entry(entry)
            .ok_or_else(|| failed(format!("Unable to parse {entry} to a broker endpoint")))?;
        let name = name.to_uppercase();
        let Some(protocol) = protocols.get(&name) else {
            return Err(failed(format!("No security protocol defined for listener {name}")));
        };
        if listeners.iter().any(|other| *other.name == *name) {
            let why = format!("Each listener must have a different name, {key}: {text}");
            return Err(ConfigError::Conflict(why));
        }
        let clash =
            |other: &Listener| other.port == port && port != 0 && !two_families(other, host);
        if !advertised && listeners.iter().any(clash) {
            let why = format!("Each listener must have a different port, {key}: {text}");
            return Err(ConfigError::Conflict(why));
        }
        let (name, host) = (name.into(), host.to_owned());
        listeners.push(Listener { name, protocol: *protocol, host, port });
    }
    Ok(listeners)
}

/// One IPv4 and one IPv6 address may share a port (KIP-797).
fn two_families(one: &Listener, other: &str) -> bool {
    let family = |host: &str| host.parse::<std::net::IpAddr>().ok().map(|ip| ip.is_ipv4());
    match (family(&one.host), family(other)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    }
}

/// `NAME://host:port` or `NAME://[v6]:port`.
fn parse_entry(entry: &str) -> Option<(&str, &str, u16)> {
    let (name, address) = entry.split_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None => host,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-%._:".contains(c);
    (!name.is_empty() && host.chars().all(plain)).then_some(())?;
    Some((name, host, port.parse().ok()?))
}

/// This host's name, for listeners on all interfaces that are advertised.
pub(super) fn host_name() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

/// The listeners of a configuration, checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Listeners {
    pub bound: Vec<Listener>,
    pub advertised: Vec<Listener>,
    pub inter_broker: Arc<str>,
    pub protocols: ProtocolMap,
}

impl Listeners {
    pub(super) fn of(config: &BrokerConfig) -> Result<Listeners, ConfigError> {
        let protocols = protocol_map(&config.get(key::LISTENER_SECURITY_PROTOCOL_MAP))?;
        let text = config.get(key::LISTENERS);
        let bound = parse_list("listeners", &text, &protocols, false)?;
        let advertised = match config.get(key::ADVERTISED_LISTENERS) {
            Some(text) => parse_list("advertised.listeners", &text, &protocols, true)?,
            None => bound.clone(),
        };
        let inter_broker = inter_broker_name(config, &protocols)?;
        Ok(Listeners { bound, advertised, inter_broker, protocols })
    }
}

/// The listener for requests between brokers: by name, else the one named like the protocol.
fn inter_broker_name(
    config: &BrokerConfig,
    protocols: &ProtocolMap,
) -> Result<Arc<str>, ConfigError> {
    let Some(name) = config.get(key::INTER_BROKER_LISTENER_NAME) else {
        return Ok(config.get(key::SECURITY_INTER_BROKER_PROTOCOL));
    };
    if config.is_set(key::SECURITY_INTER_BROKER_PROTOCOL) {
        return Err(ConfigError::Conflict(
            "Only one of inter.broker.listener.name and security.inter.broker.protocol should be \
             set."
                .to_owned(),
        ));
    }
    let name = name.to_uppercase();
    if !protocols.contains_key(&name) {
        return Err(ConfigError::Conflict(format!(
            "Listener with name {name} defined in inter.broker.listener.name not found in \
             listener.security.protocol.map."
        )));
    }
    Ok(name.into())
}
