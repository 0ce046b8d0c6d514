//! The one seam between the log and the disk: a file that is written at positions and synced.
//!
//! In tests it can be told to fail: to write short and then report a full disk, to fail a sync,
//! and to lose what was never synced, as a power cut would.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// At most so many slices go into one `pwritev` (Linux's IOV_MAX).
const SLICES_MAX: usize = 1024;

/// An open file of a log.
#[derive(Debug)]
pub struct LogFile {
    file: Arc<File>,
    #[cfg(test)]
    pub(crate) faults: std::sync::Arc<faulty::Faults>,
}

impl LogFile {
    /// Opens for reading and writing; creates it if it is not there.
    pub fn open(path: &Path) -> io::Result<LogFile> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(LogFile {
            file: Arc::new(file),
            #[cfg(test)]
            faults: faulty::of(path),
        })
    }

    /// The file itself, to send from.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Length in bytes.
    pub fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Writes all slices one after the other from `position`, with as few system calls as can be.
    ///
    /// On an error some of the bytes may be there: the caller truncates to where it began.
    pub fn write_at(&self, slices: &[IoSlice<'_>], mut position: u64) -> io::Result<()> {
        for slices in slices.chunks(SLICES_MAX) {
            let mut left: usize = slices.iter().map(|s| s.len()).sum();
            let mut written = self.write_some(slices, position)?;
            position += written as u64;
            left -= written;
            if left == 0 {
                continue;
            }
            // A short write is rare (a signal, a full disk): finish slice by slice.
            for slice in slices {
                if written >= slice.len() {
                    written -= slice.len();
                    continue;
                }
                let rest = slice.get(written..).unwrap_or_default();
                written = 0;
                self.write_rest(rest, position)?;
                position += rest.len() as u64;
            }
        }
        Ok(())
    }

    fn write_some(&self, slices: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
        #[cfg(test)]
        if let Some(limit) = self.faults.take_short_write() {
            let all: Vec<u8> = slices.iter().flat_map(|s| s.iter().copied()).collect();
            let part = &all[..limit.min(all.len())];
            self.file.write_all_at(part, position)?;
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        Ok(rustix::io::pwritev(&self.file, slices, position)?)
    }

    fn write_rest(&self, rest: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(rest, position)
    }

    /// Reads exactly `buffer.len()` bytes.
    pub fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, position)
    }

    /// Reads up to `buffer.len()` bytes; fewer only at the end of the file.
    pub fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, position + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(filled)
    }

    /// Cuts or extends (sparsely) to `len` bytes.
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    /// Sets when it was last modified, as retention looks at it.
    pub fn set_modified(&self, time: std::time::SystemTime) -> io::Result<()> {
        self.file.set_modified(time)
    }

    /// Makes everything written so far survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        self.faults.sync(self.file.metadata()?.len())?;
        self.file.sync_data()
    }
}

impl AsFd for LogFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Writes a small file whole or not at all: to `.tmp`, synced, renamed, directory synced.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = Path::new(&name);
    let mut file = File::create(temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(temporary, path)?;
    sync_parent(path)
}

/// Makes creations, renames and deletions in the file's directory survive a power cut.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}

/// Faults for tests, by path, so that files opened deep inside can be told to fail.
#[cfg(test)]
pub(crate) mod faulty {
    use parking_lot::Mutex;
    use std::collections::HashMap;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, LazyLock};

    /// What is to go wrong with a file, and what of it is synced.
    #[derive(Debug, Default)]
    pub(crate) struct Faults {
        short_write: Mutex<Option<usize>>,
        failed_sync: Mutex<bool>,
        synced: Mutex<u64>,
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
}
