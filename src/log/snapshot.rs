//! `.snapshot`: producers as they were at an offset, so that recovery need not read everything.
//!
//! version i16 (1), crc-32c u32 of what follows, count i32, then 46 bytes a producer: id i64,
//! epoch i16, last sequence i32, last offset i64, offset delta i32, timestamp i64, coordinator
//! epoch i32, first offset of the open transaction i64 (-1: none).

use super::batch::crc32c;
use super::producer_state::{BatchMeta, Entry, ProducerState};
use bytes::{Buf, BufMut};
use smallvec::SmallVec;
use std::io;
use std::path::Path;

const HEAD_BYTES: usize = 6;
const ENTRY_BYTES: usize = 46;

/// Writes and syncs a snapshot.
pub fn write(path: &Path, state: &ProducerState) -> io::Result<()> {
    let mut body = Vec::new();
    body.put_i32(state.entries.len() as i32);
    let mut ids: Vec<_> = state.entries.iter().collect();
    ids.sort_by_key(|(id, _)| **id);
    for (id, entry) in ids {
        let last = entry.batches.last();
        body.put_i64(*id);
        body.put_i16(entry.epoch);
        body.put_i32(last.map_or(-1, |b| b.last_sequence));
        body.put_i64(last.map_or(-1, |b| b.last_offset));
        body.put_i32(last.map_or(0, |b| b.offset_delta));
        body.put_i64(entry.timestamp);
        body.put_i32(entry.coordinator_epoch);
        body.put_i64(entry.txn_first_offset.unwrap_or(-1));
    }
    let mut out = Vec::with_capacity(HEAD_BYTES + body.len());
    out.put_i16(1);
    out.put_u32(crc32c(&body));
    out.extend_from_slice(&body);
    #[cfg(test)]
    super::faulty::write_whole(path, out.len())?;
    let file = std::fs::File::create(path)?;
    io::Write::write_all(&mut &file, &out)?;
    file.sync_all()
}

/// Reads a snapshot; `None` if it is torn or of another version.
pub fn read(path: &Path) -> io::Result<Option<ProducerState>> {
    Ok(decode(&std::fs::read(path)?))
}

fn decode(bytes: &[u8]) -> Option<ProducerState> {
    let mut head = bytes.get(..HEAD_BYTES)?;
    let mut body = bytes.get(HEAD_BYTES..)?;
    if head.get_i16() != 1 || head.get_u32() != crc32c(body) || body.len() < 4 {
        return None;
    }
    let count = usize::try_from(body.get_i32()).ok()?;
    if body.len() != count.checked_mul(ENTRY_BYTES)? {
        return None;
    }
    let mut state = ProducerState::default();
    for mut entry in body.chunks_exact(ENTRY_BYTES) {
        let id = entry.get_i64();
        let epoch = entry.get_i16();
        let last_sequence = entry.get_i32();
        let last_offset = entry.get_i64();
        let offset_delta = entry.get_i32();
        let timestamp = entry.get_i64();
        let coordinator_epoch = entry.get_i32();
        let first = entry.get_i64();
        let mut batches = SmallVec::new();
        if last_offset >= 0 {
            batches.push(BatchMeta { last_sequence, last_offset, offset_delta, timestamp });
        }
        let txn_first_offset = (first >= 0).then_some(first);
        if let Some(first) = txn_first_offset {
            state.ongoing.insert(first, id);
        }
        let entry = Entry { epoch, coordinator_epoch, timestamp, txn_first_offset, batches };
        state.entries.insert(id, entry);
    }
    Some(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::{BatchHeader, TRANSACTIONAL};
    use crate::log::testing::Spec;

    #[test]
    fn a_snapshot_reads_back_and_a_torn_one_is_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("5.snapshot");
        let spec = Spec { producer: (7, 1, 4), attributes: TRANSACTIONAL, ..Spec::of(&["a"]) };
        let mut state = ProducerState::default();
        state.update(&BatchHeader::read(&spec.build()).expect("a header"), None);
        write(&path, &state).expect("written");
        let read_back = read(&path).expect("read").expect("whole");
        assert_eq!(read_back.active(), state.active());
        assert_eq!(read_back.first_unstable(), Some(0));
        let bytes = std::fs::read(&path).expect("there");
        assert_eq!(bytes.len(), HEAD_BYTES + 4 + ENTRY_BYTES);
        assert!(decode(&bytes[..bytes.len() - 1]).is_none());
    }
}
