//! One connection: frames, request headers 1 and 2, response headers 0 and 1.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take: longer than any wait that a case asks for.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Connection {
    stream: TcpStream,
    correlation_id: i32,
}

impl Connection {
    pub fn open(target: &str) -> Result<Connection> {
        let stream = TcpStream::connect(target)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, correlation_id: 0 })
    }

    pub fn send(&mut self, key: i16, version: i16, flexible: bool, body: &[u8]) -> Result<()> {
        self.correlation_id += 1;
        let mut frame = vec![0; 4];
        frame.extend(key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend(self.correlation_id.to_be_bytes());
        // ControlledShutdown v0 alone has a header without a client id.
        if (key, version) != (7, 0) {
            frame.extend(4i16.to_be_bytes());
            frame.extend(b"test");
        }
        if flexible {
            frame.push(0);
        }
        frame.extend(body);
        let len = (frame.len() - 4) as i32;
        frame[..4].copy_from_slice(&len.to_be_bytes());
        self.stream.write_all(&frame)
    }

    /// Whether anything has come that is not yet received.
    pub fn has_bytes(&self) -> bool {
        let peek = || {
            self.stream.set_nonblocking(true)?;
            let peeked = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            peeked
        };
        peek().is_ok()
    }

    /// The body of the next answer, which must be to the last request.
    pub fn receive(&mut self, flexible: bool) -> Result<Vec<u8>> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head)?;
        let mut frame = vec![0; i32::from_be_bytes(head) as usize];
        self.stream.read_exact(&mut frame)?;
        let broken = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
        let (id, rest) = frame.split_at_checked(4).ok_or_else(|| broken("a short answer"))?;
        if id != self.correlation_id.to_be_bytes() {
            return Err(broken("another request's answer"));
        }
        match (flexible, rest) {
            (false, body) => Ok(body.to_vec()),
            (true, [0, body @ ..]) => Ok(body.to_vec()),
            (true, _) => Err(broken("tags in the header of an answer")),
        }
    }
}
