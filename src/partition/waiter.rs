//! Waiting for a partition to move: Kafka's purgatories (`DelayedFetch`, `DelayedProduce`) as an
//! await. Knows nothing of what is waited for: a woken caller looks again by itself.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use tokio::sync::Notify;
use tokio::time::Instant;

/// One waiting request. It may be registered with many partitions; dropping it ends that.
#[derive(Debug, Default)]
pub struct Waiter {
    notify: Notify,
}

impl Waiter {
    /// A waiter that nothing knows yet.
    pub fn new() -> Arc<Waiter> {
        Arc::default()
    }

    /// Wakes the request. A wake that comes before the wait is not lost; two may become one.
    pub fn wake(&self) {
        self.notify.notify_one();
    }

    /// Waits for a wake; false when the deadline came first.
    pub async fn wait_until(&self, deadline: Instant) -> bool {
        tokio::time::timeout_at(deadline, self.notify.notified()).await.is_ok()
    }
}

/// The waiters of one partition.
#[derive(Debug, Default)]
pub struct Waiters {
    list: Mutex<Vec<Weak<Waiter>>>,
    /// Entries in the list, so that an append without waiters takes no lock.
    len: AtomicUsize,
}

/// From this many entries on, registering looks for dead ones first.
const PRUNE_FROM: usize = 64;

impl Waiters {
    /// Adds a waiter, to be woken by every [`wake`](Self::wake) until it is dropped. The caller
    /// looks at the partition only afterwards, so that no move is missed.
    pub fn register(&self, waiter: &Arc<Waiter>) {
        let mut list = self.list.lock();
        if list.len() >= PRUNE_FROM && list.len() == list.capacity() {
            list.retain(|w| w.strong_count() > 0);
        }
        list.push(Arc::downgrade(waiter));
        self.len.store(list.len(), Ordering::SeqCst);
    }

    /// Wakes everyone registered.
    pub fn wake(&self) {
        if self.len.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut list = self.list.lock();
        list.retain(|weak| weak.upgrade().inspect(|waiter| waiter.wake()).is_some());
        self.len.store(list.len(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_wake_before_the_wait_is_not_lost() {
        let (waiters, waiter) = (Waiters::default(), Waiter::new());
        waiters.register(&waiter);
        waiters.wake();
        let far = Instant::now() + Duration::from_secs(60);
        assert!(waiter.wait_until(far).await);
        assert!(!waiter.wait_until(far).await, "one wake wakes once");
    }

    #[test]
    fn a_dropped_waiter_leaves_the_list() {
        let waiters = Waiters::default();
        let kept = Waiter::new();
        waiters.register(&kept);
        waiters.register(&Waiter::new());
        waiters.wake();
        assert_eq!(waiters.len.load(Ordering::SeqCst), 1);
    }
}
