//! Rows of every kind, through a table of handlers that only exist here.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiVersionsResponse, FetchRequest, HeartbeatRequest, HeartbeatResponse, ProduceRequest,
    ProduceResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable};

use crate::handlers::{Dispatch, GroupEnd, Part, Reply, RequestContext, RequestError, Served};

mod heartbeat {
    use super::*;

    pub async fn handle(
        _: &Arc<()>,
        _: &RequestContext,
        request: HeartbeatRequest,
    ) -> HeartbeatResponse {
        HeartbeatResponse::default().with_throttle_time_ms(request.generation_id)
    }
}

mod fetch {
    use super::*;

    pub async fn handle(_: &Arc<()>, _: &RequestContext, _: FetchRequest) -> Reply {
        Reply { parts: vec![Part::Bytes("head".into()), Part::Bytes("records".into())] }
    }
}

mod produce {
    use super::*;

    /// Timeout 1 stands for an error.
    pub async fn handle_group(
        _: &Arc<()>,
        _: &[RequestContext],
        requests: Vec<ProduceRequest>,
    ) -> Vec<Option<ProduceResponse>> {
        let answer =
            |r: &ProduceRequest| (r.acks != 0 || r.timeout_ms == 1).then(ProduceResponse::default);
        requests.iter().map(answer).collect()
    }
}

api_table! {
    TestTable for () {
        ProduceRequest     0..=11 => produce group;
        FetchRequest       0..=17 => fetch raw;
        HeartbeatRequest   1..=4  => heartbeat;
        EnvelopeRequest    0..=0  => refused;
    }
}

fn body(request: &impl Encodable, version: i16) -> Bytes {
    let mut out = BytesMut::new();
    request.encode(&mut out, version).unwrap();
    out.freeze()
}

async fn serve(key: i16, version: i16, body: Bytes) -> (Result<Served, RequestError>, BytesMut) {
    let mut out = BytesMut::new();
    let context = RequestContext::for_test(key, version);
    let broker = Arc::new(());
    let served = TestTable.serve(&broker, &context, body, &mut out).await;
    (served, out)
}

async fn serve_produces(requests: &[(i16, i32)]) -> (GroupEnd, usize) {
    let mut out = BytesMut::new();
    let contexts = vec![RequestContext::for_test(0, 9); requests.len()];
    let request = |&(acks, ms): &_| ProduceRequest::default().with_acks(acks).with_timeout_ms(ms);
    let bodies = requests.iter().map(|r| body(&request(r), 9)).collect();
    let broker = Arc::new(());
    let end = TestTable.serve_group(&broker, contexts, bodies, &mut out).await;
    (end, out.len())
}

#[tokio::test]
async fn a_plain_row_answers_with_a_frame() {
    let request = HeartbeatRequest::default().with_generation_id(5);
    let (served, out) = serve(12, 1, body(&request, 1)).await;
    assert!(matches!(served, Ok(Served::Written)));
    assert_eq!(&out[..], b"\0\0\0\x0a\0\0\0\x01\0\0\0\x05\0\0");
}

#[tokio::test]
async fn bytes_after_the_body_are_ignored() {
    let request = [&body(&HeartbeatRequest::default(), 4)[..], b"more"].concat();
    let (served, _) = serve(12, 4, request.into()).await;
    assert!(matches!(served, Ok(Served::Written)));
}

#[tokio::test]
async fn a_raw_row_writes_the_head_with_the_bodys_length() {
    let (served, out) = serve(1, 12, body(&FetchRequest::default(), 12)).await;
    assert!(matches!(served, Ok(Served::Body(reply)) if reply.len() == 11));
    assert_eq!(&out[..], b"\0\0\0\x10\0\0\0\x01\0");
}

#[tokio::test]
async fn versions_and_keys_outside_the_table_are_refused() {
    let unsupported = RequestError::UnsupportedVersion { key: 12, version: 0 }.to_string();
    assert_eq!(serve(12, 0, Bytes::new()).await.0.unwrap_err().to_string(), unsupported);
    assert!(matches!(serve(3, 0, Bytes::new()).await.0, Err(RequestError::UnknownApi(3))));
    assert!(matches!(serve(58, 0, Bytes::new()).await.0, Err(RequestError::Refused(58))));
    let truncated = serve(12, 1, Bytes::from_static(b"\0")).await.0;
    assert!(matches!(truncated, Err(RequestError::Malformed { key: 12, .. })));
}

#[tokio::test]
async fn a_group_is_answered_in_order_and_without_those_of_acks_0() {
    let (end, len) = serve_produces(&[(1, 0), (0, 0), (-1, 0)]).await;
    assert!(matches!(end, GroupEnd::Open));
    let one = serve_produces(&[(1, 0)]).await.1;
    assert_eq!(len, 2 * one);
}

#[tokio::test]
async fn an_error_with_acks_0_closes_after_the_answers_before_it() {
    let (end, len) = serve_produces(&[(1, 0), (0, 1), (-1, 0)]).await;
    assert!(matches!(end, GroupEnd::Close));
    assert_eq!(len, serve_produces(&[(1, 0)]).await.1);
}

#[tokio::test]
async fn an_unsupported_api_versions_is_answered_in_version_0() {
    let mut out = BytesMut::new();
    let context = RequestContext::for_test(18, 99);
    let apis = super::ApiTable::APIS;
    crate::handlers::api_versions::encode_unsupported(&context, apis, &mut out).unwrap();
    assert_eq!(&out[4..], b"\0\0\0\x01\0\x23\0\0\0\x01\0\x12\0\0\0\x04");
    let mut answer = out.freeze().slice(8..);
    let answer = ApiVersionsResponse::decode(&mut answer, 0).unwrap();
    assert_eq!(answer.error_code, 35);
}

#[test]
fn rows_are_in_ascending_order_of_keys() {
    assert!(super::ApiTable::APIS.is_sorted_by_key(|api| api.key));
    assert!(TestTable.is_grouped(0) && !TestTable.is_grouped(1));
}
