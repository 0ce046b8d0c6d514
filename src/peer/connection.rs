//! The task behind a [`Peer`](super::Peer): connects, writes requests, hands out answers in order.
//!
//! Writing and reading go on side by side, since a broker that cannot get rid of its answers stops
//! reading. An answer that does not come in time ends the connection: those behind it would wait
//! for it too.

use super::{BoxedStream, Outgoing, PeerError, PeerOptions};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// A request that was written, or is about to be.
struct Pending {
    correlation_id: i32,
    deadline: Instant,
    reply: oneshot::Sender<Result<Bytes, PeerError>>,
}

struct InFlight {
    pending: Mutex<VecDeque<Pending>>,
    added: Notify,
    slots: Semaphore,
}

/// Serves a peer's queue until the peer is dropped.
pub(super) async fn run(
    host: String,
    port: u16,
    options: PeerOptions,
    mut queue: mpsc::Receiver<Outgoing>,
) {
    let mut backoff = options.backoff;
    while let Some(first) = queue.recv().await {
        match connect(&host, port, &options).await {
            Ok(stream) => {
                backoff = options.backoff;
                serve(stream, &options, first, &mut queue).await;
            }
            Err(reason) => {
                refuse(first, &mut queue, &PeerError::Connect(format!("{host}:{port}: {reason}")));
                tokio::time::sleep(backoff).await;
                backoff = next_backoff(backoff, &options);
            }
        }
    }
}

fn next_backoff(backoff: Duration, options: &PeerOptions) -> Duration {
    (backoff * 2).min(options.backoff_max)
}

async fn connect(host: &str, port: u16, options: &PeerOptions) -> Result<BoxedStream, String> {
    let dialing = options.dial.dial(host, port);
    match tokio::time::timeout(options.connect_timeout, dialing).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("timed out".to_string()),
    }
}

/// Fails everything that waits for a connection.
fn refuse(first: Outgoing, queue: &mut mpsc::Receiver<Outgoing>, error: &PeerError) {
    let _ = first.reply.send(Err(error.clone()));
    while let Ok(waiting) = queue.try_recv() {
        let _ = waiting.reply.send(Err(error.clone()));
    }
}

/// Carries requests over one connection until it breaks or the peer is dropped.
async fn serve(
    stream: BoxedStream,
    options: &PeerOptions,
    first: Outgoing,
    queue: &mut mpsc::Receiver<Outgoing>,
) {
    let (reader, writer) = tokio::io::split(stream);
    let in_flight = InFlight {
        pending: Mutex::new(VecDeque::new()),
        added: Notify::new(),
        slots: Semaphore::new(options.max_in_flight.max(1)),
    };
    let end = tokio::select! {
        end = write_all(writer, first, queue, &in_flight) => end,
        end = read_all(reader, options.max_frame_bytes, &in_flight) => end,
        end = watch_deadlines(&in_flight) => end,
    };
    for pending in in_flight.pending.into_inner() {
        let _ = pending.reply.send(Err(end.clone()));
    }
}

async fn write_all(
    mut writer: WriteHalf<BoxedStream>,
    first: Outgoing,
    queue: &mut mpsc::Receiver<Outgoing>,
    in_flight: &InFlight,
) -> PeerError {
    let mut next = Some(first);
    loop {
        let Ok(slot) = in_flight.slots.acquire().await else {
            return PeerError::Disconnected("closed".to_string());
        };
        let outgoing = match next.take() {
            Some(outgoing) => outgoing,
            None => match queue.recv().await {
                Some(outgoing) => outgoing,
                None => return PeerError::Disconnected("closed".to_string()),
            },
        };
        slot.forget();
        let Outgoing { frame, correlation_id, deadline, reply } = outgoing;
        in_flight.pending.lock().push_back(Pending { correlation_id, deadline, reply });
        in_flight.added.notify_one();
        if let Err(error) = write(&mut writer, &frame).await {
            return PeerError::Disconnected(error.to_string());
        }
    }
}

async fn write(writer: &mut WriteHalf<BoxedStream>, frame: &[u8]) -> std::io::Result<()> {
    writer.write_all(frame).await?;
    writer.flush().await
}

async fn read_all(
    mut reader: ReadHalf<BoxedStream>,
    max_frame_bytes: usize,
    in_flight: &InFlight,
) -> PeerError {
    loop {
        let frame = match read_frame(&mut reader, max_frame_bytes).await {
            Ok(frame) => frame,
            Err(error) => return PeerError::Disconnected(error.to_string()),
        };
        let Some(pending) = in_flight.pending.lock().pop_front() else {
            return PeerError::Disconnected("an answer that nobody asked for".to_string());
        };
        let correlation_id = frame.first_chunk().map(|bytes| i32::from_be_bytes(*bytes));
        if correlation_id != Some(pending.correlation_id) {
            let error = PeerError::Disconnected("answers are out of order".to_string());
            let _ = pending.reply.send(Err(error.clone()));
            return error;
        }
        let _ = pending.reply.send(Ok(frame));
        in_flight.slots.add_permits(1);
    }
}

/// Reads a length and as many bytes; memory follows the bytes that came, not the length announced.
async fn read_frame(
    reader: &mut ReadHalf<BoxedStream>,
    max_frame_bytes: usize,
) -> std::io::Result<Bytes> {
    let invalid = |reason: String| std::io::Error::new(std::io::ErrorKind::InvalidData, reason);
    let length = reader.read_i32().await?;
    let length = usize::try_from(length).map_err(|_| invalid(format!("length {length}")))?;
    if length > max_frame_bytes {
        return Err(invalid(format!("an answer of {length} bytes")));
    }
    let mut frame = BytesMut::with_capacity(length.min(64 << 10));
    let mut rest = reader.take(length as u64);
    while frame.len() < length {
        if rest.read_buf(&mut frame).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(frame.freeze())
}

/// Returns once the oldest request has waited too long.
async fn watch_deadlines(in_flight: &InFlight) -> PeerError {
    loop {
        let oldest = in_flight.pending.lock().front().map(|pending| pending.deadline);
        match oldest {
            None => in_flight.added.notified().await,
            Some(deadline) if deadline <= Instant::now() => return PeerError::TimedOut,
            Some(deadline) => tokio::time::sleep_until(deadline).await,
        }
    }
}
