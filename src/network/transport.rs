//! The byte stream under a connection: TCP now, TLS to come as another variant.
//!
//! Writing never blocks the thread: what the socket does not take waits for it, but not longer
//! than a silent client may. Knows nothing of frames.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// The stream of one connection.
pub enum Transport {
    /// TCP without encryption.
    Plain(TcpStream),
}

impl Transport {
    /// Waits until there may be something to read.
    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Transport::Plain(stream) => stream.readable().await,
        }
    }

    /// Appends what is there to `buffer`'s spare room; 0 at the end of the stream.
    pub fn try_read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        match self {
            Transport::Plain(stream) => stream.try_read_buf(buffer),
        }
    }

    /// After a read that left nothing: the next one waits for the socket to say that there is more,
    /// instead of asking it. To be called before anything is awaited.
    pub fn expect_nothing(&self) {
        let Transport::Plain(stream) = self;
        let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        // The error is the one given.
        let _ = stream.try_io(Interest::READABLE, nothing);
    }

    /// Writes and empties `buffer`. `more` says that more follows at once.
    pub async fn write_all(
        &self,
        buffer: &mut BytesMut,
        more: bool,
        patience: Duration,
    ) -> io::Result<()> {
        let flags = SendFlags::NOSIGNAL | if more { SendFlags::MORE } else { SendFlags::empty() };
        while !buffer.is_empty() {
            let Transport::Plain(stream) = self;
            let sent = stream
                .try_io(Interest::WRITABLE, || Ok(rustix::net::send(stream, &buffer[..], flags)?));
            match sent {
                Ok(sent) => buffer.advance(sent),
                Err(error) => self.wait_to_write(error, patience).await?,
            }
        }
        Ok(())
    }

    /// Sends up to `len` bytes of `file` from `position`; returns how many, 0 at its end.
    pub async fn send_file(
        &self,
        file: BorrowedFd<'_>,
        position: u64,
        len: usize,
        patience: Duration,
    ) -> io::Result<usize> {
        loop {
            let Transport::Plain(stream) = self;
            let sent = stream.try_io(Interest::WRITABLE, || {
                let mut offset = position;
                Ok(rustix::fs::sendfile(stream.as_fd(), file, Some(&mut offset), len)?)
            });
            match sent {
                Ok(sent) => return Ok(sent),
                Err(error) => self.wait_to_write(error, patience).await?,
            }
        }
    }

    /// After `error` of a write: waits until the socket takes more, or gives the error back.
    async fn wait_to_write(&self, error: io::Error, patience: Duration) -> io::Result<()> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock => {
                let Transport::Plain(stream) = self;
                tokio::time::timeout(patience, stream.writable()).await?
            }
            _ => Err(error),
        }
    }
}
