//! Loading one log directory at start: its lock, its checkpoints, and all its logs in parallel.

use super::api::{LogError, Progress};
use super::checkpoint;
use super::dirs::LogDirs;
use super::futures::{Kind, parse_name};
use super::partition_log::{Known, Log, Place};
use super::shared::DirState;
use crate::config::TopicConfig;
use crate::types::{TopicPartition, now_ms};
use dashmap::mapref::entry::Entry;
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One directory to load.
pub(super) struct Loading<'a> {
    pub(super) state: &'a Arc<DirState>,
    pub(super) dirs: &'a LogDirs,
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
            while let Some(log) = found.get(next.fetch_add(1, Ordering::Relaxed)) {
                let known = Known {
                    clean,
                    recovery_point: recovery.get(&log.id).copied().unwrap_or(0),
                    log_start: starts.get(&log.id).copied().unwrap_or(0),
                };
                if let Err(error) = self.load_one(log, known) {
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

    fn load_one(&self, found: &Found, known: Known) -> Result<(), LogError> {
        let Found { id, dir, kind } = found;
        let place = Place {
            id: id.clone(),
            dir: dir.clone(),
            dir_state: self.state.clone(),
            shared: self.dirs.shared.clone(),
            config: (self.resolve)(&id.topic),
        };
        let log = Arc::new(Log::open(place, known, now_ms())?);
        let logs = if *kind == Kind::Future { &self.dirs.futures } else { &self.dirs.logs };
        let other = match logs.entry(id.clone()) {
            Entry::Vacant(place) => {
                place.insert(log);
                return Ok(());
            }
            Entry::Occupied(place) => place.get().clone(),
        };
        if *kind == Kind::Future {
            // A copy can be made again.
            return self.dirs.discard_log(&log);
        }
        let _one_at_a_time = self.dirs.creating.lock();
        self.dirs.keep_the_longer(other, log)
    }

    /// The logs in it; those deleted before go on being deleted.
    fn found(&self) -> Result<Vec<Found>, LogError> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(&self.state.path)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                continue;
            }
            let dir = entry.path();
            match parse_name(&entry.file_name().to_string_lossy()) {
                Some((_, Kind::Deleted)) => self.dirs.shared.remove_later(dir, now_ms()),
                Some((id, kind @ (Kind::Current | Kind::Future))) => {
                    all.push(Found { id, dir, kind });
                }
                Some((_, Kind::Stray)) => {
                    tracing::warn!(dir = %dir.display(), "a stray log is left where it is");
                }
                None => {}
            }
        }
        Ok(all)
    }
}

/// A log to load.
struct Found {
    id: TopicPartition,
    dir: PathBuf,
    kind: Kind,
}
