//! One watch: over reconnections and sessions, until nobody reads it.
//!
//! ZooKeeper does not replay what happened below a persistent watch while the client was away, so
//! each reconnection gives a [`Change::Resync`].

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
    while !shared.is_closing() {
        let watcher = tokio::select! {
            watcher = establish(&shared, &path) => watcher,
            _ = outlet.closed() => return,
            _ = closing.wait_for(|closing| *closing) => return,
        };
        let Some(watcher) = watcher else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if !outlet.offer(Change::Resync) {
            return;
        }
        if let Some(ready) = ready.take() {
            let _ = ready.send(());
        }
        tokio::select! {
            reading = pass_on(watcher, &mut outlet) => if !reading { return },
            _ = closing.wait_for(|closing| *closing) => return,
        }
    }
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

/// Passes changes on until the session ends; `false` when nobody reads any more. The watcher must
/// not be asked again after its session's end.
async fn pass_on(mut watcher: PersistentWatcher, outlet: &mut Outlet) -> bool {
    loop {
        let event = tokio::select! {
            event = watcher.changed() => event,
            _ = outlet.closed() => return false,
        };
        let change = match (event.event_type, event.session_state) {
            (EventType::Session, SessionState::SyncConnected) => Change::Resync,
            (EventType::Session, state) if state.is_terminated() => return true,
            (EventType::Session, _) => continue,
            _ => Change::Node(event.path),
        };
        if !outlet.offer(change) {
            return false;
        }
    }
}
