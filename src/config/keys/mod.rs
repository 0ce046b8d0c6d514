//! The declarations of all broker keys, by area.

use super::declare::Declaration;

pub mod cleaner;
pub mod cluster;
pub mod groups;
pub mod kraft;
pub mod log;
pub mod metrics;
pub mod network;
pub mod new_groups;
pub mod ottla;
pub mod sasl;
pub mod security;
pub mod ssl;
pub mod tiered;
pub mod transactions;
pub mod zookeeper;

/// Where the numbering of keys starts.
mod first {
    pub(in crate::config) const END: u16 = 0;
}

/// All areas with their titles, each declared `after` the one before it.
pub(super) const TITLED: &[(&str, &[Declaration])] = &[
    ("Listeners and connections", network::DECLARATIONS),
    ("Broker, topics and replication", cluster::DECLARATIONS),
    ("Log", log::DECLARATIONS),
    ("Compaction", cleaner::DECLARATIONS),
    ("Consumer groups", groups::DECLARATIONS),
    ("KIP-848 groups and share groups", new_groups::DECLARATIONS),
    ("Transactions", transactions::DECLARATIONS),
    ("ZooKeeper", zookeeper::DECLARATIONS),
    ("KRaft", kraft::DECLARATIONS),
    ("Tiered storage", tiered::DECLARATIONS),
    ("SASL", sasl::DECLARATIONS),
    ("TLS", ssl::DECLARATIONS),
    ("Security", security::DECLARATIONS),
    ("Metrics and quotas", metrics::DECLARATIONS),
    ("Ottla", ottla::DECLARATIONS),
];

/// All keys are numbered, and the last area knows how many there are.
pub(super) const COUNT: usize = ottla::END as usize;
