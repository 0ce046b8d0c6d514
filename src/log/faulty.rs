//! Faults for tests, by path, so that files opened deep inside can be told to fail.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

/// What is to go wrong with a file, and what of it is synced.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    short_write: Mutex<Option<usize>>,
    failed_sync: Mutex<bool>,
    synced: Mutex<u64>,
    refuse_open: AtomicBool,
}

static ALL: LazyLock<Mutex<HashMap<PathBuf, Arc<Faults>>>> = LazyLock::new(Mutex::default);

pub(crate) fn of(path: &Path) -> Arc<Faults> {
    ALL.lock().entry(path.to_owned()).or_default().clone()
}

impl Faults {
    /// The next write stops after `bytes` with a full disk.
    pub(crate) fn write_short(&self, bytes: usize) {
        *self.short_write.lock() = Some(bytes);
    }

    /// Nothing is to go wrong any more.
    pub(crate) fn clear(&self) {
        *self.short_write.lock() = None;
        *self.failed_sync.lock() = false;
    }

    /// The process has no descriptor for it, until told otherwise.
    pub(crate) fn refuse_open(&self, refuse: bool) {
        self.refuse_open.store(refuse, Ordering::Relaxed);
    }

    pub(super) fn open(&self) -> io::Result<()> {
        match self.refuse_open.load(Ordering::Relaxed) {
            true => Err(io::Error::from_raw_os_error(libc::EMFILE)),
            false => Ok(()),
        }
    }

    /// The next sync fails.
    pub(crate) fn fail_sync(&self) {
        *self.failed_sync.lock() = true;
    }

    /// Bytes that would survive a power cut.
    pub(crate) fn synced(&self) -> u64 {
        *self.synced.lock()
    }

    pub(super) fn take_short_write(&self) -> Option<usize> {
        self.short_write.lock().take()
    }

    pub(super) fn sync(&self, len: u64) -> io::Result<()> {
        if std::mem::take(&mut *self.failed_sync.lock()) {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        *self.synced.lock() = len;
        Ok(())
    }
}
