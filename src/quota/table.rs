//! Which quota holds for a client: the overrides of users, client ids and addresses, and the order
//! in which Kafka looks for them (`ClientQuotaManager.DefaultQuotaCallback`).
//!
//! A quota of a user is shared by all its clients, one of a user and client id is not.

use crate::metadata::records::{ConfigEntity, EntityName};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, ToSocketAddrs};

/// What is limited for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limited {
    /// Bytes a second that are produced.
    Produce,
    /// Bytes a second that are fetched.
    Fetch,
    /// Percent of one thread's time.
    Request,
    /// Partitions a second that are created or deleted.
    Mutation,
}

impl Limited {
    /// The key under which the quota is stored.
    pub fn key(self) -> &'static str {
        match self {
            Limited::Produce => "producer_byte_rate",
            Limited::Fetch => "consumer_byte_rate",
            Limited::Request => "request_percentage",
            Limited::Mutation => "controller_mutation_rate",
        }
    }
}

/// The key of the quota of an address: connections a second.
pub const CONNECTION_RATE: &str = "connection_creation_rate";

/// Type of a quota's value, as Kafka stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// A whole number of at most 32 bits.
    Int,
    /// A whole number.
    Long,
    /// Any number.
    Double,
}

/// The type of a quota that users and clients may have (or addresses); `None` for no quota's key.
pub fn value_type(key: &str, of_address: bool) -> Option<ValueType> {
    match (key, of_address) {
        ("producer_byte_rate" | "consumer_byte_rate", false) => Some(ValueType::Long),
        ("request_percentage" | "controller_mutation_rate", false) => Some(ValueType::Double),
        (CONNECTION_RATE, true) => Some(ValueType::Int),
        _ => None,
    }
}

/// Whose use is counted together; an empty name stands for all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sharers {
    /// User.
    pub user: String,
    /// Client id.
    pub client: String,
}

/// All overrides, by entity.
#[derive(Clone, Debug, Default)]
pub struct QuotaTable(HashMap<ConfigEntity, BTreeMap<String, f64>>);

impl QuotaTable {
    /// Replaces an entity's quotas by what is stored for it.
    pub fn set(&mut self, entity: ConfigEntity, stored: &BTreeMap<String, String>) {
        let of_address = matches!(entity, ConfigEntity::Ip(_));
        let quotas = stored.iter().filter_map(|(key, text)| {
            value_type(key, of_address)?;
            Some((key.clone(), text.trim().parse::<f64>().ok()?))
        });
        let quotas: BTreeMap<_, _> = quotas.collect();
        match quotas.is_empty() {
            true => drop(self.0.remove(&entity)),
            false => drop(self.0.insert(entity, quotas)),
        }
    }

    /// Whether anybody has such a quota.
    pub fn limits(&self, limited: Limited) -> bool {
        self.0.values().any(|quotas| quotas.contains_key(limited.key()))
    }

    /// The quota of a client and with whom it shares it.
    pub fn find(&self, limited: Limited, user: &str, client: &str) -> Option<(f64, Sharers)> {
        use EntityName::{Default, Named};
        let (u, c) = (|| Named(user.to_owned()), || Named(client.to_owned()));
        let both = (user, client);
        let order = [
            (ConfigEntity::User(u(), Some(c())), both),
            (ConfigEntity::User(u(), Some(Default)), both),
            (ConfigEntity::User(u(), None), (user, "")),
            (ConfigEntity::User(Default, Some(c())), both),
            (ConfigEntity::User(Default, Some(Default)), both),
            (ConfigEntity::User(Default, None), (user, "")),
            (ConfigEntity::Client(c()), ("", client)),
            (ConfigEntity::Client(Default), ("", client)),
        ];
        order.into_iter().find_map(|(entity, (user, client))| {
            let quota = *self.0.get(&entity)?.get(limited.key())?;
            Some((quota, Sharers { user: user.to_owned(), client: client.to_owned() }))
        })
    }

    /// Connections a second: of every address, and of those that have their own.
    pub fn connection_rates(&self) -> (Option<u32>, HashMap<IpAddr, u32>) {
        let mut every = None;
        let mut own = HashMap::new();
        for (entity, quotas) in &self.0 {
            let Some(rate) = quotas.get(CONNECTION_RATE).map(|rate| *rate as u32) else { continue };
            match entity {
                ConfigEntity::Ip(EntityName::Default) => every = Some(rate),
                ConfigEntity::Ip(EntityName::Named(name)) => {
                    if let Some(address) = resolve(name) {
                        own.insert(address, rate);
                    }
                }
                _ => {}
            }
        }
        (every, own)
    }
}

/// The address of a name, or of an address as text. Blocks for a name.
pub fn resolve(name: &str) -> Option<IpAddr> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let found = (name, 0u16).to_socket_addrs().ok()?.next()?;
    Some(found.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> EntityName {
        EntityName::Named(name.into())
    }

    fn table(rows: &[(ConfigEntity, &str)]) -> QuotaTable {
        let mut table = QuotaTable::default();
        for (entity, rate) in rows {
            let stored = BTreeMap::from([("producer_byte_rate".to_owned(), (*rate).to_owned())]);
            table.set(entity.clone(), &stored);
        }
        table
    }

    #[test]
    fn the_most_particular_quota_holds() {
        let table = table(&[
            (ConfigEntity::User(named("u"), Some(named("c"))), "1"),
            (ConfigEntity::User(named("u"), None), "3"),
            (ConfigEntity::User(EntityName::Default, Some(named("c"))), "4"),
            (ConfigEntity::Client(named("c")), "7"),
            (ConfigEntity::Client(EntityName::Default), "8"),
        ]);
        let find = |user, client| {
            let (quota, sharers) = table.find(Limited::Produce, user, client).unwrap();
            (quota, sharers.user, sharers.client)
        };
        assert_eq!(find("u", "c"), (1.0, "u".into(), "c".into()));
        assert_eq!(find("u", "d"), (3.0, "u".into(), String::new()));
        assert_eq!(find("v", "c"), (4.0, "v".into(), "c".into()));
        assert_eq!(find("v", "d"), (8.0, String::new(), "d".into()));
        assert_eq!(table.find(Limited::Fetch, "u", "c"), None);
    }

    #[test]
    fn what_is_no_quota_is_left_out_and_an_empty_entity_is_forgotten() {
        let mut table = QuotaTable::default();
        let user = ConfigEntity::User(named("u"), None);
        let stored = BTreeMap::from([("SCRAM-SHA-256".to_owned(), "salt=".to_owned())]);
        table.set(user.clone(), &stored);
        assert!(table.0.is_empty());
        let stored = BTreeMap::from([("consumer_byte_rate".to_owned(), "5".to_owned())]);
        table.set(user.clone(), &stored);
        assert!(table.limits(Limited::Fetch) && !table.limits(Limited::Produce));
        table.set(user, &BTreeMap::new());
        assert!(!table.limits(Limited::Fetch));
    }

    #[test]
    fn addresses_have_rates_of_their_own() {
        let mut table = QuotaTable::default();
        let rate = |rate: &str| BTreeMap::from([(CONNECTION_RATE.to_owned(), rate.to_owned())]);
        table.set(ConfigEntity::Ip(EntityName::Default), &rate("9"));
        table.set(ConfigEntity::Ip(named("10.0.0.1")), &rate("2"));
        let (every, own) = table.connection_rates();
        assert_eq!((every, own.get(&"10.0.0.1".parse().unwrap())), (Some(9), Some(&2)));
    }
}
