//! Group and transaction coordinators: synchronous state machines, and the tasks around them.
//!
//! Each coordinator owns the internal-topic partitions that this broker leads. Imports nothing of
//! handlers or network.

pub mod group;
pub mod state_log;
pub mod transaction;
