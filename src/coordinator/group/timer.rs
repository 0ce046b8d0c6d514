//! One queue of deadlines for all groups, and the task that waits for the first of them.
//!
//! A group has at most one deadline that counts, the last scheduled; others are skipped.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::cell::GroupCell;

/// The queue.
#[derive(Default)]
pub(super) struct Timer {
    heap: Mutex<BinaryHeap<Reverse<Entry>>>,
    changed: Notify,
}

struct Entry {
    at: i64,
    cell: Weak<GroupCell>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Timer {
    /// Calls the group at `at` (ticks).
    pub fn schedule(&self, at: i64, cell: &Arc<GroupCell>) {
        let mut heap = self.heap.lock();
        let is_first = heap.peek().is_none_or(|Reverse(first)| at < first.at);
        heap.push(Reverse(Entry { at, cell: Arc::downgrade(cell) }));
        drop(heap);
        if is_first {
            self.changed.notify_one();
        }
    }

    /// Takes a group whose deadline has come, with that deadline.
    pub fn pop_due(&self, now: i64) -> Option<(i64, Weak<GroupCell>)> {
        let mut heap = self.heap.lock();
        if heap.peek().is_none_or(|Reverse(first)| first.at > now) {
            return None;
        }
        heap.pop().map(|Reverse(entry)| (entry.at, entry.cell))
    }

    /// The first deadline.
    pub fn first(&self) -> Option<i64> {
        self.heap.lock().peek().map(|Reverse(first)| first.at)
    }

    /// Waits until an earlier deadline is scheduled, or someone wakes the task.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Wakes the task.
    pub fn wake(&self) {
        self.changed.notify_one();
    }
}
