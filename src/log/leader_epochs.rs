//! Where each leader epoch begins (Kafka's `LeaderEpochFileCache`, KIP-101).
//!
//! The file `leader-epoch-checkpoint`: `0`, count, then `epoch startOffset` a line.

use super::api::LogError;
use super::file;
use super::recovery;
use std::path::{Path, PathBuf};

/// Name of the file.
pub const FILE: &str = "leader-epoch-checkpoint";

/// Epochs in rising order with their start offsets.
#[derive(Debug)]
pub struct LeaderEpochs {
    path: PathBuf,
    entries: Vec<(i32, i64)>,
    /// The file says something else: the disk was full.
    unsaved: bool,
}

impl LeaderEpochs {
    /// Reads the file; a missing or unreadable one is empty, and an entry that contradicts those
    /// before it replaces them.
    pub fn load(dir: &Path) -> LeaderEpochs {
        let path = dir.join(FILE);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let read = text.lines().skip(2).map_while(|line| {
            let (epoch, offset) = line.split_once(' ')?;
            Some((epoch.parse().ok()?, offset.parse().ok()?))
        });
        let mut entries: Vec<(i32, i64)> = Vec::new();
        for (epoch, offset) in read {
            if entries.last().is_some_and(|last| last.0 == epoch && last.1 <= offset) {
                continue;
            }
            entries.retain(|(e, start)| *e < epoch && *start < offset);
            entries.push((epoch, offset));
        }
        LeaderEpochs { entries, path, unsaved: false }
    }

    fn save(&mut self) -> Result<(), LogError> {
        self.unsaved = true;
        let mut text = format!("0\n{}\n", self.entries.len());
        for (epoch, offset) in &self.entries {
            text.push_str(&format!("{epoch} {offset}\n"));
        }
        file::replace(&self.path, text.as_bytes())?;
        self.unsaved = false;
        Ok(())
    }

    /// After a change that leaves out entries: it counts on a full disk too. The file then says
    /// more than is true until something else is appended, which saves before it writes.
    fn save_if_room(&mut self) -> Result<(), LogError> {
        let saved = self.save();
        if saved.as_ref().is_err_and(LogError::is_disk_full) { Ok(()) } else { saved }
    }

    /// The log's directory has another name now.
    pub fn moved(&mut self, dir: &Path) {
        self.path = dir.join(FILE);
    }

    /// The newest.
    pub fn latest(&self) -> Option<i32> {
        self.entries.last().map(|(epoch, _)| *epoch)
    }

    /// All, oldest first.
    pub fn entries(&self) -> &[(i32, i64)] {
        &self.entries
    }

    /// Notes that `epoch` begins at `offset`; entries that contradict it go. Cheap if known.
    pub fn assign(&mut self, epoch: i32, offset: i64) -> Result<(), LogError> {
        if epoch < 0 || self.latest() == Some(epoch) {
            return if self.unsaved { self.save() } else { Ok(()) };
        }
        self.entries.retain(|(e, start)| *e < epoch && *start < offset);
        self.entries.push((epoch, offset));
        self.save()
    }

    /// As [`assign`](Self::assign), and counts on a full disk too: an epoch without records is not
    /// known after a start anyway.
    pub fn begin(&mut self, epoch: i32, offset: i64) -> Result<(), LogError> {
        let saved = self.assign(epoch, offset);
        if saved.as_ref().is_err_and(LogError::is_disk_full) { Ok(()) } else { saved }
    }

    /// The largest epoch not after the one asked for, and where it ends; (-1, -1) if unknown.
    pub fn end_offset(&self, epoch: i32, log_end: i64) -> (i32, i64) {
        if epoch < 0 {
            return (-1, -1);
        }
        if self.latest() == Some(epoch) {
            return (epoch, log_end);
        }
        let next = self.entries.iter().position(|(e, _)| *e > epoch);
        let Some((at, (_, end))) = next.and_then(|at| Some((at, self.entries.get(at)?))) else {
            return (-1, -1);
        };
        let floor = at.checked_sub(1).and_then(|before| self.entries.get(before));
        (floor.map_or(epoch, |(e, _)| *e), *end)
    }

    /// Leaves out what begins at or after `offset`.
    pub fn truncate_from_end(&mut self, offset: i64) -> Result<(), LogError> {
        let before = self.entries.len();
        self.entries.retain(|(_, start)| *start < offset);
        if self.entries.len() == before { Ok(()) } else { self.save_if_room() }
    }

    /// Leaves out what ends before `offset`; the epoch there begins at it.
    pub fn truncate_from_start(&mut self, offset: i64) -> Result<(), LogError> {
        let Some(at) = self.entries.iter().rposition(|(_, start)| *start <= offset) else {
            return Ok(());
        };
        let moved = self.entries.get(at).is_some_and(|(_, start)| *start < offset);
        if at == 0 && !moved {
            return Ok(());
        }
        self.entries.drain(..at);
        if let Some(first) = self.entries.first_mut() {
            first.1 = offset;
        }
        self.save_if_room()
    }

    /// Becomes these.
    pub fn replace(&mut self, entries: &[(i32, i64)]) -> Result<(), LogError> {
        self.entries = entries.to_vec();
        self.save()
    }

    /// Forgets all. Without room for an empty file there is none.
    pub fn clear(&mut self) -> Result<(), LogError> {
        self.entries.clear();
        self.save_if_room()?;
        if self.unsaved {
            recovery::remove(&self.path)?;
            self.unsaved = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_end_where_the_next_begins() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut epochs = LeaderEpochs::load(dir.path());
        assert_eq!(epochs.end_offset(0, 9), (-1, -1));
        for (epoch, offset) in [(1, 0), (3, 10), (5, 20)] {
            epochs.assign(epoch, offset).expect("saved");
        }
        assert_eq!(epochs.end_offset(5, 30), (5, 30));
        assert_eq!(epochs.end_offset(4, 30), (3, 20));
        assert_eq!(epochs.end_offset(0, 30), (0, 0));
        assert_eq!(epochs.end_offset(6, 30), (-1, -1));
        let text = std::fs::read_to_string(dir.path().join(FILE)).expect("there");
        assert_eq!(text, "0\n3\n1 0\n3 10\n5 20\n");
        epochs.truncate_from_start(12).expect("cut");
        epochs.truncate_from_end(20).expect("cut");
        assert_eq!(LeaderEpochs::load(dir.path()).entries(), [(3, 12)]);
    }

    #[test]
    fn a_new_epoch_at_an_older_offset_replaces_what_contradicts_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut epochs = LeaderEpochs::load(dir.path());
        epochs.assign(1, 0).expect("saved");
        epochs.assign(2, 10).expect("saved");
        epochs.assign(3, 10).expect("saved");
        assert_eq!(epochs.entries(), [(1, 0), (3, 10)]);
    }
}
