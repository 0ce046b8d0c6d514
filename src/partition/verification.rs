//! That nothing is written into a transaction which its coordinator does not know to be open here.
//!
//! KIP-890, part 1, as Kafka's `VerificationGuard`: before the first batch of a transaction the
//! coordinator is asked. Its answer counts only if no marker was written meanwhile, so the question
//! is noted here, a marker strikes it out, and check and append are one step under one lock.

use super::{Partition, PartitionError};
use crate::log::batch::{BatchHeader, CONTROL, TRANSACTIONAL};
use crate::log::{AppendError, Appended, Origin, RecordSet};
use std::collections::HashMap;

/// A question to the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification(u64);

#[derive(Debug)]
struct Noted {
    verification: Verification,
    is_verified: bool,
}

/// Questions by producer id.
#[derive(Debug, Default)]
pub(super) struct Verifications {
    noted: HashMap<i64, Noted>,
    last: u64,
}

/// A batch of a transaction, or its marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionalBatch {
    /// Producer.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// It is the marker.
    pub is_marker: bool,
}

impl TransactionalBatch {
    /// The first batch of these records, if it is one of a transaction.
    pub fn of(records: &[u8]) -> Option<TransactionalBatch> {
        // Byte 16 is the format, byte 22 the low byte of the attributes: most records end here.
        let (Some(2), Some(attributes)) = (records.get(16), records.get(22)) else { return None };
        if i16::from(*attributes) & TRANSACTIONAL == 0 {
            return None;
        }
        let header = BatchHeader::read(records).filter(BatchHeader::has_producer)?;
        Some(TransactionalBatch {
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            is_marker: header.has(CONTROL),
        })
    }
}

impl Partition {
    /// The producer is about to write. `None` if its transaction is open here already; else the
    /// coordinator must be asked, and [`Self::verified`] told.
    pub fn start_verification(&self, producer_id: i64, epoch: i16) -> Option<Verification> {
        let mut verifications = self.verifications.lock();
        if self.log().has_open_transaction(producer_id, epoch) {
            return None;
        }
        let Verifications { noted, last } = &mut *verifications;
        let noted = noted.entry(producer_id).or_insert_with(|| {
            *last += 1;
            Noted { verification: Verification(*last), is_verified: false }
        });
        Some(noted.verification)
    }

    /// The coordinator says that the transaction is open and has this partition. `false` if a
    /// marker was written since the question, so that the answer is worth nothing.
    pub fn verified(&self, producer_id: i64, epoch: i16, verification: Verification) -> bool {
        let mut verifications = self.verifications.lock();
        let noted = verifications.noted.get_mut(&producer_id);
        match noted.filter(|noted| noted.verification == verification) {
            Some(noted) => {
                noted.is_verified = true;
                true
            }
            // Another request of the same producer may have written its batch by now.
            None => self.log().has_open_transaction(producer_id, epoch),
        }
    }

    /// The coordinator says no, or nothing.
    pub fn not_verified(&self, producer_id: i64, verification: Verification) {
        let mut verifications = self.verifications.lock();
        let noted = verifications.noted.get(&producer_id);
        if noted.is_some_and(|n| n.verification == verification && !n.is_verified) {
            verifications.noted.remove(&producer_id);
        }
    }

    pub(super) fn append_transactional(
        &self,
        sets: &[RecordSet],
        origin: Origin,
        required_acks: i16,
    ) -> Vec<Result<Appended, PartitionError>> {
        let mut verifications = self.verifications.lock();
        let batches: Vec<_> = sets.iter().map(|s| TransactionalBatch::of(&s.records)).collect();
        let mut may = Vec::with_capacity(sets.len());
        for batch in &batches {
            may.push(batch.is_none_or(|batch| self.may_append(&verifications, batch)));
        }
        let checked: Vec<RecordSet> =
            sets.iter().zip(&may).filter(|(_, may)| **may).map(|(set, _)| set.clone()).collect();
        let mut results = self.append_checked(&checked, origin, required_acks).into_iter();
        let refused = || Err(PartitionError::Append(AppendError::InvalidTxnState));
        let results = may.iter().zip(&batches).map(|(may, batch)| {
            let result = if *may { results.next().unwrap_or_else(refused) } else { refused() };
            if let (Ok(_), Some(batch)) = (&result, batch) {
                verifications.noted.remove(&batch.producer_id);
            }
            result
        });
        results.collect()
    }

    fn may_append(&self, verifications: &Verifications, batch: TransactionalBatch) -> bool {
        let noted = verifications.noted.get(&batch.producer_id);
        batch.is_marker
            || noted.is_some_and(|noted| noted.is_verified)
            || self.log().has_open_transaction(batch.producer_id, batch.producer_epoch)
    }
}
