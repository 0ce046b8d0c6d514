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
pub(super) use {
    clean::{Budget, clean, clean_of},
    throttle::Throttle,
};

#[cfg(test)]
mod tests;
