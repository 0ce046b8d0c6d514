//! Loading one log directory at start: its lock, its checkpoints, and all its logs in parallel.

use super::api::{LogError, Progress};
use super::checkpoint;
use super::partition_log::{Known, Log, Place};
use super::shared::{DirState, Shared};
use crate::config::TopicConfig;
use crate::types::{TopicPartition, now_ms};
use dashmap::DashMap;
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One directory to load.
pub(super) struct Loading<'a> {
    pub(super) state: &'a Arc<DirState>,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) logs: &'a DashMap<TopicPartition, Arc<Log>>,
    pub(super) threads: usize,
    pub(super) resolve: &'a (dyn Fn(&str) -> Arc<TopicConfig> + Sync),
    pub(super) progress: &'a (dyn Fn(Progress) + Sync),
}

/// Takes `.lock`, as a Kafka broker would; it is held as long as the file is open.
pub(super) fn lock(dir: &Path) -> Result<File, LogError> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join(".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let operation = rustix::fs::FlockOperation::NonBlockingLockExclusive;
    match rustix::fs::fcntl_lock(&file, operation) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
            Err(LogError::Locked(dir.to_owned()))
        }
        Err(error) => Err(LogError::Io(error.into())),
    }
}

/// The partition that a directory of this name holds.
pub(super) fn partition_of(name: &str) -> Option<TopicPartition> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition = partition.parse().ok().filter(|partition: &i32| *partition >= 0)?;
    (!topic.is_empty()).then(|| TopicPartition::new(topic, partition))
}

impl Loading<'_> {
    /// Loads all; on an error the directory is offline.
    pub(super) fn run(&self) {
        if let Err(error) = self.load() {
            self.state.fail(&error);
        }
    }

    fn load(&self) -> Result<(), LogError> {
        let path = &self.state.path;
        checkpoint::read_meta(path)?;
        let clean = checkpoint::take_clean_shutdown(path)?;
        // An unreadable checkpoint costs time only: recovery begins at 0.
        let read = |name| checkpoint::read(&path.join(name)).unwrap_or_default();
        let recovery = read(checkpoint::RECOVERY_POINT);
        let starts = read(checkpoint::LOG_START);
        let found = self.found()?;
        let (next, loaded) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let failed = Mutex::new(None);
        let work = || {
            while let Some((id, dir)) = found.get(next.fetch_add(1, Ordering::Relaxed)) {
                let known = Known {
                    clean,
                    recovery_point: recovery.get(id).copied().unwrap_or(0),
                    log_start: starts.get(id).copied().unwrap_or(0),
                };
                if let Err(error) = self.load_one(id, dir, known) {
                    *failed.lock() = Some(error);
                    return;
                }
                let loaded = loaded.fetch_add(1, Ordering::Relaxed) + 1;
                let (dir, total) = (path.clone(), found.len());
                (self.progress)(Progress { dir, loaded, total });
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(work);
            }
        });
        failed.into_inner().map_or(Ok(()), Err)
    }

    fn load_one(&self, id: &TopicPartition, dir: &Path, known: Known) -> Result<(), LogError> {
        let place = Place {
            id: id.clone(),
            dir: dir.to_owned(),
            dir_state: self.state.clone(),
            shared: self.shared.clone(),
            config: (self.resolve)(&id.topic),
        };
        let log = Log::open(place, known, now_ms())?;
        if let Some(other) = self.logs.get(id) {
            let why = format!("the partition is in {} too", other.dir().display());
            return Err(LogError::Malformed { path: dir.to_owned(), why });
        }
        self.logs.insert(id.clone(), Arc::new(log));
        Ok(())
    }

    /// The logs in it; those deleted before go on being deleted.
    fn found(&self) -> Result<Vec<(TopicPartition, PathBuf)>, LogError> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.state.path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.file_type()?.is_dir() {
                continue;
            }
            if name.ends_with("-delete") {
                self.shared.remove_later(entry.path(), now_ms());
            } else if let Some(id) = partition_of(&name) {
                found.push((id, entry.path()));
            }
        }
        Ok(found)
    }
}
