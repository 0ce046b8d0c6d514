//! What happened since the start, counted for all topics together (`BrokerTopicMetrics`), and
//! errors by API (`RequestMetrics`). Whoever reads counters makes rates of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    /// Adds to it.
    pub fn add(&self, amount: u64) {
        if amount > 0 {
            self.0.fetch_add(amount, Ordering::Relaxed);
        }
    }

    /// What it is now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Records appended for clients.
pub static MESSAGES_IN: Counter = Counter::new();
/// Bytes of records appended for clients.
pub static BYTES_IN: Counter = Counter::new();
/// Bytes of records sent to consumers.
pub static BYTES_OUT: Counter = Counter::new();
/// Bytes of records fetched from leaders.
pub static REPLICATION_BYTES_IN: Counter = Counter::new();
/// Bytes of records sent to followers.
pub static REPLICATION_BYTES_OUT: Counter = Counter::new();
/// Partitions of Produce requests that were refused or failed.
pub static FAILED_PRODUCE: Counter = Counter::new();
/// Partitions of Fetch requests that failed.
pub static FAILED_FETCH: Counter = Counter::new();

/// Keys from 0 below this are counted.
const KEYS: usize = 128;

/// A counter for each API; keys that none has count for nothing.
struct ByApi([Counter; KEYS]);

impl ByApi {
    const fn new() -> ByApi {
        ByApi([const { Counter::new() }; KEYS])
    }

    fn of(&self, api_key: i16) -> Option<&Counter> {
        self.0.get(usize::try_from(api_key).ok()?)
    }

    fn add(&self, api_key: i16, amount: u64) {
        if let Some(counter) = self.of(api_key) {
            counter.add(amount);
        }
    }

    fn value(&self, api_key: i16) -> u64 {
        self.of(api_key).map_or(0, Counter::value)
    }
}

static BROKEN: ByApi = ByApi::new();
static REQUEST_BYTES: ByApi = ByApi::new();

/// Counts a request that closed its connection instead of being answered.
pub fn count_broken(api_key: i16) {
    BROKEN.add(api_key, 1);
}

/// Requests of this API that were not answered.
pub fn broken(api_key: i16) -> u64 {
    BROKEN.value(api_key)
}

/// Counts bytes of requests.
pub fn count_bytes(api_key: i16, bytes: u64) {
    REQUEST_BYTES.add(api_key, bytes);
}

/// Bytes of requests of this API so far.
pub fn request_bytes(api_key: i16) -> u64 {
    REQUEST_BYTES.value(api_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_by_key_is_of_that_key_alone() {
        let counters = ByApi::new();
        for key in [0, KEYS as i16 - 1, KEYS as i16, i16::MIN] {
            counters.add(key, 7);
        }
        counters.add(0, 1);
        let last = KEYS as i16 - 1;
        assert_eq!([0, 1, last, KEYS as i16, i16::MIN].map(|k| counters.value(k)), [8, 0, 7, 0, 0]);
    }
}
