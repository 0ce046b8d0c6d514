//! The controller: whichever broker holds `/controller` (Kafka's `KafkaController`).
//!
//! One task: it is elected through the store, keeps the cluster's state, and pushes LeaderAndIsr,
//! UpdateMetadata and StopReplica to every live broker, itself included, by the wire. Everything
//! it writes is fenced by the version of `/controller_epoch`. Knows nothing of logs, and nothing of
//! the requests by which it is asked: handlers do that.

mod admin;
mod assignment;
mod batch;
mod brokers;
mod channel;
pub mod client;
mod context;
mod deletion;
mod elect;
mod error;
mod handle;
mod in_sync;
mod internal_topics;
mod leaders;
mod nodes;
mod partitions;
mod peers;
mod reassignment;
mod replicas;
mod run;
mod settings;
mod term;
#[cfg(test)]
mod tests;
mod topic_name;
mod topics;

pub use admin::{Created, NewPartitions, NewTopic};
pub use assignment::{BrokerRack, assign_replicas};
pub use channel::{BrokerChannel, Channels, Push, PushReply};
pub use error::ControllerError;
pub use handle::{ControllerHandle, ElectionType, InSync, InSyncChange, next_producer_ids};
pub use internal_topics::{GROUPS_TOPIC, TRANSACTIONS_TOPIC, automatic_topic, is_internal};
pub use peers::PeerChannels;
pub use settings::{Settings, SettingsSource};
pub use topic_name::{collides, validate_topic_name};

use crate::metadata::store::SharedStore;
use crate::types::{BrokerId, TopicPartition};
use batch::Batch;
use channel::Lines;
use context::Context;
use handle::Standing;
use nodes::Nodes;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Calls and answers that may wait for the controller's task.
const QUEUE: usize = 1024;

/// The controller's task and all it keeps.
struct Controller {
    settings: SettingsSource,
    nodes: Nodes,
    channels: Arc<dyn Channels>,
    standing: Arc<Standing>,
    context: Context,
    batch: Batch,
    lines: Option<Lines>,
    /// What `/admin/reassign_partitions` asks for and is not done yet.
    legacy_moves: BTreeMap<TopicPartition, Vec<BrokerId>>,
}

impl ControllerHandle {
    /// A handle to a controller that does not run yet.
    pub fn new(
        settings: SettingsSource,
        store: SharedStore,
        channels: Arc<dyn Channels>,
    ) -> ControllerHandle {
        let (calls, receiver) = mpsc::channel(QUEUE);
        let standing = Arc::new(Standing::default());
        let nodes = Nodes { store };
        let controller = Controller {
            settings: settings.clone(),
            nodes: nodes.clone(),
            channels,
            standing: standing.clone(),
            context: Context::default(),
            batch: Batch::default(),
            lines: None,
            legacy_moves: BTreeMap::new(),
        };
        let idle = Arc::new(Mutex::new(Some((controller, receiver))));
        ControllerHandle { calls, standing, nodes, settings, idle }
    }

    /// Starts the controller's task: it runs for office at once, so the broker should be
    /// registered. It ends when the last handle is dropped. Does nothing the second time.
    pub fn start(&self, runtime: &tokio::runtime::Handle) {
        if let Some((controller, calls)) = self.idle.lock().take() {
            runtime.spawn(controller.run(calls));
        }
    }
}
