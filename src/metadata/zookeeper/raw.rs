//! As much of ZooKeeper's protocol as it takes to create nodes: a session, create, check, multi.
//!
//! Each message is a length (4 bytes, big endian) and jute: numbers are big endian, strings and
//! buffers have their length in front, -1 for `null`. A request is xid, opcode, body; a reply xid,
//! zxid (8), error, body. Example: `create /a null` is
//! `00000001 00000001 | 00000002 "/a" | ffffffff | 1 ACL | 00000000`.

use super::connect_string::ConnectString;
use crate::metadata::store::{Done, Life, Op, Stat, StoreError};
use bytes::{Buf, BufMut, Bytes};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CREATE: i32 = 1;
const CHECK: i32 = 13;
const MULTI: i32 = 14;
const CLOSE_SESSION: i32 = -11;
/// In a multi's reply: this operation's result is an error; and the mark of its end.
const ERROR: i32 = -1;
/// In a failed multi: not carried out because of another operation.
const RUNTIME_INCONSISTENCY: i32 = -2;
const ALL_PERMISSIONS: i32 = 31;
const MAX_REPLY: usize = 4 << 20;
/// To reach one server and get a session from it.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a commit was not carried out.
#[derive(Debug)]
pub(super) enum RawError {
    /// The server said no; the session goes on.
    Refused(StoreError),
    /// The connection is of no use any more; the commit may have been carried out.
    Broken(io::Error),
}

impl From<io::Error> for RawError {
    fn from(error: io::Error) -> Self {
        RawError::Broken(error)
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed reply from ZooKeeper")
}

/// A session without heartbeats, for a moment's work.
pub(super) struct RawSession {
    stream: TcpStream,
    root: String,
    next_xid: i32,
}

impl RawSession {
    /// Opens a session at the first host that gives one, which becomes the first to be tried next
    /// time; paths are below `root`.
    pub(super) async fn open(
        target: &mut ConnectString,
        root: &str,
        session_timeout: Duration,
    ) -> io::Result<RawSession> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "no hosts");
        for (at, (host, port)) in target.hosts.iter().enumerate() {
            let opening = Self::open_at(host, *port, root, session_timeout);
            match tokio::time::timeout(OPEN_TIMEOUT, opening).await {
                Ok(Ok(session)) => {
                    target.hosts.rotate_left(at);
                    return Ok(session);
                }
                Ok(Err(error)) => last = error,
                Err(elapsed) => last = elapsed.into(),
            }
        }
        Err(last)
    }

    async fn open_at(
        host: &str,
        port: u16,
        root: &str,
        session_timeout: Duration,
    ) -> io::Result<RawSession> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let mut session = RawSession { stream, root: root.to_string(), next_xid: 1 };
        let mut hello = Vec::new();
        hello.put_i32(0);
        hello.put_i64(0);
        hello.put_i32(i32::try_from(session_timeout.as_millis()).unwrap_or(i32::MAX));
        hello.put_i64(0);
        put_buffer(&mut hello, Some(&[0; 16]));
        hello.put_u8(0);
        session.write(&hello).await?;
        let mut reply = session.read().await?;
        reply.try_get_i32().map_err(|_| malformed())?;
        let granted = reply.try_get_i32().map_err(|_| malformed())?;
        if granted <= 0 {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "no session granted"));
        }
        Ok(session)
    }

    /// Carries out creates of persistent nodes and checks, all or none.
    pub(super) async fn commit(&mut self, ops: &[Op]) -> Result<Vec<Done>, RawError> {
        let mut body = Vec::new();
        let opcode = match ops {
            [create @ Op::Create { .. }] => self.put_op(&mut body, create)?,
            ops => {
                for op in ops {
                    let mut record = Vec::new();
                    let opcode = self.put_op(&mut record, op)?;
                    put_multi_header(&mut body, opcode, false);
                    body.put_slice(&record);
                }
                put_multi_header(&mut body, ERROR, true);
                MULTI
            }
        };
        let (zxid, error, mut reply) = self.call(opcode, &body).await?;
        if opcode != MULTI {
            refuse(0, error)?;
            return Ok(vec![self.created(&mut reply, zxid)?]);
        }
        // A failed multi says so in its results, some servers in the header too.
        self.read_results(reply, zxid, error)
    }

    /// Ends the session; errors do not matter, it would end by itself.
    pub(super) async fn close(mut self) {
        let _ = tokio::time::timeout(OPEN_TIMEOUT, self.call(CLOSE_SESSION, &[])).await;
    }

    fn put_op(&self, body: &mut Vec<u8>, op: &Op) -> Result<i32, RawError> {
        let unsupported = || RawError::Refused(StoreError::Other(format!("not here: {op:?}")));
        match op {
            Op::Create { path, data, life: Life::Persistent } => {
                put_buffer(body, Some(format!("{}{path}", self.root).as_bytes()));
                put_buffer(body, data.as_deref());
                body.put_i32(1);
                body.put_i32(ALL_PERMISSIONS);
                put_buffer(body, Some(b"world"));
                put_buffer(body, Some(b"anyone"));
                body.put_i32(0);
                Ok(CREATE)
            }
            Op::Check { path, version } => {
                put_buffer(body, Some(format!("{}{path}", self.root).as_bytes()));
                body.put_i32(*version);
                Ok(CHECK)
            }
            Op::Create { .. } | Op::Set { .. } | Op::Delete { .. } => Err(unsupported()),
        }
    }

    fn read_results(
        &self,
        mut reply: Bytes,
        zxid: i64,
        header_error: i32,
    ) -> Result<Vec<Done>, RawError> {
        if reply.is_empty() {
            refuse(0, header_error)?;
        }
        let mut done = Vec::new();
        let mut failed = None;
        for at in 0.. {
            let opcode = reply.try_get_i32().map_err(|_| malformed())?;
            let end = reply.try_get_u8().map_err(|_| malformed())? != 0;
            reply.try_get_i32().map_err(|_| malformed())?;
            if end {
                break;
            }
            match opcode {
                CREATE => done.push(self.created(&mut reply, zxid)?),
                CHECK => done.push(Done::Checked),
                ERROR => {
                    let error = reply.try_get_i32().map_err(|_| malformed())?;
                    if error != 0 && error != RUNTIME_INCONSISTENCY {
                        failed = failed.or(Some((at, error)));
                    }
                }
                _ => return Err(malformed().into()),
            }
        }
        if let Some((at, error)) = failed {
            refuse(at, error)?;
        }
        refuse(0, header_error)?;
        Ok(done)
    }

    fn created(&self, reply: &mut Bytes, zxid: i64) -> Result<Done, RawError> {
        let length = reply.try_get_i32().map_err(|_| malformed())?;
        let length = usize::try_from(length).map_err(|_| malformed())?;
        if length > reply.len() {
            return Err(malformed().into());
        }
        let path = reply.split_to(length);
        let path = std::str::from_utf8(&path).map_err(|_| malformed())?;
        let path = path.strip_prefix(self.root.as_str()).ok_or_else(malformed)?.to_string();
        Ok(Done::Created(path, Stat { czxid: zxid, mzxid: zxid, version: 0, ephemeral_owner: 0 }))
    }

    /// The reply's zxid, error and body.
    async fn call(&mut self, opcode: i32, body: &[u8]) -> io::Result<(i64, i32, Bytes)> {
        let xid = self.next_xid;
        self.next_xid += 1;
        let mut request = Vec::with_capacity(8 + body.len());
        request.put_i32(xid);
        request.put_i32(opcode);
        request.put_slice(body);
        self.write(&request).await?;
        let mut reply = self.read().await?;
        let answered = reply.try_get_i32().map_err(|_| malformed())?;
        let zxid = reply.try_get_i64().map_err(|_| malformed())?;
        let error = reply.try_get_i32().map_err(|_| malformed())?;
        if answered != xid {
            return Err(malformed());
        }
        Ok((zxid, error, reply))
    }

    async fn write(&mut self, message: &[u8]) -> io::Result<()> {
        let mut out = Vec::with_capacity(4 + message.len());
        put_buffer(&mut out, Some(message));
        self.stream.write_all(&out).await
    }

    async fn read(&mut self) -> io::Result<Bytes> {
        let length = usize::try_from(self.stream.read_i32().await?).map_err(|_| malformed())?;
        if length > MAX_REPLY {
            return Err(malformed());
        }
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message).await?;
        Ok(Bytes::from(message))
    }
}

fn put_buffer(out: &mut Vec<u8>, data: Option<&[u8]>) {
    match data {
        Some(data) => {
            out.put_i32(data.len() as i32);
            out.put_slice(data);
        }
        None => out.put_i32(-1),
    }
}

fn put_multi_header(out: &mut Vec<u8>, opcode: i32, end: bool) {
    out.put_i32(opcode);
    out.put_u8(u8::from(end));
    out.put_i32(-1);
}

/// An error code of ZooKeeper's, as of the operation at `at`.
fn refuse(at: usize, error: i32) -> Result<(), RawError> {
    let refused = match error {
        0 => return Ok(()),
        -101 => StoreError::NoNode(at),
        -103 => StoreError::BadVersion(at),
        -110 => StoreError::NodeExists(at),
        -112 => {
            let expired = io::Error::new(io::ErrorKind::ConnectionAborted, "session expired");
            return Err(RawError::Broken(expired));
        }
        other => StoreError::Other(format!("ZooKeeper error {other}")),
    };
    Err(RawError::Refused(refused))
}

#[cfg(test)]
impl RawSession {
    /// Length of a node's data as the server sends it: -1 for `null`.
    pub(super) async fn data_length(&mut self, path: &str) -> io::Result<i32> {
        const GET_DATA: i32 = 4;
        let mut body = Vec::new();
        put_buffer(&mut body, Some(format!("{}{path}", self.root).as_bytes()));
        body.put_u8(0);
        let (_, _, mut reply) = self.call(GET_DATA, &body).await?;
        reply.try_get_i32().map_err(|_| malformed())
    }
}
