//! What all connections together may hold of requests that are not yet served
//! (`queued.max.request.bytes`; Kafka's `SimpleMemoryPool`, not strict).
//!
//! A request is admitted whole, by its declared length, while any byte is free; so the sum may
//! pass the limit by one request, and half-read requests never wait for each other. Requests that
//! a connection's first room holds are not counted. Knows nothing of frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Notify;

/// The bytes that are left, shared by all threads.
#[derive(Debug)]
pub struct Budget {
    free: AtomicI64,
    freed: Notify,
}

impl Budget {
    /// A budget of so many bytes; `None` for 0 and less, which is no limit.
    pub fn new(limit: i64) -> Option<Arc<Budget>> {
        let budget = Budget { free: AtomicI64::new(limit), freed: Notify::new() };
        (limit > 0).then(|| Arc::new(budget))
    }

    /// Waits until a byte is free, and takes `bytes`. May be dropped while it waits.
    pub async fn take(self: &Arc<Self>, bytes: usize) -> Taken {
        loop {
            let freed = self.freed.notified();
            if let Some(taken) = self.try_take(bytes) {
                return taken;
            }
            freed.await;
        }
    }

    fn try_take(self: &Arc<Self>, bytes: usize) -> Option<Taken> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let take = |free: i64| (free > 0).then(|| free.saturating_sub(bytes));
        let before = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).ok()?;
        if before > bytes {
            // One release may have room for several that wait.
            self.freed.notify_one();
        }
        Some(Taken { budget: self.clone(), bytes })
    }
}

/// Bytes of the budget, given back when dropped.
#[derive(Debug)]
pub struct Taken {
    budget: Arc<Budget>,
    bytes: i64,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.free.fetch_add(self.bytes, Ordering::AcqRel);
        self.budget.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn no_limit_is_no_budget() {
        assert!(Budget::new(-1).is_none());
        assert!(Budget::new(0).is_none());
    }

    #[test]
    fn a_request_is_admitted_while_a_byte_is_free() {
        let budget = Budget::new(10).expect("a limit");
        let first = budget.take(9).now_or_never().expect("all is free");
        let second = budget.take(100).now_or_never().expect("one byte is free");
        assert!(budget.take(1).now_or_never().is_none());
        drop(first);
        assert!(budget.take(1).now_or_never().is_none(), "the second still has too much");
        drop(second);
        assert!(budget.take(1).now_or_never().is_some());
    }

    #[tokio::test]
    async fn all_that_wait_go_on_when_a_large_request_is_done() {
        let budget = Budget::new(10).expect("a limit");
        let large = budget.take(10).await;
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let budget = budget.clone();
                tokio::spawn(async move { budget.take(3).await })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(large);
        let mut taken = Vec::new();
        for task in waiting {
            taken.push(task.await.expect("taken"));
        }
        assert_eq!(budget.free.load(Ordering::Relaxed), 1);
    }
}
