//! The controller against the embedded store, with recorded writes and brokers that are played.
//!
//! The order of writes asserted here is that of Kafka 3.9.2's transaction log.

mod cluster;
mod election;
mod topics;
