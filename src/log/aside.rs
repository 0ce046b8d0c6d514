//! Directories of a partition that cannot all be its log or its copy: one is chosen, and what may
//! hold records that are nowhere else is kept aside as `-stray`.

use super::api::LogError;
use super::dirs::LogDirs;
use super::partition_log::Log;
use crate::types::{TopicId, TopicPartition};
use std::sync::Arc;

impl LogDirs {
    /// Which of two directories of one partition has more: a crash, or a disk that failed, came
    /// between the two renames of a move. The other is kept aside.
    ///
    /// Kafka refuses to start and asks the operator to delete one of them.
    pub(super) fn keep_the_longer(&self, one: Arc<Log>, two: Arc<Log>) -> Result<(), LogError> {
        let reach = |log: &Log| (log.latest_epoch(), log.log_end_offset());
        let (kept, stray) = if reach(&two) > reach(&one) { (two, one) } else { (one, two) };
        let why = "two directories of one partition: a move between them was cut off";
        Self::set_aside(&stray, why)?;
        self.logs.insert(kept.topic_partition().clone(), kept);
        Ok(())
    }

    /// Judges the copy that was found of a partition, once the topic's id is known and before it is
    /// copied to. What would be lost with Kafka is not:
    ///
    /// - Of another topic of the same name, Kafka cannot take up the partition's leader; were the
    ///   copy taken for this topic's, their records would be mixed.
    /// - In the log's own directory, it can never have the log's name there.
    /// - If the log itself is gone, the copy has all that is left: it becomes the log. Kafka makes
    ///   an empty log, and empties the copy after it.
    pub(super) fn judge_future(
        &self,
        id: &TopicPartition,
        topic_id: Option<TopicId>,
        is_new: bool,
    ) -> Result<(), LogError> {
        let Some(future) = self.future(id) else { return Ok(()) };
        let current = self.get(id);
        let differs = topic_id.is_some_and(|id| future.topic_id().is_some_and(|own| own != id));
        if differs || is_new && current.is_none() {
            self.futures.remove(id);
            current.inspect(|log| log.set_moving(false));
            return Self::set_aside(&future, "a copy of another topic of this name");
        }
        match current {
            Some(log) if log.parent_dir() == future.parent_dir() => self.drop_future(id),
            Some(_) => Ok(()),
            None => self.promote(future),
        }
    }

    /// The copy becomes the log.
    fn promote(&self, future: Arc<Log>) -> Result<(), LogError> {
        let id = future.topic_partition().clone();
        tracing::warn!(partition = %id, copy = %future.dir().display(),
            "its log is gone: what was copied of it takes its place");
        let moved = future.relocate(&future.dir_state.path.join(id.to_string()));
        moved.inspect_err(|error| future.dir_state.fail_unless_short(error))?;
        self.futures.remove(&id);
        self.preferred.lock().remove(&id);
        self.logs.insert(id, future);
        Ok(())
    }

    fn set_aside(log: &Log, why: &str) -> Result<(), LogError> {
        let dir = log.dir();
        let to = Self::retire_as(log, "stray")?;
        tracing::warn!(partition = %log.topic_partition(), dir = %dir.display(),
            aside = %to.display(), "{why}");
        Ok(())
    }
}
