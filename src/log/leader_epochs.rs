//! Where each leader epoch begins (Kafka's `LeaderEpochFileCache`, KIP-101).
//!
//! The file `leader-epoch-checkpoint`: `0`, count, then `epoch startOffset` a line.

use std::path::Path;

/// Name of the file.
pub const FILE: &str = "leader-epoch-checkpoint";

/// Epochs in rising order with their start offsets, as the log knows them: the file may be behind
/// (`epoch_file.rs`).
#[derive(Debug, Default)]
pub struct LeaderEpochs {
    entries: Vec<(i32, i64)>,
    changes: u64,
}

impl LeaderEpochs {
    /// Reads the file; a missing or unreadable one is empty, and an entry that contradicts those
    /// before it replaces them.
    pub fn load(dir: &Path) -> LeaderEpochs {
        let text = std::fs::read_to_string(dir.join(FILE)).unwrap_or_default();
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
        LeaderEpochs { entries, changes: 0 }
    }

    /// What the file is to hold.
    pub fn text(&self) -> String {
        let mut text = format!("0\n{}\n", self.entries.len());
        for (epoch, offset) in &self.entries {
            text.push_str(&format!("{epoch} {offset}\n"));
        }
        text
    }

    /// How many changes there were since it was loaded.
    pub fn changes(&self) -> u64 {
        self.changes
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
    pub fn assign(&mut self, epoch: i32, offset: i64) {
        if epoch < 0 || self.latest() == Some(epoch) {
            return;
        }
        self.entries.retain(|(e, start)| *e < epoch && *start < offset);
        self.entries.push((epoch, offset));
        self.changes += 1;
    }

    /// Notes a record that recovery reads again. What is known stays, as the record need not be the
    /// first of its epoch; what cannot be is of a file that a full disk kept from being rewritten
    /// when the log was cut.
    pub fn find(&mut self, epoch: i32, offset: i64) {
        let before = self.entries.iter().rfind(|(_, start)| *start <= offset);
        // The log may have started after it once.
        let known = before.map_or_else(|| self.latest(), |(known, _)| Some(*known));
        if known.is_none_or(|known| known < epoch) {
            self.truncate_from_end(offset + 1);
            self.assign(epoch, offset);
        }
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
    pub fn truncate_from_end(&mut self, offset: i64) {
        let before = self.entries.len();
        self.entries.retain(|(_, start)| *start < offset);
        self.changes += u64::from(self.entries.len() < before);
    }

    /// Leaves out what ends before `offset`; the epoch there begins at it.
    pub fn truncate_from_start(&mut self, offset: i64) {
        let Some(at) = self.entries.iter().rposition(|(_, start)| *start <= offset) else {
            return;
        };
        let moved = self.entries.get(at).is_some_and(|(_, start)| *start < offset);
        if at == 0 && !moved {
            return;
        }
        self.entries.drain(..at);
        if let Some(first) = self.entries.first_mut() {
            first.1 = offset;
        }
        self.changes += 1;
    }

    /// Becomes these.
    pub fn replace(&mut self, entries: &[(i32, i64)]) {
        self.entries = entries.to_vec();
        self.changes += 1;
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.changes += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_end_where_the_next_begins() {
        let mut epochs = LeaderEpochs::default();
        assert_eq!(epochs.end_offset(0, 9), (-1, -1));
        for (epoch, offset) in [(1, 0), (3, 10), (5, 20)] {
            epochs.assign(epoch, offset);
        }
        assert_eq!(epochs.end_offset(5, 30), (5, 30));
        assert_eq!(epochs.end_offset(4, 30), (3, 20));
        assert_eq!(epochs.end_offset(0, 30), (0, 0));
        assert_eq!(epochs.end_offset(6, 30), (-1, -1));
        assert_eq!(epochs.text(), "0\n3\n1 0\n3 10\n5 20\n");
        epochs.truncate_from_start(12);
        epochs.truncate_from_end(20);
        assert_eq!(epochs.entries(), [(3, 12)]);
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join(FILE), epochs.text()).expect("written");
        assert_eq!(LeaderEpochs::load(dir.path()).entries(), [(3, 12)]);
    }

    #[test]
    fn a_new_epoch_at_an_older_offset_replaces_what_contradicts_it() {
        let mut epochs = LeaderEpochs::default();
        epochs.assign(1, 0);
        epochs.assign(2, 10);
        epochs.assign(3, 10);
        assert_eq!(epochs.entries(), [(1, 0), (3, 10)]);
    }

    #[test]
    fn records_tell_more_than_a_file_that_was_not_rewritten_when_the_log_was_cut() {
        let of = |entries: &[(i32, i64)], records: &[(i32, i64)]| {
            let mut epochs = LeaderEpochs::default();
            epochs.replace(entries);
            records.iter().for_each(|(epoch, offset)| epochs.find(*epoch, *offset));
            epochs.entries().to_vec()
        };
        let file = [(1, 7), (2, 34), (7, 49), (8, 60)];
        assert_eq!(of(&file, &[(1, 9), (2, 40), (7, 49), (8, 70)]), file, "not the first of each");
        assert_eq!(of(&file, &[(2, 40), (7, 42), (7, 49)]), [(1, 7), (2, 34), (7, 42)]);
        assert_eq!(of(&file, &[(7, 42), (8, 50)]), [(1, 7), (2, 34), (7, 42), (8, 50)]);
        assert_eq!(of(&file, &[(0, 2), (1, 5), (1, 6)]), file, "below the start that the log had");
        assert_eq!(of(&[], &[(3, 20), (7, 27), (7, 30)]), [(3, 20), (7, 27)]);
        assert_eq!(of(&[(3, 20)], &[(9, 10)]), [(9, 10)]);
    }
}
