//! Limits on what clients may use: connections, bytes, time, changes of topics.

pub mod clients;
pub mod connections;
pub mod rate;
pub mod table;
