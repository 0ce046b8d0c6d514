//! Group and transaction coordinators.

pub mod transaction;
