//! The moment from listening to being known: a broker accepts before the controller has told it
//! of the cluster.
//!
//! Kafka answers then with no brokers and NOT_CONTROLLER, and clients try again (librdkafka also
//! forgets the brokers it knew); few ever see it, for the JVM takes its time. A broker that is
//! there in milliseconds meets clients that were waiting for it, so what asks about the cluster
//! waits here. Knows nothing of requests.

use crate::metadata::image::Published;
use crate::types::{BrokerId, NO_BROKER};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How long after the start one may wait: a cluster may have no controller for long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the controller has told this broker of itself and of the cluster.
pub struct Introduction {
    id: BrokerId,
    done: AtomicBool,
    deadline: Instant,
}

impl Introduction {
    /// Of this broker, which starts now.
    pub fn of(id: BrokerId) -> Introduction {
        Introduction { id, done: AtomicBool::new(false), deadline: Instant::now() + PATIENCE }
    }

    /// Waits until the image has had this broker and a controller once, or the patience is over.
    pub async fn wait(&self, image: &Published) {
        if self.done.load(Ordering::Relaxed) {
            return;
        }
        let mut changes = image.changes();
        while !self.is_in(image) {
            match tokio::time::timeout_at(self.deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => break,
            }
        }
        self.done.store(true, Ordering::Relaxed);
    }

    fn is_in(&self, image: &Published) -> bool {
        let image = image.load();
        image.controller != NO_BROKER && image.brokers.contains_key(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::image::BrokerNode;
    use std::sync::Arc;

    fn node(id: BrokerId) -> Arc<BrokerNode> {
        Arc::new(BrokerNode { id, epoch: 1, rack: None, endpoints: Vec::new() })
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_the_controllers_word_of_this_broker() {
        let (image, introduction) = (Arc::new(Published::default()), Introduction::of(1));
        let begun = Instant::now();
        let teller = image.clone();
        tokio::spawn(async move {
            for (id, controller) in [(2, NO_BROKER), (1, NO_BROKER), (1, 2)] {
                tokio::time::sleep(Duration::from_secs(1)).await;
                teller.update(|image| {
                    image.brokers.insert(id, node(id));
                    image.controller = controller;
                });
            }
        });
        introduction.wait(&image).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_controller_only_the_first_seconds_wait() {
        let (image, introduction) = (Published::default(), Introduction::of(1));
        let begun = Instant::now();
        introduction.wait(&image).await;
        assert_eq!(begun.elapsed(), PATIENCE);
        introduction.wait(&image).await;
        assert_eq!(begun.elapsed(), PATIENCE, "later ones do not");
    }
}
