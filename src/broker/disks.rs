//! Log directories that fail while the broker runs, and the limits of moves between them.
//!
//! As Kafka's `LogDirFailureHandler` in ZooKeeper mode: the controller is told by a node below
//! `/log_dir_event_notification`, asks by LeaderAndIsr which replicas are concerned, and has others
//! lead. Without any directory left the broker ends at once.

use super::Broker;
use crate::config::BrokerConfig;
use crate::metadata::records::{LogDirEvent, paths};
use crate::metadata::store::{Life, Op};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Between two tries to tell the controller.
const PAUSE: Duration = Duration::from_secs(1);
/// Dynamic only: not a declared key.
const MOVE_RATE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";

impl Broker {
    /// Puts the limits of moves between directories in force.
    pub(super) fn limit_moves(&self, config: &BrokerConfig) {
        let rate = config.text(MOVE_RATE).and_then(|rate| rate.trim().parse().ok());
        let threads = config.replica_alter_log_dirs_threads();
        self.replicas.moves().set_limits(threads, rate.unwrap_or(f64::MAX));
    }

    /// Acts on directories that fail, for ever.
    pub(super) async fn watch_log_dirs(self: Arc<Self>) {
        let failed = Arc::new(Notify::new());
        let told = failed.clone();
        self.log_dirs.on_failure(move |_| told.notify_one());
        let mut known = self.offline_dirs();
        loop {
            failed.notified().await;
            let offline = self.offline_dirs();
            let new: Vec<PathBuf> = offline.difference(&known).cloned().collect();
            if new.is_empty() {
                continue;
            }
            self.halt_without_dirs(&offline);
            new.iter().for_each(|dir| self.say_what_is_offline(dir));
            self.tell_controller().await;
            known = offline;
        }
    }

    fn offline_dirs(&self) -> BTreeSet<PathBuf> {
        let dirs = self.log_dirs.dirs().into_iter();
        dirs.filter(|dir| !dir.online).map(|dir| dir.path).collect()
    }

    fn halt_without_dirs(&self, offline: &BTreeSet<PathBuf>) {
        if offline.len() == self.log_dirs.dirs().len() {
            let list: Vec<String> = offline.iter().map(|dir| dir.display().to_string()).collect();
            let list = list.join(", ");
            tracing::error!("Shutdown broker because all log dirs in {list} have failed");
            std::process::exit(1);
        }
    }

    fn say_what_is_offline(&self, dir: &PathBuf) {
        let there = |log: &Arc<crate::log::Log>| log.parent_dir() == *dir;
        let name = |log: Arc<crate::log::Log>| log.topic_partition().to_string();
        let logs: Vec<_> = self.log_dirs.all().into_iter().filter(there).map(name).collect();
        let futures = self.log_dirs.all_futures().into_iter().filter(there).map(name);
        let futures: Vec<_> = futures.collect();
        tracing::error!(
            dir = %dir.display(), partitions = logs.join(","), moves = futures.join(","),
            "these are offline until the broker is started again with a sound disk"
        );
    }

    async fn tell_controller(&self) {
        let op = Op::Create {
            path: paths::LOG_DIR_EVENT_PREFIX.to_owned(),
            data: Some(LogDirEvent { broker: self.id }.encode()),
            life: Life::Sequential,
        };
        while let Err(error) = self.store.commit(vec![op.clone()]).await {
            tracing::warn!(%error, "the controller does not know yet of a failed log directory");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
