//! One watch: over reconnections and sessions, until nobody reads it.
//!
//! ZooKeeper does not replay what happened below a persistent watch while the client was away, and
//! the client crate (0.11.2) does not even make such a watch again: it computes which kinds to
//! send with `index.max(index)`, so only data watches survive. So each reconnection makes a new
//! watch and then gives a [`Change::Resync`].

use super::Shared;
use crate::metadata::outlet::Outlet;
use crate::metadata::store::Change;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;
use zookeeper_client::{AddWatchMode, Error, EventType, PersistentWatcher, SessionState};

/// Pause after a watch could not be made.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs until the reader or the store is gone. `ready` is told when the watch is made first.
pub(super) async fn run(
    shared: Arc<Shared>,
    path: String,
    mut outlet: Outlet,
    ready: oneshot::Sender<()>,
) {
    let mut ready = Some(ready);
    let mut closing = shared.closing.subscribe();
    // Dropped only after its successor is there: else the server's watch would be removed.
    let mut former = None;
    while !shared.is_closing() {
        let watcher = tokio::select! {
            watcher = establish(&shared, &path) => watcher,
            _ = outlet.closed() => return,
            _ = closing.wait_for(|closing| *closing) => return,
        };
        let Some(mut watcher) = watcher else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        drop(former.take());
        if !outlet.offer(Change::Resync) {
            return;
        }
        if let Some(ready) = ready.take() {
            let _ = ready.send(());
        }
        let end = tokio::select! {
            end = pass_on(&mut watcher, &mut outlet) => end,
            _ = closing.wait_for(|closing| *closing) => return,
        };
        match end {
            End::Abandoned => return,
            End::Reconnected => former = Some(watcher),
            End::SessionOver => {}
        }
    }
}

/// Why a watcher is of no use any more.
enum End {
    /// Nobody reads.
    Abandoned,
    /// The server has forgotten it.
    Reconnected,
    /// It must not be asked again, that would panic.
    SessionOver,
}

async fn establish(shared: &Shared, path: &str) -> Option<PersistentWatcher> {
    let deadline = Instant::now() + shared.options.call_timeout;
    let client = shared.live_client(deadline).await.ok()?;
    let watching = client.watch(path, AddWatchMode::PersistentRecursive);
    match tokio::time::timeout_at(deadline, watching).await {
        Ok(Ok(watcher)) => Some(watcher),
        // The next session is being made: not worth a line.
        Ok(Err(Error::SessionExpired | Error::ClientClosed)) => None,
        Ok(Err(error)) => {
            warn!("cannot watch {path}: {error}");
            None
        }
        Err(_) => None,
    }
}

/// Passes changes on as long as the watcher is good.
async fn pass_on(watcher: &mut PersistentWatcher, outlet: &mut Outlet) -> End {
    loop {
        let event = tokio::select! {
            event = watcher.changed() => event,
            _ = outlet.closed() => return End::Abandoned,
        };
        match (event.event_type, event.session_state) {
            (EventType::Session, SessionState::SyncConnected) => return End::Reconnected,
            (EventType::Session, state) if state.is_terminated() => return End::SessionOver,
            (EventType::Session, _) => {}
            _ => {
                if !outlet.offer(Change::Node(event.path)) {
                    return End::Abandoned;
                }
            }
        }
    }
}
