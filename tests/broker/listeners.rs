//! Several listeners: where they bind, what they speak, what each tells its clients to use.

use crate::process::{Broker, PATIENCE};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Metadata v1 of no topics; correlation id 7, no client id.
const METADATA: &[u8] = b"\0\0\0\x0e\0\x03\0\x01\0\0\0\x07\xff\xff\0\0\0\0";

/// The host and port of the only broker, as the listener on a port tells them.
fn told_on(port: u16) -> (String, i32) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the listener is bound");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(METADATA).expect("sent");
    let mut len = [0; 4];
    stream.read_exact(&mut len).expect("an answer");
    let mut answer = vec![0; u32::from_be_bytes(len) as usize];
    stream.read_exact(&mut answer).expect("the whole answer");
    let int = |at: usize| i32::from_be_bytes(answer[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((int(0), int(4), int(8)), (7, 1, 3), "correlation id, one broker, its id");
    let len = usize::from(u16::from_be_bytes([answer[12], answer[13]]));
    (String::from_utf8_lossy(&answer[14..14 + len]).into_owned(), int(14 + len))
}

#[test]
fn each_listener_tells_its_clients_its_own_advertised_address() {
    let listeners = [
        "broker.id=3",
        "listeners=CLIENT://127.0.0.1:0,INTERNAL://127.0.0.1:0,EXTRA://127.0.0.1:0",
        "listener.security.protocol.map=CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,EXTRA:PLAINTEXT",
        "inter.broker.listener.name=INTERNAL",
        "advertised.listeners=CLIENT://clients.example:1234,INTERNAL://inside.example:5678,\
         EXTRA://[::1]:99",
    ];
    let mut broker = Broker::spawn("", &listeners);
    broker.await_line("] started");
    let told = |name| told_on(broker.bound_port(name));
    assert_eq!(told("CLIENT"), ("clients.example".into(), 1234));
    assert_eq!(told("INTERNAL"), ("inside.example".into(), 5678));
    assert_eq!(told("EXTRA"), ("::1".into(), 99));
}

#[test]
fn a_listener_without_a_protocol_is_refused_by_its_name() {
    let mut broker = Broker::spawn("", &["listeners=CLIENT://127.0.0.1:0"]);
    assert_eq!(broker.await_end().code(), Some(1));
    assert!(broker.log().contains("CLIENT"), "{}", broker.log());
}
