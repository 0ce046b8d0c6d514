//! Compaction: of every key the last value is kept (Kafka's LogCleaner).

mod clean;
mod offset_map;
mod survivors;
mod throttle;
mod transactions;
