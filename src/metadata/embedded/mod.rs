//! The embedded store: the tree in memory, one ACID file under it, for one broker alone.
//!
//! Reads come from memory. One thread owns the file and carries out commits; those that wait
//! together become one transaction of the file, so that they share its sync. The session lives as
//! long as the store is open.

mod file;
#[cfg(test)]
mod tests;
mod tree;

use super::outlet::{Outlet, WATCH_CAPACITY};
use super::store::{Change, Done, Node, Op, Session, SharedStore, Store, StoreError, Watch};
use async_trait::async_trait;
use file::File;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tree::{Draft, Tree};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "ottla-metadata.redb";

/// Commits that may wait for the thread; more callers wait outside.
const QUEUE: usize = 256;

/// Ephemeral nodes die with the process, so nobody ever waits for them; this is only what is told.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

struct Waiting {
    ops: Vec<Op>,
    reply: oneshot::Sender<Result<Vec<Done>, StoreError>>,
}

/// What readers and the thread share.
struct Shared {
    tree: Mutex<Tree>,
    watches: Mutex<Vec<(String, Outlet)>>,
}

struct Embedded {
    shared: Arc<Shared>,
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    session: watch::Sender<Session>,
    ended: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
}

/// Opens the store in this directory, or creates it.
///
/// # Errors
/// `Other` when the file is damaged, not writable or open in another process.
pub fn open(directory: &Path) -> Result<SharedStore, StoreError> {
    let (file, tree, last_zxid) = File::open(&directory.join(FILE_NAME))?;
    // Opening is a transaction too: a session id is never used twice.
    let session = last_zxid + 1;
    file.save(&Default::default(), session)?;
    let shared = Arc::new(Shared { tree: Mutex::new(tree), watches: Mutex::new(Vec::new()) });
    let (sender, receiver) = mpsc::channel(QUEUE);
    let (end, ended) = oneshot::channel();
    let writer = Writer { file, shared: shared.clone(), session, zxid: session };
    std::thread::Builder::new()
        .name("metadata-store".to_string())
        .spawn(move || {
            writer.run(receiver);
            let _ = end.send(());
        })
        .map_err(|error| StoreError::Other(error.to_string()))?;
    Ok(Arc::new(Embedded {
        shared,
        queue: Mutex::new(Some(sender)),
        session: watch::Sender::new(Session::Live(session)),
        ended: tokio::sync::Mutex::new(Some(ended)),
    }))
}

/// The thread's side.
struct Writer {
    file: File,
    shared: Arc<Shared>,
    session: i64,
    zxid: i64,
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        while let Some(first) = queue.blocking_recv() {
            let mut batch = vec![first];
            while let (true, Ok(next)) = (batch.len() < QUEUE, queue.try_recv()) {
                batch.push(next);
            }
            self.commit(batch);
        }
        self.end_session();
    }

    fn commit(&mut self, batch: Vec<Waiting>) {
        let shared = self.shared.clone();
        // Readers wait while commits are tried, but not while the file is synced.
        let (outcomes, changes, touched) = {
            let tree = shared.tree.lock();
            let mut draft = Draft::new(&tree, self.session);
            let mut outcomes = Vec::with_capacity(batch.len());
            for Waiting { ops, reply } in batch {
                let outcome = draft.commit(&ops, self.zxid + 1);
                self.zxid += i64::from(outcome.is_ok());
                outcomes.push((reply, outcome));
            }
            let (changes, touched) = draft.into_changes();
            (outcomes, changes, touched)
        };
        let saved = match touched.is_empty() {
            true => Ok(()),
            false => self.file.save(&changes, self.zxid),
        };
        if saved.is_ok() {
            let mut tree = shared.tree.lock();
            for (path, entry) in changes {
                tree.put(&path, entry);
            }
        }
        if saved.is_ok() {
            self.report(&touched);
        }
        for (reply, outcome) in outcomes {
            let _ = reply.send(saved.clone().and(outcome));
        }
    }

    fn end_session(&mut self) {
        let mut tree = self.shared.tree.lock();
        for path in tree.ephemerals() {
            tree.put(&path, None);
        }
        drop(tree);
        self.shared.watches.lock().clear();
    }

    fn report(&self, touched: &[String]) {
        let mut watches = self.shared.watches.lock();
        watches.retain_mut(|(root, outlet)| {
            let below = touched.iter().filter(|path| is_at_or_below(path, root));
            below.fold(true, |_, path| outlet.offer(Change::Node(path.clone())))
        });
    }
}

fn is_at_or_below(path: &str, root: &str) -> bool {
    match path.strip_prefix(root) {
        Some(rest) => rest.is_empty() || rest.starts_with('/') || root == "/",
        None => false,
    }
}

impl Embedded {
    fn check_open(&self) -> Result<(), StoreError> {
        match *self.session.borrow() {
            Session::Live(_) => Ok(()),
            Session::Suspended | Session::Lost => Err(StoreError::SessionExpired),
        }
    }
}

#[async_trait]
impl Store for Embedded {
    async fn get(&self, path: &str) -> Result<Option<Node>, StoreError> {
        self.check_open()?;
        Ok(self.shared.tree.lock().node(path))
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, StoreError> {
        self.check_open()?;
        Ok(self.shared.tree.lock().children(path))
    }

    async fn commit(&self, ops: Vec<Op>) -> Result<Vec<Done>, StoreError> {
        let queue = self.queue.lock().clone().ok_or(StoreError::SessionExpired)?;
        let (reply, outcome) = oneshot::channel();
        queue.send(Waiting { ops, reply }).await.map_err(|_| StoreError::SessionExpired)?;
        outcome.await.map_err(|_| StoreError::SessionExpired)?
    }

    async fn watch(&self, path: &str) -> Result<Watch, StoreError> {
        self.check_open()?;
        let (mut outlet, watch) = Outlet::new(WATCH_CAPACITY);
        outlet.offer(Change::Resync);
        self.shared.watches.lock().push((path.to_string(), outlet));
        Ok(watch)
    }

    fn session(&self) -> watch::Receiver<Session> {
        self.session.subscribe()
    }

    fn session_timeout(&self) -> Duration {
        SESSION_TIMEOUT
    }

    async fn close(&self) {
        self.session.send_replace(Session::Lost);
        drop(self.queue.lock().take());
        if let Some(ended) = self.ended.lock().await.take() {
            let _ = ended.await;
        }
    }
}
