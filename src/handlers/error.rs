//! What each layer's errors are on the wire: the only place that maps them to Kafka codes.
//!
//! As `o.a.k.common.protocol.Errors.forException`. No arm is `_`: a new variant must be decided.

use crate::metadata::store::StoreError;
use crate::types::ErrorCode;

/// An error that has a Kafka code.
pub trait ToErrorCode {
    /// The code that a client gets for this error.
    fn error_code(&self) -> ErrorCode;
}

impl ToErrorCode for StoreError {
    fn error_code(&self) -> ErrorCode {
        match self {
            StoreError::NoNode(_)
            | StoreError::NodeExists(_)
            | StoreError::BadVersion(_)
            | StoreError::NotEmpty(_)
            | StoreError::SessionExpired
            | StoreError::Unavailable(_)
            | StoreError::Other(_) => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }
}
