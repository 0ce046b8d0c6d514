//! Transactions as compaction sees them (Kafka's CleanedTransactionMetadata).
//!
//! Records of aborted transactions go at once. A marker must outlive the records it decides on:
//! it may go only when a pass found none of them any more.

use crate::log::txn_index::AbortedTxn;
use std::collections::{HashMap, HashSet, VecDeque};

/// What has been passed of the transactions of a log, in the order of offsets.
#[derive(Debug, Default)]
pub struct Transactions {
    /// Aborted ones that begin further on, by first offset.
    ahead: VecDeque<AbortedTxn>,
    /// Aborted ones whose marker is further on; whether records of theirs were seen.
    aborted: HashMap<i64, (AbortedTxn, bool)>,
    /// Producers with records of a committed transaction whose marker is further on.
    committed: HashSet<i64>,
    /// Aborted transactions whose markers stay: the new index.
    kept: Vec<AbortedTxn>,
}

impl Transactions {
    /// Adds the aborted transactions of the segments that come next.
    pub fn add(&mut self, aborted: impl IntoIterator<Item = AbortedTxn>) {
        self.ahead.extend(aborted);
        self.ahead.make_contiguous().sort_by_key(|txn| txn.first_offset);
    }

    /// Passes a batch of records; whether it belongs to an aborted transaction and goes.
    pub fn pass_records(&mut self, producer: i64, transactional: bool, last_offset: i64) -> bool {
        self.begin_up_to(last_offset);
        if !transactional {
            return false;
        }
        match self.aborted.get_mut(&producer) {
            Some((_, seen)) => {
                *seen = true;
                true
            }
            None => {
                self.committed.insert(producer);
                false
            }
        }
    }

    /// Passes a marker; whether nothing depends on it any more, so that it may go.
    pub fn pass_marker(&mut self, producer: i64, commit: bool, last_offset: i64) -> bool {
        self.begin_up_to(last_offset);
        if commit {
            return !self.committed.remove(&producer);
        }
        match self.aborted.remove(&producer) {
            // Without records the marker may go: an entry that outlives it would hide what the
            // producer commits later.
            Some((_, false)) | None => true,
            Some((txn, true)) => {
                self.kept.push(txn);
                false
            }
        }
    }

    /// Takes out the aborted transactions whose markers were passed, for the new index.
    pub fn take_kept(&mut self) -> Vec<AbortedTxn> {
        std::mem::take(&mut self.kept)
    }

    fn begin_up_to(&mut self, offset: i64) {
        while let Some(txn) = self.ahead.pop_front_if(|txn| txn.first_offset <= offset) {
            self.aborted.insert(txn.producer_id, (txn, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aborted(producer_id: i64, first_offset: i64, last_offset: i64) -> AbortedTxn {
        AbortedTxn { producer_id, first_offset, last_offset, last_stable_offset: 0 }
    }

    #[test]
    fn records_of_an_aborted_transaction_go_and_its_marker_stays_for_a_pass() {
        let mut first = Transactions::default();
        first.add([aborted(7, 10, 20)]);
        assert!(!first.pass_records(7, true, 5), "an earlier, committed one");
        assert!(!first.pass_marker(7, true, 6), "records depend on it");
        assert!(first.pass_records(7, true, 12));
        assert!(!first.pass_records(8, false, 13));
        assert!(!first.pass_marker(7, false, 20), "records were seen");
        assert_eq!(first.take_kept().len(), 1);
        let mut second = Transactions::default();
        second.add([aborted(7, 10, 20)]);
        assert!(second.pass_marker(7, false, 20), "nothing of it is left");
        assert_eq!(second.take_kept(), [], "an entry must not outlive its marker");
        assert!(second.pass_marker(9, true, 30), "nothing of it is left");
    }
}
