//! Limits on what clients may use. So far: connections.

pub mod connections;
