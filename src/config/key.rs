//! Every broker key as a typed constant: `key::NUM_PARTITIONS` is a `Key<i32>`.

use super::declare::Declaration;
use super::keys;
use std::collections::HashMap;
use std::sync::LazyLock;

pub use super::keys::cleaner::*;
pub use super::keys::cluster::*;
pub use super::keys::groups::*;
pub use super::keys::kraft::*;
pub use super::keys::log::*;
pub use super::keys::metrics::*;
pub use super::keys::network::*;
pub use super::keys::new_groups::*;
pub use super::keys::ottla::*;
pub use super::keys::sasl::*;
pub use super::keys::security::*;
pub use super::keys::ssl::*;
pub use super::keys::tiered::*;
pub use super::keys::transactions::*;
pub use super::keys::zookeeper::*;

/// All declarations; a key's index is its place here.
static TABLE: LazyLock<Vec<&'static Declaration>> = LazyLock::new(|| {
    let table: Vec<_> = keys::TITLED.iter().flat_map(|(_, area)| *area).collect();
    assert_eq!(table.len(), keys::COUNT, "the areas in keys::TITLED are in the order of `after`");
    table
});

static BY_NAME: LazyLock<HashMap<&'static str, u16>> = LazyLock::new(|| {
    TABLE.iter().enumerate().map(|(index, key)| (key.name, index as u16)).collect()
});

/// All broker keys in the order of their indexes.
pub fn all() -> &'static [&'static Declaration] {
    &TABLE
}

/// The index of the broker key with this name.
pub(super) fn index_of(name: &str) -> Option<u16> {
    BY_NAME.get(name).copied()
}

/// The broker key with this name.
pub fn find(name: &str) -> Option<&'static Declaration> {
    index_of(name).map(declaration)
}

#[allow(clippy::indexing_slicing)]
pub(super) fn declaration(index: u16) -> &'static Declaration {
    TABLE[usize::from(index)]
}
