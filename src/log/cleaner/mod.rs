//! Compaction: of every key the last value is kept (Kafka's LogCleaner).

mod clean;
mod dirt;
mod metrics;
mod offset_map;
mod old_format;
mod schedule;
mod survivors;
mod throttle;
mod transactions;

pub use metrics::CleanerMetrics;
pub use schedule::{Cleaner, CleanerConfig};

#[cfg(test)]
mod tests;
