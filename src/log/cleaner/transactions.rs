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
    /// Aborted transactions of which records were still seen: the new index. One of which there
    /// are none must not stay in it: its marker goes later, and with it what would end it here.
    kept: Vec<AbortedTxn>,
}

impl Transactions {
    /// Before a walk from `start` on, with the aborted transactions of the whole log: one can
    /// begin segments before that whose index names it, which is the one with its marker.
    pub fn before(start: i64, aborted: impl IntoIterator<Item = AbortedTxn>) -> Transactions {
        let ahead = aborted.into_iter().filter(|txn| txn.last_offset >= start);
        let mut ahead: Vec<AbortedTxn> = ahead.collect();
        ahead.sort_by_key(|txn| txn.first_offset);
        Transactions { ahead: ahead.into(), ..Transactions::default() }
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

    /// Passes a marker, `None` for one that an earlier pass emptied; whether nothing depends on
    /// it any more, so that it may go.
    pub fn pass_marker(&mut self, producer: i64, commit: Option<bool>, last_offset: i64) -> bool {
        self.begin_up_to(last_offset);
        match commit {
            None => true,
            Some(true) => !self.committed.remove(&producer),
            Some(false) => {
                let seen = self.aborted.remove(&producer).filter(|(_, seen)| *seen);
                self.kept.extend(seen.map(|(txn, _)| txn));
                seen.is_none()
            }
        }
    }

    /// Takes out the aborted transactions whose markers were passed, for the new index.
    pub fn take_kept(&mut self) -> Vec<AbortedTxn> {
        std::mem::take(&mut self.kept)
    }

    fn begin_up_to(&mut self, offset: i64) {
        while let Some(txn) = self.ahead.pop_front_if(|txn| txn.first_offset <= offset) {
            self.aborted.entry(txn.producer_id).or_insert((txn, false));
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
        let mut first = Transactions::before(0, [aborted(7, 10, 20)]);
        assert!(!first.pass_records(7, true, 5), "an earlier, committed one");
        assert!(!first.pass_marker(7, Some(true), 6), "records depend on it");
        assert!(first.pass_records(7, true, 12));
        assert!(!first.pass_records(8, false, 13));
        assert!(!first.pass_marker(7, Some(false), 20), "records were seen");
        assert_eq!(first.take_kept().len(), 1);
        let mut second = Transactions::before(0, [aborted(7, 10, 20)]);
        assert!(second.pass_marker(7, Some(false), 20), "nothing of it is left");
        assert!(second.pass_marker(9, Some(true), 30), "nothing of it is left");
        assert!(second.take_kept().is_empty(), "the marker may go in a later pass");
    }

    #[test]
    fn a_transaction_that_ended_before_the_walk_takes_no_records_with_it() {
        let mut later = Transactions::before(21, [aborted(7, 10, 20)]);
        assert!(!later.pass_records(7, true, 30), "of the producer's next transaction");
        let mut across = Transactions::before(15, [aborted(7, 10, 20)]);
        assert!(across.pass_records(7, true, 16), "it began before the walk");
    }

    #[test]
    fn an_emptied_marker_decides_nothing() {
        let mut walk = Transactions::before(0, []);
        assert!(!walk.pass_records(7, true, 5));
        assert!(walk.pass_marker(7, None, 6));
        assert!(!walk.pass_marker(7, Some(true), 9), "records depend on this one");
    }
}
