//! To come.

pub mod client;
