//! One log on a disk that can fail, the model beside it, and each step done to both.

use super::state::{State, Stored};
use super::step::{Fault, Step, rng};
use crate::config::{CleanupPolicy, CompressionType, TimestampType, TopicConfig};
use crate::log::faulty::{self, Disk};
use crate::log::partition_log::{Known, Log, Place};
use crate::log::shared::{DirState, Shared};
use crate::log::{LogError, testing};
use crate::types::TopicPartition;
use rand::RngExt;
use rand::rngs::StdRng;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// See the module.
pub(super) struct World {
    pub(super) root: tempfile::TempDir,
    pub(super) dir: PathBuf,
    pub(super) config: Arc<TopicConfig>,
    pub(super) shared: Arc<Shared>,
    pub(super) dir_state: Arc<DirState>,
    /// Taken out only while it is opened again.
    pub(super) open: Option<Log>,
    pub(super) disk: Arc<Disk>,
    pub(super) model: State,
    pub(super) now: i64,
    pub(super) leader_epoch: i32,
    /// Recovery point and log start, as the checkpoints have them.
    pub(super) checkpoint: (i64, i64),
    truncated: Arc<AtomicBool>,
    pub(super) clean_to: i64,
    /// Before it segments may have been written anew, also by a pass that did not end.
    pub(super) rewritten_to: i64,
    /// Something was injected in this step and came true.
    pub(super) tripped: bool,
    syncs_fail: bool,
}

fn topic(rng: &mut StdRng) -> TopicConfig {
    let policies = [(true, false), (true, false), (false, true), (true, true)];
    let (delete, compact) = policies[rng.random_range(0..policies.len())];
    let compressions =
        [CompressionType::Producer, CompressionType::Zstd, CompressionType::Uncompressed];
    let append_time = rng.random_bool(0.25);
    TopicConfig {
        cleanup_policy: CleanupPolicy { delete, compact },
        compression_type: compressions[rng.random_range(0..30usize).saturating_sub(27)],
        message_timestamp_type: match append_time {
            true => TimestampType::LogAppendTime,
            false => TimestampType::CreateTime,
        },
        segment_bytes: rng.random_range(1500..4000),
        segment_ms: if rng.random_bool(0.3) { 30_000 } else { i64::MAX },
        index_interval_bytes: rng.random_range(50..500),
        segment_index_bytes: rng.random_range(96..400),
        retention_ms: if rng.random_bool(0.5) { 60_000 } else { -1 },
        retention_bytes: if rng.random_bool(0.5) { 9000 } else { -1 },
        delete_retention_ms: 20_000,
        file_delete_delay_ms: 0,
        ..Default::default()
    }
}

impl World {
    pub(super) fn new(rng: &mut StdRng) -> World {
        let root = testing::directory();
        let dir = root.path().join("model-0");
        let config = Arc::new(topic(rng));
        let mut world = World {
            disk: faulty::disk_of(&dir),
            dir_state: Arc::new(DirState::new(root.path().to_owned(), Arc::default())),
            root,
            dir,
            config,
            shared: Arc::default(),
            open: None,
            model: State::default(),
            now: 1_000_000,
            leader_epoch: 0,
            checkpoint: (0, 0),
            truncated: Arc::default(),
            clean_to: 0,
            rewritten_to: 0,
            tripped: false,
            syncs_fail: false,
        };
        world.reopen(Known { clean: true, ..Known::default() });
        world.budget(rng.random_range(8..24));
        world
    }

    pub(super) fn log(&self) -> &Log {
        self.open.as_ref().expect("open")
    }

    /// Also a disk that is full takes nothing from a start.
    pub(super) fn reopen_full(&mut self, known: Known, room: usize) {
        self.disk.set_room(Some(room));
        self.reopen(known);
        self.disk.set_room(None);
        self.disk.take_tripped();
    }

    pub(super) fn reopen(&mut self, known: Known) {
        self.open = None;
        self.shared = Arc::default();
        let path = self.root.path().to_owned();
        self.dir_state = Arc::new(DirState::new(path, self.shared.clone()));
        let truncated = self.truncated.clone();
        self.shared.on_truncation(move || truncated.store(true, Ordering::Release));
        let place = Place {
            id: TopicPartition::new("model", 0),
            dir: self.dir.clone(),
            dir_state: self.dir_state.clone(),
            shared: self.shared.clone(),
            config: self.config.clone(),
        };
        self.open = Some(Log::open(place, known, self.now).expect("opened"));
    }

    fn budget(&self, files: usize) {
        self.shared.files.set_budget(Some(files));
    }

    pub(super) fn arm(&mut self, fault: Option<Fault>) {
        self.disk.take_tripped();
        match fault {
            Some(Fault::Full(bytes)) => self.disk.set_room(Some(bytes)),
            Some(Fault::Sync(after)) => self.disk.fail_sync_after(Some(after)),
            None => {}
        }
        self.syncs_fail = matches!(fault, Some(Fault::Sync(_)));
    }

    pub(super) fn disarm(&mut self) {
        self.disk.set_room(None);
        self.disk.fail_sync_after(None);
        self.tripped |= self.disk.take_tripped();
    }

    /// Between two numbers.
    fn between(from: i64, to: i64, at: f64) -> i64 {
        from + ((to - from) as f64 * at) as i64
    }

    pub(super) fn take(&mut self, step: Step) {
        self.tripped = false;
        match step {
            Step::Append(drafts, fault) => self.append(&drafts, fault),
            Step::Follow { batches, gap, behind, seed, fault } => {
                self.follow(batches, gap, behind, seed, fault);
            }
            Step::Truncate(at, fault) => self.truncate(at, fault),
            Step::RestartAt(ahead) => {
                let to = (self.model.end + ahead - 20).max(0);
                self.log().truncate_fully_and_start_at(to).expect("restarted");
                self.model.restart_at(to);
                (self.clean_to, self.rewritten_to) = (0, 0);
            }
            Step::HighWatermark(at) => self.move_high_watermark(at),
            Step::DeleteRecords(at) => self.delete_records(at),
            Step::Retain => self.retain(),
            Step::Clean(at) => self.clean(at),
            Step::Flush(fault) => self.flush(fault),
            Step::Checkpoint => self.write_checkpoint(),
            Step::Clock(by) => self.now = (self.now + by).max(500_000),
            Step::Read { at, max, whole, bound } => self.check_read(at, max, whole, bound),
            Step::Time(at) => self.check_time(at),
            Step::NewLeader => {
                self.leader_epoch += 1;
                let (epoch, end) = (self.leader_epoch, self.model.end);
                self.log().assign_epoch_start(epoch, end);
                self.model.assign_epoch(epoch, end);
            }
            Step::Restart => self.restart(),
            Step::Kill => self.kill(),
            Step::PowerCut(seed) => self.power_cut(&mut rng(seed), false),
            Step::Budget(files) => self.budget(files),
        }
        if self.truncated.swap(false, Ordering::AcqRel) {
            self.write_checkpoint();
        }
        let offline = !self.dir_state.is_online();
        assert!(!offline || self.tripped && self.syncs_fail, "the directory went offline");
        if self.tripped && self.syncs_fail {
            // Only a restart helps a disk that lost writes.
            self.power_cut(&mut rng(7), true);
        }
        self.shared.empty_trash(i64::MAX);
        let known = self.producers();
        self.model.forget_compacted(&known);
        self.check_state();
    }

    fn truncate(&mut self, at: f64, fault: Option<Fault>) {
        let model = &self.model;
        let offset = match at > 0.97 {
            true => (model.start - 1).max(0),
            false => model.end + 1 - Self::between(0, model.end + 3 - model.start, at * at * at),
        };
        // What was cleaned is below the high watermark: followers do not truncate to there.
        let offset = offset.max(0);
        let offset = if offset < model.start { offset } else { offset.max(self.rewritten_to) };
        // What a truncation leaves after a sync that failed is nobody's promise.
        self.arm(fault.filter(|fault| matches!(fault, Fault::Full(_))));
        let result = self.log().truncate_to(offset);
        self.disarm();
        assert!(result.is_ok() || self.tripped, "{result:?}");
        if offset >= self.model.end {
            return;
        }
        if offset < self.model.start {
            self.model.restart_at(offset);
            (self.clean_to, self.rewritten_to) = (0, 0);
            return;
        }
        let kept = self.model.batches.iter().rfind(|b| b.last() < offset);
        let least = kept.map_or(self.model.start, |b| b.last() + 1).max(self.model.start);
        let end = self.log().log_end_offset();
        assert!((least..=offset).contains(&end), "cut at {offset}, ends at {end}, not {least}");
        if !self.config.cleanup_policy.compact {
            assert_eq!(end, least);
        }
        self.model.truncate(offset, end);
    }

    fn move_high_watermark(&mut self, at: f64) {
        let (from, to) = (self.model.high_watermark, self.model.end);
        let wanted = if at < 0.5 { to } else { Self::between(from, to, at) };
        // Replicas fetch whole batches: it never lies within one.
        let inside = self.model.batches.iter().find(|b| b.base() < wanted && wanted <= b.last());
        let wanted = inside.map_or(wanted, |b| b.last() + 1);
        self.model.high_watermark = wanted.max(self.model.start);
        assert_eq!(self.log().set_high_watermark(wanted), self.model.high_watermark);
    }

    fn delete_records(&mut self, at: f64) {
        let (from, to) = (self.model.start - 2, self.model.high_watermark + 2);
        let offset = Self::between(from, to, at * at);
        let result = self.log().advance_log_start_offset(offset);
        if offset < 0 || offset > self.model.high_watermark {
            assert!(matches!(result, Err(LogError::OffsetOutOfRange { .. })));
            return;
        }
        result.expect("advanced");
        if offset > self.model.start {
            self.model.advance_start(offset);
        }
    }

    fn flush(&mut self, fault: Option<Fault>) {
        self.arm(fault);
        let result = self.log().flush();
        self.disarm();
        match result {
            Ok(()) => assert_eq!(self.log().recovery_point(), self.model.end),
            // The epochs may find no room.
            Err(error) if error.is_disk_full() => assert!(self.tripped, "{error}"),
            Err(error) => assert!(self.tripped && self.syncs_fail, "{error}"),
        }
    }

    pub(super) fn write_checkpoint(&mut self) {
        self.checkpoint = (self.log().recovery_point(), self.log().log_start_offset());
    }

    /// All batches of all segments, those before the log start too.
    pub(super) fn physical(&self) -> Vec<Stored> {
        let mut all = Vec::new();
        for segment in self.log().segments.load().iter() {
            for at in segment.batches(0, segment.size()) {
                let bytes = segment.bytes(&at.expect("a batch")).expect("bytes");
                all.push(Stored::of(bytes.into()));
            }
        }
        all
    }

    /// Base offset of the first segment.
    pub(super) fn first_base(&self) -> i64 {
        self.log().segments.load().first().map_or(0, |segment| segment.base_offset)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.open = None;
        faulty::forget(&self.dir);
    }
}
