//! Cluster metadata: the image everybody reads, and the store that few write.
//!
//! Does not know: the log, wire messages, or what a record is.

#[cfg(test)]
pub(crate) mod contract;
pub mod embedded;
pub mod image;
pub mod layout;
mod outlet;
pub mod records;
pub mod store;
pub mod zookeeper;
