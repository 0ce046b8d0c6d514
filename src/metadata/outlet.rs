//! A watch's sending end: bounded, and never waiting for its reader.
//!
//! A reader that is too slow gets one [`Change::Resync`] in place of what it missed. The last free
//! place of the channel is kept for it. Whatever changes before the reader takes that Resync is
//! covered by it, and once it is taken the channel is empty: that is how its taking is seen.

use super::store::{Change, Watch};
use tokio::sync::mpsc;

/// Changes a reader may be behind before it has to read all again.
pub(super) const WATCH_CAPACITY: usize = 256;

pub(super) struct Outlet {
    sender: mpsc::Sender<Change>,
    resync_is_last: bool,
}

impl Outlet {
    /// A watch that holds `capacity` changes, and its sending end.
    pub(super) fn new(capacity: usize) -> (Outlet, Watch) {
        let (sender, watch) = mpsc::channel(capacity.max(2));
        (Outlet { sender, resync_is_last: false }, watch)
    }

    /// Reports a change. `false` when nobody watches any more.
    pub(super) fn offer(&mut self, change: Change) -> bool {
        if self.resync_is_last {
            if self.sender.capacity() < self.sender.max_capacity() {
                return !self.sender.is_closed();
            }
            self.resync_is_last = false;
        }
        let change = if self.sender.capacity() > 1 { change } else { Change::Resync };
        self.resync_is_last = change == Change::Resync;
        !matches!(self.sender.try_send(change), Err(mpsc::error::TrySendError::Closed(_)))
    }

    /// Returns when nobody watches any more.
    pub(super) async fn closed(&self) {
        self.sender.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(n: usize) -> Change {
        Change::Node(format!("/{n}"))
    }

    fn drain(watch: &mut Watch) -> Vec<Change> {
        std::iter::from_fn(|| watch.try_recv().ok()).collect()
    }

    #[test]
    fn a_slow_reader_gets_one_resync_and_then_changes_again() {
        let (mut outlet, mut watch) = Outlet::new(4);
        assert!((0..10).all(|n| outlet.offer(node(n))));
        assert_eq!(drain(&mut watch), [node(0), node(1), node(2), Change::Resync]);
        assert!(outlet.offer(node(11)));
        assert_eq!(drain(&mut watch), [node(11)]);
    }

    #[test]
    fn changes_before_a_resync_is_taken_are_covered_by_it() {
        let (mut outlet, mut watch) = Outlet::new(4);
        assert!(outlet.offer(Change::Resync));
        assert!(outlet.offer(node(1)));
        assert!(outlet.offer(Change::Resync));
        assert_eq!(drain(&mut watch), [Change::Resync]);
        assert!(outlet.offer(node(2)));
        assert_eq!(drain(&mut watch), [node(2)]);
    }

    #[test]
    fn an_abandoned_watch_is_noticed() {
        let (mut outlet, watch) = Outlet::new(4);
        drop(watch);
        assert!(!outlet.offer(node(1)));
    }
}
