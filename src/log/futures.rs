//! Future logs: copies of partitions on their way to another log directory (KIP-113; Kafka's
//! `LogManager`). Where a log is wanted is remembered until it is made there.
//!
//! Knows neither who copies nor when a copy is complete.

use super::api::LogError;
use super::checkpoint;
use super::dirs::{LogDirs, retired_name};
use super::partition_log::{Known, Log, Place};
use super::shared::DirState;
use crate::types::{TopicId, TopicPartition, now_ms};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest name of a directory that file systems take.
const NAME_BYTES_MAX: usize = 255;

/// What the name of a partition's directory says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `orders-3`: the partition's log.
    Current,
    /// `orders-3.<unique>-future`: a copy under way.
    Future,
    /// `orders-3.<unique>-delete`: to be removed.
    Deleted,
    /// `orders-3.<unique>-stray`: nobody's, and left alone.
    Stray,
}

/// The partition that a directory of this name holds, and as what; `None` for others' directories.
pub(super) fn parse_name(name: &str) -> Option<(TopicPartition, Kind)> {
    let kinds = [("-delete", Kind::Deleted), ("-future", Kind::Future), ("-stray", Kind::Stray)];
    for (suffix, kind) in kinds {
        if let Some(unique) = name.strip_suffix(suffix) {
            let (plain, unique) = unique.rsplit_once('.')?;
            return partition_of(plain).filter(|_| !unique.is_empty()).map(|id| (id, kind));
        }
    }
    partition_of(name).map(|id| (id, Kind::Current))
}

fn partition_of(name: &str) -> Option<TopicPartition> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition = partition.parse().ok().filter(|partition: &i32| *partition >= 0)?;
    (!topic.is_empty()).then(|| TopicPartition::new(topic, partition))
}

fn future_name(id: &TopicPartition) -> String {
    format!("{id}.{}-future", uuid::Uuid::new_v4().simple())
}

/// Whether a future log of the partition can have a name.
pub fn can_move(id: &TopicPartition) -> bool {
    future_name(id).len() <= NAME_BYTES_MAX
}

impl LogDirs {
    /// The copy of a partition's log that is under way.
    pub fn future(&self, id: &TopicPartition) -> Option<Arc<Log>> {
        self.futures.get(id).map(|log| log.clone())
    }

    /// All copies under way.
    pub fn all_futures(&self) -> Vec<Arc<Log>> {
        self.futures.iter().map(|log| log.clone()).collect()
    }

    /// Whether `log` is the copy under way of its partition.
    pub fn is_future(&self, log: &Arc<Log>) -> bool {
        self.futures.get(log.topic_partition()).is_some_and(|future| Arc::ptr_eq(&future, log))
    }

    /// An error if `dir` is not one of the log directories, or offline.
    pub fn check_dir(&self, dir: &Path) -> Result<(), LogError> {
        self.dir_state(dir)?.check()
    }

    fn dir_state(&self, dir: &Path) -> Result<&Arc<DirState>, LogError> {
        let state = self.dirs.iter().find(|state| state.path == dir);
        state.ok_or_else(|| LogError::UnknownDir(dir.to_owned()))
    }

    /// Remembers that the partition's log is to be in `dir`, unless it or its copy is there.
    pub fn prefer(&self, id: &TopicPartition, dir: &Path) {
        let is_there = |log: Option<Arc<Log>>| log.is_some_and(|log| log.parent_dir() == dir);
        if !is_there(self.get(id)) && !is_there(self.future(id)) {
            self.preferred.lock().insert(id.clone(), dir.to_owned());
        }
    }

    /// Makes an empty copy of the partition's log in `dir`; `None` if the log itself is there.
    /// Refused while any directory is offline: there might be another copy in it.
    pub fn create_future(
        &self,
        id: &TopicPartition,
        dir: &Path,
    ) -> Result<Option<Arc<Log>>, LogError> {
        // A move that is just being completed is so when this lock is had.
        let _one_at_a_time = self.creating.lock();
        let current = self.get(id).ok_or(LogError::NoDirectory)?;
        let future = self.future(id);
        let is_there = current.parent_dir() == dir;
        if is_there || future.is_some() {
            self.preferred.lock().remove(id);
            return Ok(future.filter(|_| !is_there));
        }
        self.dirs.iter().try_for_each(|state| state.check())?;
        let state = self.dir_state(dir)?.clone();
        let name = future_name(id);
        let log = self.make(id, &state, &name, current.topic_id(), current.config())?;
        log.set_moving(true);
        current.set_moving(true);
        self.futures.insert(id.clone(), log.clone());
        self.preferred.lock().remove(id);
        Ok(Some(log))
    }

    /// An empty log in a directory; its name there survives a power cut once the log was synced.
    pub(super) fn make(
        &self,
        id: &TopicPartition,
        state: &Arc<DirState>,
        name: &str,
        topic_id: Option<TopicId>,
        config: Arc<crate::config::TopicConfig>,
    ) -> Result<Arc<Log>, LogError> {
        let place = Place {
            id: id.clone(),
            dir: state.path.join(name),
            dir_state: state.clone(),
            shared: self.shared.clone(),
            config,
        };
        let known = Known { clean: true, ..Known::default() };
        let made = (|| {
            let log = Log::open(place, known, now_ms())?;
            if let Some(topic_id) = topic_id {
                log.assign_topic_id(topic_id)?;
            }
            Ok(Arc::new(log))
        })();
        made.inspect_err(|error| state.fail_unless_short(error))
    }

    /// Gives up the copy of a partition's log.
    pub fn drop_future(&self, id: &TopicPartition) -> Result<(), LogError> {
        let Some((_, future)) = self.futures.remove(id) else { return Ok(()) };
        if let Some(current) = self.get(id) {
            current.set_moving(false);
        }
        self.discard_log(&future)
    }

    /// Puts the copy in the place of the partition's log. The caller sees to it that nothing is
    /// appended meanwhile, and that both end at the same offset. `None` if there is no copy (any
    /// more), or the directories are being closed.
    pub fn replace_with_future(&self, id: &TopicPartition) -> Result<Option<Arc<Log>>, LogError> {
        let _one_at_a_time = self.creating.lock();
        let (Some(current), Some(future)) = (self.get(id), self.future(id)) else {
            return Ok(None);
        };
        if *self.stop.lock() {
            return Ok(None);
        }
        let home = future.dir_state.path.join(id.to_string());
        let moved = future.take_over(&current).and_then(|()| future.relocate(&home));
        moved.inspect_err(|error| future.dir_state.fail_unless_short(error))?;
        self.logs.insert(id.clone(), future.clone());
        self.futures.remove(id);
        self.cleaner.moved(id, &current.dir_state.path, &future.dir_state.path);
        // The partition has moved: what fails from here on is the old directory's.
        if let Err(error) = self.discard_log(&current) {
            tracing::warn!(partition = %id, %error, "the old log was not removed");
        }
        Ok(Some(future))
    }

    /// Takes a log out of service: its directory has a name from now on that says `what` it is.
    pub(super) fn retire_as(log: &Log, what: &str) -> Result<PathBuf, LogError> {
        let name = retired_name(log.topic_partition(), uuid::Uuid::new_v4(), what);
        let to = log.dir_state.path.join(name);
        let retired = log.retire(&to).map_err(LogError::Io);
        retired.inspect_err(|error| log.dir_state.fail_unless_short(error))?;
        Ok(to)
    }

    /// Renames a log's directory now, and removes it after `file.delete.delay.ms`.
    pub(super) fn discard_log(&self, log: &Log) -> Result<(), LogError> {
        let to = Self::retire_as(log, "delete")?;
        let due = now_ms().saturating_add(log.config().file_delete_delay_ms);
        self.shared.remove_later(to, due);
        Ok(())
    }

    /// Marks the logs whose copies were found at start.
    pub(super) fn resume_moves(&self) {
        for future in self.all_futures() {
            future.set_moving(true);
            if let Some(current) = self.get(future.topic_partition()) {
                current.set_moving(true);
            }
        }
    }
}

/// The offset checkpoints of a directory, of logs and of copies alike.
pub(super) fn write_checkpoints(dirs: &LogDirs, state: &Arc<DirState>) -> Result<(), LogError> {
    use std::collections::BTreeMap;
    let (mut recovery, mut starts) = (BTreeMap::new(), BTreeMap::new());
    let all = dirs.logs.iter().chain(dirs.futures.iter());
    for log in all.filter(|log| Arc::ptr_eq(&log.dir_state, state)) {
        log.save_topic_id()?;
        let id = log.topic_partition().clone();
        recovery.insert(id.clone(), log.recovery_point());
        let first = log.segments.load().first().map_or(0, |s| s.base_offset);
        if log.log_start_offset() > first {
            starts.insert(id, log.log_start_offset());
        }
    }
    let write = |name, offsets| checkpoint::write(&state.path.join(name), offsets);
    write(checkpoint::RECOVERY_POINT, &recovery)?;
    write(checkpoint::LOG_START, &starts)
}

#[cfg(test)]
#[path = "futures_tests.rs"]
mod tests;
