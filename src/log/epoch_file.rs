//! When `leader-epoch-checkpoint` is written.
//!
//! An epoch that begins is not written at once: it would cost each partition two syncs whenever a
//! broker starts. What recovery reads again gives the epochs of its batches, so it is enough that
//! the file is right before the recovery point passes them; the upkeep thread writes it a moment
//! later. What a crash can lose is an epoch without records. (Kafka writes at once when an epoch
//! begins and later when one goes, KAFKA-15046.)

use super::api::LogError;
use super::file;
use super::leader_epochs::FILE;
use super::partition_log::Log;

impl Log {
    /// Writes the epochs if the file is behind, and syncs it. Two callers do not meet.
    pub(super) fn save_epochs(&self) -> Result<(), LogError> {
        let mut saved = self.saved_epochs.lock();
        let (changes, text) = {
            let epochs = self.epochs.lock();
            if epochs.changes() == *saved {
                return Ok(());
            }
            (epochs.changes(), epochs.text())
        };
        // A log that was taken away has no file any more that anybody reads.
        if !self.is_retired() {
            file::replace(&self.dir.join(FILE), text.as_bytes())?;
        }
        *saved = changes;
        Ok(())
    }
}
