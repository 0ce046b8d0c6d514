//! Acceptors and data threads of a broker (`SocketServer`).
//!
//! One thread accepts on all listeners, asks the connection quotas, and gives each socket to the
//! data thread with the fewest. Knows nothing of what goes over the sockets.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::bind::{Bound, BoundListener};
use super::budget::Budget;
use super::connection::Shared;
use super::data_thread::{Accepted, DataThread, Inlet};
use super::settings::{ListenerSettings, Settings};
use crate::handlers::{Dispatch, RequestContext};
use crate::quota::connections::{ConnectionQuotas, Refused};
use crate::security::Principal;

/// How long accepting pauses after an error such as "too many open files".
const PAUSE: Duration = Duration::from_millis(100);

static CONNECTION_ID: AtomicU64 = AtomicU64::new(0);

/// The running network layer of a broker.
pub struct Server {
    threads: Vec<DataThread>,
    acceptor: JoinHandle<()>,
    stop: watch::Sender<bool>,
    quotas: Arc<ConnectionQuotas>,
}

impl Server {
    /// Accepts connections on the bound listeners and serves the APIs of `dispatch` on them.
    pub fn serve<D: Dispatch + Clone>(
        bound: Bound,
        broker: Arc<D::Broker>,
        dispatch: D,
        quotas: Arc<ConnectionQuotas>,
    ) -> io::Result<Server> {
        let Bound { listeners, settings } = bound;
        let mut threads = Vec::with_capacity(settings.threads);
        let budget = Budget::new(settings.max_queued_bytes);
        for index in 0..settings.threads.max(1) {
            let budget = budget.clone();
            let (broker, dispatch) = (broker.clone(), dispatch.clone());
            let (max_request_bytes, max_idle) = (settings.max_request_bytes, settings.max_idle);
            threads.push(DataThread::start(index, move || Shared {
                broker,
                dispatch,
                max_request_bytes,
                budget,
                max_idle,
            })?);
        }
        let (stop, stopped) = watch::channel(false);
        let inlets: Arc<[Inlet]> = threads.iter().map(DataThread::inlet).collect();
        let acceptors = Acceptors { inlets, quotas: quotas.clone(), settings };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let acceptor = std::thread::Builder::new()
            .name("ottla-accept".into())
            .spawn(move || runtime.block_on(acceptors.run(listeners, stopped)))?;
        Ok(Server { threads, acceptor, stop, quotas })
    }

    /// The connections counted, and where their limits are changed.
    pub fn quotas(&self) -> &Arc<ConnectionQuotas> {
        &self.quotas
    }

    /// Stops accepting, lets requests in flight finish for up to `grace`, closes everything.
    ///
    /// Blocks until then: to be called from a thread without a runtime, or from `spawn_blocking`.
    pub fn shutdown(self, grace: Duration) {
        self.stop.send_replace(true);
        let stopping: Vec<_> = self.threads.into_iter().map(|t| t.stop(grace)).collect();
        for thread in std::iter::once(self.acceptor).chain(stopping) {
            if thread.join().is_err() {
                tracing::error!("a network thread had panicked");
            }
        }
    }
}

struct Acceptors {
    inlets: Arc<[Inlet]>,
    quotas: Arc<ConnectionQuotas>,
    settings: Settings,
}

impl Acceptors {
    async fn run(self, listeners: Vec<BoundListener>, mut stopped: watch::Receiver<bool>) {
        let accepting = listeners.into_iter().map(|listener| self.accept(listener));
        tokio::select! {
            _ = futures_util::future::join_all(accepting) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }

    async fn accept(&self, listener: BoundListener) {
        let BoundListener { settings: listener, socket } = listener;
        let socket = match TcpListener::from_std(socket) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::error!(listener = %listener.name, "cannot accept: {error}");
                return;
            }
        };
        loop {
            if let Err(error) = self.accept_one(&listener, &socket).await {
                tracing::warn!(listener = %listener.name, "cannot accept a connection: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn accept_one(
        &self,
        listener: &ListenerSettings,
        socket: &TcpListener,
    ) -> io::Result<()> {
        let (stream, mut address) = socket.accept().await?;
        address.set_ip(address.ip().to_canonical());
        let permit = match self.quotas.admit(&listener.name, address.ip()).await {
            Ok(permit) => permit,
            Err(refused) => {
                tracing::info!(listener = %listener.name, "rejected a connection: {refused}");
                if let Refused::TooFast { wait, .. } = refused {
                    tokio::spawn(async move {
                        tokio::time::sleep(wait).await;
                        drop(stream);
                    });
                }
                return Ok(());
            }
        };
        let Ok(stream) = self.prepare(stream) else { return Ok(()) }; // already gone
        let context = RequestContext {
            api_key: -1,
            api_version: -1,
            correlation_id: -1,
            client_id: None,
            connection_id: CONNECTION_ID.fetch_add(1, Ordering::Relaxed),
            // A copy of its own: counting references that threads share is slow.
            listener_name: Arc::from(&*listener.name),
            client_address: address,
            principal: Arc::new(Principal::anonymous()),
            privileged_listener: listener.privileged,
            throttle: Arc::default(),
        };
        if let Some(inlet) = self.inlets.iter().min_by_key(|inlet| inlet.open()) {
            inlet.send(Accepted { stream, context, permit }).await;
        }
        Ok(())
    }

    fn prepare(&self, stream: tokio::net::TcpStream) -> io::Result<std::net::TcpStream> {
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_keepalive(true)?;
        if let Some(bytes) = self.settings.send_buffer {
            SockRef::from(&stream).set_send_buffer_size(bytes)?;
        }
        stream.into_std()
    }
}
