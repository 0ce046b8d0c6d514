//! A thread that carries connections, on a runtime of its own.
//!
//! Everything of a connection happens on its thread; handlers run inline. Other threads only send
//! accepted sockets. Knows nothing of listeners.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinSet, LocalSet};

use super::connection::{Connection, End, Shared};
use super::transport::Transport;
use crate::handlers::{Dispatch, RequestContext};
use crate::quota::connections::Permit;
use crate::telemetry::counters;

/// Accepted sockets on their way to a thread.
const BACKLOG: usize = 64;
/// Threads of one data thread's pool for cold reads and synced appends.
const BLOCKING_THREADS: usize = 8;

/// A socket on its way to its thread.
pub struct Accepted {
    /// The socket, non-blocking.
    pub stream: std::net::TcpStream,
    /// Its listener and address; nothing of a request yet.
    pub context: RequestContext,
    /// Counts it until it is closed.
    pub permit: Permit,
}

/// The handle to a data thread.
pub struct DataThread {
    accepted: mpsc::Sender<Accepted>,
    open: Arc<AtomicUsize>,
    stop: oneshot::Sender<Duration>,
    thread: JoinHandle<()>,
}

/// What acceptors need of a data thread.
#[derive(Clone)]
pub struct Inlet {
    accepted: mpsc::Sender<Accepted>,
    open: Arc<AtomicUsize>,
}

impl Inlet {
    /// Connections that it carries.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Hands a socket over; it is closed if the thread has stopped.
    pub async fn send(&self, accepted: Accepted) {
        self.open.fetch_add(1, Ordering::Relaxed);
        if self.accepted.send(accepted).await.is_err() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl DataThread {
    /// Starts the thread; `shared` makes what its connections share.
    pub fn start<D: Dispatch>(
        index: usize,
        shared: impl FnOnce() -> Shared<D> + Send + 'static,
    ) -> io::Result<DataThread> {
        let (accepted, inbox) = mpsc::channel(BACKLOG);
        let (stop, stopped) = oneshot::channel();
        let open = Arc::new(AtomicUsize::new(0));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name(format!("ottla-data-{index}-blocking"))
            .build()?;
        let count = open.clone();
        let run = move || {
            let connections = carry(Rc::new(shared()), inbox, stopped, count);
            LocalSet::new().block_on(&runtime, connections);
            // Cold reads of connections that are gone need not be waited for.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name(format!("ottla-data-{index}")).spawn(run)?;
        Ok(DataThread { accepted, open, stop, thread })
    }

    /// For acceptors.
    pub fn inlet(&self) -> Inlet {
        Inlet { accepted: self.accepted.clone(), open: self.open.clone() }
    }

    /// Tells the thread to close: idle connections at once, others when their request is served,
    /// at the latest after `grace`. The handle returned is to be joined.
    pub fn stop(self, grace: Duration) -> JoinHandle<()> {
        // It can only have ended by a panic, which its handle tells.
        let _ = self.stop.send(grace);
        self.thread
    }
}

async fn carry<D: Dispatch>(
    shared: Rc<Shared<D>>,
    mut inbox: mpsc::Receiver<Accepted>,
    mut stopped: oneshot::Receiver<Duration>,
    open: Arc<AtomicUsize>,
) {
    let (shutdown, shutdown_seen) = watch::channel(false);
    let mut connections = JoinSet::new();
    let grace = loop {
        tokio::select! {
            biased;
            grace = &mut stopped => break grace.unwrap_or_default(),
            Some(joined) = connections.join_next() => {
                if let Err(error) = joined {
                    tracing::error!("a connection ended by a fault of its own: {error}");
                }
            }
            Some(accepted) = inbox.recv() => {
                let (shared, shutdown) = (shared.clone(), shutdown_seen.clone());
                let open = Open(open.clone());
                connections.spawn_local(run(shared, accepted, shutdown, open));
            }
        }
    };
    drop(inbox);
    shutdown.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, all).await.is_err() {
        tracing::warn!(connections = connections.len(), "closed with requests in flight");
    }
}

/// Counts a connection of a thread until it is dropped.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn run<D: Dispatch>(
    shared: Rc<Shared<D>>,
    accepted: Accepted,
    shutdown: watch::Receiver<bool>,
    open: Open,
) {
    let Accepted { stream, context, permit } = accepted;
    let (address, listener) = (context.client_address, context.listener_name.clone());
    let end = match TcpStream::from_std(stream) {
        Ok(stream) => {
            let transport = Transport::Plain(stream);
            Connection::new(shared, transport, context, shutdown).run().await
        }
        Err(error) => End::Io(error),
    };
    if let End::Request(error) = &end {
        counters::count_broken(error.api_key());
    }
    match end {
        End::Closed | End::Io(_) | End::Idle | End::ShuttingDown => {
            tracing::debug!(%address, %listener, "connection closed: {end}");
        }
        End::Frame(_) | End::Request(_) | End::ErrorWithoutResponse => {
            tracing::info!(%address, %listener, "connection closed: {end}");
        }
        End::Panicked(_) => tracing::error!(%address, %listener, "connection closed: {end}"),
    }
    drop((open, permit));
}
