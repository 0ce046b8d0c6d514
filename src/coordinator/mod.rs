//! Group and transaction coordinators.

pub mod group;
