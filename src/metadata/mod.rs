//! Cluster metadata: the image everybody reads, and the store that few write.
//!
//! Does not know: the log, wire messages, or what a record is.

pub mod image;
pub mod records;
pub mod store;
