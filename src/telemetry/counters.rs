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

static BROKEN: [Counter; KEYS] = [const { Counter::new() }; KEYS];
static REQUEST_BYTES: [Counter; KEYS] = [const { Counter::new() }; KEYS];

fn of(counters: &'static [Counter; KEYS], api_key: i16) -> Option<&'static Counter> {
    counters.get(usize::try_from(api_key).ok()?)
}

/// Counts a request that closed its connection instead of being answered.
pub fn count_broken(api_key: i16) {
    if let Some(counter) = of(&BROKEN, api_key) {
        counter.add(1);
    }
}

/// Requests of this API that were not answered.
pub fn broken(api_key: i16) -> u64 {
    of(&BROKEN, api_key).map_or(0, Counter::value)
}

/// Counts bytes of requests.
pub fn count_bytes(api_key: i16, bytes: u64) {
    if let Some(counter) = of(&REQUEST_BYTES, api_key) {
        counter.add(bytes);
    }
}

/// Bytes of requests of this API so far.
pub fn request_bytes(api_key: i16) -> u64 {
    of(&REQUEST_BYTES, api_key).map_or(0, Counter::value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_requests_are_counted_by_key() {
        let key = KEYS as i16 - 1; // no such API
        count_broken(key);
        count_broken(i16::MIN);
        count_bytes(key, 7);
        assert_eq!((broken(key), broken(i16::MIN), request_bytes(key)), (1, 0, 7));
    }
}
