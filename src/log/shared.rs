//! What all logs of a directory, or of the broker, have in common.

use super::api::LogError;
use super::open_files::OpenFiles;
use parking_lot::Mutex;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A log directory. Once its disk has failed it is offline until the broker restarts.
#[derive(Debug)]
pub struct DirState {
    /// Where.
    pub path: PathBuf,
    offline: AtomicBool,
}

impl DirState {
    /// A directory that is online.
    pub fn new(path: PathBuf) -> DirState {
        DirState { path, offline: AtomicBool::new(false) }
    }

    /// Whether it takes records.
    pub fn is_online(&self) -> bool {
        !self.offline.load(Ordering::Acquire)
    }

    /// Its disk has failed.
    pub fn fail(&self, error: &dyn std::fmt::Display) {
        if !self.offline.swap(true, Ordering::AcqRel) {
            tracing::error!(dir = %self.path.display(), %error, "log directory goes offline");
        }
    }

    /// An error if it is offline.
    pub fn check(&self) -> Result<(), LogError> {
        if self.is_online() { Ok(()) } else { Err(LogError::Offline(self.path.clone())) }
    }
}

/// Files and directories that are to go at a time.
#[derive(Debug, Default)]
pub struct Shared {
    /// Files that are open.
    pub files: Arc<OpenFiles>,
    trash: Mutex<Vec<(i64, PathBuf)>>,
}

impl Shared {
    /// Removes `path` at `due_ms`.
    pub fn remove_later(&self, path: PathBuf, due_ms: i64) {
        self.trash.lock().push((due_ms, path));
    }

    /// Removes what is due.
    pub fn empty_trash(&self, now_ms: i64) {
        let mut due = Vec::new();
        self.trash.lock().retain(|(at, path)| {
            let keep = *at > now_ms;
            if !keep {
                due.push(path.clone());
            }
            keep
        });
        for path in due {
            let result = match path.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            if let Err(error) = result
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, path = %path.display(), "not removed");
            }
        }
    }
}
