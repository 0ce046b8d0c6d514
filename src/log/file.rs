//! The one seam between the log and the disk: a file that is written at positions and synced.
//!
//! It is opened when it is used and may be closed in between (`open_files.rs`); who uses it need
//! not know. In tests it can be told to fail (`faulty.rs`).

#[cfg(test)]
use super::faulty;
use super::no_wait;
use super::pooled::{DirPath, Pooled};
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// At most so many slices go into one `pwritev` (Linux's IOV_MAX).
const SLICES_MAX: usize = 1024;

/// A file of a log.
#[derive(Debug)]
pub struct LogFile {
    file: Arc<Pooled>,
    #[cfg(test)]
    pub(crate) faults: Arc<faulty::Faults>,
}

impl LogFile {
    /// The file `name` in `dir`, made when it is first used if it is not there; and its length.
    pub fn at(dir: &Arc<DirPath>, name: String) -> io::Result<(LogFile, u64)> {
        let (file, len) = Pooled::at(dir.clone(), name)?;
        #[cfg(test)]
        let faults = file.faults.clone();
        let file = LogFile {
            file,
            #[cfg(test)]
            faults,
        };
        Ok((file, len))
    }

    /// Opens a file that counts against no budget; creates it if it is not there.
    pub fn open(path: &Path) -> io::Result<LogFile> {
        let dir = DirPath::unlimited(path.parent().unwrap_or(Path::new(".")));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (file, _) = LogFile::at(&dir, name)?;
        file.handle()?;
        Ok(file)
    }

    /// The open file, to send from: it stays open as long as somebody has it.
    pub fn handle(&self) -> io::Result<Arc<File>> {
        self.file.to_read()
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.file.dir.join(&self.file.state.lock().name)
    }

    /// Its name, also while it is renamed, and the directory.
    pub fn rename(&self, name: String) -> io::Result<()> {
        self.file.rename(name)
    }

    /// Closes it until it is used again.
    pub fn release(&self) {
        self.file.release();
    }

    /// Length in bytes.
    pub fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// When it was last written to.
    pub fn modified(&self) -> io::Result<std::time::SystemTime> {
        self.file.metadata()?.modified()
    }

    /// Writes all slices one after the other from `position`, with as few system calls as can be.
    ///
    /// On an error some of the bytes may be there: the caller truncates to where it began.
    pub fn write_at(&self, slices: &[IoSlice<'_>], position: u64) -> io::Result<()> {
        let file = self.file.to_write()?;
        let result = self.write_all(&file, slices, position);
        self.file.written();
        result
    }

    fn write_all(&self, file: &File, slices: &[IoSlice<'_>], mut position: u64) -> io::Result<()> {
        for slices in slices.chunks(SLICES_MAX) {
            let mut left: usize = slices.iter().map(|s| s.len()).sum();
            let mut written = self.write_some(file, slices, position)?;
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
                file.write_all_at(rest, position)?;
                position += rest.len() as u64;
            }
        }
        Ok(())
    }

    fn write_some(&self, file: &File, slices: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
        #[cfg(test)]
        if let Some(limit) = self.faults.write(position, slices.iter().map(|s| s.len()).sum()) {
            let all: Vec<u8> = slices.iter().flat_map(|s| s.iter().copied()).collect();
            let part = &all[..limit.min(all.len())];
            file.write_all_at(part, position)?;
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        Ok(rustix::io::pwritev(file, slices, position)?)
    }

    /// Reads exactly `buffer.len()` bytes.
    pub fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        match self.read_at(buffer, position)? {
            read if read == buffer.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Reads up to `buffer.len()` bytes; fewer only at the end of the file.
    pub fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let file = self.handle()?;
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match no_wait::read_at(&file, rest, position + filled as u64) {
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
        #[cfg(test)]
        self.faults.set_len(len);
        self.file.cut(len)
    }

    /// Sets when it was last modified, as retention looks at it.
    pub fn set_modified(&self, time: std::time::SystemTime) -> io::Result<()> {
        self.handle()?.set_modified(time)
    }

    /// Makes everything written so far survive a power cut.
    ///
    /// After an error it is never right again: what could not be written may be gone.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

/// Writes a small file whole or not at all: to `.tmp`, synced, renamed, directory synced.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    create(path, content)?;
    sync_parent(path)
}

/// As [`replace`], but after a power cut the file may be as it was, until the directory is synced.
pub fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = Path::new(&name);
    #[cfg(test)]
    faulty::write_whole(path, content.len())?;
    if let Err(error) = write_synced(temporary, content) {
        // A part of it would take room that a full disk does not have.
        let _ = std::fs::remove_file(temporary);
        return Err(error);
    }
    std::fs::rename(temporary, path)
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    io::Write::write_all(&mut file, content)?;
    file.sync_all()
}

/// Renames a file that nobody has open.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    faulty::change_name(from)?;
    std::fs::rename(from, to)?;
    #[cfg(test)]
    faulty::renamed(from, to);
    Ok(())
}

/// Makes creations, renames and deletions in the file's directory survive a power cut.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => sync_dir(dir),
        _ => Ok(()),
    }
}

/// Makes creations, renames and deletions in a directory survive a power cut.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
