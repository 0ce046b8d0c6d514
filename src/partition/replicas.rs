//! All replicas on this broker: what the controller's orders do to them.
//!
//! As Kafka's `ReplicaManager`. One order is carried out at a time; readers never wait for it.

use super::checkpoint;
use super::state::LeaderAndIsr;
use super::{Moves, Partition, PartitionError};
use crate::config::TopicConfig;
use crate::log::{LogDirs, LogError};
use crate::types::{BrokerId, TopicPartition};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// The configuration of a topic as of now.
pub type ResolveConfig = dyn Fn(&str) -> Arc<TopicConfig> + Send + Sync;

type Hasher = foldhash::quality::RandomState;
type Topics = HashMap<Arc<str>, HashMap<i32, Arc<Partition>, Hasher>, Hasher>;

/// What a LeaderAndIsr request did.
#[derive(Debug)]
pub struct Told {
    /// Each partition's outcome, in the order of the request.
    pub outcomes: Vec<Result<(), PartitionError>>,
    /// Partitions that this broker now leads and did not before (or with a newer epoch).
    pub became_leader: Vec<(TopicPartition, i32)>,
    /// Partitions that this broker now follows.
    pub became_follower: Vec<(TopicPartition, i32)>,
}

/// All replicas of this broker.
pub struct Replicas {
    local: BrokerId,
    pub(super) log_dirs: Arc<LogDirs>,
    pub(super) moves: Arc<Moves>,
    resolve: Box<ResolveConfig>,
    topics: ArcSwap<Topics>,
    /// Serialises orders, and holds the newest controller epoch seen.
    pub(super) controller_epoch: Mutex<i32>,
    lag_max_ms: AtomicI64,
    isr_wanted: Arc<Notify>,
    roles_changed: Notify,
    /// High watermarks as read from the checkpoints at start.
    checkpointed: Mutex<HashMap<TopicPartition, i64>>,
    /// Held while they are written.
    checkpointing: Mutex<()>,
    /// Of this broker, and out of service since a log directory failed.
    offline: Mutex<HashSet<TopicPartition>>,
}

impl Replicas {
    /// No replicas yet; their logs are in `log_dirs`.
    pub fn new(
        local: BrokerId,
        log_dirs: Arc<LogDirs>,
        resolve: Box<ResolveConfig>,
        lag_max_ms: i64,
    ) -> Replicas {
        let checkpointed = checkpoint::read_all(&log_dirs);
        Replicas {
            local,
            moves: Moves::new(log_dirs.clone()),
            log_dirs,
            resolve,
            topics: ArcSwap::default(),
            controller_epoch: Mutex::new(0),
            lag_max_ms: AtomicI64::new(lag_max_ms),
            isr_wanted: Arc::default(),
            roles_changed: Notify::new(),
            checkpointed: Mutex::new(checkpointed),
            checkpointing: Mutex::default(),
            offline: Mutex::default(),
        }
    }

    /// Whether the replica could not be taken into service for want of its log directory. One that
    /// was in service before is still [there](Self::get).
    pub fn is_offline(&self, topic: &str, partition: i32) -> bool {
        self.offline.lock().contains(&TopicPartition::new(topic, partition))
    }

    /// This broker.
    pub fn local(&self) -> BrokerId {
        self.local
    }

    /// The replica, if this broker has one.
    pub fn get(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        self.topics.load().get(topic)?.get(&partition).cloned()
    }

    /// All replicas.
    pub fn all(&self) -> Vec<Arc<Partition>> {
        self.topics.load().values().flat_map(|p| p.values().cloned()).collect()
    }

    /// The replicas that lead.
    pub fn leaders(&self) -> Vec<Arc<Partition>> {
        self.all().into_iter().filter(|partition| partition.is_leader()).collect()
    }

    /// Told when a change of an in-sync set is wanted.
    pub fn isr_wanted(&self) -> &Notify {
        &self.isr_wanted
    }

    /// Told when roles or leaders changed.
    pub fn roles_changed(&self) -> &Notify {
        &self.roles_changed
    }

    /// `replica.lag.time.max.ms`.
    pub fn lag_max(&self) -> Duration {
        let millis = self.lag_max_ms.load(Ordering::Relaxed);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0).max(2))
    }

    /// Takes over changed topic configurations.
    pub fn reload_configs(&self, is_affected: &dyn Fn(&str) -> bool) {
        for partition in self.all() {
            let topic = &partition.id().topic;
            if is_affected(topic) {
                let config = (self.resolve)(topic);
                if let Some(future) = self.log_dirs.future(partition.id()) {
                    future.set_config(config.clone());
                }
                partition.log().set_config(config);
            }
        }
    }

    /// The newest controller epoch seen. `Err` with it when `epoch` is older.
    fn accept(newest: &mut i32, epoch: i32) -> Result<(), i32> {
        if epoch < *newest {
            return Err(*newest);
        }
        *newest = epoch;
        Ok(())
    }

    /// Checks an UpdateMetadata's controller epoch and remembers it.
    pub fn accept_controller_epoch(&self, epoch: i32) -> Result<(), i32> {
        Self::accept(&mut self.controller_epoch.lock(), epoch)
    }

    /// Carries out a LeaderAndIsr. `Err` with the newest controller epoch when it is stale.
    pub fn apply_leader_and_isr(
        &self,
        controller_epoch: i32,
        partitions: &[LeaderAndIsr],
    ) -> Result<Told, i32> {
        let mut newest = self.controller_epoch.lock();
        Self::accept(&mut newest, controller_epoch)?;
        let mut told = Told {
            outcomes: Vec::with_capacity(partitions.len()),
            became_leader: Vec::new(),
            became_follower: Vec::new(),
        };
        let mut added = Vec::new();
        for order in partitions {
            let outcome = self.apply_one(order, &mut added);
            self.note_offline(order, &outcome);
            if let Ok(partition) = &outcome {
                self.resume_move(partition);
                let entry = (partition.id().clone(), order.leader_epoch);
                let is_leader = order.leader == self.local;
                let list =
                    if is_leader { &mut told.became_leader } else { &mut told.became_follower };
                list.push(entry);
            }
            told.outcomes.push(outcome.map(|_| ()));
        }
        self.add(added);
        self.roles_changed.notify_one();
        Ok(told)
    }

    fn note_offline(&self, order: &LeaderAndIsr, outcome: &Result<Arc<Partition>, PartitionError>) {
        let id = TopicPartition::new(order.topic.as_str(), order.partition);
        match outcome {
            Ok(_) => _ = self.offline.lock().remove(&id),
            Err(PartitionError::Log(LogError::Offline(_) | LogError::Io(_))) => {
                self.offline.lock().insert(id);
            }
            Err(_) => {}
        }
    }

    fn add(&self, added: Vec<Arc<Partition>>) {
        if added.is_empty() {
            return;
        }
        let mut topics = Topics::clone(&self.topics.load());
        for partition in added {
            let id = partition.id();
            topics.entry(id.topic.clone()).or_default().insert(id.partition, partition.clone());
        }
        self.topics.store(Arc::new(topics));
    }

    fn apply_one(
        &self,
        order: &LeaderAndIsr,
        added: &mut Vec<Arc<Partition>>,
    ) -> Result<Arc<Partition>, PartitionError> {
        let hosted = self.get(&order.topic, order.partition);
        if let Some(partition) = &hosted {
            // Whatever is asked, so that the controller learns of a disk that failed.
            partition.log().check_online()?;
        }
        let current = hosted.as_ref().map_or(-1, |partition| partition.leader_epoch());
        let id = TopicPartition::new(order.topic.as_str(), order.partition);
        let log = self.log_dirs.get(&id);
        let log_id = log.as_ref().and_then(|log| log.topic_id());
        if !order.topic_id.is_nil() && log_id.is_some_and(|id| id != order.topic_id) {
            return Err(PartitionError::InconsistentTopicId);
        }
        if order.leader_epoch < current {
            return Err(PartitionError::StaleControllerEpoch);
        }
        if let Some(partition) = hosted.as_ref().filter(|_| order.leader_epoch == current) {
            // Nothing new, but that a topic of before KIP-516 may get its id this way.
            return match (log, log_id, order.topic_id.is_nil()) {
                (Some(log), None, false) => {
                    log.assign_topic_id(order.topic_id)?;
                    Ok(partition.clone())
                }
                _ => Err(PartitionError::StaleControllerEpoch),
            };
        }
        if !order.replicas.contains(&self.local) {
            return Err(PartitionError::Unknown);
        }
        let partition = match hosted {
            Some(partition) => partition,
            None => {
                let partition = self.create(id, order)?;
                added.push(partition.clone());
                partition
            }
        };
        partition.become_replica(order)?;
        Ok(partition)
    }

    fn create(
        &self,
        id: TopicPartition,
        order: &LeaderAndIsr,
    ) -> Result<Arc<Partition>, PartitionError> {
        let topic_id = Some(order.topic_id).filter(|id| !id.is_nil());
        let config = (self.resolve)(&id.topic);
        let log = self.log_dirs.host(&id, topic_id, config.clone(), order.is_new)?;
        // One that was there was opened with what was known then.
        log.set_config(config);
        if let (Some(topic_id), None) = (topic_id, log.topic_id()) {
            log.assign_topic_id(topic_id)?;
        }
        let checkpointed = self.checkpointed.lock().remove(&id).unwrap_or(0);
        let floor = log.log_start_offset();
        log.set_high_watermark(checkpointed.clamp(floor, log.log_end_offset().max(floor)));
        let lag_max_ms = self.lag_max_ms.load(Ordering::Relaxed);
        let signal = Arc::clone(&self.isr_wanted);
        Ok(Arc::new(Partition::new(id, self.local, log, lag_max_ms, signal)))
    }

    /// Carries out one partition of a StopReplica. `leader_epoch` is -1 below v3 (not checked)
    /// and -2 when the topic is being deleted (always obeyed).
    pub fn stop_replica(
        &self,
        id: &TopicPartition,
        leader_epoch: i32,
        delete: bool,
    ) -> Result<(), PartitionError> {
        let _one = self.controller_epoch.lock();
        if let Some(partition) = self.get(&id.topic, id.partition) {
            partition.log().check_online()?;
            let current = partition.leader_epoch();
            if leader_epoch >= 0 && leader_epoch < current {
                return Err(PartitionError::FencedLeaderEpoch);
            }
            partition.stop();
            if delete {
                self.remove(id);
            }
        }
        if delete {
            self.offline.lock().remove(id);
            self.checkpointed.lock().remove(id);
            self.log_dirs.delete(id)?;
        }
        Ok(())
    }

    fn remove(&self, id: &TopicPartition) {
        let mut topics = Topics::clone(&self.topics.load());
        if let Some(partitions) = topics.get_mut(&id.topic) {
            partitions.remove(&id.partition);
            if partitions.is_empty() {
                topics.remove(&id.topic);
            }
        }
        self.topics.store(Arc::new(topics));
    }

    /// Writes every directory's `replication-offset-checkpoint`. Errors are the directory's.
    pub fn checkpoint_high_watermarks(&self) -> Result<(), PartitionError> {
        let _one_at_a_time = self.checkpointing.lock();
        let waiting = self.checkpointed.lock().clone();
        checkpoint::write_all(&self.log_dirs, &self.all(), &waiting)
    }

    /// Writes the checkpoints every `replica.high.watermark.checkpoint.interval.ms`, for ever.
    pub async fn keep_checkpoints(self: Arc<Self>, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            let replicas = Arc::clone(&self);
            let written =
                tokio::task::spawn_blocking(move || replicas.checkpoint_high_watermarks()).await;
            match written {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "cannot write high watermarks"),
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TopicConfig;
    use crate::log::{CleanerConfig, LogDirsConfig};

    #[test]
    fn a_log_that_was_there_takes_the_configuration_that_its_topic_has_now() {
        let root = tempfile::tempdir().expect("a directory");
        let config = LogDirsConfig {
            dirs: vec![root.path().to_owned()],
            recovery_threads: 1,
            checkpoint_interval: Duration::from_secs(3600),
            retention_interval: Duration::from_secs(3600),
            producer_expiry_ms: i64::MAX,
            cleaner: CleanerConfig::off(),
        };
        let log_dirs = LogDirs::open(config, &|_| Arc::default(), &|_| {}).expect("opened");
        let id = TopicPartition::new("orders", 0);
        let log = log_dirs.get_or_create(&id, None, Arc::default()).expect("created");
        let now = Arc::new(TopicConfig { retention_ms: 77, ..TopicConfig::default() });
        let replicas = Replicas::new(1, log_dirs, Box::new(move |_| now.clone()), 30_000);
        let order = LeaderAndIsr {
            topic: "orders".to_owned(),
            leader: 1,
            leader_epoch: 1,
            isr: vec![1],
            replicas: vec![1],
            ..Default::default()
        };
        replicas.apply_leader_and_isr(1, &[order]).expect("obeyed");
        assert_eq!(log.config().retention_ms, 77);
    }
}
