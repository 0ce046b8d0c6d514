//! The tree's file: one redb database, each commit durable before it is told.
//!
//! Table `nodes`: path to version byte 1, czxid (8 bytes, big endian), mzxid (8), data version (4),
//! children ever created (8), data (the rest). Table `counters`: `zxid` to the last transaction.
//! Ephemeral nodes are never written, so they are gone when the file is opened again.

use super::tree::{Entry, Tree};
use crate::metadata::store::{Stat, StoreError};
use bytes::{Buf, BufMut, Bytes};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::collections::HashMap;
use std::path::Path;

const NODES: TableDefinition<&str, &[u8]> = TableDefinition::new("nodes");
const COUNTERS: TableDefinition<&str, i64> = TableDefinition::new("counters");
const LAST_ZXID: &str = "zxid";
const FORMAT: u8 = 1;

/// The open file.
pub(super) struct File(Database);

impl File {
    /// Opens or creates it and loads what is in it: the tree and the last transaction.
    pub(super) fn open(path: &Path) -> Result<(File, Tree, i64), StoreError> {
        let failed = |error: &dyn std::fmt::Display| {
            StoreError::Other(format!("{}: {error}", path.display()))
        };
        let file = File(Database::create(path).map_err(|error| failed(&error))?);
        let (tree, zxid) = file.load().map_err(|error| failed(&error))?;
        Ok((file, tree, zxid))
    }

    fn load(&self) -> Result<(Tree, i64), redb::Error> {
        let write = self.0.begin_write()?;
        write.open_table(NODES)?;
        write.open_table(COUNTERS)?;
        write.commit()?;
        let read = self.0.begin_read()?;
        let mut tree = Tree::default();
        for row in read.open_table(NODES)?.iter()? {
            let (path, value) = row?;
            let entry = decode(value.value()).ok_or_else(|| {
                redb::Error::Corrupted(format!("node {} cannot be read", path.value()))
            })?;
            tree.put(path.value(), Some(entry));
        }
        tree.recount();
        let zxid = read.open_table(COUNTERS)?.get(LAST_ZXID)?.map_or(0, |value| value.value());
        Ok((tree, zxid))
    }

    /// Writes changes and the last transaction, and returns once both are on disk.
    pub(super) fn save(
        &self,
        changes: &HashMap<String, Option<Entry>>,
        zxid: i64,
    ) -> Result<(), StoreError> {
        self.write(changes, zxid).map_err(|error| StoreError::Other(error.to_string()))
    }

    fn write(
        &self,
        changes: &HashMap<String, Option<Entry>>,
        zxid: i64,
    ) -> Result<(), redb::Error> {
        let write = self.0.begin_write()?;
        {
            let mut nodes = write.open_table(NODES)?;
            for (path, entry) in changes {
                match entry.as_ref().filter(|entry| entry.stat.ephemeral_owner == 0) {
                    Some(entry) => drop(nodes.insert(path.as_str(), encode(entry).as_slice())?),
                    None => drop(nodes.remove(path.as_str())?),
                }
            }
            write.open_table(COUNTERS)?.insert(LAST_ZXID, zxid)?;
        }
        write.commit()?;
        Ok(())
    }
}

fn encode(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::with_capacity(29 + entry.data.as_ref().map_or(0, Bytes::len));
    out.put_u8(FORMAT);
    out.put_i64(entry.stat.czxid);
    out.put_i64(entry.stat.mzxid);
    out.put_i32(entry.stat.version);
    out.put_i64(entry.created);
    out.put_slice(entry.data.as_deref().unwrap_or_default());
    out
}

fn decode(mut value: &[u8]) -> Option<Entry> {
    if value.try_get_u8().ok()? != FORMAT {
        return None;
    }
    let stat = Stat {
        czxid: value.try_get_i64().ok()?,
        mzxid: value.try_get_i64().ok()?,
        version: value.try_get_i32().ok()?,
        ephemeral_owner: 0,
    };
    let created = value.try_get_i64().ok()?;
    let data = (!value.is_empty()).then(|| Bytes::copy_from_slice(value));
    Some(Entry { data, stat, created, children: 0 })
}
