//! What the broker says about itself: its log lines, and what is counted. Knows nothing of what
//! the numbers mean to anybody.

pub mod counters;
pub mod log_levels;
pub mod requests;
mod setup;

pub use setup::{Format, init};
