//! `.txnindex`: the aborted transactions of a segment (Kafka's `TransactionIndex`).
//!
//! 34 bytes each: version i16 (0), producer id, first, last and last stable offset, i64 each.

use super::pooled::DirPath;
use parking_lot::Mutex;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

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

/// The file, which is there only if a transaction was aborted. Opened only while in use.
#[derive(Debug)]
pub struct TxnIndex {
    dir: Arc<DirPath>,
    name: Mutex<String>,
}

impl TxnIndex {
    /// The index of this name.
    pub fn new(dir: &Arc<DirPath>, name: String) -> TxnIndex {
        TxnIndex { dir: dir.clone(), name: Mutex::new(name) }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.dir.join(&self.name.lock())
    }

    /// Gives it another name, if it is there.
    pub fn rename(&self, to: String) -> io::Result<()> {
        let mut name = self.name.lock();
        fs::rename(self.dir.join(&name), self.dir.join(&to))?;
        *name = to;
        Ok(())
    }

    /// Adds one.
    pub fn append(&self, txn: AbortedTxn) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path())?;
        file.write_all(&txn.to_bytes())
    }

    /// All of them, a torn last one left out.
    pub fn read(&self) -> io::Result<Vec<AbortedTxn>> {
        match fs::read(self.path()) {
            Ok(bytes) => Ok(bytes.chunks_exact(ENTRY_BYTES).filter_map(AbortedTxn::read).collect()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(e),
        }
    }

    /// Leaves out those whose marker is at or after `offset`.
    pub fn truncate_to(&self, offset: i64) -> io::Result<()> {
        let all = self.read()?;
        let kept = all.iter().take_while(|txn| txn.last_offset < offset).count();
        if kept < all.len() {
            let file = OpenOptions::new().write(true).open(self.path())?;
            file.set_len((kept * ENTRY_BYTES) as u64)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aborted_transactions_read_back_and_can_be_cut() {
        let dir = tempfile::tempdir().expect("a directory");
        let index = TxnIndex::new(&DirPath::unlimited(dir.path()), "0.txnindex".into());
        assert!(index.read().expect("none").is_empty());
        let txn = |n| AbortedTxn {
            producer_id: 7,
            first_offset: n,
            last_offset: n + 5,
            last_stable_offset: n + 6,
        };
        index.append(txn(0)).expect("written");
        index.append(txn(10)).expect("written");
        assert_eq!(fs::metadata(index.path()).expect("there").len(), 68);
        assert_eq!(index.read().expect("two"), [txn(0), txn(10)]);
        index.truncate_to(15).expect("cut");
        assert_eq!(index.read().expect("one"), [txn(0)]);
    }
}
