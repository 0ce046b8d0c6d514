//! Reads one partition of `__transaction_state`: the last record of each transactional id. As
//! `TransactionStateManager.loadTransactionMetadata`. Blocks on the disk.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::warn;

use super::machine::Snapshot;
use super::records::{self, RecordError};
use crate::coordinator::state_log::{StateLog, StateRecord, walk};

/// What a partition says of each id.
pub(super) type Loaded = HashMap<Arc<str>, Snapshot>;

/// Reads the whole partition as it is now; `is_wanted` says when to give up.
pub(super) fn load(
    log: &dyn StateLog,
    partition: i32,
    buffer_bytes: usize,
    is_wanted: impl Fn() -> bool,
) -> Loaded {
    let mut loaded = Loaded::new();
    walk(log, partition, buffer_bytes, is_wanted, |batch| {
        for record in batch.records {
            let offset = record.offset;
            if let Err(error) = apply(&mut loaded, record) {
                warn!(partition, offset, %error, "skipping a record of __transaction_state");
            }
        }
    });
    loaded
}

fn apply(loaded: &mut Loaded, record: StateRecord) -> Result<(), RecordError> {
    let id = records::decode_key(record.key.as_deref().unwrap_or_default())?;
    match record.value {
        Some(value) => loaded.insert(id.into(), records::decode_value(&value)?),
        None => loaded.remove(id.as_str()),
    };
    Ok(())
}
