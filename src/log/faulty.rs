//! Faults for tests, by path: a disk that is full, a sync that fails, a process without
//! descriptors; and which bytes were written since a file was last synced, so that a power cut
//! can take them.
//!
//! A [`Disk`] is the directory of a log: what goes wrong with it goes wrong with all its files.

use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

/// What is to go wrong in a directory.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// Bytes until it is full; `None` is room for all.
    room: Mutex<Option<usize>>,
    /// Syncs until one fails.
    syncs: Mutex<Option<usize>>,
    names: Mutex<Names>,
    /// One of the two came true.
    tripped: AtomicBool,
}

/// Renames and removals of files.
#[derive(Debug, Default)]
struct Names {
    changed: usize,
    /// This one fails.
    once: Option<usize>,
    /// This one and all after it fail.
    from: Option<usize>,
}

impl Disk {
    /// The disk is full after so many bytes, until told otherwise.
    pub(crate) fn set_room(&self, bytes: Option<usize>) {
        *self.room.lock() = bytes;
    }

    /// So many syncs from now one fails.
    pub(crate) fn fail_sync_after(&self, syncs: Option<usize>) {
        *self.syncs.lock() = syncs;
    }

    /// Counted from now on, renames and removals of files fail: number `once`, and all that are
    /// not before `from`, as if the process had ended there.
    pub(crate) fn fail_names(&self, once: Option<usize>, from: Option<usize>) {
        *self.names.lock() = Names { changed: 0, once, from };
    }

    /// Renames and removals, also those that failed, since [`fail_names`](Self::fail_names).
    pub(crate) fn names_changed(&self) -> usize {
        self.names.lock().changed
    }

    fn change_name(&self) -> io::Result<()> {
        let mut names = self.names.lock();
        let at = names.changed;
        names.changed += 1;
        match names.once == Some(at) || names.from.is_some_and(|from| at >= from) {
            true => Err(io::Error::from_raw_os_error(libc::EIO)),
            false => Ok(()),
        }
    }

    /// Whether anything went wrong since the last call.
    pub(crate) fn take_tripped(&self) -> bool {
        self.tripped.swap(false, Ordering::AcqRel)
    }

    /// How much of `len` bytes can be written.
    fn take_room(&self, len: usize) -> Option<usize> {
        let mut room = self.room.lock();
        let left = (*room)?;
        if len <= left {
            *room = Some(left - len);
            return None;
        }
        *room = Some(0);
        self.tripped.store(true, Ordering::Release);
        Some(left)
    }

    fn sync(&self) -> io::Result<()> {
        let mut syncs = self.syncs.lock();
        match *syncs {
            Some(0) => {
                *syncs = None;
                self.tripped.store(true, Ordering::Release);
                Err(io::Error::from_raw_os_error(libc::EIO))
            }
            more => {
                *syncs = more.map(|n| n - 1);
                Ok(())
            }
        }
    }
}

/// What is to go wrong with a file, and what of it is not synced.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    disk: Arc<Disk>,
    short_write: Mutex<Option<usize>>,
    failed_sync: Mutex<bool>,
    unsynced: Mutex<Vec<Range<u64>>>,
    refuse_open: AtomicBool,
}

static FILES: LazyLock<Mutex<HashMap<PathBuf, Arc<Faults>>>> = LazyLock::new(Mutex::default);
static DISKS: LazyLock<Mutex<HashMap<PathBuf, Arc<Disk>>>> = LazyLock::new(Mutex::default);

/// The faults of a file.
pub(crate) fn of(path: &Path) -> Arc<Faults> {
    let disk = || disk_of(path.parent().unwrap_or(path));
    let new = || Arc::new(Faults { disk: disk(), ..Faults::default() });
    FILES.lock().entry(path.to_owned()).or_insert_with(new).clone()
}

/// The faults of a directory.
pub(crate) fn disk_of(dir: &Path) -> Arc<Disk> {
    DISKS.lock().entry(dir.to_owned()).or_default().clone()
}

/// Before a file is renamed or removed.
pub(super) fn change_name(path: &Path) -> io::Result<()> {
    let disk = path.parent().and_then(|dir| DISKS.lock().get(dir).cloned());
    disk.map_or(Ok(()), |disk| disk.change_name())
}

/// A file has another name; what was there is no more.
pub(super) fn renamed(from: &Path, to: &Path) {
    let mut files = FILES.lock();
    if let Some(faults) = files.remove(from) {
        files.insert(to.to_owned(), faults);
    }
}

/// An error if a small file of `len` bytes, synced at once, cannot be written.
pub(super) fn write_whole(path: &Path, len: usize) -> io::Result<()> {
    match disk_of(path.parent().unwrap_or(path)).take_room(len) {
        Some(_) => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
        None => Ok(()),
    }
}

/// Unsynced files of a directory, by path; they count as synced from now on.
pub(crate) fn take_unsynced(dir: &Path) -> BTreeMap<PathBuf, Vec<Range<u64>>> {
    let mut all = BTreeMap::new();
    for (path, faults) in FILES.lock().iter().filter(|(path, _)| path.parent() == Some(dir)) {
        let ranges = std::mem::take(&mut *faults.unsynced.lock());
        if !ranges.is_empty() {
            all.insert(path.clone(), ranges);
        }
    }
    all
}

/// Forgets a directory.
pub(crate) fn forget(dir: &Path) {
    FILES.lock().retain(|path, _| path.parent() != Some(dir));
    DISKS.lock().remove(dir);
}

impl Faults {
    /// The next write stops after `bytes` with a full disk.
    pub(crate) fn write_short(&self, bytes: usize) {
        *self.short_write.lock() = Some(bytes);
    }

    /// The process has no descriptor for it, until told otherwise.
    pub(crate) fn refuse_open(&self, refuse: bool) {
        self.refuse_open.store(refuse, Ordering::Relaxed);
    }

    /// The next sync fails.
    pub(crate) fn fail_sync(&self) {
        *self.failed_sync.lock() = true;
    }

    pub(super) fn open(&self) -> io::Result<()> {
        match self.refuse_open.load(Ordering::Relaxed) {
            true => Err(io::Error::from_raw_os_error(libc::EMFILE)),
            false => Ok(()),
        }
    }

    /// Before `len` bytes are written at `position`: how many of them can be, if not all.
    pub(super) fn write(&self, position: u64, len: usize) -> Option<usize> {
        let short = self.short_write.lock().take().or_else(|| self.disk.take_room(len));
        let written = short.unwrap_or(len).min(len);
        self.unsynced.lock().push(position..position + written as u64);
        short
    }

    /// The file was cut, or made longer.
    pub(super) fn set_len(&self, len: u64) {
        let mut ranges = self.unsynced.lock();
        ranges.iter_mut().for_each(|range| range.end = range.end.min(len));
        ranges.retain(|range| !range.is_empty());
    }

    /// Before it is synced.
    pub(super) fn sync(&self) -> io::Result<()> {
        if std::mem::take(&mut *self.failed_sync.lock()) {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        self.disk.sync()?;
        self.unsynced.lock().clear();
        Ok(())
    }
}
