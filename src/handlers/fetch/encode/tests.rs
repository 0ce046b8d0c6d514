//! What is written by hand is what the codec reads, in every version.

use super::*;
use crate::log::AbortedTransaction;
use crate::partition::sessions::Key;
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::protocol::Decodable;

fn row(partition: i32, code: ErrorCode, records: &'static [u8]) -> Row {
    let topic_id = crate::types::TopicId::from_bytes([7; 16]);
    Row {
        key: Key { topic: Some("orders".into()), topic_id, partition },
        code,
        high_watermark: 9,
        last_stable_offset: 8,
        log_start_offset: 1,
        aborted: Some(vec![AbortedTransaction { producer_id: 4, first_offset: 2 }]),
        diverging: None,
        records: (!records.is_empty()).then(|| Part::Bytes(records.into())),
        preferred: (partition == 3).then_some(6),
        is_throttled: false,
    }
}

fn flat(reply: &Reply) -> bytes::Bytes {
    let mut out = BytesMut::new();
    for part in &reply.parts {
        match part {
            Part::Bytes(bytes) => out.put_slice(bytes),
            Part::File { .. } => panic!("no files here"),
        }
    }
    out.freeze()
}

#[test]
fn every_version_is_read_back_by_the_codec_to_its_last_byte() {
    for version in 0..=17 {
        let rows = vec![row(0, ErrorCode::NONE, b"abc"), row(3, ErrorCode::NONE, b"")];
        let mut bytes = flat(&response(version, 77, rows, |_| None));
        let read = FetchResponse::decode(&mut bytes, version).expect("decodes");
        assert!(bytes.is_empty(), "v{version} has bytes too many");
        let topic = &read.responses[0];
        assert_eq!(topic.partitions.len(), 2, "v{version}");
        assert_eq!(topic.partitions[0].records.as_deref(), Some(&b"abc"[..]));
        assert_eq!(topic.partitions[1].partition_index, 3);
        assert_eq!(topic.partitions[1].high_watermark, 9);
        let preferred = topic.partitions[1].preferred_read_replica.0;
        assert_eq!(preferred, if version >= 11 { 6 } else { -1 });
        assert_eq!(read.session_id, if version >= 7 { 77 } else { 0 });
        if version >= 4 {
            let aborted = topic.partitions[0].aborted_transactions.as_ref().expect("not null");
            assert_eq!((aborted[0].producer_id.0, aborted[0].first_offset), (4, 2));
        }
        if version < 13 {
            assert_eq!(&*topic.topic.0, "orders");
        } else {
            assert_eq!(topic.topic_id.as_bytes(), &[7; 16]);
        }
    }
}

#[test]
fn an_error_names_the_new_leader_and_its_address() {
    let node = Node { id: 5, host: "h5".into(), port: 9092, rack: Some("r".into()) };
    let rows = vec![row(0, ErrorCode::NOT_LEADER_OR_FOLLOWER, b"")];
    let mut bytes = flat(&response(16, 0, rows, |_| Some(((5, 3), Some(node.clone())))));
    let read = FetchResponse::decode(&mut bytes, 16).expect("decodes");
    assert!(bytes.is_empty());
    let leader = &read.responses[0].partitions[0].current_leader;
    assert_eq!((leader.leader_id.0, leader.leader_epoch), (5, 3));
    assert_eq!((&*read.node_endpoints[0].host, read.node_endpoints[0].port), ("h5", 9092));
}

#[test]
fn a_diverging_epoch_is_tag_zero() {
    let mut diverged = row(0, ErrorCode::NONE, b"");
    diverged.diverging = Some((2, 40));
    let mut bytes = flat(&response(12, 0, vec![diverged], |_| None));
    let read = FetchResponse::decode(&mut bytes, 12).expect("decodes");
    let epoch = &read.responses[0].partitions[0].diverging_epoch;
    assert_eq!((epoch.epoch, epoch.end_offset), (2, 40));
}

#[test]
fn an_error_alone_has_a_place_from_version_seven() {
    for version in 0..=17 {
        let mut bytes = flat(&error(version, ErrorCode::INVALID_FETCH_SESSION_EPOCH));
        let read = FetchResponse::decode(&mut bytes, version).expect("decodes");
        assert_eq!(read.error_code, if version >= 7 { 71 } else { 0 });
    }
}
