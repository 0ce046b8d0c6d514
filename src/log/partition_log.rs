//! One partition's log (Kafka's `UnifiedLog` and `LocalLog`).
//!
//! Appends, rolls and truncations hold one lock; offsets are atomics and segments an immutable
//! list that is swapped, so readers never wait for a writer.

use super::api::{AbortedTransaction, LogError, ProducerStateEntry};
use super::file;
use super::leader_epochs::LeaderEpochs;
use super::pooled::DirPath;
use super::producer_state::ProducerState;
use super::segment::Segment;
use super::shared::{DirState, Shared};
use super::{checkpoint, recovery, snapshot};
use crate::config::TopicConfig;
use crate::types::{TopicId, TopicPartition};
use arc_swap::ArcSwap;
use parking_lot::{Condvar, Mutex};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// The segments, by rising base offset; never empty in a log that is open.
pub(super) type Segments = Vec<Arc<Segment>>;

/// What the append lock guards.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) producers: ProducerState,
    pub(super) jitter_ms: i64,
    /// The log was closed or deleted: it takes no more.
    pub(super) closed: bool,
}

/// One partition's log.
#[derive(Debug)]
pub struct Log {
    pub(super) id: TopicPartition,
    pub(super) dir_state: Arc<DirState>,
    pub(super) shared: Arc<Shared>,
    pub(super) dir: Arc<DirPath>,
    pub(super) config: ArcSwap<TopicConfig>,
    topic_id: Mutex<Option<TopicId>>,
    /// The file of it is not written: the disk was full.
    topic_id_unsaved: AtomicBool,
    pub(super) writer: Mutex<Writer>,
    pub(super) segments: ArcSwap<Segments>,
    pub(super) epochs: Mutex<LeaderEpochs>,
    /// Which change of them the file has. Held while that is written or the directory renamed.
    pub(super) saved_epochs: Mutex<u64>,
    /// Base offset of the newest segment whose name in the directory survives a power cut.
    pub(super) named_until: AtomicI64,
    pub(super) start: AtomicI64,
    pub(super) end: AtomicI64,
    pub(super) high_watermark: AtomicI64,
    pub(super) last_stable: AtomicI64,
    pub(super) recovery_point: AtomicI64,
    /// Counts truncations, so that a sync under way learns of one.
    pub(super) truncations: AtomicU64,
    pub(super) last_flush_ms: AtomicI64,
    pub(super) flushing: Mutex<bool>,
    pub(super) flushed: Condvar,
    /// It is being copied to another directory, or is such a copy.
    pub(super) moving: AtomicBool,
    /// It was taken away: its files are no longer where readers look for them.
    retired: AtomicBool,
}

/// Where a log is and what it is.
pub(super) struct Place {
    pub(super) id: TopicPartition,
    pub(super) dir: PathBuf,
    pub(super) dir_state: Arc<DirState>,
    pub(super) shared: Arc<Shared>,
    pub(super) config: Arc<TopicConfig>,
}

/// What the checkpoints say of a log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    pub(super) clean: bool,
    pub(super) recovery_point: i64,
    pub(super) log_start: i64,
}

/// Of a log whose own name may not survive a power cut.
pub(super) const UNNAMED: i64 = i64::MIN;

impl Log {
    /// Loads the log in `place`, or makes an empty one.
    pub(super) fn open(place: Place, known: Known, now_ms: i64) -> Result<Log, LogError> {
        let dir = DirPath::new(place.dir.clone(), place.shared.files.clone());
        let loaded = recovery::load(&dir, &place.config, known, now_ms)?;
        let topic_id = checkpoint::read_topic_id(&place.dir)?;
        let start = known.log_start.max(loaded.start);
        let unstable = loaded.producers.first_unstable();
        let log = Log {
            id: place.id,
            dir_state: place.dir_state,
            shared: place.shared,
            dir,
            topic_id: Mutex::new(topic_id),
            topic_id_unsaved: AtomicBool::new(false),
            writer: Mutex::new(Writer {
                producers: loaded.producers,
                jitter_ms: jitter(&place.config),
                closed: false,
            }),
            config: ArcSwap::new(place.config),
            segments: ArcSwap::from_pointee(loaded.segments),
            epochs: Mutex::new(loaded.epochs),
            saved_epochs: Mutex::new(0),
            named_until: AtomicI64::new(UNNAMED),
            start: AtomicI64::new(start),
            end: AtomicI64::new(loaded.end),
            high_watermark: AtomicI64::new(start),
            last_stable: AtomicI64::new(unstable.map_or(start, |offset| offset.min(start))),
            recovery_point: AtomicI64::new(loaded.recovery_point.min(loaded.end)),
            truncations: AtomicU64::new(0),
            last_flush_ms: AtomicI64::new(now_ms),
            flushing: Mutex::new(false),
            flushed: Condvar::new(),
            moving: AtomicBool::new(false),
            retired: AtomicBool::new(false),
        };
        if loaded.epochs_are_unsaved {
            log.save_epochs_if_room()?;
        }
        // The records before a start that was raised can be lost in a crash.
        if start > loaded.end {
            log.truncate_fully_and_start_at(start)?;
        }
        Ok(log)
    }

    /// Which partition it is.
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.id
    }

    /// An error if its directory is offline.
    pub fn check_online(&self) -> Result<(), LogError> {
        self.dir_state.check()
    }

    /// The log directory it lies in.
    pub fn parent_dir(&self) -> PathBuf {
        self.dir_state.path.clone()
    }

    /// Its own directory.
    pub fn dir(&self) -> PathBuf {
        self.dir.load().as_ref().clone()
    }

    /// First offset.
    pub fn log_start_offset(&self) -> i64 {
        self.start.load(Ordering::Acquire)
    }

    /// Offset after the last.
    pub fn log_end_offset(&self) -> i64 {
        self.end.load(Ordering::Acquire)
    }

    /// What is committed lies below.
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark.load(Ordering::Acquire)
    }

    /// What is committed and in no undecided transaction lies below.
    pub fn last_stable_offset(&self) -> i64 {
        self.last_stable.load(Ordering::Acquire)
    }

    /// What lies below survives a power cut.
    pub fn recovery_point(&self) -> i64 {
        self.recovery_point.load(Ordering::Acquire)
    }

    /// Moves the high watermark, at most to the log end; gives where it is.
    pub fn set_high_watermark(&self, offset: i64) -> i64 {
        let mut writer = self.writer.lock();
        let to = offset.min(self.log_end_offset()).max(self.log_start_offset());
        self.move_high_watermark(&mut writer, to);
        to
    }

    pub(super) fn move_high_watermark(&self, writer: &mut Writer, to: i64) {
        writer.producers.replicated_to(to);
        let unstable = writer.producers.first_unstable().unwrap_or(to);
        self.high_watermark.store(to, Ordering::Release);
        let stable = unstable.min(to).max(self.log_start_offset());
        self.last_stable.store(stable, Ordering::Release);
    }

    /// Raises the log start offset (DeleteRecords); a lower one changes nothing.
    pub fn advance_log_start_offset(&self, to: i64) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        let (log_start, high_watermark) = (self.log_start_offset(), self.high_watermark());
        if to < 0 || to > high_watermark {
            return Err(LogError::OffsetOutOfRange { offset: to, log_start, high_watermark });
        }
        if to > log_start {
            self.start.store(to, Ordering::Release);
            self.move_high_watermark(&mut writer, high_watermark);
            self.epochs.lock().truncate_from_start(to);
            self.save_epochs_if_room()?;
        }
        Ok(())
    }

    /// The topic's configuration.
    pub fn config(&self) -> Arc<TopicConfig> {
        self.config.load_full()
    }

    /// A new configuration, from the next append on.
    pub fn set_config(&self, config: Arc<TopicConfig>) {
        self.config.store(config);
    }

    /// The topic's id, if known.
    pub fn topic_id(&self) -> Option<TopicId> {
        *self.topic_id.lock()
    }

    /// Notes the topic's id on disk, on a full one when there is room. Fails if there is another.
    pub fn assign_topic_id(&self, id: TopicId) -> Result<(), LogError> {
        let mut place = self.topic_id.lock();
        match *place {
            Some(known) if known == id => Ok(()),
            Some(_) => Err(LogError::InconsistentTopicId),
            None => {
                let written = checkpoint::write_topic_id(&self.dir.load(), id);
                if written.as_ref().is_err_and(LogError::is_disk_full) {
                    self.topic_id_unsaved.store(true, Ordering::Release);
                } else {
                    written?;
                }
                *place = Some(id);
                Ok(())
            }
        }
    }

    /// Writes the topic's id if there was no room before.
    pub(super) fn save_topic_id(&self) -> Result<(), LogError> {
        let place = self.topic_id.lock();
        if let (Some(id), true) = (*place, self.topic_id_unsaved.load(Ordering::Acquire)) {
            checkpoint::write_topic_id(&self.dir.load(), id)?;
            self.topic_id_unsaved.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// The epoch asked for, or the one before, and where it ends; (-1, -1) if unknown.
    pub fn end_offset_for_epoch(&self, epoch: i32) -> (i32, i64) {
        self.epochs.lock().end_offset(epoch, self.log_end_offset())
    }

    /// The newest leader epoch in the log.
    pub fn latest_epoch(&self) -> Option<i32> {
        self.epochs.lock().latest()
    }

    /// A leader of this epoch begins at this offset.
    pub fn assign_epoch_start(&self, epoch: i32, offset: i64) {
        self.epochs.lock().assign(epoch, offset);
    }

    /// Whether this producer has a transaction open in this epoch; or in a newer one, where an
    /// append in this epoch is refused by the log itself.
    pub fn has_open_transaction(&self, producer_id: i64, epoch: i16) -> bool {
        let writer = self.writer.lock();
        let entry = writer.producers.entries.get(&producer_id);
        entry.is_some_and(|entry| entry.epoch >= epoch && entry.txn_first_offset.is_some())
    }

    /// Producers that the log knows, by id.
    pub fn active_producers(&self) -> Vec<ProducerStateEntry> {
        self.writer.lock().producers.active()
    }

    /// Bytes of all segments.
    pub fn size(&self) -> u64 {
        self.segments.load().iter().map(|segment| segment.size()).sum()
    }

    /// Number of segments.
    pub fn segment_count(&self) -> usize {
        self.segments.load().len()
    }

    /// Aborted transactions with records in `from..to`, by marker.
    pub(super) fn aborted_between(
        &self,
        from: i64,
        to: i64,
    ) -> io::Result<Vec<AbortedTransaction>> {
        let mut all = Vec::new();
        let segments = self.segments.load_full();
        let first = floor(&segments, from).unwrap_or(0);
        for segment in segments.iter().skip(first) {
            for txn in segment.aborted.read()? {
                if txn.last_offset >= from && txn.first_offset < to {
                    all.push(txn.into());
                }
                if txn.last_stable_offset >= to {
                    return Ok(all);
                }
            }
        }
        Ok(all)
    }

    /// Whether all of these are still its segments.
    pub(super) fn has_all(&self, segments: &[Arc<Segment>]) -> bool {
        let now = self.segments.load();
        segments.iter().all(|segment| now.iter().any(|s| Arc::ptr_eq(s, segment)))
    }

    /// Reads from the segments as they are. One that is taken away meanwhile may have lost its
    /// files before they were opened: that is no fault of the disk, and the others are read.
    pub(super) fn on_segments<T>(
        &self,
        read: impl Fn(&Segments) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            let segments = self.segments.load_full();
            match read(&segments) {
                Err(e) if e.kind() == io::ErrorKind::NotFound && !self.has_all(&segments) => {}
                result => return result,
            }
        }
    }

    pub(super) fn active_segment(&self) -> Option<Arc<Segment>> {
        self.segments.load().last().cloned()
    }

    /// Marks the directory as failed if the disk did.
    pub(super) fn checked<T>(&self, result: Result<T, LogError>) -> Result<T, LogError> {
        if let Err(error) = &result
            && !self.retired.load(Ordering::Acquire)
        {
            self.dir_state.fail_unless_short(error);
        }
        result
    }

    /// Closes cleanly: all of it is on disk, with a snapshot of the producers.
    pub(super) fn close(&self) -> Result<(), LogError> {
        let end = self.log_end_offset();
        self.flush_to(end)?;
        let mut writer = self.writer.lock();
        writer.closed = true;
        self.write_snapshot(&writer, end)?;
        self.save_epochs()?;
        if let Some(active) = self.active_segment() {
            active.seal()?;
            active.sync()?;
        }
        Ok(())
    }

    /// Notes the producers as they are at `offset`, unless nothing was written since the newest
    /// snapshot (Kafka's `ProducerStateManager.takeSnapshot`). If the log starts here and its last
    /// snapshot went with what was before, they are known from nothing else; Kafka writes none.
    pub(super) fn write_snapshot(&self, writer: &Writer, offset: i64) -> io::Result<()> {
        let newest = recovery::snapshots(&self.dir.load())?.last().map(|(offset, _)| *offset);
        let nothing_new = match newest {
            Some(newest) => offset <= newest,
            None => offset <= self.log_start_offset() && writer.producers.entries.is_empty(),
        };
        if nothing_new {
            return Ok(());
        }
        let name = super::segment::file_name(offset, "snapshot");
        snapshot::write(&self.dir.load().join(name), &writer.producers)
    }

    /// Takes no more, and has another name from now on.
    pub(super) fn retire(&self, to: &Path) -> io::Result<()> {
        let mut writer = self.writer.lock();
        let _not_saving = self.saved_epochs.lock();
        writer.closed = true;
        self.retired.store(true, Ordering::Release);
        self.dir.rename_to(to)?;
        file::sync_parent(to)
    }

    /// Whether it was taken away.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }
}

/// A random part of `segment.jitter.ms`, so that not all logs roll at once.
pub(super) fn jitter(config: &TopicConfig) -> i64 {
    match config.segment_jitter_ms.min(config.segment_ms) {
        max if max > 0 => rand::random_range(0..max),
        _ => 0,
    }
}

/// Index of the segment in which the offset would be.
pub(super) fn floor(segments: &[Arc<Segment>], offset: i64) -> Option<usize> {
    segments.partition_point(|segment| segment.base_offset <= offset).checked_sub(1)
}
