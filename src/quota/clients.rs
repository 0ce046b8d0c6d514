//! The quotas of clients in force: their use is counted here, and whoever went over one is told
//! how long to be quiet (`ClientQuotaManager`, `ClientRequestQuotaManager`,
//! `ControllerMutationQuotaManager`).
//!
//! Replication has none of these. A client without quota costs one atomic load.

use super::bucket::Bucket;
use super::rate::{Rate, Window};
use super::table::{Limited, QuotaTable, Sharers};
use crate::config::{BrokerConfig, key};
use crate::metadata::records::ConfigEntity;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A client that used nothing for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(3600);
/// Forgetting is looked at when there are this many.
const CROWD: usize = 1024;

type Sensor = (Limited, Sharers);

/// Quotas and their use.
pub struct ClientQuotas {
    table: ArcSwap<QuotaTable>,
    active: [AtomicBool; 4],
    rates: Mutex<HashMap<Sensor, Rate>>,
    buckets: Mutex<HashMap<Sharers, Bucket>>,
    window: Window,
    mutation_window: Window,
}

impl ClientQuotas {
    /// No quotas yet.
    pub fn new(config: &BrokerConfig) -> ClientQuotas {
        let window = |samples: i32, seconds: i32| Window {
            samples: u32::try_from(samples).unwrap_or(1).max(1),
            size: Duration::from_secs(u64::try_from(seconds).unwrap_or(1).max(1)),
        };
        ClientQuotas {
            table: ArcSwap::default(),
            active: Default::default(),
            rates: Mutex::default(),
            buckets: Mutex::default(),
            window: window(
                config.get(key::QUOTA_WINDOW_NUM),
                config.get(key::QUOTA_WINDOW_SIZE_SECONDS),
            ),
            mutation_window: window(
                config.get(key::CONTROLLER_QUOTA_WINDOW_NUM),
                config.get(key::CONTROLLER_QUOTA_WINDOW_SIZE_SECONDS),
            ),
        }
    }

    /// Replaces the quotas of these entities.
    pub fn set(&self, stored: Vec<(ConfigEntity, BTreeMap<String, String>)>) {
        let mut table = QuotaTable::clone(&self.table.load());
        for (entity, configs) in stored {
            table.set(entity, &configs);
        }
        self.replace(table);
    }

    /// Replaces all quotas.
    pub fn replace(&self, table: QuotaTable) {
        for limited in [Limited::Produce, Limited::Fetch, Limited::Request, Limited::Mutation] {
            if let Some(active) = self.active.get(limited as usize) {
                active.store(table.limits(limited), Ordering::Release);
            }
        }
        self.table.store(Arc::new(table));
    }

    /// The quotas as they are now.
    pub fn table(&self) -> Arc<QuotaTable> {
        self.table.load_full()
    }

    /// Whether anybody has such a quota.
    pub fn is_active(&self, limited: Limited) -> bool {
        self.active.get(limited as usize).is_some_and(|active| active.load(Ordering::Acquire))
    }

    /// Counts what a client used; how long it has to be quiet.
    pub fn record(&self, limited: Limited, user: &str, client: &str, amount: f64) -> Duration {
        if !self.is_active(limited) {
            return Duration::ZERO;
        }
        let Some((quota, sharers)) = self.table.load().find(limited, user, client) else {
            return Duration::ZERO;
        };
        if limited == Limited::Mutation {
            return self.take(sharers, quota, amount);
        }
        let (now, window) = (Instant::now(), self.window);
        let mut rates = self.rates.lock();
        if rates.len() >= CROWD && !rates.contains_key(&(limited, sharers.clone())) {
            rates.retain(|_, rate| {
                rate.last_used().is_some_and(|used| now.duration_since(used) < FORGET_AFTER)
            });
        }
        let rate = rates.entry((limited, sharers)).or_default();
        rate.record(window, now, amount);
        let quiet = rate.throttle(window, now, quota);
        match limited {
            // Time is never made up for over more than a window.
            Limited::Request => quiet.min(window.size),
            Limited::Produce | Limited::Fetch | Limited::Mutation => quiet,
        }
    }

    fn take(&self, sharers: Sharers, quota: f64, amount: f64) -> Duration {
        let now = Instant::now();
        let mut buckets = self.buckets.lock();
        if buckets.len() >= CROWD && !buckets.contains_key(&sharers) {
            buckets.retain(|_, bucket| {
                bucket.last_used().is_some_and(|used| now.duration_since(used) < FORGET_AFTER)
            });
        }
        buckets.entry(sharers).or_default().take(self.mutation_window, now, quota, amount)
    }

    /// Takes back what was counted, since it was not used after all.
    pub fn take_back(&self, limited: Limited, user: &str, client: &str, amount: f64) {
        self.record(limited, user, client, -amount);
    }

    /// How long a client has to be quiet before it may use anything; counts nothing.
    pub fn check(&self, limited: Limited, user: &str, client: &str) -> Duration {
        self.record(limited, user, client, 0.0)
    }

    /// The most that a client can fetch at once and be within its quota.
    pub fn most_at_once(&self, limited: Limited, user: &str, client: &str) -> Option<usize> {
        if !self.is_active(limited) {
            return None;
        }
        let (quota, _) = self.table.load().find(limited, user, client)?;
        let window = self.window;
        let seconds = window.size.as_secs_f64() * f64::from(window.samples.max(2) - 1);
        Some((quota * seconds) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::records::EntityName;

    fn quotas(key: &str, value: &str) -> ClientQuotas {
        let quotas = ClientQuotas::new(&BrokerConfig::default());
        let stored = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        quotas.set(vec![(ConfigEntity::Client(EntityName::Default), stored)]);
        quotas
    }

    #[tokio::test(start_paused = true)]
    async fn each_client_id_has_the_default_for_itself() {
        let quotas = quotas("producer_byte_rate", "100");
        assert_eq!(quotas.record(Limited::Produce, "u", "a", 900.0), Duration::ZERO);
        assert!(quotas.record(Limited::Produce, "u", "a", 900.0) > Duration::from_secs(7));
        assert_eq!(quotas.record(Limited::Produce, "u", "b", 900.0), Duration::ZERO);
        assert_eq!(quotas.record(Limited::Fetch, "u", "a", 1e9), Duration::ZERO);
        assert_eq!(quotas.most_at_once(Limited::Produce, "u", "a"), Some(1000));
        tokio::time::advance(Duration::from_secs(12)).await;
        assert_eq!(quotas.check(Limited::Produce, "u", "a"), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_back_was_not_used() {
        let quotas = quotas("consumer_byte_rate", "10");
        assert!(!quotas.record(Limited::Fetch, "u", "a", 500.0).is_zero());
        quotas.take_back(Limited::Fetch, "u", "a", 500.0);
        assert!(quotas.check(Limited::Fetch, "u", "a").is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn time_is_made_up_for_within_a_window() {
        let quotas = quotas("request_percentage", "1");
        let quiet = quotas.record(Limited::Request, "u", "a", 5000.0);
        assert_eq!(quiet, Duration::from_secs(1));
    }
}
