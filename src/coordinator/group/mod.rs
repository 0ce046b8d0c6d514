//! Groups.

pub mod consumer;
