//! The broker settings that transactions obey, as plain numbers. Defaults are Kafka 3.9's.

use crate::config::{BrokerConfig, key};
use crate::types::now_ms;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Where the coordinator takes the time from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that gives milliseconds since 1970.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now_ms())
    }
}

/// Settings of the transaction coordinator.
#[derive(Clone, Debug)]
pub struct TransactionConfig {
    /// `transaction.max.timeout.ms`.
    pub max_timeout_ms: i32,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    pub abort_interval: Duration,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    pub expiry_interval: Duration,
    /// `transactional.id.expiration.ms`.
    pub expiration_ms: i64,
    /// `transaction.state.log.load.buffer.size`, bytes.
    pub load_buffer_bytes: usize,
    /// Longest that EndTxn waits for markers before it answers; they are written in any case.
    pub marker_wait: Duration,
    /// The time.
    pub clock: Clock,
}

impl Default for TransactionConfig {
    fn default() -> Self {
        TransactionConfig {
            max_timeout_ms: 900_000,
            abort_interval: Duration::from_secs(10),
            expiry_interval: Duration::from_secs(3600),
            expiration_ms: 7 * 24 * 3_600_000,
            load_buffer_bytes: 5 << 20,
            marker_wait: Duration::from_secs(1),
            clock: Clock::new(now_ms),
        }
    }
}

impl TransactionConfig {
    /// The settings in a broker's configuration.
    pub fn of(broker: &BrokerConfig) -> Self {
        let millis = |value: i32| Duration::from_millis(u64::try_from(value).unwrap_or(1).max(1));
        let buffer = broker.get(key::TRANSACTION_STATE_LOG_LOAD_BUFFER_SIZE);
        TransactionConfig {
            max_timeout_ms: broker.get(key::TRANSACTION_MAX_TIMEOUT_MS),
            abort_interval: millis(
                broker.get(key::TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS),
            ),
            expiry_interval: millis(
                broker.get(key::TRANSACTION_REMOVE_EXPIRED_TRANSACTION_CLEANUP_INTERVAL_MS),
            ),
            expiration_ms: i64::from(broker.get(key::TRANSACTIONAL_ID_EXPIRATION_MS)),
            load_buffer_bytes: usize::try_from(buffer).unwrap_or(0),
            ..TransactionConfig::default()
        }
    }
}
