//! A peer against a tiny server that answers as told.

use super::*;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, HeartbeatRequest, HeartbeatResponse,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

struct Server(TcpListener);

impl Server {
    async fn start() -> (Server, Peer) {
        Self::start_with(PeerOptions { client_id: "1".to_string(), ..PeerOptions::default() }).await
    }

    async fn start_with(options: PeerOptions) -> (Server, Peer) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        (Server(listener), Peer::new("127.0.0.1", port, options))
    }

    async fn accept(&self) -> Connection {
        Connection(self.0.accept().await.expect("a connection").0)
    }
}

struct Connection(TcpStream);

impl Connection {
    async fn frame(&mut self) -> Bytes {
        let length = self.0.read_i32().await.expect("a length");
        let mut frame = vec![0; length as usize];
        self.0.read_exact(&mut frame).await.expect("a frame");
        Bytes::from(frame)
    }

    /// Reads a heartbeat of version 4 and gives its correlation id and generation.
    async fn heartbeat(&mut self) -> (i32, i32) {
        let mut frame = self.frame().await;
        let header = RequestHeader::decode(&mut frame, 2).expect("a header of version 2");
        assert_eq!((header.request_api_key, header.request_api_version), (12, 4));
        assert_eq!(header.client_id.as_deref(), Some("1"));
        let request = HeartbeatRequest::decode(&mut frame, 4).expect("a heartbeat");
        assert!(frame.is_empty());
        (header.correlation_id, request.generation_id)
    }

    async fn answer(&mut self, correlation_id: i32, throttle: i32) {
        let mut frame = BytesMut::new();
        let header = ResponseHeader::default().with_correlation_id(correlation_id);
        header.encode(&mut frame, 1).expect("encodes");
        let response = HeartbeatResponse::default().with_throttle_time_ms(throttle);
        response.encode(&mut frame, 4).expect("encodes");
        self.send(&frame).await;
    }

    async fn send(&mut self, frame: &[u8]) {
        self.0.write_i32(frame.len() as i32).await.expect("written");
        self.0.write_all(frame).await.expect("written");
    }
}

fn heartbeat(generation: i32) -> HeartbeatRequest {
    HeartbeatRequest::default().with_generation_id(generation)
}

#[tokio::test]
async fn requests_are_pipelined_and_answered_in_order() {
    let (server, peer) = Server::start().await;
    let serving = async {
        let mut connection = server.accept().await;
        let mut asked = Vec::new();
        for _ in 0..3 {
            asked.push(connection.heartbeat().await);
        }
        for (id, generation) in asked {
            connection.answer(id, generation * 10).await;
        }
    };
    let (first, second, third, ()) = tokio::join!(
        peer.send(4, heartbeat(1)),
        peer.send(4, heartbeat(2)),
        peer.send(4, heartbeat(3)),
        serving
    );
    let throttle =
        |answer: Result<HeartbeatResponse, PeerError>| answer.expect("answered").throttle_time_ms;
    assert_eq!([first, second, third].map(throttle), [10, 20, 30]);
}

#[tokio::test]
async fn a_header_has_the_version_that_its_message_wants() {
    let (server, peer) = Server::start().await;
    let serving = async {
        let mut connection = server.accept().await;
        let mut frame = connection.frame().await;
        let header = RequestHeader::decode(&mut frame, 2).expect("a header of version 2");
        let mut frame = BytesMut::new();
        // The answer to ApiVersions has a header of version 0 whatever its own version.
        frame.put_i32(header.correlation_id);
        ApiVersionsResponse::default().with_error_code(35).encode(&mut frame, 3).expect("encodes");
        connection.send(&frame).await;
    };
    let (answer, ()) = tokio::join!(peer.send(3, ApiVersionsRequest::default()), serving);
    assert_eq!(answer.expect("answered").error_code, 35);
}

#[tokio::test]
async fn a_broken_connection_fails_what_waits_and_is_made_again() {
    let (server, peer) = Server::start().await;
    let breaking = async {
        let mut connection = server.accept().await;
        connection.heartbeat().await;
        connection.heartbeat().await;
    };
    let (first, second, ()) =
        tokio::join!(peer.send(4, heartbeat(1)), peer.send(4, heartbeat(2)), breaking);
    assert!(matches!(first, Err(PeerError::Disconnected(_))), "{first:?}");
    assert!(matches!(second, Err(PeerError::Disconnected(_))), "{second:?}");
    let serving = async {
        let mut connection = server.accept().await;
        let (id, _) = connection.heartbeat().await;
        connection.answer(id, 7).await;
    };
    let (answer, ()) = tokio::join!(peer.send(4, heartbeat(3)), serving);
    assert_eq!(answer.expect("answered").throttle_time_ms, 7);
}

#[tokio::test]
async fn a_refused_connection_is_told_and_tried_again() {
    let (server, peer) = Server::start().await;
    let port = server.0.local_addr().expect("an address").port();
    drop(server);
    let refused = peer.send(4, heartbeat(1)).await;
    assert!(matches!(refused, Err(PeerError::Connect(_))), "{refused:?}");
    let server = Server(TcpListener::bind(("127.0.0.1", port)).await.expect("the port again"));
    let serving = async {
        let mut connection = server.accept().await;
        let (id, _) = connection.heartbeat().await;
        connection.answer(id, 7).await;
    };
    let (answer, ()) = tokio::join!(peer.send(4, heartbeat(2)), serving);
    assert!(answer.is_ok(), "{answer:?}");
}

#[tokio::test]
async fn silence_ends_the_connection_in_time() {
    let (server, peer) = Server::start().await;
    let silent = async {
        let mut connection = server.accept().await;
        connection.heartbeat().await;
        let rest = connection.0.read_u8().await;
        assert!(rest.is_err(), "the peer closes the connection");
    };
    let timeout = Duration::from_millis(50);
    let (answer, ()) = tokio::join!(peer.send_within(timeout, 4, heartbeat(1)), silent);
    assert_eq!(answer, Err(PeerError::TimedOut));
}

#[tokio::test]
async fn malformed_answers_end_the_connection() {
    let long = (1_i32 << 20).to_be_bytes();
    let wrong_id = [0, 0, 0, 5, 0x7f, 0, 0, 0, 0];
    let negative = (-1_i32).to_be_bytes();
    let short = [0, 0, 0, 2, 0, 0];
    for bytes in [&long[..], &wrong_id, &negative, &short] {
        let options = PeerOptions {
            client_id: "1".to_string(),
            max_frame_bytes: 1000,
            ..PeerOptions::default()
        };
        let (server, peer) = Server::start_with(options).await;
        let serving = async {
            let mut connection = server.accept().await;
            connection.heartbeat().await;
            connection.0.write_all(bytes).await.expect("written");
            while connection.0.read_u8().await.is_ok() {}
        };
        let (answer, ()) = tokio::join!(peer.send(4, heartbeat(1)), serving);
        assert!(matches!(answer, Err(PeerError::Disconnected(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_cannot_be_decoded() {
    for extra in [0, 100] {
        let (server, peer) = Server::start().await;
        let serving = async {
            let mut connection = server.accept().await;
            let (id, _) = connection.heartbeat().await;
            let mut frame = id.to_be_bytes().to_vec();
            frame.resize(4 + extra, 0);
            connection.send(&frame).await;
        };
        let (answer, ()) = tokio::join!(peer.send(4, heartbeat(1)), serving);
        assert!(matches!(answer, Err(PeerError::Decode(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_field_that_the_version_lacks_is_not_sent() {
    let (_server, peer) = Server::start().await;
    let request = heartbeat(1).with_group_instance_id(Some(StrBytes::from_static_str("i")));
    let refused = peer.send(0, request).await;
    assert!(matches!(refused, Err(PeerError::Encode(_))), "{refused:?}");
}

#[tokio::test]
async fn no_more_than_the_limit_is_in_flight() {
    let options =
        PeerOptions { client_id: "1".to_string(), max_in_flight: 1, ..PeerOptions::default() };
    let (server, peer) = Server::start_with(options).await;
    let serving = async {
        let mut connection = server.accept().await;
        for _ in 0..3 {
            let (id, _) = connection.heartbeat().await;
            let mut one = [0; 1];
            assert!(
                connection.0.try_read(&mut one).is_err(),
                "nothing more until this is answered"
            );
            connection.answer(id, 0).await;
        }
    };
    let (a, b, c, ()) = tokio::join!(
        peer.send(4, heartbeat(1)),
        peer.send(4, heartbeat(2)),
        peer.send(4, heartbeat(3)),
        serving
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
}
