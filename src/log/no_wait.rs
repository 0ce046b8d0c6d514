//! Reads that would rather fail than wait for the disk (`RWF_NOWAIT`).
//!
//! A thread that carries connections looks up offsets inline: indexes and batch headers are nearly
//! always in the page cache. When they are not, one reader of old records must not stall all the
//! others of its thread, so the read fails here with `WouldBlock`, and is done again elsewhere.

use rustix::io::{Errno, ReadWriteFlags};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;

thread_local! {
    static NEVER_WAITS: Cell<bool> = const { Cell::new(false) };
}

/// Resets the thread also when the read panics.
struct Reset(bool);

impl Drop for Reset {
    fn drop(&mut self) {
        NEVER_WAITS.set(self.0);
    }
}

/// Runs `read`, which must not write: what is not in the page cache is an error of the kind
/// `WouldBlock`, on kernels and file systems that can tell.
pub fn without_waiting<T>(read: impl FnOnce() -> T) -> T {
    let _reset = Reset(NEVER_WAITS.replace(true));
    read()
}

/// Reads some bytes of a file of a log.
pub(super) fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    if NEVER_WAITS.get() {
        let mut slices = [IoSliceMut::new(buffer)];
        match rustix::io::preadv2(file, &mut slices, position, ReadWriteFlags::NOWAIT) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
            result => return Ok(result?),
        }
    }
    file.read_at(buffer, position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Advice, fadvise};

    #[test]
    fn what_left_the_page_cache_would_block_and_is_read_by_whoever_waits() {
        let file = tempfile::tempfile_in(".").unwrap();
        file.write_all_at(&[7; 100_000], 0).unwrap();
        let mut buffer = [0; 10];
        without_waiting(|| read_at(&file, &mut buffer, 50_000)).unwrap();
        assert_eq!(buffer, [7; 10]);
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        let error = without_waiting(|| read_at(&file, &mut buffer, 50_000)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(read_at(&file, &mut buffer, 50_000).unwrap(), 10);
        assert!(without_waiting(|| read_at(&file, &mut buffer, 50_000)).is_ok());
    }
}
