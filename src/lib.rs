//! Ottla: a Kafka broker that is Apache Kafka 3.9 in ZooKeeper mode at every boundary.
//!
//! ARCHITECTURE.md is the map. A module imports only from those below it in this list.

pub mod broker;
pub mod config;
pub mod controller;
pub mod coordinator;
pub mod handlers;
mod lazy_alloc;
pub mod log;
pub mod metadata;
pub mod metrics;
pub mod network;
pub mod partition;
pub mod peer;
pub mod quota;
pub mod run;
pub mod security;
pub mod telemetry;
pub mod types;

#[global_allocator]
static ALLOCATOR: lazy_alloc::LazyAlloc = lazy_alloc::LazyAlloc;
