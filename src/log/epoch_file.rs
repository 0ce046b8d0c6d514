//! When `leader-epoch-checkpoint` is written.
//!
//! An epoch that begins is not written at once: it would cost each partition two syncs whenever a
//! broker starts. What recovery reads again gives the epochs of its batches, so it is enough that
//! the file is right before the recovery point passes them, and before batches go that tell of
//! them; the upkeep thread writes it a moment later. What a crash can lose is an epoch without
//! records. (Kafka writes at once when an epoch begins and later when one goes, KAFKA-15046.)

use super::api::LogError;
use super::file;
use super::leader_epochs::FILE;
use super::partition_log::Log;
use super::recovery;

impl Log {
    /// Writes the epochs if the file is behind, and syncs it. Two callers do not meet.
    pub(super) fn save_epochs(&self) -> Result<(), LogError> {
        let mut saved = self.saved_epochs.lock();
        let (changes, text, none) = {
            let epochs = self.epochs.lock();
            if epochs.changes() == *saved {
                return Ok(());
            }
            (epochs.changes(), epochs.text(), epochs.entries().is_empty())
        };
        // A log that was taken away has no file any more that anybody reads.
        if !self.is_retired() {
            let path = self.dir.join(FILE);
            match file::replace(&path, text.as_bytes()).map_err(LogError::Io) {
                // Without room for an empty file there is none.
                Err(error) if error.is_disk_full() && none => recovery::remove(&path)?,
                written => written?,
            }
        }
        *saved = changes;
        Ok(())
    }

    /// After a change that leaves out entries: on a full disk the file says more than is true for
    /// a while, as loading leaves out what lies beyond the log's ends.
    pub(super) fn save_epochs_if_room(&self) -> Result<(), LogError> {
        let saved = self.save_epochs();
        if saved.as_ref().is_err_and(LogError::is_disk_full) { Ok(()) } else { saved }
    }
}
