//! The sparse indexes of a segment (Kafka's `OffsetIndex` and `TimeIndex`), big endian.
//!
//! `.index`: relative offset u32, position u32. `.timeindex`: timestamp i64, relative offset u32.
//! The active segment's files are sparse up to `segment.index.bytes` and trimmed when it is
//! rolled or closed. Entries are read by position: nothing is kept in memory but the last one.
//! A search reads a page of them at a time, where they should be if they were evenly spread, so
//! that it takes one or two system calls and not one for every halving.
//!
//! An entry for which a full disk has no room is left out: a search begins earlier then, and reads
//! more. So a disk that is full holds up neither appends that still fit nor a start.

use super::file::LogFile;
use super::pooled::{DirPath, is_disk_full};
use parking_lot::Mutex;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of entries that a search reads at once.
const PAGE_BYTES: usize = 4096;
/// So many guesses may be wrong before a search only halves.
const GUESSES: usize = 4;

/// An index of `N`-byte entries. Written under the log's lock, read by anybody.
#[derive(Debug)]
pub struct Index<const N: usize> {
    pub(super) file: LogFile,
    entries: AtomicU64,
    max_entries: AtomicU64,
    /// The last entry, once it was read or written.
    last: Mutex<Option<[u8; N]>>,
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
        let max_entries = AtomicU64::new(u64::MAX);
        Ok(Index { file, entries, max_entries, last: Mutex::default() })
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
        self.max_entries.store(u64::MAX, Ordering::Relaxed);
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
        match self.file.write_at(&[IoSlice::new(&entry)], at * N as u64) {
            Err(error) if is_disk_full(&error) => return Ok(()),
            written => written?,
        }
        *self.last.lock() = Some(entry);
        self.entries.store(at + 1, Ordering::Release);
        Ok(())
    }

    fn entry(&self, at: u64) -> io::Result<[u8; N]> {
        let mut entry = [0; N];
        self.file.read_exact_at(&mut entry, at * N as u64)?;
        Ok(entry)
    }

    fn last_entry(&self) -> io::Result<Option<[u8; N]>> {
        let mut last = self.last.lock();
        let Some(at) = self.entries().checked_sub(1) else { return Ok(None) };
        if last.is_none() {
            *last = Some(self.entry(at)?);
        }
        Ok(*last)
    }

    /// How many entries have a key below `bound`, and the last of them; keys never fall.
    fn below(
        &self,
        bound: i64,
        key: impl Fn(&[u8; N]) -> i64,
    ) -> io::Result<(u64, Option<[u8; N]>)> {
        let mut page = [0; PAGE_BYTES];
        let (mut low, mut high) = (0, self.entries());
        let (mut before, mut after) = (None, None);
        // Most look for what came last.
        let mut guess = high;
        for turn in 0.. {
            if low == high {
                break;
            }
            let count = (high - low).min((PAGE_BYTES / N) as u64);
            let from = guess.clamp(low, high - count);
            let bytes = page.get_mut(..count as usize * N).unwrap_or_default();
            self.file.read_exact_at(bytes, from * N as u64)?;
            let (entries, _) = bytes.as_chunks::<N>();
            let found = entries.partition_point(|entry| key(entry) < bound);
            if let Some(last) = found.checked_sub(1).and_then(|last| entries.get(last)) {
                before = Some(*last);
                low = from + found as u64;
            }
            if let Some(first) = entries.get(found) {
                after = Some(key(first));
                high = from + found as u64;
            }
            // As floats: keys of a corrupt index may be anything.
            let first = before.as_ref().map_or(0, &key) as f64;
            let last = after.unwrap_or(bound) as f64;
            let share = (bound as f64 - first) / (last - first).max(1.0);
            let share = if turn < GUESSES { share.clamp(0.0, 1.0) } else { 0.5 };
            guess = low + ((high - low) as f64 * share) as u64;
            guess = guess.saturating_sub((PAGE_BYTES / N / 2) as u64);
        }
        Ok((low, before))
    }

    fn cut(&self, entries: u64) -> io::Result<()> {
        if entries < self.entries() {
            self.entries.store(entries, Ordering::Release);
            *self.last.lock() = None;
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
        *self.last.lock() = None;
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

    /// The last entry.
    pub fn last(&self) -> io::Result<Option<(u32, u32)>> {
        Ok(self.last_entry()?.map(|entry| pair(&entry)))
    }

    /// Position of the last entry not after the offset; 0 if there is none.
    pub fn lookup(&self, relative_offset: u32) -> io::Result<u32> {
        let (_, found) = self.below(i64::from(relative_offset) + 1, offset)?;
        Ok(found.map_or(0, |entry| pair(&entry).1))
    }

    /// Offset of the first entry at or after the position.
    pub fn offset_after(&self, position: u64) -> io::Result<Option<u32>> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let (at, _) = self.below(position, |entry| i64::from(pair(entry).1))?;
        if at < self.entries() { Ok(Some(pair(&self.entry(at)?).0)) } else { Ok(None) }
    }

    /// Leaves out entries at or after the offset.
    pub fn truncate_to(&self, relative_offset: u32) -> io::Result<()> {
        let (kept, _) = self.below(i64::from(relative_offset), offset)?;
        self.cut(kept)
    }
}

/// Offset and position.
fn pair(entry: &[u8; 8]) -> (u32, u32) {
    (number(&entry[..4]), number(&entry[4..]))
}

fn offset(entry: &[u8; 8]) -> i64 {
    i64::from(pair(entry).0)
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

    /// Whether only the entry kept for the end of the segment would fit.
    pub fn is_nearly_full(&self) -> bool {
        self.entries().saturating_add(1) >= self.max_entries.load(Ordering::Relaxed)
    }

    /// The last entry.
    pub fn last(&self) -> io::Result<Option<(i64, u32)>> {
        Ok(self.last_entry()?.map(|entry| (timestamp(&entry), number(&entry[8..]))))
    }

    /// Relative offset of the last entry not later than the time: nothing before it is later.
    pub fn lookup(&self, time: i64) -> io::Result<u32> {
        let (_, found) = self.below(time, timestamp)?;
        Ok(found.map_or(0, |entry| number(&entry[8..])))
    }

    /// Leaves out entries at or after the offset.
    pub fn truncate_to(&self, relative_offset: u32) -> io::Result<()> {
        let (kept, _) = self.below(i64::from(relative_offset), |e| i64::from(number(&e[8..])))?;
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
    fn a_search_finds_what_halving_would_find_however_the_entries_are_spread() {
        let dir = tempfile::tempdir().expect("a directory");
        let spreads: [fn(u32) -> u32; 3] =
            [|n| n * 7, |n| n * n / 9 + n, |n| if n < 4000 { n } else { n * 1000 }];
        for (name, spread) in spreads.iter().enumerate() {
            let index = OffsetIndex::open(&at(&dir), format!("{name}.index")).expect("opened");
            for n in 1..=5000 {
                index.append(spread(n), n).expect("added");
            }
            for n in [1, 2, 511, 512, 513, 2500, 3999, 4000, 4001, 4999, 5000] {
                assert_eq!(index.lookup(spread(n)).expect("found"), n);
                assert_eq!(index.lookup(spread(n) - 1).expect("found"), n - 1);
                assert_eq!(index.offset_after(n.into()).expect("found"), Some(spread(n)));
            }
            assert_eq!(index.offset_after(5001).expect("found"), None);
            index.truncate_to(spread(1234)).expect("cut");
            assert_eq!(index.last().expect("last"), Some((spread(1233), 1233)));
            index.append(spread(1300), 1300).expect("added");
            assert_eq!(index.last().expect("last"), Some((spread(1300), 1300)));
        }
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
