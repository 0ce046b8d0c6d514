//! The first moments of a broker, from outside.

use super::run;
use crate::config::BrokerConfig;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// CreateTopics v0 of a topic `t` with one partition, as a frame.
fn create_topic() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend([0, 19, 0, 0, 0, 0, 0, 7, 0xff, 0xff]); // key, version, correlation, no client id
    body.extend([0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 1]); // one topic, 1 partition, 1 replica
    body.extend([0, 0, 0, 0, 0, 0, 0, 0]); // neither assignments nor configs
    body.extend(30_000i32.to_be_bytes());
    let mut frame = (body.len() as i32).to_be_bytes().to_vec();
    frame.extend(body);
    frame
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|s| s.local_addr()).expect("a port").port()
}

#[test]
fn a_request_as_soon_as_the_port_is_open_is_not_told_to_come_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = free_port();
    let properties = [
        ("listeners", format!("PLAINTEXT://127.0.0.1:{port}")),
        ("log.dirs", dir.path().display().to_string()),
    ];
    let properties = properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let config = BrokerConfig::from_properties(properties).expect("valid");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let broker = std::thread::spawn(move || run(config, async { drop(stopped.await) }));
    let mut socket = loop {
        if let Ok(socket) = TcpStream::connect(("127.0.0.1", port)) {
            break socket;
        }
        assert!(!broker.is_finished(), "the broker ended");
        std::thread::yield_now();
    };
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    socket.write_all(&create_topic()).expect("sent");
    let mut answer = [0; 4 + 4 + 4 + 3 + 2]; // length, correlation, array, name, error
    socket.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer[15..], [0, 0], "error code of {answer:?}");
    stop.send(()).expect("still there");
    broker.join().expect("no panic").expect("a clean end");
}
