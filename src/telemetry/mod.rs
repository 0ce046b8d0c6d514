//! What is counted. Knows nothing of what the numbers mean to anybody.

pub mod requests;
