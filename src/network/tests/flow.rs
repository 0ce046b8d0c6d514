//! Order, grouping, files, panics, closing.

use std::time::Duration;

use kafka_protocol::messages::{
    ApiVersionsRequest, FetchRequest, HeartbeatRequest, MetadataRequest, ProduceRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::client::{Client, frame};
use super::table::{await_permit, file_byte, gate, heartbeat_at};
use super::{GRACE, settings, start, start_default};
use crate::config::SecurityProtocol;
use crate::network::{Bound, ListenerSettings, Settings};
use crate::quota::connections::Limits;

fn produce(correlation_id: i32, acks: i16, timeout_ms: i32) -> Vec<u8> {
    let request = ProduceRequest::default().with_acks(acks).with_timeout_ms(timeout_ms);
    frame(3, correlation_id, &request)
}

#[test]
fn api_versions_is_answered() {
    let running = start_default();
    let mut client = Client::connect(running.address);
    client.send(&frame(0, 7, &ApiVersionsRequest::default()));
    let response = client.receive().unwrap();
    assert_eq!(response.get(..6), Some(&b"\0\0\0\x07\0\0"[..]));
    running.server.shutdown(GRACE);
    assert_eq!(client.receive(), None);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let running = start_default();
    let mut client = Client::connect(running.address);
    let mut bytes = Vec::new();
    for id in 0..200 {
        match id % 3 {
            0 => bytes.extend(frame(4, id, &HeartbeatRequest::default())),
            1 => bytes.extend(produce(id, 1, 0)),
            _ => bytes.extend(frame(12, id, &FetchRequest::default().with_max_bytes(9))),
        }
    }
    client.send(&bytes);
    for id in 0..200 {
        assert_eq!(client.receive_id(), Some(id));
    }
}

#[test]
fn frames_that_arrive_byte_by_byte_are_served() {
    let running = start_default();
    let mut client = Client::connect(running.address);
    for byte in frame(4, 9, &HeartbeatRequest::default()) {
        client.send(&[byte]);
    }
    assert_eq!(client.receive_id(), Some(9));
}

#[test]
fn produces_that_one_read_brings_are_served_together() {
    let running = start_default();
    let mut client = Client::connect(running.address);
    let gate = gate("group");
    client.send(&frame(4, 0, &heartbeat_at("group")));
    await_permit(&gate.reached);
    let produces = [produce(1, 1, 0), produce(2, 0, 0), produce(3, -1, 0)].concat();
    client.send(&[produces, frame(4, 4, &HeartbeatRequest::default())].concat());
    gate.open.add_permits(1);
    assert_eq!(client.receive_id(), Some(0));
    for id in [1, 3] {
        let response = client.receive().unwrap();
        assert_eq!(response.first_chunk(), Some(&i32::to_be_bytes(id)));
        assert_eq!(response.last_chunk(), Some(&3i32.to_be_bytes()), "three in the group");
    }
    assert_eq!(client.receive_id(), Some(4));
}

#[test]
fn an_error_with_acks_0_closes_the_connection() {
    let running = start_default();
    let mut client = Client::connect(running.address);
    client.send(&[produce(1, 1, 0), produce(2, 0, 1)].concat());
    assert_eq!(client.receive_id(), Some(1));
    assert_eq!(client.receive(), None);
}

#[test]
fn answers_go_out_while_a_later_request_waits() {
    let running = start_default();
    let mut client = Client::connect(running.address);
    let first = frame(4, 1, &HeartbeatRequest::default());
    client.send(&[first, frame(4, 2, &heartbeat_at("waits"))].concat());
    assert_eq!(client.receive_id(), Some(1));
    gate("waits").open.add_permits(1);
    assert_eq!(client.receive_id(), Some(2));
}

#[test]
fn files_are_sent_between_the_bytes_around_them() {
    let running = start_default();
    let mut client = Client::connect(running.address);
    for (first, second) in [(0, 1), (100, 16_384), (3_000_000, 5), (1_048_577, 20_000)] {
        let request = FetchRequest::default().with_min_bytes(first).with_max_bytes(second);
        let after = frame(4, 2, &HeartbeatRequest::default());
        client.send(&[frame(12, 1, &request), after].concat());
        let file = |len| (5..5 + len as usize).map(file_byte).collect::<Vec<u8>>();
        let (first, second) = (file(first), file(second));
        let parts: [&[u8]; 6] = [b"\0\0\0\x01\0", b"head", &first, b"mid", &second, b"end"];
        assert!(client.receive().unwrap() == parts.concat());
        assert_eq!(client.receive_id(), Some(2));
    }
}

#[test]
fn a_panic_closes_its_connection_only() {
    let running = start(Settings { threads: 1, ..settings() }, Limits::default());
    let mut other = Client::connect(running.address);
    other.send(&frame(4, 1, &HeartbeatRequest::default()));
    assert_eq!(other.receive_id(), Some(1));
    let mut client = Client::connect(running.address);
    client.send(&frame(1, 1, &MetadataRequest::default()));
    assert_eq!(client.receive(), None);
    other.send(&frame(4, 2, &HeartbeatRequest::default()));
    assert_eq!(other.receive_id(), Some(2));
}

#[test]
fn a_request_is_finished_though_its_client_is_gone() {
    let running = start_default();
    let gate = gate("gone");
    let mut client = Client::connect(running.address);
    client.send(&frame(4, 1, &heartbeat_at("gone")));
    await_permit(&gate.reached);
    drop(client);
    gate.open.add_permits(1);
    await_permit(&gate.passed);
}

#[test]
fn a_shutdown_answers_what_is_in_flight_and_closes_the_rest() {
    let running = start_default();
    let mut idle = Client::connect(running.address);
    idle.send(&frame(4, 1, &HeartbeatRequest::default()));
    assert_eq!(idle.receive_id(), Some(1));
    let mut busy = Client::connect(running.address);
    let gate = gate("shutdown");
    busy.send(&frame(4, 1, &heartbeat_at("shutdown")));
    await_permit(&gate.reached);
    let stopping = std::thread::spawn(move || running.server.shutdown(GRACE));
    assert_eq!(idle.receive(), None);
    gate.open.add_permits(1);
    assert_eq!(busy.receive_id(), Some(1));
    assert_eq!(busy.receive(), None);
    stopping.join().unwrap();
}

#[test]
fn a_throttled_connection_is_answered_at_once_and_read_again_later() {
    let running = start_default();
    let mut client = Client::connect(running.address);
    let throttled = HeartbeatRequest::default().with_generation_id(100);
    let start = std::time::Instant::now();
    client.send(&[frame(4, 1, &throttled), frame(4, 2, &HeartbeatRequest::default())].concat());
    assert_eq!(client.receive_id(), Some(1));
    assert_eq!(client.receive_id(), Some(2));
    assert!(start.elapsed() >= Duration::from_millis(100));
    client.send(&frame(4, 3, &HeartbeatRequest::default().with_generation_id(600_000)));
    assert_eq!(client.receive_id(), Some(3));
    running.server.shutdown(GRACE);
    assert_eq!(client.receive(), None);
}

#[test]
fn with_room_for_a_byte_large_requests_get_through_one_after_the_other() {
    let running = start(Settings { max_queued_bytes: 1, ..settings() }, Limits::default());
    let member = "m".repeat(20_000);
    let request = HeartbeatRequest::default().with_member_id(StrBytes::from_string(member));
    let large = frame(4, 1, &request);
    let mut clients: Vec<_> = (0..4).map(|_| Client::connect(running.address)).collect();
    for client in &mut clients {
        client.send(&large[..10_000]);
    }
    // None of them keeps a small one waiting.
    let mut other = Client::connect(running.address);
    other.send(&frame(4, 2, &HeartbeatRequest::default()));
    assert_eq!(other.receive_id(), Some(2));
    let rest: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            let rest = large[10_000..].to_vec();
            std::thread::spawn(move || {
                client.send(&rest);
                client.receive_id()
            })
        })
        .collect();
    assert!(rest.into_iter().all(|client| client.join().unwrap() == Some(1)));
}

#[test]
fn a_silent_connection_is_closed() {
    let max_idle = Duration::from_millis(20);
    let running = start(Settings { max_idle, ..settings() }, Limits::default());
    assert_eq!(Client::connect(running.address).receive(), None);
}

#[test]
fn a_connection_too_many_from_one_address_is_closed() {
    let running = start(settings(), Limits { per_ip: 1, ..Limits::default() });
    let mut first = Client::connect(running.address);
    first.send(&frame(4, 1, &HeartbeatRequest::default()));
    assert_eq!(first.receive_id(), Some(1));
    assert_eq!(Client::connect(running.address).receive(), None);
    assert_eq!(running.server.quotas().open(), 1);
}

#[test]
fn a_taken_port_is_an_error_that_says_which() {
    let running = start_default();
    let port = running.address.port();
    let listener = |host: &str| ListenerSettings {
        name: "EXTERNAL".into(),
        protocol: SecurityProtocol::Plaintext,
        host: host.into(),
        port,
        privileged: false,
    };
    let error = |host| {
        let settings = Settings { listeners: vec![listener(host)], ..settings() };
        Bound::bind(settings).err().unwrap().to_string()
    };
    let said = error("127.0.0.1");
    let expected = format!("listener EXTERNAL failed to bind to 127.0.0.1:{port}: ");
    assert!(said.starts_with(&expected), "{said}");
    assert!(error("").starts_with("listener EXTERNAL failed to bind to :"));
}

#[test]
fn every_listener_is_served() {
    let mut two = settings();
    let other = ListenerSettings { name: "EXTERNAL".into(), ..two.listeners[0].clone() };
    two.listeners.push(ListenerSettings { host: String::new(), ..other });
    let bound = Bound::bind(two).unwrap();
    let ports: Vec<u16> = bound.addresses().iter().map(|(_, address)| address.port()).collect();
    let quotas = crate::quota::connections::ConnectionQuotas::new(Limits::default());
    let server = super::Server::serve(bound, Default::default(), super::TestTable, quotas).unwrap();
    for port in ports {
        let mut client = Client::connect(([127, 0, 0, 1], port).into());
        client.send(&frame(4, 3, &HeartbeatRequest::default()));
        assert_eq!(client.receive_id(), Some(3));
    }
    server.shutdown(GRACE);
}
