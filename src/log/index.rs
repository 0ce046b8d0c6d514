//! The sparse indexes of a segment (Kafka's `OffsetIndex` and `TimeIndex`), big endian.
//!
//! `.index`: relative offset u32, position u32. `.timeindex`: timestamp i64, relative offset u32.
//! The active segment's files are sparse up to `segment.index.bytes` and trimmed when it is
//! rolled or closed. Entries are read by position: nothing is kept in memory but the last one.

use super::file::LogFile;
use super::pooled::DirPath;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An index of `N`-byte entries. Written under the log's lock, read by anybody.
#[derive(Debug)]
pub struct Index<const N: usize> {
    pub(super) file: LogFile,
    entries: AtomicU64,
    max_entries: AtomicU64,
}

/// Offset to position.
pub type OffsetIndex = Index<8>;
/// Timestamp to offset.
pub type TimeIndex = Index<12>;

impl<const N: usize> Index<N> {
    /// The index `name` in `dir`, with the entries that are in the file.
    pub fn open(dir: &Arc<DirPath>, name: String) -> io::Result<Self> {
        let (file, bytes) = LogFile::at(dir, name)?;
        let entries = AtomicU64::new(bytes / N as u64);
        Ok(Index { file, entries, max_entries: AtomicU64::new(u64::MAX) })
    }

    /// Where it is.
    #[cfg(test)]
    pub fn path(&self) -> std::path::PathBuf {
        self.file.path()
    }

    /// Number of entries.
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Acquire)
    }

    /// Whether the file is there and has whole entries only.
    pub fn is_whole(&self) -> io::Result<bool> {
        match self.file.len() {
            Ok(len) => Ok(len.is_multiple_of(N as u64)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Whether no further entry fits.
    pub fn is_full(&self) -> bool {
        self.entries() >= self.max_entries.load(Ordering::Relaxed)
    }

    /// Makes room, sparsely, for `bytes`: it is the active segment's.
    pub fn grow_to(&self, bytes: i32) -> io::Result<()> {
        let max = u64::try_from(bytes).unwrap_or(0) / N as u64;
        self.max_entries.store(max, Ordering::Relaxed);
        self.file.set_len(max.max(self.entries()) * N as u64)
    }

    /// Cuts the file to its entries and closes it.
    pub fn trim(&self) -> io::Result<()> {
        self.file.set_len(self.entries() * N as u64)?;
        self.file.release();
        Ok(())
    }

    /// Makes it survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// Closes the file until it is needed again.
    pub fn release(&self) {
        self.file.release();
    }

    fn push(&self, entry: [u8; N]) -> io::Result<()> {
        let at = self.entries();
        self.file.write_at(&[IoSlice::new(&entry)], at * N as u64)?;
        self.entries.store(at + 1, Ordering::Release);
        Ok(())
    }

    fn entry(&self, at: u64) -> io::Result<[u8; N]> {
        let mut entry = [0; N];
        self.file.read_exact_at(&mut entry, at * N as u64)?;
        Ok(entry)
    }

    /// Number of entries for which `before` holds; it holds for a prefix.
    fn partition(&self, before: impl Fn(&[u8; N]) -> bool) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.entries());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(&self.entry(middle)?) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    fn cut(&self, entries: u64) -> io::Result<()> {
        if entries < self.entries() {
            self.entries.store(entries, Ordering::Release);
            let file = &self.file;
            let len = file.len()?;
            file.set_len(entries * N as u64)?;
            // What was sparse stays so, without old entries in it.
            if self.max_entries.load(Ordering::Relaxed) != u64::MAX {
                file.set_len(len)?;
            }
        }
        Ok(())
    }

    /// Forgets all entries.
    pub fn clear(&self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.entries.store(0, Ordering::Release);
        Ok(())
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_be_bytes)
}

impl Index<8> {
    /// Adds an entry; one that is not after the last is left out.
    pub fn append(&self, relative_offset: u32, position: u32) -> io::Result<()> {
        if self.is_full() || self.last()?.is_some_and(|(last, _)| last >= relative_offset) {
            return Ok(());
        }
        let mut entry = [0; 8];
        entry[..4].copy_from_slice(&relative_offset.to_be_bytes());
        entry[4..].copy_from_slice(&position.to_be_bytes());
        self.push(entry)
    }

    fn read(&self, at: u64) -> io::Result<(u32, u32)> {
        let entry = self.entry(at)?;
        Ok((number(&entry[..4]), number(&entry[4..])))
    }

    /// The last entry.
    pub fn last(&self) -> io::Result<Option<(u32, u32)>> {
        self.entries().checked_sub(1).map(|at| self.read(at)).transpose()
    }

    /// Position of the last entry not after the offset; 0 if there is none.
    pub fn lookup(&self, relative_offset: u32) -> io::Result<u32> {
        let after = self.partition(|entry| number(&entry[..4]) <= relative_offset)?;
        Ok(after.checked_sub(1).map(|at| self.read(at)).transpose()?.map_or(0, |(_, p)| p))
    }

    /// Offset of the first entry at or after the position.
    pub fn offset_after(&self, position: u64) -> io::Result<Option<u32>> {
        let at = self.partition(|entry| u64::from(number(&entry[4..])) < position)?;
        if at < self.entries() { Ok(Some(self.read(at)?.0)) } else { Ok(None) }
    }

    /// Leaves out entries at or after the offset.
    pub fn truncate_to(&self, relative_offset: u32) -> io::Result<()> {
        let kept = self.partition(|entry| number(&entry[..4]) < relative_offset)?;
        self.cut(kept)
    }
}

impl Index<12> {
    /// Adds an entry; one that is not later than the last is left out.
    pub fn append(&self, timestamp: i64, relative_offset: u32) -> io::Result<()> {
        let stale = |(t, o): (i64, u32)| t >= timestamp || o >= relative_offset;
        if timestamp < 0 || self.last()?.is_some_and(stale) {
            return Ok(());
        }
        let mut entry = [0; 12];
        entry[..8].copy_from_slice(&timestamp.to_be_bytes());
        entry[8..].copy_from_slice(&relative_offset.to_be_bytes());
        self.push(entry)
    }

    fn read(&self, at: u64) -> io::Result<(i64, u32)> {
        let entry = self.entry(at)?;
        Ok((timestamp(&entry), number(&entry[8..])))
    }

    /// Whether only the entry kept for the end of the segment would fit.
    pub fn is_nearly_full(&self) -> bool {
        self.entries().saturating_add(1) >= self.max_entries.load(Ordering::Relaxed)
    }

    /// The last entry.
    pub fn last(&self) -> io::Result<Option<(i64, u32)>> {
        self.entries().checked_sub(1).map(|at| self.read(at)).transpose()
    }

    /// Relative offset of the last entry not later than the time: nothing before it is later.
    pub fn lookup(&self, time: i64) -> io::Result<u32> {
        let after = self.partition(|entry| timestamp(entry) < time)?;
        Ok(after.checked_sub(1).map(|at| self.read(at)).transpose()?.map_or(0, |(_, o)| o))
    }

    /// Leaves out entries at or after the offset.
    pub fn truncate_to(&self, relative_offset: u32) -> io::Result<()> {
        let kept = self.partition(|entry| number(&entry[8..]) < relative_offset)?;
        self.cut(kept)
    }
}

fn timestamp(entry: &[u8; 12]) -> i64 {
    entry.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(dir: &tempfile::TempDir) -> Arc<DirPath> {
        DirPath::unlimited(dir.path())
    }

    #[test]
    fn an_offset_index_finds_what_lies_before_and_is_trimmed() {
        let dir = tempfile::tempdir().expect("a directory");
        let index = OffsetIndex::open(&at(&dir), "0.index".into()).expect("opened");
        index.grow_to(100).expect("grown");
        for n in 1..=5u32 {
            index.append(n * 10, n * 1000).expect("added");
        }
        index.append(50, 9).expect("ignored");
        assert_eq!(index.lookup(9).expect("found"), 0);
        assert_eq!(index.lookup(35).expect("found"), 3000);
        assert_eq!(index.offset_after(1001).expect("found"), Some(20));
        index.truncate_to(40).expect("cut");
        assert_eq!(index.last().expect("last"), Some((30, 3000)));
        assert_eq!(std::fs::metadata(index.file.path()).expect("there").len(), 96);
        index.trim().expect("trimmed");
        assert_eq!(
            std::fs::read(index.file.path()).expect("there")[..8],
            [0, 0, 0, 10, 0, 0, 3, 232]
        );
        assert_eq!(OffsetIndex::open(&at(&dir), "0.index".into()).expect("again").entries(), 3);
    }

    #[test]
    fn a_time_index_keeps_rising_entries_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let index = TimeIndex::open(&at(&dir), "0.timeindex".into()).expect("opened");
        for (time, offset) in [(100, 1), (100, 2), (200, 5), (150, 9)] {
            index.append(time, offset).expect("added");
        }
        assert_eq!(index.entries(), 2);
        assert_eq!(index.lookup(200).expect("found"), 1);
        assert_eq!(index.lookup(201).expect("found"), 5);
    }
}
