//! Ends of a broker: clean, killed, and with the power gone, which takes what was not synced.

use super::check;
use super::state;
use super::world::World;
use crate::log::faulty;
use crate::log::partition_log::Known;
use rand::RngExt;
use rand::rngs::StdRng;
use std::fs::OpenOptions;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

impl World {
    /// Closed and opened again: nothing is lost, nothing is read.
    pub(super) fn restart(&mut self) {
        self.log().close().expect("closed");
        self.write_checkpoint();
        let (recovery_point, log_start) = self.checkpoint;
        self.reopen(Known { clean: true, recovery_point, log_start });
        let (start, end) = (self.model.start, self.model.end);
        let last = self.model.batches.last().map_or(0, |b| b.last() + 1);
        if self.config.cleanup_policy.compact && start == end && last < end {
            // It was cut in a hole, and is empty: what lies before its start went now, but for a
            // snapshot of the producers at its end.
            let producers = self.model.producers.clone();
            self.model.restart_at(end);
            if !self.producers().is_empty() {
                self.model.know(producers);
            }
        }
        self.drop_what_lies_below();
        self.model.reloaded();
        self.opened_again(self.model.start);
        self.check_all();
    }

    /// The process is gone; the kernel still has what was written.
    pub(super) fn kill(&mut self) {
        let (first, start) = (self.first_base(), self.model.start);
        match self.now % 3 {
            0 => self.reopen_full(self.known(), (self.now % 7 * 40) as usize),
            _ => self.reopen(self.known()),
        }
        self.model.start = self.checkpoint.1.max(first);
        if self.model.start > self.model.end {
            self.model.restart_at(self.model.start);
        }
        self.drop_what_lies_below();
        let end = self.log().log_end_offset();
        assert!(end <= self.model.end, "{end} > {}", self.model.end);
        self.ends_at(end);
        self.opened_again(start);
        self.check_all();
    }

    /// A log that ends where it starts has only records that were deleted: a start may remove them.
    fn drop_what_lies_below(&mut self) {
        if self.model.start == self.model.end && self.physical().is_empty() {
            self.model.batches.clear();
            // With them may go the snapshot that knew their producers.
            if self.producers().is_empty() {
                self.model.know(state::Producers::new());
            }
        }
    }

    fn known(&self) -> Known {
        let (recovery_point, log_start) = self.checkpoint;
        Known { clean: false, recovery_point, log_start }
    }

    /// Whether it may end before it did, without a batch less: in a compacted log the end can be
    /// empty, and in one that was cut within a batch, at its start.
    fn may_end_earlier(&self) -> bool {
        let model = &self.model;
        let ends_with_batch = model.batches.last().is_some_and(|last| last.last() + 1 == model.end);
        self.config.cleanup_policy.compact || !ends_with_batch
    }

    /// The log ends at `end`, without a batch less.
    fn ends_at(&mut self, end: i64) {
        if !self.may_end_earlier() {
            assert_eq!(end, self.model.end);
        }
        if end < self.model.end {
            let batches = self.model.batches.len();
            self.model.truncate(end, end);
            assert_eq!(self.model.batches.len(), batches, "batches before the end {end} are lost");
        }
        self.model.reloaded();
    }

    /// What the model says after any start: the leader moves the high watermark again.
    /// It began at `start_before`.
    fn opened_again(&mut self, start_before: i64) {
        let known = self.log().epochs.lock().entries().to_vec();
        let model = &mut self.model;
        // As Kafka: an epoch without records is not known after a start.
        model.epochs.retain(|(_, from)| *from < model.end);
        // If it began at its end, it finds those of the batches before it again after a crash.
        if model.epochs.is_empty() {
            model.epochs.clone_from(&known);
        }
        // On a full disk the file stays as it was before entries were taken from its start: what
        // it says of offsets from the log start on is true.
        if known.ends_with(&model.epochs) && known.iter().all(|(_, from)| *from >= model.start) {
            model.epochs.clone_from(&known);
        }
        // If the start that was raised is lost, and with it why epochs before it went from the
        // file, it finds some of them in what it reads again, now or after another crash.
        let has = |epoch: i32| known.iter().any(|(own, _)| *own == epoch);
        let knows_more = model.epochs.iter().all(|(epoch, _)| has(*epoch));
        let is_told = model.is_told_by(&known, self.checkpoint.0);
        if is_told && (knows_more || start_before > model.start) {
            model.epochs = known;
        }
        // The checkpoint's start may be above that before, where it was cut below it meanwhile.
        model.truncate_epochs_from_start(model.start);
        model.high_watermark = model.high_watermark.clamp(model.start, model.end);
        let to = model.high_watermark;
        assert_eq!(self.log().set_high_watermark(to), to);
    }

    /// The power is gone. What was not synced is lost from some byte on, also in the middle. With
    /// `unsure`, an operation had failed before: what it wrote may be there.
    pub(super) fn power_cut(&mut self, rng: &mut StdRng, unsure: bool) {
        let durable = self.log().recovery_point();
        let (first, start) = (self.first_base(), self.model.start);
        self.open = None;
        self.lose(rng);
        match rng.random_range(0..3) {
            0 => self.reopen_full(self.known(), rng.random_range(0..400)),
            _ => self.reopen(self.known()),
        }
        self.model.start = self.checkpoint.1.max(first);
        let end = self.log().log_end_offset();
        let snapshot = self.model.producers_at(end);
        let epochs = self.model.epochs.clone();
        if self.model.start > end || self.log().segments.load()[0].base_offset > end {
            self.model.restart_at(self.model.start);
        }
        if self.log().log_start_offset() == end && self.physical().is_empty() {
            assert!(durable <= end, "synced up to {durable}, begins at {end}");
            self.model.restart_at(end);
        }
        let found = self.physical();
        let kept = self.model.batches.iter().zip(&found).take_while(|(a, b)| a == b).count();
        assert!(unsure || kept == found.len(), "something else is at {kept} of {}", found.len());
        let lost = self.model.batches.get(kept);
        assert!(
            lost.is_none_or(|lost| lost.last() >= durable),
            "synced up to {durable}, lost from {:?} on",
            lost.map(|lost| lost.base())
        );
        if let Some(base) = lost.map(|lost| lost.base()) {
            let end = self.model.batches[..kept].last().map_or(base, |b| b.last() + 1);
            // In a compacted log it may end in a hole.
            let to = self.log().log_end_offset().clamp(end.min(base), base);
            self.model.truncate(base, to.max(self.model.start));
        }
        for extra in found.into_iter().skip(kept) {
            self.model.push(extra);
        }
        let end = self.log().log_end_offset();
        let wanted = self.model.end;
        assert!(end == wanted || self.may_end_earlier(), "ends at {end}, not at {wanted}");
        match end < wanted {
            true => self.model.truncate(end, end),
            false => {
                // Of those whose records are lost it knows what the file had.
                let known = self.open.as_ref().expect("open").epochs.lock().entries().to_vec();
                let epochs: Vec<_> = epochs.into_iter().filter(|e| known.contains(e)).collect();
                self.model.end_after_a_hole(end, &epochs);
            }
        }
        // Where a segment begins there may be a snapshot, which outlives records before it that
        // were lost: the log knows their producers then, as Kafka does.
        let ends_after_a_hole = self.model.batches.last().is_none_or(|last| last.last() + 1 < end);
        if let Some(snapshot) = snapshot.filter(|_| ends_after_a_hole)
            && check::entries(&snapshot) == self.producers()
        {
            self.model.know(snapshot);
        }
        self.model.reloaded();
        // A leader that was cut back writes in a new epoch.
        self.leader_epoch += 1;
        self.opened_again(start);
        self.check_all();
    }

    fn lose(&self, rng: &mut StdRng) {
        let unsynced = faulty::take_unsynced(&self.dir);
        // Compaction leaves holes, so the log cannot know that one is a loss: there the disk loses
        // from a point on, as disks mostly do. A file that was closed is synced from its start.
        let in_order = self.config.cleanup_policy.compact;
        let is_synced = |path: &Path| {
            let first = unsynced.get(path).and_then(|ranges| ranges.iter().map(|r| r.start).min());
            let len = path.metadata().map_or(0, |metadata| metadata.len());
            len > 0 && first.is_none_or(|first| first > 0)
        };
        let files = log_files(&self.dir);
        let sure_to = files.iter().rposition(|path| in_order && is_synced(path)).unwrap_or(0);
        let sure = &files[..sure_to];
        let mut all_lost = false;
        for (path, ranges) in &unsynced {
            let name = path.to_string_lossy();
            if !path.exists() || sure.contains(path) {
                continue;
            }
            if name.ends_with(".log") {
                let all_kept = !all_lost && rng.random_bool(0.4);
                if !all_kept {
                    lose_tail(path, ranges, if all_lost { 0.0 } else { rng.random() }, rng);
                }
                all_lost = in_order && (all_lost || !all_kept);
            } else if rng.random_bool(0.7) {
                lose_ranges(path, ranges, rng);
            }
        }
    }
}

/// The `.log` files of a directory, oldest first.
fn log_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a directory");
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    all.sort_unstable();
    all
}

/// The file ends somewhere between its first unsynced byte and its end, or is zero from there.
fn lose_tail(path: &Path, ranges: &[Range<u64>], at: f64, rng: &mut StdRng) {
    let file = OpenOptions::new().write(true).open(path).expect("there");
    let len = file.metadata().expect("metadata").len();
    let first = ranges.iter().map(|r| r.start).min().unwrap_or(len).min(len);
    let kept = first + ((len - first) as f64 * at) as u64;
    file.set_len(kept).expect("cut");
    if rng.random_bool(0.3) {
        file.set_len(len).expect("zeros");
    }
}

/// Some of the unsynced writes never came to the disk.
fn lose_ranges(path: &Path, ranges: &[Range<u64>], rng: &mut StdRng) {
    let file = OpenOptions::new().write(true).open(path).expect("there");
    for range in ranges.iter().filter(|_| rng.random_bool(0.7)) {
        let zeros = vec![0; (range.end - range.start) as usize];
        file.write_all_at(&zeros, range.start).expect("written");
    }
}
