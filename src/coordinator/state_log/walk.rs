//! One walk over a partition of an internal topic, for coordinators that load it: a visitor sees
//! each batch in order.
//!
//! As the read loops of Kafka's `GroupMetadataManager` and `TransactionStateManager`, with another
//! end for a batch that cannot be read: there the rest of the partition is lost, or all of it; here
//! the batch alone, when its header says where the next begins. Knows nothing of records' meaning.

use tracing::error;

use super::{StateBatch, StateLog, StateLogError};

/// Visits the batches of `partition` from its start to its end, `buffer_bytes` a read, until
/// `is_wanted` says no. What cannot be read is told in the log, by its offsets, and stepped over.
/// Blocks on the disk.
pub fn walk(
    log: &dyn StateLog,
    partition: i32,
    buffer_bytes: usize,
    is_wanted: impl Fn() -> bool,
    mut visit: impl FnMut(StateBatch),
) {
    let mut offset = match log.bounds(partition) {
        Ok(bounds) => bounds.start,
        Err(error) => {
            error!(partition, %error, "nothing of the partition is loaded");
            return;
        }
    };
    // The end is asked for each time: it moves while a partition loads.
    while let Some(end) = log.bounds(partition).ok().map(|b| b.end).filter(|end| offset < *end) {
        if !is_wanted() {
            return;
        }
        match log.read(partition, offset, buffer_bytes) {
            Ok(batches) => {
                let Some(next) = batches.last().map(|batch| batch.next_offset) else {
                    return;
                };
                batches.into_iter().for_each(&mut visit);
                offset = next;
            }
            Err(StateLogError::Corrupt { next }) if next > offset => {
                let last = next - 1;
                error!(partition, first = offset, last, "not loaded: unreadable records");
                offset = next;
            }
            Err(error) => {
                let last = end - 1;
                error!(partition, first = offset, last, %error, "not loaded: unreadable records");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinator::state_log::NewBatch;
    use crate::coordinator::state_log::memory::MemoryLog;
    use bytes::Bytes;

    fn five() -> MemoryLog {
        let log = MemoryLog::default();
        for i in 0..5u8 {
            let record = (Bytes::from(vec![i]), None);
            let batch = NewBatch { records: vec![record.clone(), record], ..NewBatch::default() };
            log.append(0, &batch).expect("appended");
        }
        log
    }

    fn seen(log: &MemoryLog, is_wanted: impl Fn() -> bool) -> Vec<i64> {
        let mut seen = Vec::new();
        walk(log, 0, 1, is_wanted, |batch| seen.push(batch.base_offset));
        seen
    }

    #[test]
    fn every_batch_is_visited_in_order() {
        assert_eq!(seen(&five(), || true), [0, 2, 4, 6, 8]);
    }

    #[test]
    fn an_unreadable_batch_is_stepped_over_and_the_others_stay() {
        let log = five();
        log.spoil(0, 4, 6);
        assert_eq!(seen(&log, || true), [0, 2, 6, 8]);
    }

    #[test]
    fn what_was_read_before_a_batch_without_an_end_stays() {
        let log = five();
        log.spoil(0, 4, 0);
        assert_eq!(seen(&log, || true), [0, 2]);
    }

    #[test]
    fn nothing_is_read_that_is_not_wanted_any_more() {
        assert_eq!(seen(&five(), || false), [0i64; 0]);
    }
}
