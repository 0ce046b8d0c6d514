//! Compaction: of every key the last value is kept (Kafka's LogCleaner).

mod clean;
mod offset_map;
mod schedule;
mod survivors;
mod throttle;
mod transactions;

pub use schedule::{Cleaner, CleanerConfig};

#[cfg(test)]
mod tests;
