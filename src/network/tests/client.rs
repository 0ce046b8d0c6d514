//! A client of frames: what it sends is what the test says, byte for byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::RequestHeader;
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request, StrBytes};

pub struct Client {
    stream: TcpStream,
}

/// A whole frame of this request.
pub fn frame<R: Request>(version: i16, correlation_id: i32, request: &R) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_static_str("raw")))
        .encode(&mut bytes, <R as HeaderVersion>::header_version(version))
        .unwrap();
    request.encode(&mut bytes, version).unwrap();
    framed(&bytes)
}

/// `bytes` with their length before them.
pub fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(4 + bytes.len());
    frame.put_u32(bytes.len() as u32);
    frame.put_slice(bytes);
    frame
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Client { stream }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends unless the connection is closed; whether it could.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next response without its length: correlation id first. `None` when closed.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        let mut len = [0; 4];
        match self.stream.read_exact(&mut len) {
            Ok(()) => {}
            Err(e) if matches!(e.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                return None;
            }
            Err(error) => panic!("no answer: {error}"),
        }
        let mut response = vec![0; u32::from_be_bytes(len) as usize];
        self.stream.read_exact(&mut response).unwrap();
        Some(response)
    }

    /// The correlation id of the next response. `None` when closed.
    pub fn receive_id(&mut self) -> Option<i32> {
        let response = self.receive()?;
        Some(i32::from_be_bytes(*response.first_chunk().unwrap()))
    }
}
