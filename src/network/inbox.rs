//! The read buffer of a connection, cut into frames (`NetworkReceive`).
//!
//! A frame is a length (int32, big endian, without itself) and that many bytes. The buffer grows
//! as bytes arrive, never by what a length declares, and a frame is a slice of it. Knows of a
//! frame only its first two bytes, the API key, by which its size is limited.
//!
//! Example: `00000008 0012 0003 00000007`, the begin of an ApiVersions v3 request.

use bytes::{Buf, Bytes, BytesMut};

/// The first room that a connection gets, in bytes.
const MIN_ROOM: usize = 4 << 10;
/// The most room beyond a known frame that one read may fill, in bytes.
const MAX_ROOM: usize = 1 << 20;
/// The most bytes of a request that carries no records. Decoding multiplies small elements.
pub const MAX_PLAIN_BYTES: usize = 16 << 20;

const PRODUCE: i16 = 0;
/// LeaderAndIsr, StopReplica, UpdateMetadata: as large as the cluster.
const CONTROL: std::ops::RangeInclusive<i16> = 4..=6;

/// Why the bytes cannot be cut into frames. The connection is closed, without an answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Negative, or above the limit.
    #[error("invalid receive (size = {size} larger than {max})")]
    Size {
        /// What the length says.
        size: i32,
        /// The limit.
        max: usize,
    },
}

/// How large frames may be.
#[derive(Clone, Copy, Debug)]
pub struct FrameLimits {
    /// `socket.request.max.bytes`.
    pub max: usize,
    /// Control requests may be larger than other plain ones.
    pub privileged: bool,
}

/// The bytes read and not yet taken.
pub struct Inbox {
    buffer: BytesMut,
    /// Of the allocation behind `buffer`.
    size: usize,
    room: usize,
    limits: FrameLimits,
}

impl Inbox {
    /// Empty, and without memory.
    pub fn new(limits: FrameLimits) -> Self {
        Inbox { buffer: BytesMut::new(), size: 0, room: MIN_ROOM, limits }
    }

    /// Whether it holds memory.
    pub fn has_memory(&self) -> bool {
        self.buffer.capacity() > 0
    }

    /// The buffer to append read bytes to, with room for some.
    ///
    /// At most as much room is added as there are bytes already, or what the last reads filled.
    pub fn room(&mut self) -> &mut BytesMut {
        if self.buffer.is_empty() {
            // Back to the allocation's begin: memory that was just used is in the CPU's cache. If
            // a frame still holds it, there is only less room.
            let _ = self.buffer.try_reclaim(self.size);
        }
        if self.buffer.capacity() - self.buffer.len() < self.room / 2 {
            let missing = self.missing().unwrap_or(0);
            self.buffer.reserve(missing.min(self.buffer.len()).max(self.room));
            self.size = self.buffer.capacity();
        }
        &mut self.buffer
    }

    /// Takes note of how a read went: whether it filled all the room it was given.
    pub fn filled(&mut self, all: bool) {
        if all {
            self.room = (self.room * 2).min(MAX_ROOM);
        }
    }

    /// Gives the memory back while the connection is idle.
    pub fn release(&mut self) {
        if self.buffer.is_empty() {
            (self.buffer, self.size) = (BytesMut::new(), 0);
            self.room = MIN_ROOM;
        }
    }

    /// The API key of the next frame, if that frame is complete and has one.
    pub fn next_key(&self) -> Option<i16> {
        self.missing().filter(|missing| *missing == 0)?;
        self.key()
    }

    /// The length of the next frame, if it is incomplete and does not fit into the first room.
    pub fn large_frame(&self) -> Option<usize> {
        self.missing().filter(|missing| *missing > 0)?;
        let len = usize::try_from(self.size()?).ok()?;
        (len > MIN_ROOM).then_some(len)
    }

    /// Takes the next frame, without its length, if it is complete.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(size) = self.size() else { return Ok(None) };
        let max = match self.key() {
            Some(PRODUCE) | None => self.limits.max,
            Some(key) if self.limits.privileged && CONTROL.contains(&key) => self.limits.max,
            Some(_) => self.limits.max.min(MAX_PLAIN_BYTES),
        };
        let Some(len) = usize::try_from(size).ok().filter(|len| *len <= max) else {
            return Err(FrameError::Size { size, max });
        };
        if self.buffer.len() - 4 < len {
            return Ok(None);
        }
        self.buffer.advance(4);
        Ok(Some(self.buffer.split_to(len).freeze()))
    }

    fn size(&self) -> Option<i32> {
        self.buffer.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
    }

    fn key(&self) -> Option<i16> {
        let key = self.buffer.get(4..6)?;
        key.first_chunk().map(|bytes| i16::from_be_bytes(*bytes))
    }

    /// How many bytes the next frame still lacks, if its length is known.
    fn missing(&self) -> Option<usize> {
        let len = usize::try_from(self.size()?).ok()?;
        Some((4 + len).saturating_sub(self.buffer.len()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::*;

    fn inbox() -> Inbox {
        Inbox::new(FrameLimits { max: 100 << 20, privileged: false })
    }

    fn put(inbox: &mut Inbox, bytes: &[u8]) {
        inbox.room().put_slice(bytes);
    }

    #[test]
    fn frames_are_taken_whole_and_in_order() {
        let mut inbox = inbox();
        put(&mut inbox, b"\0\0\0\x03\0\x12a\0\0\0");
        assert_eq!(inbox.next_key(), Some(18));
        assert_eq!(inbox.next_frame(), Ok(Some(Bytes::from_static(b"\0\x12a"))));
        assert_eq!(inbox.next_frame(), Ok(None));
        put(&mut inbox, b"\x02\0");
        assert_eq!(inbox.next_key(), None);
        put(&mut inbox, b"\x01");
        assert_eq!(inbox.next_frame(), Ok(Some(Bytes::from_static(b"\0\x01"))));
        assert!(inbox.buffer.is_empty());
    }

    #[test]
    fn a_negative_or_too_large_length_is_an_error_before_anything_else_arrives() {
        for size in [-1i32, (100 << 20) + 1, i32::MIN] {
            let mut inbox = inbox();
            put(&mut inbox, &size.to_be_bytes());
            let error = FrameError::Size { size, max: 100 << 20 };
            assert_eq!(inbox.next_frame(), Err(error));
        }
    }

    #[test]
    fn only_produce_may_be_larger_than_the_plain_limit() {
        let size = (MAX_PLAIN_BYTES as i32 + 1).to_be_bytes();
        for (key, ok) in [(0u8, true), (3, false), (5, false)] {
            let mut inbox = inbox();
            put(&mut inbox, &[&size[..], &[0, key]].concat());
            assert_eq!(inbox.next_frame().is_ok(), ok, "key {key}");
        }
        let mut control = Inbox::new(FrameLimits { max: 100 << 20, privileged: true });
        put(&mut control, &[&size[..], &[0, 5]].concat());
        assert_eq!(control.next_frame(), Ok(None));
    }

    #[test]
    fn a_declared_length_reserves_nothing() {
        let mut inbox = inbox();
        put(&mut inbox, &(100i32 << 20).to_be_bytes());
        for _ in 0..3 {
            assert!(inbox.room().capacity() <= 2 * MIN_ROOM);
        }
    }

    #[test]
    fn a_frame_larger_than_the_first_room_is_told_while_it_is_incomplete() {
        let mut inbox = inbox();
        put(&mut inbox, &(MIN_ROOM as i32 + 1).to_be_bytes());
        assert_eq!(inbox.large_frame(), Some(MIN_ROOM + 1));
        inbox.buffer.put_bytes(0, MIN_ROOM + 1);
        assert_eq!(inbox.large_frame(), None);
        let mut small = Inbox::new(FrameLimits { max: 100, privileged: false });
        put(&mut small, &8i32.to_be_bytes());
        assert_eq!(small.large_frame(), None);
    }

    #[test]
    fn room_follows_what_arrives() {
        let mut inbox = inbox();
        put(&mut inbox, &(1i32 << 20).to_be_bytes());
        while inbox.next_frame() == Ok(None) {
            let len = inbox.buffer.len();
            let room = inbox.room().capacity() - len;
            assert!(room <= 2 * len.max(MIN_ROOM), "{room} after {len}");
            inbox.buffer.put_bytes(0, room);
        }
        assert!(inbox.buffer.len() < 1 << 20, "no more than the bytes after the frame");
    }

    #[test]
    fn the_memory_of_frames_that_are_gone_is_used_again() {
        let mut inbox = inbox();
        let begin = inbox.room().as_ptr();
        for _ in 0..1000 {
            put(&mut inbox, b"\0\0\0\x04\0\0\0\0");
            assert_eq!(inbox.next_frame().map(|frame| frame.map(|f| f.len())), Ok(Some(4)));
            assert_eq!(inbox.room().as_ptr(), begin);
        }
    }

    #[test]
    fn an_idle_inbox_has_no_memory() {
        let mut inbox = inbox();
        put(&mut inbox, b"\0\0\0\x02\0\x01");
        assert!(inbox.next_frame().is_ok_and(|frame| frame.is_some()));
        inbox.release();
        assert!(!inbox.has_memory());
    }
}
