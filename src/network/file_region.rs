//! Sending a response body that is partly in files.
//!
//! Large regions go from the page cache to the socket by `sendfile`, small ones are read into the
//! buffer with what surrounds them. What is not in the page cache is read ahead on the blocking
//! pool first, so that no disk ever stalls a data thread. Knows nothing of what the bytes mean.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use std::os::fd::AsRawFd;

use super::transport::Transport;
use crate::handlers::{Part, Reply};

/// Below this many bytes a copy is cheaper than a system call of its own.
const COPY_BELOW: usize = 16 << 10;
/// Bytes sent of a file before others on this thread get a turn.
const STEP: usize = 1 << 20;
/// Bytes a read-ahead reads at once.
const READ_AHEAD: usize = 128 << 10;

type File = Arc<dyn AsFd + Send + Sync>;

/// Sends what is in `out`, then the body. Its small end may stay in `out`, to go with more.
pub async fn send_reply(
    transport: &Transport,
    out: &mut BytesMut,
    reply: Reply,
    patience: Duration,
) -> io::Result<()> {
    for part in reply.parts {
        match part {
            Part::Bytes(bytes) => out.extend_from_slice(&bytes),
            Part::File { file, position, len } if len < COPY_BELOW => {
                if !is_cached(file.as_fd(), position, len) {
                    read_ahead(file.clone(), position, len).await?;
                }
                copy(file.as_fd(), position, len, out)?;
            }
            Part::File { file, position, len } => {
                transport.write_all(out, true, patience).await?;
                send_region(transport, file, position, len, patience).await?;
            }
        }
    }
    Ok(())
}

async fn send_region(
    transport: &Transport,
    file: File,
    mut position: u64,
    mut len: usize,
    patience: Duration,
) -> io::Result<()> {
    while len > 0 {
        let step = len.min(STEP);
        if !is_cached(file.as_fd(), position, step) {
            read_ahead(file.clone(), position, step).await?;
        }
        let (mut done, start) = (0, position);
        while done < step {
            let sent =
                transport.send_file(file.as_fd(), start + done as u64, step - done, patience);
            match sent.await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                sent => done += sent,
            }
        }
        position += step as u64;
        len -= step;
        if len > 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

fn copy(file: BorrowedFd<'_>, position: u64, len: usize, out: &mut BytesMut) -> io::Result<()> {
    let start = out.len();
    out.resize(start + len, 0);
    let mut done = 0;
    while let Some(rest) = out.get_mut(start + done..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pread(file, rest, position + done as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => done += read,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Reads the region once on the blocking pool, so that it is in the page cache.
async fn read_ahead(file: File, position: u64, len: usize) -> io::Result<()> {
    let read = move || {
        let mut scratch = vec![0; len.min(READ_AHEAD)];
        let mut done = 0;
        while done < len {
            let want = scratch.len().min(len - done);
            let Some(room) = scratch.get_mut(..want) else { break };
            match rustix::io::pread(file.as_fd(), room, position + done as u64)? {
                0 => break,
                read => done += read,
            }
        }
        Ok(())
    };
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
}

#[repr(C)]
struct CachestatRange {
    offset: u64,
    len: u64,
}

#[repr(C)]
#[derive(Default)]
struct Cachestat {
    cached: u64,
    dirty: u64,
    writeback: u64,
    evicted: u64,
    recently_evicted: u64,
}

/// The number of the `cachestat` system call, the same on every architecture (Linux 6.5).
const SYS_CACHESTAT: libc::c_long = 451;

/// Whether the region is in the page cache, as far as the kernel tells; else true.
fn is_cached(file: BorrowedFd<'_>, position: u64, len: usize) -> bool {
    let range = CachestatRange { offset: position, len: len as u64 };
    let mut stat = Cachestat::default();
    // SAFETY: both pointers are to structures of the kernel's layout that outlive the call.
    let result = unsafe {
        libc::syscall(SYS_CACHESTAT, file.as_raw_fd(), &raw const range, &raw mut stat, 0u32)
    };
    if result != 0 {
        return is_cached_at(file, position);
    }
    let page = rustix::param::page_size() as u64;
    let pages = (position + len as u64).div_ceil(page) - position / page;
    stat.cached >= pages
}

/// Whether the byte at `position` can be read without waiting: for kernels without `cachestat`.
fn is_cached_at(file: BorrowedFd<'_>, position: u64) -> bool {
    let mut byte = [0];
    let mut room = [io::IoSliceMut::new(&mut byte)];
    let flags = rustix::io::ReadWriteFlags::NOWAIT;
    let read = rustix::io::preadv2(file, &mut room, position, flags);
    !matches!(read, Err(rustix::io::Errno::AGAIN))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn a_file_just_written_is_cached_and_one_dropped_from_the_cache_is_not() {
        let file = tempfile::tempfile_in(".").unwrap();
        file.write_all_at(&[7; 100_000], 0).unwrap();
        assert!(is_cached(file.as_fd(), 10, 99_990));
        assert!(is_cached_at(file.as_fd(), 50_000));
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        assert!(!is_cached(file.as_fd(), 10, 99_990));
    }

    #[tokio::test]
    async fn reading_ahead_brings_a_region_into_the_cache() {
        let file = tempfile::tempfile_in(".").unwrap();
        file.write_all_at(&[7; 1_000_000], 0).unwrap();
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        let file: File = Arc::new(file);
        read_ahead(file.clone(), 4096, 900_000).await.unwrap();
        assert!(is_cached(file.as_fd(), 4096, 900_000));
    }

    #[test]
    fn a_region_beyond_the_end_of_the_file_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"records", 0).unwrap();
        let mut out = BytesMut::from("head");
        copy(file.as_fd(), 0, 7, &mut out).unwrap();
        assert_eq!(&out[..], b"headrecords");
        assert!(copy(file.as_fd(), 4, 7, &mut out).is_err());
    }
}
