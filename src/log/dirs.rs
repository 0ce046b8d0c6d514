//! The broker's log directories (Kafka's `LogManager`): locked, loaded in parallel, kept by a
//! thread of their own, closed cleanly. A directory that fails takes its logs offline with it.

use super::api::{LogError, Progress};
use super::checkpoint::{self, Meta};
use super::cleaner::{Cleaner, CleanerConfig};
use super::loading::{self, Loading};
use super::partition_log::{Known, Log, Place};
use super::shared::{DirState, Shared};
use crate::config::{BrokerConfig, TopicConfig, key};
use crate::types::{TopicId, TopicPartition, now_ms};
use dashmap::DashMap;
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
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
    pub(super) shared: Arc<Shared>,
    creating: Mutex<()>,
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
        let states = config.dirs.iter().cloned().map(DirState::new).map(Arc::new);
        let dirs = LogDirs {
            dirs: states.collect(),
            cleaner: Cleaner::new(config.cleaner),
            producer_expiry_ms: AtomicI64::new(config.producer_expiry_ms),
            config,
            locks: Mutex::default(),
            logs: DashMap::new(),
            shared: Arc::default(),
            creating: Mutex::default(),
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
                let shared = &dirs.shared;
                let threads = dirs.config.recovery_threads;
                let logs = &dirs.logs;
                let loading = Loading { state, shared, logs, threads, resolve, progress };
                scope.spawn(move || loading.run());
            }
        });
        if !dirs.dirs.iter().any(|state| state.is_online()) {
            return Err(LogError::NoDirectory);
        }
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

    /// The log of a partition, made in the directory with the fewest if it is not here.
    pub fn get_or_create(
        &self,
        id: &TopicPartition,
        topic_id: Option<TopicId>,
        config: Arc<TopicConfig>,
    ) -> Result<Arc<Log>, LogError> {
        let _one_at_a_time = self.creating.lock();
        if let Some(log) = self.get(id) {
            return Ok(log);
        }
        let count = |state: &Arc<DirState>| {
            // With one directory there is nothing to count.
            if self.dirs.len() == 1 {
                return 0;
            }
            self.logs.iter().filter(|log| Arc::ptr_eq(&log.dir_state, state)).count()
        };
        let online = self.dirs.iter().filter(|state| state.is_online());
        let state = online.min_by_key(|state| count(state)).ok_or(LogError::NoDirectory)?;
        let place = Place {
            id: id.clone(),
            dir: state.path.join(id.to_string()),
            dir_state: state.clone(),
            shared: self.shared.clone(),
            config,
        };
        let known = Known { clean: true, ..Known::default() };
        let log = Arc::new(Log::open(place, known, now_ms())?);
        if let Some(topic_id) = topic_id {
            log.assign_topic_id(topic_id)?;
        }
        self.logs.insert(id.clone(), log.clone());
        Ok(log)
    }

    /// Takes a log away: its directory is renamed now and removed after `file.delete.delay.ms`.
    pub fn delete(&self, id: &TopicPartition) -> Result<(), LogError> {
        let Some((_, log)) = self.logs.remove(id) else { return Ok(()) };
        let to = log.dir_state.path.join(deleted_name(id, uuid::Uuid::new_v4()));
        log.retire(&to)?;
        self.shared.remove_later(to, now_ms().saturating_add(log.config().file_delete_delay_ms));
        self.checkpoint();
        Ok(())
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

    /// Makes all directories this broker's.
    pub fn write_meta(&self, broker_id: i32, cluster_id: &str) -> Result<(), LogError> {
        for state in self.dirs.iter().filter(|state| state.is_online()) {
            checkpoint::write_meta(&state.path, broker_id, cluster_id)?;
        }
        Ok(())
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

    /// Writes recovery points and log start offsets.
    pub fn checkpoint(&self) {
        for state in self.dirs.iter().filter(|state| state.is_online()) {
            let (mut recovery, mut starts) = (BTreeMap::new(), BTreeMap::new());
            for log in self.logs.iter().filter(|log| Arc::ptr_eq(&log.dir_state, state)) {
                let id = log.topic_partition().clone();
                recovery.insert(id.clone(), log.recovery_point());
                let first = log.segments.load().first().map_or(0, |s| s.base_offset);
                if log.log_start_offset() > first {
                    starts.insert(id, log.log_start_offset());
                }
            }
            let write = |name, offsets| checkpoint::write(&state.path.join(name), offsets);
            let result = write(checkpoint::RECOVERY_POINT, &recovery)
                .and_then(|()| write(checkpoint::LOG_START, &starts));
            match result {
                Ok(()) => {}
                // The old ones are whole: a start after a crash only reads more.
                Err(LogError::Io(error)) if error.raw_os_error() == Some(libc::ENOSPC) => {
                    tracing::warn!(dir = %state.path.display(), "disk full, no checkpoint");
                }
                Err(error) => state.fail(&error),
            }
        }
    }

    /// Shuts down cleanly: everything is on disk and the next start reads no batches.
    pub fn close(&self, broker_epoch: i64) {
        *self.stop.lock() = true;
        self.stopped.notify_all();
        for log in self.all() {
            if let Err(error) = log.close() {
                log.dir_state.fail(&error);
            }
        }
        self.checkpoint();
        for state in self.dirs.iter().filter(|state| state.is_online()) {
            if let Err(error) = checkpoint::write_clean_shutdown(&state.path, broker_epoch) {
                state.fail(&error);
            }
        }
        self.locks.lock().clear();
    }
}

/// `<topic>-<partition>.<32 hex>-delete`, at most 255 bytes.
fn deleted_name(id: &TopicPartition, unique: uuid::Uuid) -> String {
    let suffix = format!("-{}.{}-delete", id.partition, unique.simple());
    let topic = id.topic.get(..255usize.saturating_sub(suffix.len())).unwrap_or(&id.topic);
    format!("{topic}{suffix}")
}

#[cfg(test)]
#[path = "dirs_tests.rs"]
mod tests;
