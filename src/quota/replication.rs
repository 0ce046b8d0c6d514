//! How fast replicas that are being moved are copied: bytes a second that this broker sends as
//! their leader, and that it fetches as their follower (`ReplicationQuotaManager`, KIP-73).
//!
//! What is counted are the replicas that their topic's configuration names; what is held back are
//! those of them that are not in sync. Which these are is not known here.

use super::rate::{Rate, Window};
use crate::config::{BrokerConfig, key};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Dynamic configs of a broker, in bytes a second. Kafka does not declare them, and only reads them
/// among dynamic configs.
const LEADER_RATE: &str = "leader.replication.throttled.rate";
const FOLLOWER_RATE: &str = "follower.replication.throttled.rate";

/// No limit.
const UNLIMITED: u64 = u64::MAX;

/// One quota, and what was used of it.
#[derive(Debug)]
pub struct ReplicationQuota {
    /// Bytes a second.
    bound: AtomicU64,
    window: Window,
    rate: Mutex<Rate>,
}

impl ReplicationQuota {
    fn new(window: Window) -> ReplicationQuota {
        ReplicationQuota { bound: AtomicU64::new(UNLIMITED), window, rate: Mutex::default() }
    }

    fn set_bound(&self, bytes_a_second: Option<u64>) {
        self.bound.store(bytes_a_second.unwrap_or(UNLIMITED), Ordering::Release);
    }

    /// Counts bytes of throttled replicas.
    pub fn record(&self, bytes: usize) {
        if bytes > 0 {
            self.rate.lock().record(self.window, Instant::now(), bytes as f64);
        }
    }

    /// Whether more was copied of late than is allowed.
    pub fn is_exceeded(&self) -> bool {
        let bound = self.bound.load(Ordering::Acquire);
        bound != UNLIMITED
            && self.rate.lock().measure_simply(self.window, Instant::now()) > bound as f64
    }
}

/// The quotas of a broker.
#[derive(Clone, Debug)]
pub struct ReplicationQuotas {
    /// Of what followers fetch here.
    pub leader: Arc<ReplicationQuota>,
    /// Of what is fetched from leaders.
    pub follower: Arc<ReplicationQuota>,
}

impl ReplicationQuotas {
    /// As configured, dynamic configuration included.
    pub fn new(config: &BrokerConfig) -> ReplicationQuotas {
        let (samples, seconds) = (
            config.get(key::REPLICATION_QUOTA_WINDOW_NUM),
            config.get(key::REPLICATION_QUOTA_WINDOW_SIZE_SECONDS),
        );
        let window = Window {
            samples: u32::try_from(samples).unwrap_or(1).max(1),
            size: Duration::from_secs(u64::try_from(seconds).unwrap_or(1).max(1)),
        };
        let quota = || Arc::new(ReplicationQuota::new(window));
        let quotas = ReplicationQuotas { leader: quota(), follower: quota() };
        quotas.reconfigure(config);
        quotas
    }

    /// Takes over changed rates; those of this broker win over those of all.
    pub fn reconfigure(&self, config: &BrokerConfig) {
        let (all, own) = config.dynamic();
        let rate = |name: &str| own.get(name).or_else(|| all.get(name))?.trim().parse().ok();
        self.leader.set_bound(rate(LEADER_RATE));
        self.follower.set_bound(rate(FOLLOWER_RATE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Properties;

    fn configured(all: &[(&str, &str)], own: &[(&str, &str)]) -> BrokerConfig {
        let layer = |pairs: &[(&str, &str)]| -> Properties {
            pairs.iter().map(|(name, rate)| ((*name).to_owned(), (*rate).to_owned())).collect()
        };
        BrokerConfig::default().with_dynamic(layer(all), layer(own)).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_quota_is_exceeded_until_the_rate_has_fallen_below_it() {
        let quotas = ReplicationQuotas::new(&configured(&[(LEADER_RATE, "1000")], &[]));
        assert!(!quotas.leader.is_exceeded());
        quotas.leader.record(4500);
        assert!(quotas.leader.is_exceeded() && !quotas.follower.is_exceeded());
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(quotas.leader.is_exceeded());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!quotas.leader.is_exceeded(), "4500 bytes in 5 s");
    }

    #[tokio::test(start_paused = true)]
    async fn the_brokers_own_rate_wins_and_none_is_no_limit() {
        let quotas = ReplicationQuotas::new(&BrokerConfig::default());
        quotas.follower.record(1 << 30);
        assert!(!quotas.follower.is_exceeded());
        let (few, many) = ((FOLLOWER_RATE, "10"), (FOLLOWER_RATE, "9000000000"));
        quotas.reconfigure(&configured(&[many], &[few]));
        assert!(quotas.follower.is_exceeded());
        quotas.reconfigure(&configured(&[few], &[many]));
        assert!(!quotas.follower.is_exceeded());
        quotas.reconfigure(&configured(&[], &[]));
        assert!(!quotas.follower.is_exceeded());
    }
}
