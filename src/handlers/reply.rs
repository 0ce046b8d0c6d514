//! A response body that is partly in files: what `raw` handlers return.
//!
//! A Fetch response is a head, then for each partition a region of a segment file (sent by
//! `sendfile`) and the bytes between. Knows nothing of sockets nor of what the bytes mean.

use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::Bytes;

/// A response body, in pieces.
///
/// Example: a Fetch v4 of one partition is `[Bytes(throttle .. records length), File(records)]`.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The pieces, in order. The response header is not among them: dispatch writes it.
    pub parts: Vec<Part>,
}

/// One piece of a [`Reply`].
#[derive(Clone)]
pub enum Part {
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes of a file. They must not change until they are sent.
    File {
        /// The open file; kept open by this handle.
        file: Arc<dyn AsFd + Send + Sync>,
        /// Position of the first byte.
        position: u64,
        /// Number of bytes.
        len: usize,
    },
}

impl Part {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Part::Bytes(bytes) => bytes.len(),
            Part::File { len, .. } => *len,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Part::File { position, len, .. } => write!(f, "File({position}+{len})"),
        }
    }
}

impl Reply {
    /// Adds bytes in memory.
    pub fn push_bytes(&mut self, bytes: impl Into<Bytes>) {
        self.parts.push(Part::Bytes(bytes.into()));
    }

    /// Adds `len` bytes of `file` from `position`.
    pub fn push_file<F: AsFd + Send + Sync + 'static>(
        &mut self,
        file: Arc<F>,
        position: u64,
        len: usize,
    ) {
        self.parts.push(Part::File { file, position, len });
    }

    /// Length of the body in bytes.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// Whether the body is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
