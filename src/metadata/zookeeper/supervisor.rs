//! Watches over the session: tells its state, and makes a new one after the old has expired.

use super::Shared;
use crate::metadata::store::Session;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};
use zookeeper_client::{Client, SessionState, StateWatcher};

/// Pause between attempts to get a session.
const PAUSE: Duration = Duration::from_millis(250);

/// A new session, tried for until there is one.
pub(super) async fn new_session(shared: &Shared) -> Client {
    loop {
        let connector = Client::connector().with_session_timeout(shared.options.session_timeout);
        match connector.connect(&shared.cluster).await {
            Ok(client) => return client,
            Err(error) => warn!("no session with ZooKeeper at {}: {error}", shared.cluster),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Runs until the store is closed.
pub(super) async fn run(shared: Arc<Shared>, mut states: StateWatcher) {
    let mut closing = shared.closing.subscribe();
    let mut state = states.state();
    loop {
        if shared.is_closing() {
            return;
        }
        if state.is_terminated() {
            warn!("the ZooKeeper session is over ({state}); its ephemeral nodes are gone");
            shared.session.send_replace(Session::Lost);
            shared.client.send_replace(None);
            let client = tokio::select! {
                client = new_session(&shared) => client,
                _ = closing.wait_for(|closing| *closing) => return,
            };
            info!("a new ZooKeeper session: {}", client.session_id());
            states = client.state_watcher();
            shared.install(client);
        } else {
            tell(&shared, state);
        }
        state = tokio::select! {
            state = states.changed() => state,
            _ = closing.wait_for(|closing| *closing) => return,
        };
    }
}

fn tell(shared: &Shared, state: SessionState) {
    let id = shared.client.borrow().as_ref().map(|client| client.session_id().0);
    let next = match (state, id) {
        (SessionState::SyncConnected, Some(id)) => Session::Live(id),
        _ => Session::Suspended,
    };
    let changed = shared.session.send_if_modified(|session| {
        let changes = *session != next;
        *session = next;
        changes
    });
    if changed {
        info!("ZooKeeper session: {next:?}");
    }
}
