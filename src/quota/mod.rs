//! Limits on what clients may use: connections, bytes, time, changes of topics; and on what the
//! copying of replicas may.

pub mod bucket;
pub mod clients;
pub mod connections;
pub mod rate;
pub mod replication;
pub mod table;
