//! One file of the pool: where it is, whether it is open, whether it has unsynced writes.
//!
//! All of that is under the file's own lock, so that an eviction, a rename and an opening never
//! meet. The lock is held for an instant on the hot path: to clone the descriptor's `Arc`.

use super::open_files::OpenFiles;
use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// The directory of a log, which its files share: they are found after it was renamed.
#[derive(Debug)]
pub struct DirPath {
    path: ArcSwap<PathBuf>,
    /// Held by a rename, shared by whoever opens a file by its name.
    renaming: RwLock<()>,
    pool: Arc<OpenFiles>,
}

impl DirPath {
    /// A directory whose files count against the pool's budget.
    pub fn new(path: PathBuf, pool: Arc<OpenFiles>) -> Arc<DirPath> {
        Arc::new(DirPath { path: ArcSwap::from_pointee(path), renaming: RwLock::default(), pool })
    }

    /// A directory whose files count against no budget: for a short time, or a test.
    pub fn unlimited(path: &Path) -> Arc<DirPath> {
        DirPath::new(path.to_owned(), Arc::new(OpenFiles::with_budget(usize::MAX)))
    }

    /// A file in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.load().join(name)
    }

    /// Makes the names in it survive a power cut; a rename of it waits.
    pub fn sync(&self) -> io::Result<()> {
        let _not_renamed = self.renaming.read();
        super::file::sync_dir(&self.path.load())
    }

    /// Renames the directory; its files are opened there from now on.
    pub fn rename_to(&self, to: &Path) -> io::Result<()> {
        let _nobody_opens = self.renaming.write();
        std::fs::rename(self.path.load().as_ref(), to)?;
        self.path.store(Arc::new(to.to_owned()));
        Ok(())
    }
}

impl Deref for DirPath {
    type Target = ArcSwap<PathBuf>;

    fn deref(&self) -> &ArcSwap<PathBuf> {
        &self.path
    }
}

/// What became of a file that was to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evicted {
    /// It was closed.
    Now,
    /// It was not open.
    Before,
    /// It stays open.
    No,
}

/// A file of a log: open, or to be opened.
#[derive(Debug)]
pub(super) struct Pooled {
    pub(super) dir: Arc<DirPath>,
    pub(super) state: Mutex<State>,
    /// Used since the clock came by.
    used: AtomicBool,
    #[cfg(test)]
    pub(super) faults: Arc<super::faulty::Faults>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) name: String,
    open: Option<Arc<File>>,
    /// Which file it is: another at this name is not taken for it. `None` until it is made.
    identity: Option<Identity>,
    /// Written to since it was last synced: the descriptor stays open until it is.
    unsynced: bool,
    /// Counts changes; the number of them that a sync has covered, if there was any.
    changes: u64,
    synced: Option<u64>,
    /// A sync failed: what was written before may be lost, whatever a later one says.
    failed: Option<i32>,
    /// The clock has it.
    listed: bool,
}

/// Inode and, as numbers are given again, when it was made, if the file system knows.
type Identity = (u64, Option<SystemTime>);

fn identity(metadata: &Metadata) -> Identity {
    (metadata.ino(), metadata.created().ok())
}

impl Pooled {
    /// The file `name`, which need not be there yet, and its length.
    pub(super) fn at(dir: Arc<DirPath>, name: String) -> io::Result<(Arc<Pooled>, u64)> {
        let found = match std::fs::metadata(dir.join(&name)) {
            Ok(metadata) => Some(metadata),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        #[cfg(test)]
        let faults = super::faulty::of(&dir.join(&name));
        let identity = found.as_ref().map(identity);
        let len = found.map_or(0, |m| m.len());
        let state = State { name, identity, ..State::default() };
        let used = AtomicBool::new(false);
        let pooled = Pooled {
            dir,
            state: Mutex::new(state),
            used,
            #[cfg(test)]
            faults,
        };
        Ok((Arc::new(pooled), len))
    }

    /// The open file, to read or send from. It stays open as long as the caller has it.
    pub(super) fn to_read(self: &Arc<Self>) -> io::Result<Arc<File>> {
        self.opened(&mut self.state.lock())
    }

    /// The open file, to write data to, and to say afterwards that it was
    /// [`written`](Self::written): a sync meanwhile may have come too early for it.
    pub(super) fn to_write(self: &Arc<Self>) -> io::Result<Arc<File>> {
        let mut state = self.state.lock();
        state.check()?;
        self.opened(&mut state)
    }

    /// Data was written, or a part of it before an error: the file is not closed before a sync.
    pub(super) fn written(&self) {
        let mut state = self.state.lock();
        state.changes += 1;
        if !std::mem::replace(&mut state.unsynced, true) {
            self.dir.pool.count_unsynced(true);
        }
    }

    /// Changes its length.
    pub(super) fn cut(self: &Arc<Self>, len: u64) -> io::Result<()> {
        let file = self.to_read()?;
        let result = file.set_len(len);
        self.state.lock().changes += 1;
        result
    }

    fn opened(self: &Arc<Self>, state: &mut State) -> io::Result<Arc<File>> {
        if let Some(file) = &state.open {
            // Written only if need be: readers of one file do not fight for the line.
            if !self.used.load(Ordering::Relaxed) {
                self.used.store(true, Ordering::Relaxed);
            }
            return Ok(file.clone());
        }
        let pool = &self.dir.pool;
        pool.reserve();
        let file = self.open_now(state).inspect_err(|_| pool.closed())?;
        let file = Arc::new(file);
        state.open = Some(file.clone());
        if !std::mem::replace(&mut state.listed, true) {
            pool.add(Arc::downgrade(self));
        }
        Ok(file)
    }

    fn open_now(&self, state: &mut State) -> io::Result<File> {
        let _not_renamed = self.dir.renaming.read();
        let path = self.dir.join(&state.name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(state.identity.is_none()).truncate(false);
        let file = loop {
            #[cfg(test)]
            let result = self.faults.open().and_then(|()| options.open(&path));
            #[cfg(not(test))]
            let result = options.open(&path);
            match result {
                Err(error) if is_too_many(&error) => {
                    if !self.dir.pool.close_one() {
                        return Err(io::Error::new(error.kind(), TooManyFiles { path }));
                    }
                }
                result => break result?,
            }
        };
        let found = identity(&file.metadata()?);
        if state.identity.is_some_and(|known| known != found) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.identity = Some(found);
        Ok(file)
    }

    /// Metadata, without opening it.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        let state = self.state.lock();
        let _not_renamed = self.dir.renaming.read();
        match &state.open {
            Some(file) => file.metadata(),
            None => std::fs::metadata(self.dir.join(&state.name)),
        }
    }

    /// Gives the file another name in its directory.
    pub(super) fn rename(&self, to: String) -> io::Result<()> {
        let mut state = self.state.lock();
        let _not_renamed = self.dir.renaming.read();
        super::file::rename(&self.dir.join(&state.name), &self.dir.join(&to))?;
        state.name = to;
        Ok(())
    }

    /// Syncs what was written before; does nothing if that was done.
    pub(super) fn sync(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.state.lock();
        state.check()?;
        let covered = state.changes;
        if state.synced == Some(covered) {
            return Ok(());
        }
        let file = self.opened(&mut state)?;
        drop(state);
        let result = self.sync_data(&file);
        let mut state = self.state.lock();
        match &result {
            Ok(()) => state.synced = state.synced.max(Some(covered)),
            Err(error) => state.fail(error),
        }
        // What was written meanwhile is of a later sync.
        if state.changes == covered || result.is_err() {
            self.mark_synced(&mut state);
        }
        result
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        #[cfg(test)]
        self.faults.sync()?;
        file.sync_data()
    }

    fn mark_synced(&self, state: &mut State) {
        if std::mem::take(&mut state.unsynced) {
            self.dir.pool.count_unsynced(false);
        }
    }

    /// Closes it if it is of no use just now and all of it is synced.
    pub(super) fn close_if_unused(&self) -> Evicted {
        let Some(mut state) = self.state.try_lock() else { return Evicted::No };
        if self.used.swap(false, Ordering::Relaxed) && state.open.is_some() || state.unsynced {
            return Evicted::No;
        }
        self.close(&mut state)
    }

    /// Closes it if nobody has it in hand, after a sync if it needs one.
    pub(super) fn sync_and_close(&self) -> Evicted {
        let Some(mut state) = self.state.try_lock() else { return Evicted::No };
        if let Some(file) = state.open.as_ref().filter(|file| Arc::strong_count(file) == 1)
            && state.unsynced
        {
            match self.sync_data(file) {
                Ok(()) => state.synced = Some(state.changes),
                // Not the error of whoever needs room: the next write to or sync of this file
                // says it.
                Err(error) => state.fail(&error),
            }
            self.mark_synced(&mut state);
        }
        self.close(&mut state)
    }

    fn close(&self, state: &mut State) -> Evicted {
        match &state.open {
            None => {
                state.listed = false;
                Evicted::Before
            }
            Some(file) if Arc::strong_count(file) > 1 || state.unsynced => Evicted::No,
            Some(_) => {
                (state.open, state.listed) = (None, false);
                self.dir.pool.closed();
                Evicted::Now
            }
        }
    }

    /// Closes it if nobody has it in hand; the clock goes on listing it.
    pub(super) fn release(&self) {
        let mut state = self.state.lock();
        let listed = state.listed;
        self.close(&mut state);
        state.listed = listed;
    }

    /// Syncs it if it has unsynced writes and was not used since the clock came by.
    pub(super) fn sync_if_unused(self: &Arc<Self>) -> bool {
        let due = !self.used.swap(false, Ordering::Relaxed) && self.state.lock().unsynced;
        due && self.sync().is_ok()
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let mut state = std::mem::take(self.state.get_mut());
        self.mark_synced(&mut state);
        if state.open.is_some() {
            self.dir.pool.closed();
        }
    }
}

impl State {
    fn fail(&mut self, error: &io::Error) {
        self.failed = Some(error.raw_os_error().unwrap_or(libc::EIO));
    }

    fn check(&self) -> io::Result<()> {
        self.failed.map_or(Ok(()), |errno| Err(io::Error::from_raw_os_error(errno)))
    }
}

/// The process, or the machine, has too many files open, and no file of a log can be closed.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: too many open files, raise `ulimit -n` or lower ottla.log.open.files.max",
    path.display()
)]
struct TooManyFiles {
    path: PathBuf,
}

fn is_too_many(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Whether something ran out that may be there again: room on the disk, descriptors. The disk is
/// not at fault, and nothing of what it holds is in doubt.
pub fn is_shortage(error: &io::Error) -> bool {
    let descriptors = error.get_ref().is_some_and(|inner| inner.is::<TooManyFiles>());
    descriptors || is_too_many(error) || is_disk_full(error)
}

/// Whether the disk, or a quota on it, is full.
pub fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
}
