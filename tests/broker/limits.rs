//! Limits on connections and memory, of the real program and by what a client sees of them.

use crate::process::{Broker, Client, request};
use std::time::{Duration, Instant};

/// Memory that 300 idle connections may cost together: a hundredth of a hundredth of what they
/// declare.
const NEXT_TO_NOTHING_KIB: u64 = 16 << 10;

#[test]
fn connections_that_declare_100_mib_and_send_nothing_cost_next_to_nothing() {
    let broker = Broker::start(&[]);
    assert_eq!(broker.connect().ask(1), Some(1));
    let before = broker.resident_kib();
    let mut clients: Vec<_> = (0..300).map(|_| broker.connect()).collect();
    for client in &mut clients {
        // 104857600 bytes declared, the head of a Produce sent.
        assert!(client.send(b"\x06\x40\0\0\0\0\0\x09\0\0\0\x01\0\0"));
    }
    // The threads have read them all once they answer others that came later.
    for id in 0..16 {
        assert_eq!(broker.connect().ask(id), Some(id));
    }
    let grown = broker.resident_kib().saturating_sub(before);
    assert!(grown < NEXT_TO_NOTHING_KIB, "{grown} KiB for 300 connections");
    assert!(clients.iter_mut().step_by(60).all(Client::is_silent), "they are still open");
}

#[test]
fn a_request_is_at_most_socket_request_max_bytes() {
    let broker = Broker::start(&["socket.request.max.bytes=1000"]);
    let whole = request(7, 990);
    assert_eq!(whole.len(), 4 + 1000);
    let mut client = broker.connect();
    assert!(client.send(&whole));
    assert_eq!(client.answer(), Some(7));
    client.send(&request(8, 991));
    assert_eq!(client.answer(), None, "closed");
    for declared in [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0"] {
        let mut client = broker.connect();
        client.send(declared);
        assert_eq!(client.answer(), None, "closed at {declared:?}");
    }
}

#[test]
fn an_idle_connection_is_closed_and_one_in_use_is_not() {
    let broker = Broker::start(&["connections.max.idle.ms=1500"]);
    let (mut idle, mut busy) = (broker.connect(), broker.connect());
    let begun = Instant::now();
    assert_eq!(idle.ask(1), Some(1));
    let mut id = 0;
    while begun.elapsed() < Duration::from_millis(2500) {
        id += 1;
        assert_eq!(busy.ask(id), Some(id));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(idle.answer(), None, "closed");
    assert_eq!(busy.ask(0), Some(0));
}

#[test]
fn above_max_connections_a_connection_waits_for_another_to_end() {
    // The broker's own connections to itself come by the other listener.
    let broker = Broker::start_with(
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT",
        &[
            "listeners=PLAINTEXT://127.0.0.1:0,INNER://127.0.0.1:0",
            "inter.broker.listener.name=INNER",
            "listener.name.plaintext.max.connections=2",
        ],
    );
    let (mut first, mut second) = (broker.connect(), broker.connect());
    assert_eq!((first.ask(1), second.ask(2)), (Some(1), Some(2)));
    let mut third = broker.connect();
    assert!(third.send(&request(3, 0)) && third.is_silent());
    drop(first);
    assert_eq!(third.answer(), Some(3));
    assert_eq!(second.ask(4), Some(4));
}

#[test]
fn above_max_connections_per_ip_a_connection_is_closed() {
    // From an address by which the broker does not speak to itself.
    let broker = Broker::start(&["max.connections.per.ip=4"]);
    let mut clients: Vec<_> = (0..4).map(|_| broker.connect_from("127.0.0.2")).collect();
    for (id, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.ask(id as i32), Some(id as i32));
    }
    assert_eq!(broker.connect_from("127.0.0.2").answer(), None, "closed");
    assert_eq!(broker.connect_from("127.0.0.3").ask(1), Some(1));
    assert_eq!(clients[0].ask(5), Some(5));
}

#[test]
fn an_address_may_have_a_limit_of_its_own() {
    let broker = Broker::start(&[
        "max.connections.per.ip=0",
        "max.connections.per.ip.overrides=127.0.0.1:100,127.0.0.2:2",
    ]);
    let connect = || broker.connect_from("127.0.0.2");
    let (mut first, mut second) = (connect(), connect());
    assert_eq!((first.ask(1), second.ask(2)), (Some(1), Some(2)));
    assert_eq!(connect().answer(), None, "closed");
    assert_eq!(broker.connect_from("127.0.0.3").answer(), None, "closed");
}

#[test]
fn connections_come_no_faster_than_max_connection_creation_rate() {
    let broker = Broker::start(&["max.connection.creation.rate=10"]);
    let begun = Instant::now();
    for id in 0..30 {
        assert_eq!(broker.connect().ask(id), Some(id));
    }
    // What a second's worth of tokens does not cover.
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn requests_beyond_queued_max_request_bytes_are_not_read() {
    let limit = 3_000_000;
    let broker = Broker::start(&[
        &format!("socket.request.max.bytes={limit}"),
        &format!("queued.max.request.bytes={limit}"),
    ]);
    let large = request(1, limit - 10);
    let mut first = broker.connect();
    // All that there is.
    assert!(first.send(&large[..1_000_000]));
    assert_eq!(broker.connect().ask(5), Some(5), "small ones never wait");
    let mut second = broker.connect();
    assert!(second.send(&request(2, 100_000)) && second.is_silent());
    assert!(first.send(&large[1_000_000..]));
    assert_eq!((first.answer(), second.answer()), (Some(1), Some(2)));
}
