//! A client's connection to another broker, or to this one, speaking Kafka's protocol.
//!
//! Requests are pipelined and answered in order. There is no ApiVersions handshake: between brokers
//! the version follows from `inter.broker.protocol.version`, which the caller knows. Does not know
//! which requests there are, and never repeats one: a caller can tell what is safe to repeat.

mod connection;
mod dial;
#[cfg(test)]
mod tests;

pub use dial::{BoxedStream, Dial, OwnDial, PlainDial, Stream};

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Why a request got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// No connection could be made; the request was not sent.
    #[error("cannot connect to {0}")]
    Connect(String),
    /// The connection broke; the request may have been carried out.
    #[error("connection lost: {0}")]
    Disconnected(String),
    /// No answer in time; the request may have been carried out.
    #[error("no answer in time")]
    TimedOut,
    /// The request has a field that its version lacks; it was not sent.
    #[error("request cannot be encoded: {0}")]
    Encode(String),
    /// The answer is not one of this version.
    #[error("answer cannot be decoded: {0}")]
    Decode(String),
}

/// Settings of a [`Peer`].
#[derive(Clone)]
pub struct PeerOptions {
    /// Client id in every request header; Kafka's brokers send their broker id.
    pub client_id: String,
    /// From the call of `send` to its answer, connecting included.
    pub request_timeout: Duration,
    /// To make a connection, security handshakes included.
    pub connect_timeout: Duration,
    /// Pause after a first failure to connect; doubles with every further one.
    pub backoff: Duration,
    /// Longest such pause.
    pub backoff_max: Duration,
    /// Requests sent and not answered; more wait.
    pub max_in_flight: usize,
    /// Longest answer taken, in bytes.
    pub max_frame_bytes: usize,
    /// How streams are made: plain, or with TLS and SASL on top.
    pub dial: Arc<dyn Dial>,
}

impl Default for PeerOptions {
    fn default() -> Self {
        PeerOptions {
            client_id: String::new(),
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            backoff: Duration::from_millis(50),
            backoff_max: Duration::from_secs(1),
            max_in_flight: 5,
            max_frame_bytes: 100 << 20,
            dial: Arc::new(PlainDial),
        }
    }
}

/// A request on its way to the connection.
struct Outgoing {
    /// Length, header and body.
    frame: Bytes,
    correlation_id: i32,
    deadline: Instant,
    /// Gets the answer from its correlation id on.
    reply: oneshot::Sender<Result<Bytes, PeerError>>,
}

/// A broker's address and the connection to it, made when first needed and remade after it broke.
pub struct Peer {
    host: String,
    port: u16,
    options: PeerOptions,
    next_correlation_id: AtomicI32,
    queue: Mutex<Option<mpsc::Sender<Outgoing>>>,
}

impl Peer {
    /// A peer at this address. Does not connect yet.
    pub fn new(host: impl Into<String>, port: u16, options: PeerOptions) -> Peer {
        Peer {
            host: host.into(),
            port,
            options,
            next_correlation_id: AtomicI32::new(0),
            queue: Mutex::new(None),
        }
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Sends a request of this version and awaits its answer.
    ///
    /// Requests of one task go out in the order of the calls. Dropping the future does not take the
    /// request back.
    pub async fn send<R: Request>(
        &self,
        version: i16,
        request: R,
    ) -> Result<R::Response, PeerError> {
        self.send_within(self.options.request_timeout, version, request).await
    }

    /// As [`Peer::send`], with a time-out of its own (for a long poll).
    pub async fn send_within<R: Request>(
        &self,
        timeout: Duration,
        version: i16,
        request: R,
    ) -> Result<R::Response, PeerError> {
        let deadline = Instant::now() + timeout;
        let correlation_id = self.next_correlation_id.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let frame = self.encode(version, correlation_id, &request)?;
        drop(request);
        let (reply, answer) = oneshot::channel();
        let outgoing = Outgoing { frame, correlation_id, deadline, reply };
        let exchange = async {
            let gone = || PeerError::Disconnected("connection task ended".to_string());
            self.queue().send(outgoing).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        };
        let answer = tokio::time::timeout_at(deadline, exchange);
        let bytes = answer.await.map_err(|_| PeerError::TimedOut)??;
        decode::<R::Response>(version, bytes)
    }

    fn encode<R: Request>(
        &self,
        version: i16,
        correlation_id: i32,
        request: &R,
    ) -> Result<Bytes, PeerError> {
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(correlation_id)
            .with_client_id(Some(StrBytes::from_string(self.options.client_id.clone())));
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        header.encode(&mut frame, R::header_version(version)).map_err(unencodable)?;
        request.encode(&mut frame, version).map_err(unencodable)?;
        let length = i32::try_from(frame.len() - 4).map_err(unencodable)?;
        if let Some(head) = frame.get_mut(..4) {
            head.copy_from_slice(&length.to_be_bytes());
        }
        Ok(frame.freeze())
    }

    /// The queue to the connection's task, which is started when there is none.
    fn queue(&self) -> mpsc::Sender<Outgoing> {
        let mut queue = self.queue.lock();
        if let Some(sender) = queue.as_ref().filter(|sender| !sender.is_closed()) {
            return sender.clone();
        }
        let (sender, receiver) = mpsc::channel(self.options.max_in_flight.max(1));
        let (host, port, options) = (self.host.clone(), self.port, self.options.clone());
        tokio::spawn(connection::run(host, port, options, receiver));
        queue.insert(sender).clone()
    }
}

fn unencodable(error: impl std::fmt::Display) -> PeerError {
    PeerError::Encode(error.to_string())
}

fn undecodable(error: impl std::fmt::Display) -> PeerError {
    PeerError::Decode(error.to_string())
}

fn decode<A: Decodable + HeaderVersion>(version: i16, mut bytes: Bytes) -> Result<A, PeerError> {
    ResponseHeader::decode(&mut bytes, A::header_version(version)).map_err(undecodable)?;
    let answer = A::decode(&mut bytes, version).map_err(undecodable)?;
    if !bytes.is_empty() {
        return Err(PeerError::Decode(format!("{} bytes too many", bytes.len())));
    }
    Ok(answer)
}
