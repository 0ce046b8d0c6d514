//! The broker's log directories (Kafka's `LogManager`): locked, loaded in parallel, kept by a
//! thread of their own, closed cleanly. A directory that fails takes its logs offline with it.

use super::api::{LogError, Progress};
use super::checkpoint::{self, Meta};
use super::cleaner::{Cleaner, CleanerConfig};
use super::futures::write_checkpoints;
use super::loading::{self, Loading};
use super::partition_log::Log;
use super::shared::{DirState, Shared};
use crate::config::{BrokerConfig, TopicConfig, key};
use crate::types::{TopicId, TopicPartition};
use dashmap::DashMap;
use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// What the directories are to be like.
#[derive(Clone, Debug)]
pub struct LogDirsConfig {
    /// `log.dirs`.
    pub dirs: Vec<PathBuf>,
    /// Threads that load a directory.
    pub recovery_threads: usize,
    /// Between two writes of the checkpoints.
    pub checkpoint_interval: Duration,
    /// Between two looks for old segments.
    pub retention_interval: Duration,
    /// ms after which a producer that writes nothing is forgotten.
    pub producer_expiry_ms: i64,
    /// How compacted topics are cleaned.
    pub cleaner: CleanerConfig,
}

impl LogDirsConfig {
    /// As the broker's configuration says.
    pub fn from_broker(config: &BrokerConfig) -> Self {
        let millis = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        let threads = config.get(key::NUM_RECOVERY_THREADS_PER_DATA_DIR);
        let checkpoint = config.get(key::LOG_FLUSH_OFFSET_CHECKPOINT_INTERVAL_MS);
        LogDirsConfig {
            dirs: config.log_dirs(),
            recovery_threads: usize::try_from(threads).unwrap_or(1).max(1),
            checkpoint_interval: millis(i64::from(checkpoint)),
            retention_interval: millis(config.get(key::LOG_RETENTION_CHECK_INTERVAL_MS)),
            producer_expiry_ms: i64::from(config.get(key::PRODUCER_ID_EXPIRATION_MS)),
            cleaner: CleanerConfig::from_broker(config),
        }
    }
}

/// One directory, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirStatus {
    /// Where.
    pub path: PathBuf,
    /// Whether it takes records.
    pub online: bool,
}

/// All log directories of a broker.
#[derive(Debug)]
pub struct LogDirs {
    pub(super) config: LogDirsConfig,
    pub(super) dirs: Vec<Arc<DirState>>,
    /// Held open: their locks go with them.
    locks: Mutex<Vec<File>>,
    pub(super) logs: DashMap<TopicPartition, Arc<Log>>,
    /// Copies on their way to another directory.
    pub(super) futures: DashMap<TopicPartition, Arc<Log>>,
    /// Where logs are to be that are not there.
    pub(super) preferred: Mutex<HashMap<TopicPartition, PathBuf>>,
    pub(super) shared: Arc<Shared>,
    pub(super) creating: Mutex<()>,
    /// Held while checkpoints are written: two that write the same `.tmp` take it from each other.
    checkpointing: Mutex<()>,
    pub(super) cleaner: Cleaner,
    pub(super) producer_expiry_ms: AtomicI64,
    pub(super) stop: Mutex<bool>,
    pub(super) stopped: Condvar,
}

impl LogDirs {
    /// Locks and loads all directories. One that cannot be is offline; fails if all are, or if
    /// another process holds one.
    pub fn open(
        config: LogDirsConfig,
        resolve: &(dyn Fn(&str) -> Arc<TopicConfig> + Sync),
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Arc<LogDirs>, LogError> {
        let shared: Arc<Shared> = Arc::default();
        let state = |path: &PathBuf| Arc::new(DirState::new(path.clone(), shared.clone()));
        let dirs = LogDirs {
            dirs: config.dirs.iter().map(state).collect(),
            cleaner: Cleaner::new(config.cleaner),
            producer_expiry_ms: AtomicI64::new(config.producer_expiry_ms),
            config,
            locks: Mutex::default(),
            logs: DashMap::new(),
            futures: DashMap::new(),
            preferred: Mutex::default(),
            shared,
            creating: Mutex::default(),
            checkpointing: Mutex::default(),
            stop: Mutex::new(false),
            stopped: Condvar::new(),
        };
        for state in &dirs.dirs {
            match loading::lock(&state.path) {
                Ok(lock) => dirs.locks.lock().push(lock),
                Err(error @ LogError::Locked(_)) => return Err(error),
                Err(error) => state.fail(&error),
            }
        }
        std::thread::scope(|scope| {
            for state in dirs.dirs.iter().filter(|state| state.is_online()) {
                let threads = dirs.config.recovery_threads;
                let loading = Loading { state, dirs: &dirs, threads, resolve, progress };
                scope.spawn(move || loading.run());
            }
        });
        if !dirs.dirs.iter().any(|state| state.is_online()) {
            return Err(LogError::NoDirectory);
        }
        dirs.resume_moves();
        let dirs = Arc::new(dirs);
        let owner = Arc::downgrade(&dirs);
        dirs.shared.on_truncation(move || {
            if let Some(dirs) = owner.upgrade() {
                dirs.checkpoint();
            }
        });
        super::upkeep::start(&dirs)?;
        dirs.cleaner.start(&dirs)?;
        Ok(dirs)
    }

    /// The log of a partition, if it is here.
    pub fn get(&self, id: &TopicPartition) -> Option<Arc<Log>> {
        self.logs.get(id).map(|log| log.clone())
    }

    /// The log of a partition, made if it is not here, where it is preferred to be, else in the
    /// directory with the fewest.
    pub fn get_or_create(
        &self,
        id: &TopicPartition,
        topic_id: Option<TopicId>,
        config: Arc<TopicConfig>,
    ) -> Result<Arc<Log>, LogError> {
        self.host(id, topic_id, config, true)
    }

    /// As [`get_or_create`](Self::get_or_create). A log that is not `new` for the whole cluster
    /// might be in a directory that is offline: while there is one, none is made.
    pub fn host(
        &self,
        id: &TopicPartition,
        topic_id: Option<TopicId>,
        config: Arc<TopicConfig>,
        is_new: bool,
    ) -> Result<Arc<Log>, LogError> {
        let _one_at_a_time = self.creating.lock();
        if let Some(log) = self.get(id) {
            log.dir_state.check()?;
        } else if !is_new {
            self.dirs.iter().try_for_each(|state| state.check())?;
        }
        self.judge_future(id, topic_id, is_new)?;
        if let Some(log) = self.get(id) {
            return Ok(log);
        }
        let mut failed = LogError::NoDirectory;
        for state in self.candidates(id)? {
            match self.make(id, &state, &id.to_string(), topic_id, config.clone()) {
                Ok(log) => {
                    self.logs.insert(id.clone(), log.clone());
                    self.preferred.lock().remove(id);
                    return Ok(log);
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Where a log may be made, best first.
    fn candidates(&self, id: &TopicPartition) -> Result<Vec<Arc<DirState>>, LogError> {
        if let Some(dir) = self.preferred.lock().get(id) {
            let state = self.dirs.iter().find(|state| state.path == *dir);
            return state.cloned().map(|state| vec![state]).ok_or(LogError::NoDirectory);
        }
        let mut online: Vec<_> = self.dirs.iter().filter(|s| s.is_online()).cloned().collect();
        // With one directory there is nothing to count.
        if online.len() > 1 {
            let all = || self.logs.iter().chain(self.futures.iter());
            let count = |s: &Arc<DirState>| all().filter(|l| Arc::ptr_eq(&l.dir_state, s)).count();
            online.sort_by_cached_key(count);
        }
        Ok(online)
    }

    /// Takes a log away, and its copy: the directories are renamed now and removed after
    /// `file.delete.delay.ms`.
    pub fn delete(&self, id: &TopicPartition) -> Result<(), LogError> {
        self.preferred.lock().remove(id);
        let future = self.drop_future(id);
        let Some((_, log)) = self.logs.remove(id) else { return future };
        self.discard_log(&log)?;
        self.checkpoint();
        future
    }

    /// Has `told` called, once for each, with directories that fail from now on.
    pub fn on_failure(&self, told: impl Fn(&Path) + Send + Sync + 'static) {
        self.shared.on_failure(Box::new(told));
    }

    /// All directories.
    pub fn dirs(&self) -> Vec<DirStatus> {
        let status = |state: &Arc<DirState>| DirStatus {
            path: state.path.clone(),
            online: state.is_online(),
        };
        self.dirs.iter().map(status).collect()
    }

    /// All logs.
    pub fn all(&self) -> Vec<Arc<Log>> {
        self.logs.iter().map(|log| log.clone()).collect()
    }

    /// Whose the directories are: the first that says so.
    pub fn meta(&self) -> Meta {
        let online = self.dirs.iter().filter(|state| state.is_online());
        let metas = online.filter_map(|state| checkpoint::read_meta(&state.path).ok());
        metas.into_iter().find(|meta| *meta != Meta::default()).unwrap_or_default()
    }

    /// Two directories that say different things of whose they are, if there are such.
    pub fn conflicting_meta(&self) -> Option<(PathBuf, PathBuf)> {
        let read = |state: &Arc<DirState>| {
            let meta = checkpoint::read_meta(&state.path).unwrap_or_default();
            (state.path.clone(), meta)
        };
        let all: Vec<_> = self.dirs.iter().filter(|s| s.is_online()).map(read).collect();
        let differ = |one: &Meta, two: &Meta| {
            let cluster = one.cluster_id.is_some() && two.cluster_id.is_some();
            let broker = one.broker_id.is_some() && two.broker_id.is_some();
            cluster && one.cluster_id != two.cluster_id || broker && one.broker_id != two.broker_id
        };
        all.iter().enumerate().find_map(|(at, (path, meta))| {
            let (other, _) = all.iter().skip(at + 1).find(|(_, other)| differ(meta, other))?;
            Some((path.clone(), other.clone()))
        })
    }

    /// Makes all directories this broker's. One that is already is not written to: its disk may
    /// be full. One that cannot be, as a new one on a full disk, goes offline, as with Kafka.
    ///
    /// # Errors
    /// If none is left.
    pub fn write_meta(&self, broker_id: i32, cluster_id: &str) -> Result<(), LogError> {
        let meta = Meta { broker_id: Some(broker_id), cluster_id: Some(cluster_id.to_owned()) };
        for state in self.dirs.iter().filter(|state| state.is_online()) {
            let written = match checkpoint::read_meta(&state.path) {
                Ok(known) if known == meta => Ok(()),
                Ok(_) => checkpoint::write_meta(&state.path, broker_id, cluster_id),
                Err(error) => Err(error),
            };
            written.unwrap_or_else(|error| state.fail(&error));
        }
        let is_any_left = self.dirs.iter().any(|state| state.is_online());
        if is_any_left { Ok(()) } else { Err(LogError::NoDirectory) }
    }

    /// Takes what may change of the broker's configuration while it runs: `log.cleaner.*` and
    /// `producer.id.expiration.ms`.
    pub fn reconfigure(self: &Arc<Self>, config: &BrokerConfig) -> Result<(), LogError> {
        let expiry = i64::from(config.get(key::PRODUCER_ID_EXPIRATION_MS));
        self.producer_expiry_ms.store(expiry, Ordering::Relaxed);
        self.cleaner.reconfigure(self, CleanerConfig::from_broker(config))
    }

    /// Partitions that cannot be cleaned, until the broker starts again.
    pub fn uncleanable(&self) -> Vec<TopicPartition> {
        self.cleaner.uncleanable()
    }

    /// The cleaner's gauges.
    pub fn cleaner_metrics(&self) -> super::CleanerMetrics {
        self.cleaner.metrics(self)
    }

    /// Writes recovery points and log start offsets.
    pub fn checkpoint(&self) {
        let _one_at_a_time = self.checkpointing.lock();
        for state in self.dirs.iter().filter(|state| state.is_online()) {
            match write_checkpoints(self, state) {
                Ok(()) => {}
                // The old ones are whole: a start after a crash only reads more.
                Err(error) if error.is_disk_full() => {
                    tracing::warn!(dir = %state.path.display(), "disk full, no checkpoint");
                }
                Err(error) => state.fail(&error),
            }
        }
    }

    /// Shuts down cleanly: everything is on disk and the next start reads no batches.
    pub fn close(&self, broker_epoch: i64) {
        {
            // No move may be half-way.
            let _one_at_a_time = self.creating.lock();
            *self.stop.lock() = true;
        }
        self.stopped.notify_all();
        let mut unclean: Vec<Arc<DirState>> = Vec::new();
        for log in self.all().into_iter().chain(self.all_futures()) {
            if let Err(error) = log.close() {
                tracing::error!(%error, dir = %log.dir().display(), "not closed cleanly");
                log.dir_state.fail_unless_short(&error);
                unclean.push(log.dir_state.clone());
            }
        }
        self.checkpoint();
        let is_clean = |state: &&Arc<DirState>| !unclean.iter().any(|s| Arc::ptr_eq(s, state));
        for state in self.dirs.iter().filter(|state| state.is_online()).filter(is_clean) {
            if let Err(error) = checkpoint::write_clean_shutdown(&state.path, broker_epoch) {
                tracing::error!(%error, dir = %state.path.display(), "no clean shutdown");
                state.fail_unless_short(&error);
            }
        }
        self.locks.lock().clear();
    }
}

/// `<topic>-<partition>.<32 hex>-delete` (or `-stray`), at most 255 bytes.
pub(super) fn retired_name(id: &TopicPartition, unique: uuid::Uuid, what: &str) -> String {
    let suffix = format!("-{}.{}-{what}", id.partition, unique.simple());
    let topic = id.topic.get(..255usize.saturating_sub(suffix.len())).unwrap_or(&id.topic);
    format!("{topic}{suffix}")
}

#[cfg(test)]
#[path = "dirs_tests.rs"]
mod tests;
