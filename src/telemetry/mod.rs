//! What the broker says about itself: its log lines.

pub mod log_levels;
mod setup;

pub use setup::{Format, init};
