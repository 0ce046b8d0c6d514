//! The tree in memory, and drafts of it: what a commit would make of it.
//!
//! Follows ZooKeeper's rules (versions from 0, sequence numbers that count a parent's children ever
//! created, no children below ephemeral nodes). Knows nothing of files and watches.

use crate::metadata::records::paths;
use crate::metadata::store::{Done, Life, Node, Op, Stat, StoreError};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};

/// A node in the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) data: Option<Bytes>,
    pub(super) stat: Stat,
    /// Children ever created; the number that the next sequential one gets.
    pub(super) created: i64,
    /// Children now.
    pub(super) children: usize,
}

/// All nodes, by parent and name so that children are found at once.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Entry,
    below: HashMap<String, BTreeMap<String, Entry>>,
}

impl Tree {
    pub(super) fn get(&self, path: &str) -> Option<&Entry> {
        match paths::parent_of(path) {
            None => Some(&self.root),
            Some(parent) => self.below.get(parent)?.get(paths::name_of(path)),
        }
    }

    pub(super) fn node(&self, path: &str) -> Option<Node> {
        let entry = self.get(path)?;
        Some(Node { data: entry.data.clone(), stat: entry.stat })
    }

    pub(super) fn children(&self, path: &str) -> Option<Vec<String>> {
        self.get(path)?;
        Some(self.below.get(path).map(|names| names.keys().cloned().collect()).unwrap_or_default())
    }

    /// Puts an entry, or takes it away.
    pub(super) fn put(&mut self, path: &str, entry: Option<Entry>) {
        let Some(parent) = paths::parent_of(path) else {
            self.root = entry.unwrap_or_default();
            return;
        };
        let name = paths::name_of(path);
        match entry {
            Some(entry) => {
                self.below.entry(parent.to_string()).or_default().insert(name.to_string(), entry);
            }
            None => {
                let Some(siblings) = self.below.get_mut(parent) else { return };
                siblings.remove(name);
                if siblings.is_empty() {
                    self.below.remove(parent);
                }
            }
        }
    }

    /// Counts children anew, after loading.
    pub(super) fn recount(&mut self) {
        let counts: Vec<(String, usize)> =
            self.below.iter().map(|(path, names)| (path.clone(), names.len())).collect();
        for (path, children) in counts {
            if let Some(entry) = self.get(&path).cloned() {
                self.put(&path, Some(Entry { children, ..entry }));
            }
        }
    }

    /// Paths of all ephemeral nodes.
    pub(super) fn ephemerals(&self) -> Vec<String> {
        let nodes = self.below.iter().flat_map(|(parent, names)| {
            names.iter().map(move |(name, entry)| (parent, name, entry))
        });
        nodes
            .filter(|(_, _, entry)| entry.stat.ephemeral_owner != 0)
            .map(|(parent, name, _)| format!("{}/{name}", parent.trim_end_matches('/')))
            .collect()
    }
}

/// Changes on top of a tree that are not part of it yet.
pub(super) struct Draft<'a> {
    base: &'a Tree,
    session: i64,
    changed: HashMap<String, Option<Entry>>,
    /// What each change of the running commit replaced, to take it back.
    undo: Vec<(String, Option<Option<Entry>>)>,
    /// Paths created, changed or deleted, in order.
    touched: Vec<String>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(base: &'a Tree, session: i64) -> Self {
        let (changed, undo, touched) = Default::default();
        Draft { base, session, changed, undo, touched }
    }

    /// Carries out all operations as transaction `zxid`, or none.
    pub(super) fn commit(&mut self, ops: &[Op], zxid: i64) -> Result<Vec<Done>, StoreError> {
        let touched = self.touched.len();
        self.undo.clear();
        let done: Result<Vec<Done>, StoreError> =
            ops.iter().enumerate().map(|(at, op)| self.apply(at, op, zxid)).collect();
        if done.is_err() {
            for (path, before) in std::mem::take(&mut self.undo).into_iter().rev() {
                match before {
                    Some(entry) => self.changed.insert(path, entry),
                    None => self.changed.remove(&path),
                };
            }
            self.touched.truncate(touched);
        }
        done
    }

    /// What changed: the new entries (`None`: deleted), and the paths touched, in order.
    pub(super) fn into_changes(self) -> (HashMap<String, Option<Entry>>, Vec<String>) {
        (self.changed, self.touched)
    }

    fn get(&self, path: &str) -> Option<&Entry> {
        match self.changed.get(path) {
            Some(entry) => entry.as_ref(),
            None => self.base.get(path),
        }
    }

    fn put(&mut self, path: &str, entry: Option<Entry>) {
        let before = self.changed.insert(path.to_string(), entry);
        self.undo.push((path.to_string(), before));
    }

    fn apply(&mut self, at: usize, op: &Op, zxid: i64) -> Result<Done, StoreError> {
        match op {
            Op::Create { path, data, life } => self.create(at, path, data, *life, zxid),
            Op::Set { path, data, version } => {
                let mut entry = self.expect(at, path, *version)?.clone();
                entry.data = present(data);
                entry.stat.version = entry.stat.version.wrapping_add(1);
                entry.stat.mzxid = zxid;
                let stat = entry.stat;
                self.put(path, Some(entry));
                self.touched.push(path.clone());
                Ok(Done::Set(stat))
            }
            Op::Delete { path, version } => self.delete(at, path, *version),
            Op::Check { path, version } => {
                self.expect(at, path, Some(*version))?;
                Ok(Done::Checked)
            }
        }
    }

    fn expect(&self, at: usize, path: &str, version: Option<i32>) -> Result<&Entry, StoreError> {
        let entry = self.get(path).ok_or(StoreError::NoNode(at))?;
        match version {
            Some(version) if version != entry.stat.version => Err(StoreError::BadVersion(at)),
            _ => Ok(entry),
        }
    }

    fn create(
        &mut self,
        at: usize,
        path: &str,
        data: &Option<Bytes>,
        life: Life,
        zxid: i64,
    ) -> Result<Done, StoreError> {
        let parent_path = paths::parent_of(path).ok_or(StoreError::NodeExists(at))?.to_string();
        let mut parent = self.get(&parent_path).ok_or(StoreError::NoNode(at))?.clone();
        let path = match life {
            Life::Sequential => format!("{path}{:010}", parent.created),
            Life::Persistent | Life::Ephemeral => path.to_string(),
        };
        if !is_valid(&path) {
            return Err(StoreError::Other(format!("{path} is not a path")));
        }
        if self.get(&path).is_some() {
            return Err(StoreError::NodeExists(at));
        }
        if parent.stat.ephemeral_owner != 0 {
            let reason = format!("{parent_path} is ephemeral and cannot have children");
            return Err(StoreError::Other(reason));
        }
        parent.created += 1;
        parent.children += 1;
        self.put(&parent_path, Some(parent));
        let ephemeral_owner = if life == Life::Ephemeral { self.session } else { 0 };
        let stat = Stat { czxid: zxid, mzxid: zxid, version: 0, ephemeral_owner };
        self.put(&path, Some(Entry { data: present(data), stat, ..Entry::default() }));
        self.touched.push(path.clone());
        Ok(Done::Created(path, stat))
    }

    fn delete(&mut self, at: usize, path: &str, version: Option<i32>) -> Result<Done, StoreError> {
        if self.expect(at, path, version)?.children > 0 {
            return Err(StoreError::NotEmpty(at));
        }
        let Some(parent_path) = paths::parent_of(path) else {
            return Err(StoreError::Other("the root cannot be deleted".to_string()));
        };
        if let Some(parent) = self.get(parent_path) {
            let children = parent.children.saturating_sub(1);
            let parent = Entry { children, ..parent.clone() };
            self.put(parent_path, Some(parent));
        }
        self.put(path, None);
        self.touched.push(path.to_string());
        Ok(Done::Deleted)
    }
}

/// Empty content and none are one thing to readers, as over ZooKeeper's client.
fn present(data: &Option<Bytes>) -> Option<Bytes> {
    data.clone().filter(|bytes| !bytes.is_empty())
}

/// Absolute, no empty part, no `.` or `..`.
pub(super) fn is_valid(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    rest.is_empty() || rest.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
