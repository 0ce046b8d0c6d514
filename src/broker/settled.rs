//! The first moments of a broker: it listens, and does not yet know the cluster that it is in.
//!
//! A listener is open before the broker is registered, and the controller, often this very broker,
//! is elected after that. Kafka answers a client of these moments with no brokers or
//! NOT_CONTROLLER, and the client comes again after its back-off. Here its first requests wait for
//! the few milliseconds that it takes. Knows nothing of requests.

use super::Broker;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest that a request waits. A cluster without a controller is answered as it is.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether requests wait for the cluster. A broker waits only if it is told that it starts.
#[derive(Debug, Default)]
pub(super) struct Settling(AtomicBool);

impl Broker {
    /// From now on requests wait until the controller has told this broker of its cluster.
    pub fn expect_cluster(&self) {
        self.settling.0.store(true, Ordering::Release);
    }

    /// Waits until this broker knows the cluster, itself among the live brokers; not for ever, and
    /// never again after that.
    pub async fn settled(&self) {
        if !self.settling.0.load(Ordering::Acquire) {
            return;
        }
        let mut changes = self.image.changes();
        let known = async {
            while !self.image.load().brokers.contains_key(&self.id) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, known).await.is_err() {
            tracing::warn!("no controller has spoken yet; clients are answered all the same");
        }
        self.settling.0.store(false, Ordering::Release);
    }
}
