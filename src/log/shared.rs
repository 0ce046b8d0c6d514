//! What all logs of a directory, or of the broker, have in common.

use super::api::LogError;
use super::open_files::OpenFiles;
use parking_lot::Mutex;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// A log directory. Once its disk has failed it is offline until the broker restarts.
#[derive(Debug)]
pub struct DirState {
    /// Where.
    pub path: PathBuf,
    offline: AtomicBool,
    shared: Arc<Shared>,
}

impl DirState {
    /// A directory that is online.
    pub fn new(path: PathBuf, shared: Arc<Shared>) -> DirState {
        DirState { path, offline: AtomicBool::new(false), shared }
    }

    /// Whether it takes records.
    pub fn is_online(&self) -> bool {
        !self.offline.load(Ordering::Acquire)
    }

    /// Its disk has failed.
    pub fn fail(&self, error: &dyn std::fmt::Display) {
        if !self.offline.swap(true, Ordering::AcqRel) {
            tracing::error!(dir = %self.path.display(), %error, "log directory goes offline");
            if let Some(Told(told)) = self.shared.told.get() {
                told(&self.path);
            }
        }
    }

    /// Its disk has failed, unless room or descriptors are only short.
    pub fn fail_unless_short(&self, error: &LogError) {
        if error.is_of_disk() && !error.is_shortage() {
            self.fail(error);
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
    told: OnceLock<Told>,
}

/// Who is told of a directory that failed.
struct Told(Box<dyn Fn(&Path) + Send + Sync>);

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Told")
    }
}

impl Shared {
    /// Has `told` called with each directory that fails from now on; the first call counts.
    pub fn on_failure(&self, told: Box<dyn Fn(&Path) + Send + Sync>) {
        let _ = self.told.set(Told(told));
    }

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
