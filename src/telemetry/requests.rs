//! Requests by API key since the start (`RequestsPerSec` counts the same in Kafka).

use std::sync::atomic::{AtomicU64, Ordering};

/// Keys from 0 below this are counted.
const KEYS: usize = 128;

static SERVED: [AtomicU64; KEYS] = [const { AtomicU64::new(0) }; KEYS];

/// Counts `requests` of this API.
pub fn count(api_key: i16, requests: u64) {
    if let Some(counter) = usize::try_from(api_key).ok().and_then(|key| SERVED.get(key)) {
        counter.fetch_add(requests, Ordering::Relaxed);
    }
}

/// Requests of this API so far.
pub fn total(api_key: i16) -> u64 {
    let counter = usize::try_from(api_key).ok().and_then(|key| SERVED.get(key));
    counter.map_or(0, |counter| counter.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_key_and_unknown_keys_are_not() {
        let key = KEYS as i16 - 1; // no such API
        count(key, 2);
        count(key, 1);
        count(-1, 1);
        count(i16::MAX, 1);
        assert_eq!((total(key), total(-1), total(i16::MAX)), (3, 0, 0));
    }
}
