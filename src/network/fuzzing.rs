//! Frames for a broker out of any bytes, so that most reach a decoder and some a handler.
//!
//! Compiled for tests and under `cfg(fuzzing)` only.

use super::request::{self, Request};
use crate::handlers::{Dispatch, RequestContext, api_table::ApiTable};
use bytes::Bytes;
use kafka_protocol::messages::{CreatePartitionsRequest, CreateTopicsRequest};
use kafka_protocol::protocol::{Decodable, Request as _};

/// More partitions than a request may make here: Kafka too makes as many as are asked for, as long
/// as there is memory.
const PARTITIONS: i32 = 20;

/// What a client sends: each piece of `data` is its length in four bytes, which is made right where
/// it is too large, and what follows.
pub(crate) fn frames(mut data: &[u8]) -> Vec<Bytes> {
    let mut all = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk() {
        let length = (u32::from_be_bytes(*length) as usize).min(rest.len());
        let (frame, rest) = rest.split_at(length);
        let frame = Bytes::copy_from_slice(frame);
        if !asks_for_too_much(frame.clone()) {
            all.push(frame);
        }
        data = rest;
    }
    all
}

fn asks_for_too_much(frame: Bytes) -> bool {
    let mut connection = RequestContext::for_test(0, 0);
    let Ok(Request::Known(context, mut body)) =
        request::parse(frame, ApiTable.apis(), &mut connection)
    else {
        return false;
    };
    let version = context.api_version;
    let counts: Vec<i32> = match context.api_key {
        CreateTopicsRequest::KEY => CreateTopicsRequest::decode(&mut body, version)
            .map(|request| request.topics.iter().map(|topic| topic.num_partitions).collect())
            .unwrap_or_default(),
        CreatePartitionsRequest::KEY => CreatePartitionsRequest::decode(&mut body, version)
            .map(|request| request.topics.iter().map(|topic| topic.count).collect())
            .unwrap_or_default(),
        _ => return false,
    };
    counts.iter().any(|count| *count > PARTITIONS) || counts.len() > PARTITIONS as usize
}

#[test]
fn lengths_are_made_right_and_what_is_too_much_is_left_out() {
    assert_eq!(frames(b"\0\0\0\x02ab\0\0\0\x09c"), ["ab", "c"]);
    let create = |partitions: u8| {
        let topic = [0, 1, b't', 0, 0, 0, partitions, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        [&[0, 0, 0, 35, 0, 19, 0, 0, 0, 0, 0, 7, 255, 255, 0, 0, 0, 1][..], &topic, &[0; 4]]
            .concat()
    };
    assert_eq!(frames(&create(20)).len(), 1);
    assert!(frames(&create(21)).is_empty());
}
