//! Compaction: of every key the last value is kept (Kafka's LogCleaner).

mod clean;
mod offset_map;
mod schedule;
mod survivors;
mod throttle;
mod transactions;

#[cfg(test)]
pub(super) use clean::{Budget, clean};
pub use schedule::{Cleaner, CleanerConfig};

#[cfg(test)]
mod tests;
