//! One connection: read, cut into requests, serve, answer, in that order, until it closes.
//!
//! Requests are served one after the other. Consecutive Produce requests that one read brought are
//! served together, so that a partition is locked and written once for all of them. A request that
//! was given to its handler runs to its end, whatever happens to the socket. What is broken closes
//! the connection without an answer, after the answers of the requests before it.

use std::cell::Cell;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use super::budget::{Budget, Taken};
use super::file_region::send_reply;
use super::inbox::{FrameError, FrameLimits, Inbox};
use super::request::{self, Request};
use super::transport::Transport;
use crate::handlers::throttle::Charge;
use crate::handlers::throttle_field;
use crate::handlers::{
    Dispatch, GroupEnd, Part, RequestContext, RequestError, Served, api_table::Api, api_versions,
};
use crate::telemetry::{counters, requests};

/// Answers waiting in memory are sent at the latest when there are this many bytes.
const FLUSH_BYTES: usize = 64 << 10;
/// Produce requests are given together up to this many, or up to [`GROUP_BYTES`].
const GROUP_REQUESTS: usize = 64;
const GROUP_BYTES: usize = 1 << 20;
/// About the size of the answer to a Produce of one partition.
const ANSWER_BYTES: usize = 80;
/// Requests of one read that are served before other connections get a turn.
const TURN_REQUESTS: usize = 64;
/// Bytes read without ever waiting, after which other connections get a turn.
const TURN_BYTES: usize = 1 << 20;
/// A connection silent for this long gives its buffers back.
const RELEASE_AFTER: Duration = Duration::from_secs(2);

/// What all connections of a server share.
pub struct Shared<D: Dispatch> {
    /// Given to handlers.
    pub broker: Arc<D::Broker>,
    /// The table of APIs.
    pub dispatch: D,
    /// `socket.request.max.bytes`.
    pub max_request_bytes: usize,
    /// `queued.max.request.bytes`, if there is a limit.
    pub budget: Option<Arc<Budget>>,
    /// `connections.max.idle.ms`: also how long a client may not read its answers.
    pub max_idle: Duration,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum End {
    /// The client closed it.
    #[error("closed by the client")]
    Closed,
    /// The socket failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What came is not frames.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// A request without an answer.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// An error that acks=0 leaves no other way to tell.
    #[error("an error of a request without a response")]
    ErrorWithoutResponse,
    /// A handler panicked.
    #[error("a request's handler panicked: {0}")]
    Panicked(String),
    /// `connections.max.idle.ms`.
    #[error("idle for too long")]
    Idle,
    /// The server stops.
    #[error("shutting down")]
    ShuttingDown,
}

/// An open connection.
pub struct Connection<D: Dispatch> {
    shared: Rc<Shared<D>>,
    transport: Transport,
    context: RequestContext,
    inbox: Inbox,
    /// Of the budget, for the large request that is being read or served.
    taken: Option<Taken>,
    out: BytesMut,
    shutdown: watch::Receiver<bool>,
    last_active: Instant,
    turn_bytes: usize,
    /// The client sends requests before it has the answers of those before.
    pipelines: bool,
    tick: Pin<Box<Sleep>>,
}

impl<D: Dispatch> Connection<D> {
    /// A connection that was just accepted; `context` has its address and listener.
    pub fn new(
        shared: Rc<Shared<D>>,
        transport: Transport,
        context: RequestContext,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        let limits =
            FrameLimits { max: shared.max_request_bytes, privileged: context.privileged_listener };
        let tick = RELEASE_AFTER.min(shared.max_idle);
        Connection {
            shared,
            transport,
            context,
            inbox: Inbox::new(limits),
            taken: None,
            out: BytesMut::new(),
            shutdown,
            last_active: Instant::now(),
            turn_bytes: 0,
            pipelines: false,
            tick: Box::pin(tokio::time::sleep(tick)),
        }
    }

    /// Serves the connection until it ends.
    pub async fn run(mut self) -> End {
        loop {
            let served = self.serve_inbox().await;
            // The answers of the requests before a broken one still go out.
            let flushed = self.flush().await;
            self.last_active = Instant::now(); // a request may take longer than the idle limit
            if let Err(end) = served.and(flushed) {
                return end;
            }
            if *self.shutdown.borrow() {
                return End::ShuttingDown;
            }
            if let Err(end) = self.fill().await {
                return end;
            }
        }
    }

    /// Is deaf for as long as a handler said (`throttle_time_ms`), or until the server stops.
    async fn throttle(&mut self) {
        let mute = self.context.throttle.take();
        if !mute.is_zero() {
            let stopped = self.shutdown.wait_for(|stop| *stop);
            // Either way the connection goes on; it looks for a stop by itself.
            let _ = tokio::time::timeout(mute, stopped).await;
        }
    }

    /// Waits until the request whose begin is here may be read whole. Small ones always may.
    async fn admit(&mut self) -> Result<(), End> {
        let Some(budget) = self.shared.budget.clone() else { return Ok(()) };
        if self.taken.is_some() {
            return Ok(());
        }
        let Some(bytes) = self.inbox.large_frame() else { return Ok(()) };
        let taken = tokio::select! {
            biased;
            _ = self.shutdown.wait_for(|stop| *stop) => return Err(End::ShuttingDown),
            taken = budget.take(bytes) => taken,
        };
        self.taken = Some(taken);
        self.last_active = Instant::now(); // the wait was not the client's
        Ok(())
    }

    /// Reads what is there, or waits for something.
    async fn fill(&mut self) -> Result<(), End> {
        self.admit().await?;
        if self.turn_bytes >= TURN_BYTES {
            self.turn_bytes = 0;
            tokio::task::yield_now().await;
        }
        loop {
            if self.inbox.has_memory() {
                let room = self.inbox.room();
                let spare = room.capacity() - room.len();
                match self.transport.try_read(room) {
                    Ok(0) => return Err(End::Closed),
                    Ok(read) => {
                        self.inbox.filled(read == spare);
                        if read < spare && !self.pipelines && self.inbox.next_key().is_some() {
                            // All was taken, and more will come after the answer only.
                            self.transport.expect_nothing();
                        }
                        self.turn_bytes += read;
                        self.last_active = Instant::now();
                        return Ok(());
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.turn_bytes = 0;
            let ticked = tokio::select! {
                biased;
                _ = self.shutdown.wait_for(|stop| *stop) => return Err(End::ShuttingDown),
                ready = self.transport.readable() => {
                    ready?;
                    false
                }
                () = self.tick.as_mut() => true,
            };
            if ticked {
                self.on_tick()?;
            } else {
                self.inbox.room();
            }
        }
    }

    /// Closes when idle for too long; gives buffers back when idle for a while.
    fn on_tick(&mut self) -> Result<(), End> {
        let (idle, max_idle) = (self.last_active.elapsed(), self.shared.max_idle);
        if idle >= max_idle {
            return Err(End::Idle);
        }
        let mut next = self.last_active + max_idle;
        if idle >= RELEASE_AFTER {
            self.inbox.release();
            self.out = BytesMut::new();
        }
        // Look again soon after the next read, whenever that is.
        next = next.min(Instant::now() + RELEASE_AFTER * 5);
        self.tick.as_mut().reset(next);
        Ok(())
    }

    /// Serves every request that is complete.
    async fn serve_inbox(&mut self) -> Result<(), End> {
        let mut turn = 0;
        self.pipelines = false;
        while let Some(request) = self.next_request()? {
            match request {
                Request::UnsupportedApiVersions(context) => {
                    requests::count(context.api_key, 1);
                    let apis = self.apis();
                    api_versions::encode_unsupported(&context, apis, &mut self.out)?;
                }
                Request::Known(context, body) if self.is_grouped(&context) => {
                    self.serve_group(context, body).await?;
                }
                Request::Known(context, body) => self.serve_one(context, body).await?,
            }
            if self.out.len() >= FLUSH_BYTES {
                self.flush().await?;
            }
            if !self.context.throttle.is_zero() {
                self.flush().await?;
                self.throttle().await;
            }
            turn += 1;
            if turn % TURN_REQUESTS == 0 {
                self.flush().await?;
                tokio::task::yield_now().await;
            }
        }
        if turn > 0 {
            self.taken = None; // it was the first's
        }
        self.pipelines |= turn > 1;
        Ok(())
    }

    fn apis(&self) -> &'static [Api] {
        self.shared.dispatch.apis()
    }

    fn is_grouped(&self, context: &RequestContext) -> bool {
        self.shared.dispatch.is_grouped(context.api_key)
    }

    fn next_request(&mut self) -> Result<Option<Request>, End> {
        let Some(frame) = self.inbox.next_frame()? else { return Ok(None) };
        Ok(Some(request::parse(frame, self.shared.dispatch.apis(), &mut self.context)?))
    }

    async fn serve_one(&mut self, context: RequestContext, body: Bytes) -> Result<(), End> {
        requests::count(context.api_key, 1);
        counters::count_bytes(context.api_key, body.len() as u64);
        let shared = self.shared.clone();
        let mut fresh = BytesMut::new();
        let serve = shared.dispatch.serve(&shared.broker, &context, body, &mut fresh);
        let (served, quiet_ms) = self.charged(&context, serve).await?;
        let mut served = served?;
        if quiet_ms > 0 {
            self.tell_quiet(&context, &mut fresh, &mut served, quiet_ms);
        }
        self.append(fresh);
        match served {
            Served::Written | Served::Nothing => Ok(()),
            Served::Body(reply) => {
                let patience = self.shared.max_idle;
                Ok(send_reply(&self.transport, &mut self.out, reply, patience).await?)
            }
            Served::Close => Err(End::ErrorWithoutResponse),
        }
    }

    /// Serves a grouped request with those of the same API that follow at once.
    async fn serve_group(&mut self, context: RequestContext, body: Bytes) -> Result<(), End> {
        let key = context.api_key;
        let mut bytes = body.len();
        let first = context.clone();
        let (mut contexts, mut bodies) = (vec![context], vec![body]);
        let mut broken = None;
        while contexts.len() < GROUP_REQUESTS
            && bytes < GROUP_BYTES
            && self.inbox.next_key() == Some(key)
        {
            match self.next_request() {
                Ok(Some(Request::Known(context, body))) => {
                    bytes += body.len();
                    contexts.push(context);
                    bodies.push(body);
                }
                Ok(_) => break,
                Err(end) => {
                    broken = Some(end);
                    break;
                }
            }
        }
        requests::count(key, contexts.len() as u64);
        counters::count_bytes(key, bytes as u64);
        let shared = self.shared.clone();
        let mut fresh = BytesMut::with_capacity(contexts.len() * ANSWER_BYTES);
        self.pipelines |= contexts.len() > 1;
        let serve = shared.dispatch.serve_group(&shared.broker, contexts, bodies, &mut fresh);
        let (end, quiet_ms) = self.charged(&first, serve).await?;
        if quiet_ms > 0 {
            self.tell_quiet(&first, &mut fresh, &mut Served::Written, quiet_ms);
        }
        self.append(fresh);
        match (end, broken) {
            (GroupEnd::Open, None) => Ok(()),
            (GroupEnd::Open, Some(end)) => Err(end),
            (GroupEnd::Close, _) => Err(End::ErrorWithoutResponse),
            (GroupEnd::Broken(_, error), _) => Err(error.into()),
        }
    }

    /// Puts into answers how long their client is muted for the time that they took.
    fn tell_quiet(
        &self,
        context: &RequestContext,
        fresh: &mut BytesMut,
        served: &mut Served,
        quiet_ms: i32,
    ) {
        let (key, version) = (context.api_key, context.api_version);
        let api = self.apis().iter().find(|api| api.key == key);
        // ApiVersions alone answers flexible versions with the old header.
        let is_flexible = key != 18 && api.is_some_and(|api| (api.header_version)(version) >= 2);
        match served {
            Served::Written => {
                throttle_field::raise_in_frames(fresh, key, version, is_flexible, quiet_ms);
            }
            Served::Body(reply) => {
                if let Some(Part::Bytes(bytes)) = reply.parts.first_mut() {
                    let mut head = BytesMut::from(&bytes[..]);
                    throttle_field::raise_in_body(&mut head, key, version, quiet_ms);
                    *bytes = head.freeze();
                }
            }
            Served::Nothing | Served::Close => {}
        }
    }

    /// Runs a handler, and charges the client for the time that it kept this thread busy; also the
    /// milliseconds that the client is muted for that.
    async fn charged<T>(
        &mut self,
        context: &RequestContext,
        serve: impl Future<Output = T>,
    ) -> Result<(T, i32), End> {
        if !self.shared.broker.charges() {
            return Ok((self.finish(serve).await?, 0));
        }
        let busy = Cell::new(Duration::ZERO);
        tokio::pin!(serve);
        let timed = std::future::poll_fn(|task| {
            let started = Instant::now();
            let polled = serve.as_mut().poll(task);
            busy.set(busy.get() + started.elapsed());
            polled
        });
        let served = self.finish(timed).await?;
        Ok((served, self.shared.broker.charge(context, busy.get())))
    }

    /// Runs a handler to its end. If it waits, earlier answers are sent meanwhile.
    ///
    /// A panic ends only this connection: handlers hold no lock across it that could be poisoned.
    async fn finish<T>(&mut self, serve: impl Future<Output = T>) -> Result<T, End> {
        let serve = AssertUnwindSafe(serve).catch_unwind();
        tokio::pin!(serve);
        let served = match futures_util::poll!(serve.as_mut()) {
            std::task::Poll::Ready(served) => served,
            std::task::Poll::Pending if self.out.is_empty() => serve.await,
            std::task::Poll::Pending => {
                let (served, flushed) = tokio::join!(serve, self.flush());
                flushed?;
                served
            }
        };
        served.map_err(|panic| End::Panicked(panic_message(&*panic)))
    }

    fn append(&mut self, fresh: BytesMut) {
        if self.out.is_empty() {
            self.out = fresh;
        } else {
            self.out.extend_from_slice(&fresh);
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        self.transport.write_all(&mut self.out, false, self.shared.max_idle).await?;
        Ok(())
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
