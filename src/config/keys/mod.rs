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

/// All areas, each declared `after` the one before it.
pub(super) const ALL: &[&[Declaration]] = &[
    network::DECLARATIONS,
    cluster::DECLARATIONS,
    log::DECLARATIONS,
    cleaner::DECLARATIONS,
    groups::DECLARATIONS,
    new_groups::DECLARATIONS,
    transactions::DECLARATIONS,
    zookeeper::DECLARATIONS,
    kraft::DECLARATIONS,
    tiered::DECLARATIONS,
    sasl::DECLARATIONS,
    ssl::DECLARATIONS,
    security::DECLARATIONS,
    metrics::DECLARATIONS,
    ottla::DECLARATIONS,
];

/// All keys are numbered, and the last area knows how many there are.
pub(super) const COUNT: usize = ottla::END as usize;
