//! Produce, Fetch and the rest of the data path against a whole broker, without a network.

use super::{Part, Reply, RequestContext, fetch, leader_and_isr, list_offsets, produce};
use super::{stop_replica, update_metadata};
use crate::broker::{Broker, Opened};
use crate::config::BrokerConfig;
use crate::metadata::records::{ConfigEntity, EntityName};
use crate::types::{ErrorCode, TopicId};
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::leader_and_isr_request::*;
use kafka_protocol::messages::list_offsets_request::*;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::stop_replica_request::*;
use kafka_protocol::messages::update_metadata_request::*;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, StrBytes};
use std::os::fd::AsFd;
use std::sync::Arc;

mod replicas;

const ID: TopicId = TopicId::from_bytes([5; 16]);

struct Fixture {
    broker: Arc<Broker>,
    _dir: tempfile::TempDir,
}

fn name() -> TopicName {
    StrBytes::from_static_str("orders").into()
}

/// A broker that leads `orders-0`, with these in-sync replicas.
async fn leading(isr: &[i32], overrides: &[(&str, &str)]) -> Fixture {
    let dir = tempfile::tempdir().expect("a directory");
    let mut properties: std::collections::BTreeMap<String, String> = [
        ("broker.id", "1"),
        ("listeners", "PLAINTEXT://127.0.0.1:0"),
        ("log.dirs", dir.path().to_str().expect("utf-8")),
    ]
    .iter()
    .map(|(key, value)| (key.to_string(), value.to_string()))
    .collect();
    properties.extend(overrides.iter().map(|(k, v)| (k.to_string(), v.to_string())));
    let config = BrokerConfig::from_properties(properties).expect("valid");
    let opened = Opened::open(config).await.expect("opens");
    let broker = opened.join().await.expect("joins");
    let fixture = Fixture { broker, _dir: dir };
    fixture.lead(isr, 0).await;
    fixture
}

impl Fixture {
    async fn lead(&self, isr: &[i32], leader_epoch: i32) {
        self.lead_of(isr, isr, leader_epoch).await;
    }

    async fn lead_of(&self, replicas: &[i32], isr: &[i32], leader_epoch: i32) {
        let ids = |ids: &[i32]| -> Vec<BrokerId> { ids.iter().map(|id| (*id).into()).collect() };
        let state = LeaderAndIsrPartitionState::default()
            .with_leader(1.into())
            .with_leader_epoch(leader_epoch)
            .with_isr(ids(isr))
            .with_partition_epoch(leader_epoch)
            .with_replicas(ids(replicas));
        let topic = LeaderAndIsrTopicState::default()
            .with_topic_name(name())
            .with_topic_id(ID)
            .with_partition_states(vec![state]);
        let request =
            LeaderAndIsrRequest::default().with_controller_epoch(1).with_topic_states(vec![topic]);
        let context = RequestContext::for_test(4, 7);
        let response = leader_and_isr::handle(&self.broker, &context, request).await;
        assert_eq!(response.topics[0].partition_errors[0].error_code, 0);
        let state = UpdateMetadataPartitionState::default()
            .with_leader(1.into())
            .with_leader_epoch(leader_epoch)
            .with_isr(ids(isr))
            .with_replicas(ids(replicas));
        let topic = UpdateMetadataTopicState::default()
            .with_topic_name(name())
            .with_topic_id(ID)
            .with_partition_states(vec![state]);
        let request = UpdateMetadataRequest::default()
            .with_controller_id(1.into())
            .with_controller_epoch(1)
            .with_topic_states(vec![topic]);
        let context = RequestContext::for_test(6, 8);
        assert_eq!(update_metadata::handle(&self.broker, &context, request).await.error_code, 0);
    }

    async fn produce(&self, acks: i16, batches: &[Bytes]) -> Vec<Option<ProduceResponse>> {
        let context = RequestContext::for_test(0, 9);
        let contexts = vec![context; batches.len()];
        let requests = batches.iter().map(|batch| {
            let data = PartitionProduceData::default().with_records(Some(batch.clone()));
            let topic =
                TopicProduceData::default().with_name(name()).with_partition_data(vec![data]);
            ProduceRequest::default()
                .with_acks(acks)
                .with_timeout_ms(20)
                .with_topic_data(vec![topic])
        });
        produce::handle_group(&self.broker, &contexts, requests.collect()).await
    }

    async fn fetch(&self, version: i16, request: FetchRequest) -> FetchResponse {
        let context = RequestContext::for_test(1, version);
        let reply = fetch::handle(&self.broker, &context, request).await;
        let mut bytes = flat(&reply);
        FetchResponse::decode(&mut bytes, version).expect("decodes")
    }
}

fn flat(reply: &Reply) -> Bytes {
    let mut out = BytesMut::new();
    for part in &reply.parts {
        match part {
            Part::Bytes(bytes) => out.put_slice(bytes),
            Part::File { file, position, len } => {
                let mut read = vec![0; *len];
                let count = rustix::io::pread(file.as_fd(), &mut read[..], *position);
                assert_eq!(count, Ok(*len));
                out.put_slice(&read);
            }
        }
    }
    out.freeze()
}

/// A batch of one record without key and with this value (format 2).
fn batch(value: &[u8]) -> Bytes {
    let mut record = vec![0, 0, 0, 1, (value.len() * 2) as u8];
    record.extend_from_slice(value);
    record.push(0);
    let mut body = BytesMut::new();
    body.put_i16(0);
    body.put_i32(0);
    body.put_i64(1000);
    body.put_i64(1000);
    body.put_i64(-1);
    body.put_i16(-1);
    body.put_i32(-1);
    body.put_i32(1);
    body.put_u8((record.len() * 2) as u8);
    body.put_slice(&record);
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &body) as u32;
    let mut out = BytesMut::new();
    out.put_i64(0);
    out.put_i32(9 + body.len() as i32);
    out.put_i32(-1);
    out.put_u8(2);
    out.put_u32(crc);
    out.put_slice(&body);
    out.freeze()
}

fn fetch_from(offset: i64) -> FetchRequest {
    let partition =
        FetchPartition::default().with_fetch_offset(offset).with_partition_max_bytes(1 << 20);
    let topic =
        FetchTopic::default().with_topic(name()).with_topic_id(ID).with_partitions(vec![partition]);
    FetchRequest::default().with_min_bytes(1).with_topics(vec![topic])
}

fn code(response: &Option<ProduceResponse>) -> i16 {
    response.as_ref().expect("a response").responses[0].partition_responses[0].error_code
}

#[tokio::test]
async fn requests_of_one_read_get_consecutive_offsets_and_are_fetched_in_every_version() {
    let fixture = leading(&[1], &[]).await;
    let responses = fixture.produce(-1, &[batch(b"a"), batch(b"b"), batch(b"c")]).await;
    let offsets: Vec<i64> = responses
        .iter()
        .flatten()
        .map(|response| response.responses[0].partition_responses[0].base_offset)
        .collect();
    assert_eq!(offsets, [0, 1, 2]);
    for version in 4..=17 {
        let response = fixture.fetch(version, fetch_from(1)).await;
        let partition = &response.responses[0].partitions[0];
        assert_eq!((partition.error_code, partition.high_watermark), (0, 3), "v{version}");
        let records = partition.records.as_ref().expect("records");
        assert_eq!(records.len(), 2 * batch(b"a").len(), "v{version}");
        assert_eq!(records[..8], 1i64.to_be_bytes(), "the base offset was assigned");
    }
}

#[tokio::test]
async fn old_clients_get_the_format_that_they_understand() {
    let fixture = leading(&[1], &[]).await;
    fixture.produce(1, &[batch(b"a"), batch(b"b")]).await;
    for (version, magic) in [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)] {
        let response = fixture.fetch(version, fetch_from(1)).await;
        let partition = &response.responses[0].partitions[0];
        let records = partition.records.as_ref().expect("records");
        assert_eq!((records[16], &records[..8]), (magic, &1i64.to_be_bytes()[..]), "v{version}");
    }
    let fixture = leading(&[1], &[("log.message.downconversion.enable", "false")]).await;
    fixture.produce(1, &[batch(b"a")]).await;
    let refused = fixture.fetch(3, fetch_from(0)).await;
    let code = refused.responses[0].partitions[0].error_code;
    assert_eq!(code, ErrorCode::UNSUPPORTED_VERSION.0);
}

#[tokio::test]
async fn a_fetch_at_the_end_waits_for_the_next_record() {
    let fixture = leading(&[1], &[]).await;
    let request = fetch_from(0).with_max_wait_ms(60_000);
    let fetched = fixture.fetch(12, request);
    let produced = async {
        tokio::task::yield_now().await;
        fixture.produce(1, &[batch(b"late")]).await
    };
    let (response, _) = tokio::join!(fetched, produced);
    assert!(response.responses[0].partitions[0].records.as_ref().is_some_and(|r| !r.is_empty()));
}

#[tokio::test]
async fn errors_have_kafkas_codes() {
    let fixture = leading(&[1], &[]).await;
    let past = fixture.fetch(12, fetch_from(9)).await;
    let partition = &past.responses[0].partitions[0];
    assert_eq!(partition.error_code, ErrorCode::OFFSET_OUT_OF_RANGE.0);
    assert_eq!((partition.high_watermark, partition.log_start_offset), (-1, -1));
    let acks = fixture.produce(2, &[batch(b"a")]).await;
    assert_eq!(code(&acks[0]), ErrorCode::INVALID_REQUIRED_ACKS.0);
    let mut request = fetch_from(0);
    request.topics[0].partitions[0].current_leader_epoch = 7;
    let ahead = fixture.fetch(12, request).await;
    assert_eq!(ahead.responses[0].partitions[0].error_code, ErrorCode::UNKNOWN_LEADER_EPOCH.0);
    let mut request = fetch_from(0);
    request.topics[0].topic_id = TopicId::from_bytes([6; 16]);
    let unknown = fixture.fetch(13, request).await;
    assert_eq!(unknown.responses[0].partitions[0].error_code, ErrorCode::UNKNOWN_TOPIC_ID.0);
}

#[tokio::test]
async fn acks_zero_has_no_answer_unless_it_fails() {
    let fixture = leading(&[1], &[]).await;
    assert_eq!(fixture.produce(0, &[batch(b"a")]).await, [None]);
    let failed = fixture.produce(0, &[Bytes::new()]).await;
    assert_eq!(code(&failed[0]), ErrorCode::INVALID_RECORD.0);
}

#[tokio::test]
async fn acks_all_waits_for_the_follower_in_sync_and_times_out_without_it() {
    let fixture = leading(&[1, 2], &[("min.insync.replicas", "2")]).await;
    let alone = fixture.produce(-1, &[batch(b"a")]).await;
    assert_eq!(code(&alone[0]), ErrorCode::REQUEST_TIMED_OUT.0);
    let mut request = fetch_from(1);
    request.replica_id = 2.into();
    let follower = fixture.fetch(12, request).await;
    assert_eq!(follower.responses[0].partitions[0].error_code, 0);
    let partition = fixture.broker.replicas.get("orders", 0).expect("hosted");
    assert_eq!(partition.log().high_watermark(), 1);
}

#[tokio::test]
async fn too_few_in_sync_refuse_acks_all_but_not_acks_one() {
    let fixture = leading(&[1, 2], &[("min.insync.replicas", "2")]).await;
    // The in-sync set shrinks, the assignment does not.
    let partition = fixture.broker.replicas.get("orders", 0).expect("hosted");
    partition
        .become_replica(&crate::partition::LeaderAndIsr {
            leader: 1,
            leader_epoch: 1,
            isr: vec![1],
            replicas: vec![1, 2],
            ..Default::default()
        })
        .expect("applies");
    let refused = fixture.produce(-1, &[batch(b"a")]).await;
    assert_eq!(code(&refused[0]), ErrorCode::NOT_ENOUGH_REPLICAS.0);
    let taken = fixture.produce(1, &[batch(b"a")]).await;
    assert_eq!(code(&taken[0]), 0);
}

#[tokio::test]
async fn an_incremental_fetch_answers_only_what_is_new() {
    let fixture = leading(&[1], &[]).await;
    fixture.produce(1, &[batch(b"a")]).await;
    let first = fixture.fetch(12, fetch_from(0).with_session_epoch(0)).await;
    assert_ne!(first.session_id, 0);
    let next = |epoch, topics| {
        FetchRequest::default()
            .with_session_id(first.session_id)
            .with_session_epoch(epoch)
            .with_min_bytes(1)
            .with_topics(topics)
    };
    let second = fixture.fetch(12, next(1, fetch_from(1).topics)).await;
    assert!(second.responses.is_empty(), "nothing changed");
    fixture.produce(1, &[batch(b"b")]).await;
    let third = fixture.fetch(12, next(2, vec![])).await;
    assert_eq!(third.responses[0].partitions[0].high_watermark, 2);
    let again = fixture.fetch(12, next(2, vec![])).await;
    assert_eq!(again.error_code, ErrorCode::INVALID_FETCH_SESSION_EPOCH.0);
}

#[tokio::test]
async fn list_offsets_knows_its_special_timestamps_by_version() {
    let fixture = leading(&[1], &[]).await;
    fixture.produce(1, &[batch(b"a"), batch(b"b")]).await;
    for (version, timestamp, want) in
        [(1, -1, (0, 2)), (1, -2, (0, 0)), (6, -3, (35, -1)), (9, -5, (0, -1)), (1, 2000, (0, -1))]
    {
        let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default().with_name(name()).with_partitions(vec![partition]);
        let request =
            ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic]);
        let context = RequestContext::for_test(2, version);
        let response = list_offsets::handle(&fixture.broker, &context, request).await;
        let got = &response.topics[0].partitions[0];
        assert_eq!((got.error_code, got.offset), want, "v{version}, {timestamp}");
    }
}

#[tokio::test]
async fn stop_replica_deletes_and_a_stale_controller_is_refused() {
    let fixture = leading(&[1], &[]).await;
    let state =
        StopReplicaPartitionState::default().with_leader_epoch(-2).with_delete_partition(true);
    let topic =
        StopReplicaTopicState::default().with_topic_name(name()).with_partition_states(vec![state]);
    let request = |epoch| {
        StopReplicaRequest::default()
            .with_controller_epoch(epoch)
            .with_topic_states(vec![topic.clone()])
    };
    let context = RequestContext::for_test(5, 4);
    let stale = stop_replica::handle(&fixture.broker, &context, request(0)).await;
    assert_eq!(stale.error_code, ErrorCode::STALE_CONTROLLER_EPOCH.0);
    let stopped = stop_replica::handle(&fixture.broker, &context, request(1)).await;
    assert_eq!(stopped.partition_errors[0].error_code, 0);
    assert!(fixture.broker.replicas.get("orders", 0).is_none());
    assert!(fixture.broker.log_dirs.all().is_empty());
}

#[tokio::test]
async fn a_client_over_its_byte_rate_is_muted_and_fetches_nothing_until_later() {
    let fixture = leading(&[1], &[]).await;
    let set = |key: &str, value: &str| {
        let stored = [(key.to_owned(), value.to_owned())].into();
        let entity = ConfigEntity::Client(EntityName::Named("test".into()));
        fixture.broker.quotas.set(vec![(entity, stored)]);
    };
    set("producer_byte_rate", "1");
    let responses = fixture.produce(1, &[batch(&[7; 40])]).await;
    assert_eq!(code(&responses[0]), 0, "what came is appended");
    assert!(responses[0].as_ref().unwrap().throttle_time_ms > 10_000);
    set("consumer_byte_rate", "15");
    // Within the quota of a window; then beyond it.
    let first = fixture.fetch(11, fetch_from(0)).await;
    assert_eq!((first.throttle_time_ms, first.responses.len()), (0, 1));
    let second = fixture.fetch(11, fetch_from(0)).await;
    assert!(second.throttle_time_ms > 0);
    assert_eq!(second.responses.len(), 0);
    let follower = fetch_from(0).with_replica_id(2.into());
    assert_eq!(fixture.fetch(11, follower).await.throttle_time_ms, 0);
}
