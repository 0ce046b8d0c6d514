//! The store on a ZooKeeper ensemble.
//!
//! What the client crate leaves to its user is done here: every call is bounded in time, an expired
//! session is followed by a new one, watches are made again and say so ([`Change::Resync`]), the
//! chroot is created, and content that Kafka writes as `null` is written as `null`. Knows no znode
//! of Kafka's.

mod call;
mod connect_string;
#[cfg(test)]
mod faults;
mod null_data;
mod raw;
mod supervisor;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;
mod watching;

use super::outlet::{Outlet, WATCH_CAPACITY};
use super::store::{Done, Node, Op, Session, SharedStore, Store, StoreError, Watch};
use async_trait::async_trait;
use connect_string::ConnectString;
use null_data::NullData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use zookeeper_client::Client;

/// How to reach the ensemble.
#[derive(Clone, Debug)]
pub struct ZookeeperOptions {
    /// `zookeeper.connect`: `host:port,host:port/chroot`.
    pub connect: String,
    /// `zookeeper.session.timeout.ms`, as asked for; the server may grant another.
    pub session_timeout: Duration,
    /// `zookeeper.connection.timeout.ms`: to get the first session.
    pub connection_timeout: Duration,
    /// How long a call may take, waiting for a connection included.
    pub call_timeout: Duration,
}

impl ZookeeperOptions {
    /// Kafka's defaults: 18 s for everything.
    pub fn new(connect: impl Into<String>) -> Self {
        let default = Duration::from_secs(18);
        ZookeeperOptions {
            connect: connect.into(),
            session_timeout: default,
            connection_timeout: default,
            call_timeout: default,
        }
    }
}

/// What the store, its supervisor and its watches share.
struct Shared {
    options: ZookeeperOptions,
    /// Hosts and chroot as the client crate takes them.
    cluster: String,
    /// The client of the current session; `None` before the next one and once closed. Nobody may
    /// hold a clone for long: a session ends when its last client is dropped.
    client: watch::Sender<Option<Client>>,
    session: watch::Sender<Session>,
    /// Granted session time-out, milliseconds.
    granted_ms: AtomicU64,
    closing: watch::Sender<bool>,
}

impl Shared {
    fn install(&self, client: Client) {
        let granted = client.session_timeout().as_millis() as u64;
        self.granted_ms.store(granted, Ordering::Relaxed);
        let session = Session::Live(client.session_id().0);
        self.client.send_replace(Some(client));
        self.session.send_replace(session);
    }

    /// The client, once the session is live; not after the deadline.
    async fn live_client(&self, deadline: Instant) -> Result<Client, StoreError> {
        let mut sessions = self.session.subscribe();
        let live = sessions.wait_for(|session| matches!(session, Session::Live(_)));
        match tokio::time::timeout_at(deadline, live).await {
            Ok(_) => {}
            Err(_) if *self.session.borrow() == Session::Lost => {
                return Err(StoreError::SessionExpired);
            }
            Err(_) => return Err(StoreError::Unavailable("not connected".to_string())),
        }
        self.client.borrow().clone().ok_or(StoreError::SessionExpired)
    }

    fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }
}

struct Zookeeper {
    shared: Arc<Shared>,
    null_data: NullData,
}

/// Opens a session, after creating the chroot in a short session of its own.
///
/// # Errors
/// `Other` for a malformed connect string, `Unavailable` when there is no session within
/// `connection_timeout`.
pub async fn connect(options: ZookeeperOptions) -> Result<SharedStore, StoreError> {
    let target = ConnectString::parse(&options.connect)?;
    let deadline = Instant::now() + options.connection_timeout;
    let null_data = NullData::new(target.clone(), options.session_timeout);
    if let Some(chroot) = &target.chroot {
        null_data.create_chroot(chroot, deadline).await?;
    }
    let (client, session, closing) =
        (watch::Sender::new(None), watch::Sender::new(Session::Lost), watch::Sender::new(false));
    let cluster = target.cluster();
    let granted_ms = AtomicU64::new(options.session_timeout.as_millis() as u64);
    let shared = Arc::new(Shared { options, cluster, client, session, granted_ms, closing });
    let first = supervisor::new_session(&shared);
    let client = tokio::time::timeout_at(deadline, first).await.map_err(|_| {
        StoreError::Unavailable(format!("no session with {}", shared.options.connect))
    })?;
    let states = client.state_watcher();
    shared.install(client);
    tokio::spawn(supervisor::run(shared.clone(), states));
    Ok(Arc::new(Zookeeper { shared, null_data }))
}

/// A store that is dropped without being closed ends its session too, but nobody waits for it.
impl Drop for Zookeeper {
    fn drop(&mut self) {
        self.shared.closing.send_replace(true);
        self.shared.client.send_replace(None);
    }
}

impl Zookeeper {
    fn deadline(&self) -> Instant {
        Instant::now() + self.shared.options.call_timeout
    }

    fn check_open(&self) -> Result<(), StoreError> {
        if self.shared.is_closing() { Err(StoreError::SessionExpired) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Zookeeper {
    async fn get(&self, path: &str) -> Result<Option<Node>, StoreError> {
        self.check_open()?;
        let deadline = self.deadline();
        let client = self.shared.live_client(deadline).await?;
        call::bounded(deadline, call::get(&client, path)).await
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, StoreError> {
        self.check_open()?;
        let deadline = self.deadline();
        let client = self.shared.live_client(deadline).await?;
        call::bounded(deadline, call::children(&client, path)).await
    }

    async fn commit(&self, ops: Vec<Op>) -> Result<Vec<Done>, StoreError> {
        self.check_open()?;
        let deadline = self.deadline();
        let client = self.shared.live_client(deadline).await?;
        if null_data::is_needed(&ops)
            && let Some(done) =
                call::bounded(deadline, self.null_data.commit(&ops, deadline)).await?
        {
            // Another server may have carried it out: our session's reads must see it.
            call::bounded(deadline, call::sync(&client)).await?;
            return Ok(done);
        }
        call::bounded(deadline, call::commit(&client, &ops)).await
    }

    async fn watch(&self, path: &str) -> Result<Watch, StoreError> {
        self.check_open()?;
        let (outlet, changes) = Outlet::new(WATCH_CAPACITY);
        let (ready, established) = oneshot::channel();
        let watching = watching::run(self.shared.clone(), path.to_string(), outlet, ready);
        tokio::spawn(watching);
        match tokio::time::timeout_at(self.deadline(), established).await {
            Ok(Ok(())) => Ok(changes),
            Ok(Err(_)) => Err(StoreError::SessionExpired),
            Err(_) => Err(StoreError::Unavailable(format!("no watch on {path}"))),
        }
    }

    fn session(&self) -> watch::Receiver<Session> {
        self.shared.session.subscribe()
    }

    fn session_timeout(&self) -> Duration {
        Duration::from_millis(self.shared.granted_ms.load(Ordering::Relaxed))
    }

    async fn close(&self) {
        self.shared.closing.send_replace(true);
        self.null_data.close().await;
        let states = self.shared.client.borrow().as_ref().map(Client::state_watcher);
        self.shared.client.send_replace(None);
        self.shared.session.send_replace(Session::Lost);
        let Some(mut states) = states else { return };
        let ended = async {
            let mut state = states.state();
            while !state.is_terminated() {
                state = states.changed().await;
            }
        };
        // Without a connection the session ends by itself, at its time-out.
        let _ = tokio::time::timeout(Duration::from_secs(2), ended).await;
    }
}
