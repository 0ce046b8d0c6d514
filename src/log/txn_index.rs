//! `.txnindex`: the aborted transactions of a segment (Kafka's `TransactionIndex`).
//!
//! 34 bytes each: version i16 (0), producer id, first, last and last stable offset, i64 each.
//!
//! What a start finds and has no room for on the disk is kept in memory until there is. The file
//! ends with one byte too many then, so that the next start takes it for torn and looks again.

use super::file::LogFile;
use super::pooled::{DirPath, is_disk_full};
use parking_lot::Mutex;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ENTRY_BYTES: usize = 34;

/// One aborted transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    /// Producer.
    pub producer_id: i64,
    /// First offset.
    pub first_offset: i64,
    /// Offset of the marker.
    pub last_offset: i64,
    /// Last stable offset once it was aborted.
    pub last_stable_offset: i64,
}

impl AbortedTxn {
    fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let fields =
            [self.producer_id, self.first_offset, self.last_offset, self.last_stable_offset];
        let mut out = [0; ENTRY_BYTES];
        for (place, field) in out[2..].chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_be_bytes());
        }
        out
    }

    fn read(bytes: &[u8]) -> Option<AbortedTxn> {
        let number = |at: usize| -> Option<i64> {
            Some(i64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
        };
        Some(AbortedTxn {
            producer_id: number(2)?,
            first_offset: number(10)?,
            last_offset: number(18)?,
            last_stable_offset: number(26)?,
        })
    }
}

/// The file, which is there only if a transaction was aborted.
#[derive(Debug)]
pub struct TxnIndex {
    pub(super) file: LogFile,
    entries: AtomicU64,
    /// Those after the entries of the file.
    unwritten: Mutex<Vec<AbortedTxn>>,
}

impl TxnIndex {
    /// The index of this name; a torn last entry is left out.
    pub fn open(dir: &Arc<DirPath>, name: String) -> io::Result<TxnIndex> {
        let (file, len) = LogFile::at(dir, name)?;
        let entries = AtomicU64::new(len / ENTRY_BYTES as u64);
        Ok(TxnIndex { file, entries, unwritten: Mutex::default() })
    }

    fn len(&self) -> u64 {
        self.entries.load(Ordering::Acquire) * ENTRY_BYTES as u64
    }

    /// Adds one.
    pub fn append(&self, txn: AbortedTxn) -> io::Result<()> {
        self.write_rest(&mut self.unwritten.lock())?;
        self.write(txn)
    }

    /// Adds one that is in the log already: a full disk need not take it.
    pub fn add_found(&self, txn: AbortedTxn) -> io::Result<()> {
        let mut unwritten = self.unwritten.lock();
        let written = self.write_rest(&mut unwritten).and_then(|()| self.write(txn));
        match written {
            Err(error) if is_disk_full(&error) => {
                unwritten.push(txn);
                self.file.set_len(self.len() + 1)
            }
            written => written,
        }
    }

    fn write(&self, txn: AbortedTxn) -> io::Result<()> {
        self.file.write_at(&[IoSlice::new(&txn.to_bytes())], self.len())?;
        self.entries.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn write_rest(&self, unwritten: &mut Vec<AbortedTxn>) -> io::Result<()> {
        while let Some(txn) = unwritten.first() {
            self.write(*txn)?;
            unwritten.remove(0);
        }
        Ok(())
    }

    /// All of them.
    pub fn read(&self) -> io::Result<Vec<AbortedTxn>> {
        let unwritten = self.unwritten.lock();
        let mut bytes = vec![0; usize::try_from(self.len()).unwrap_or(0)];
        if !bytes.is_empty() {
            // Fewer if it is truncated just now.
            let read = self.file.read_at(&mut bytes, 0)?;
            bytes.truncate(read);
        }
        let written = bytes.chunks_exact(ENTRY_BYTES).filter_map(AbortedTxn::read);
        Ok(written.chain(unwritten.iter().copied()).collect())
    }

    /// Whether it can be that of a segment with this base offset (Kafka's `sanityCheck`): whole
    /// entries, of transactions that ended in the segment, and, as zeros do not, after they began.
    pub fn is_sane(&self, base_offset: i64) -> io::Result<bool> {
        let len = self.file_len()?;
        let is_whole = len.is_multiple_of(ENTRY_BYTES as u64);
        let can_be =
            |txn: &AbortedTxn| txn.last_offset >= base_offset && txn.first_offset < txn.last_offset;
        Ok(is_whole && self.read()?.iter().all(can_be))
    }

    /// Bytes of the file, a torn entry too; 0 if it is not there.
    fn file_len(&self) -> io::Result<u64> {
        match self.file.len() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            len => len,
        }
    }

    /// Leaves out those whose marker is at or after `offset`.
    pub fn truncate_to(&self, offset: i64) -> io::Result<()> {
        let all = self.read()?;
        let kept = all.iter().take_while(|txn| txn.last_offset < offset).count();
        let mut unwritten = self.unwritten.lock();
        let written = self.entries.load(Ordering::Acquire) as usize;
        unwritten.truncate(kept.saturating_sub(written));
        if kept < all.len() && unwritten.is_empty() {
            self.entries.store(kept as u64, Ordering::Release);
            self.file.set_len(self.len())?;
        }
        Ok(())
    }

    /// Forgets all, also what makes no sense, as a power cut leaves it.
    pub fn clear(&self) -> io::Result<()> {
        self.unwritten.lock().clear();
        self.entries.store(0, Ordering::Release);
        if self.file_len()? == 0 { Ok(()) } else { self.file.set_len(0) }
    }

    /// Makes it survive a power cut, what there is room for.
    pub fn sync(&self) -> io::Result<()> {
        match self.write_rest(&mut self.unwritten.lock()) {
            Err(error) if !is_disk_full(&error) => return Err(error),
            _ => {}
        }
        if self.len() == 0 { Ok(()) } else { self.file.sync() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aborted_transactions_read_back_and_can_be_cut() {
        let dir = tempfile::tempdir().expect("a directory");
        let index =
            TxnIndex::open(&DirPath::unlimited(dir.path()), "0.txnindex".into()).expect("opened");
        assert!(index.read().expect("none").is_empty());
        let txn = |n| AbortedTxn {
            producer_id: 7,
            first_offset: n,
            last_offset: n + 5,
            last_stable_offset: n + 6,
        };
        index.append(txn(0)).expect("written");
        index.append(txn(10)).expect("written");
        assert_eq!(index.file.len().expect("there"), 68);
        assert_eq!(index.read().expect("two"), [txn(0), txn(10)]);
        index.truncate_to(15).expect("cut");
        assert_eq!(index.read().expect("one"), [txn(0)]);
        assert!(index.is_sane(5).expect("read"));
        assert!(!index.is_sane(6).expect("read"), "it ended before the segment");
        std::fs::write(index.file.path(), [9; 40]).expect("written");
        assert!(!index.is_sane(0).expect("read"), "a torn entry");
        std::fs::write(index.file.path(), [0; ENTRY_BYTES]).expect("written");
        assert!(!index.is_sane(0).expect("read"), "as a power cut leaves it");
        index.clear().expect("cleared");
        index.append(txn(20)).expect("written");
        assert_eq!(index.read().expect("one"), [txn(20)], "nothing is left in front of it");
    }
}
