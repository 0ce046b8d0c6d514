//! Transactions over the wire at every version, against a whole broker without a network.

use super::api_table::ApiTable;
use super::{Dispatch, RequestContext, Served, leader_and_isr, update_metadata};
use crate::broker::{Broker, Opened};
use crate::config::BrokerConfig;
use crate::log::batch::TRANSACTIONAL;
use crate::log::testing::Spec;
use crate::types::{ErrorCode, TopicId};
use bytes::{Buf, BytesMut};
use kafka_protocol::messages::add_partitions_to_txn_request::*;
use kafka_protocol::messages::leader_and_isr_request::*;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::txn_offset_commit_request::*;
use kafka_protocol::messages::update_metadata_request::*;
use kafka_protocol::messages::write_txn_markers_request::*;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::sync::Arc;

struct Fixture {
    broker: Arc<Broker>,
    _dir: tempfile::TempDir,
}

type Given = (i64, i16);

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A broker that leads `orders-0` and the only partition of each internal topic.
async fn start() -> Fixture {
    let dir = tempfile::tempdir().expect("a directory");
    let properties = [
        ("broker.id", "1"),
        ("listeners", "PLAINTEXT://127.0.0.1:0"),
        ("log.dirs", dir.path().to_str().expect("utf-8")),
        ("offsets.topic.num.partitions", "1"),
        ("transaction.state.log.num.partitions", "1"),
    ];
    let properties = properties.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let config = BrokerConfig::from_properties(properties).expect("valid");
    let broker = Opened::open(config).await.expect("opens").join().await.expect("joins");
    broker.producer_ids.stock(0..1000).await;
    for (topic, id) in [("orders", 5), ("__consumer_offsets", 6), ("__transaction_state", 7)] {
        lead(&broker, topic, id).await;
    }
    let fixture = Fixture { broker, _dir: dir };
    let loading = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS.0;
    while fixture.ask(0, ListTransactionsRequest::default()).await.error_code == loading
        || fixture.ask(5, ListGroupsRequest::default()).await.error_code == loading
    {
        tokio::task::yield_now().await;
    }
    fixture
}

async fn lead(broker: &Arc<Broker>, name: &str, id: u8) {
    let id = TopicId::from_bytes([id; 16]);
    let state = LeaderAndIsrPartitionState::default()
        .with_leader(1.into())
        .with_isr(vec![1.into()])
        .with_replicas(vec![1.into()]);
    let topic = LeaderAndIsrTopicState::default()
        .with_topic_name(text(name).into())
        .with_topic_id(id)
        .with_partition_states(vec![state]);
    let request =
        LeaderAndIsrRequest::default().with_controller_epoch(1).with_topic_states(vec![topic]);
    leader_and_isr::handle(broker, &RequestContext::for_test(4, 7), request).await;
    let state = UpdateMetadataPartitionState::default()
        .with_leader(1.into())
        .with_isr(vec![1.into()])
        .with_replicas(vec![1.into()]);
    let topic = UpdateMetadataTopicState::default()
        .with_topic_name(text(name).into())
        .with_topic_id(id)
        .with_partition_states(vec![state]);
    let request = UpdateMetadataRequest::default()
        .with_controller_id(1.into())
        .with_controller_epoch(1)
        .with_topic_states(vec![topic]);
    update_metadata::handle(broker, &RequestContext::for_test(6, 8), request).await;
}

impl Fixture {
    /// Encodes, serves and decodes.
    async fn ask<R: Request + Encodable>(&self, version: i16, request: R) -> R::Response
    where
        R::Response: Decodable + HeaderVersion,
    {
        let mut body = BytesMut::new();
        request.encode(&mut body, version).expect("the request has no field of a later version");
        let context = RequestContext::for_test(R::KEY, version);
        let mut out = BytesMut::new();
        let served = ApiTable.serve(&self.broker, &context, body.freeze(), &mut out).await;
        assert!(matches!(served, Ok(Served::Written)), "{served:?}");
        out.advance(8 + usize::from(R::Response::header_version(version) >= 1));
        let mut frame = out.freeze();
        let response = R::Response::decode(&mut frame, version).expect("decodes");
        assert!(frame.is_empty(), "nothing is left");
        response
    }

    /// A producer of `id`.
    async fn init(&self, version: i16, id: &str) -> Result<Given, i16> {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(text(id).into()))
            .with_transaction_timeout_ms(60_000);
        let response = self.ask(version, request).await;
        match response.error_code {
            0 => Ok((response.producer_id.0, response.producer_epoch)),
            code => Err(code),
        }
    }

    async fn add(&self, version: i16, id: &str, (pid, epoch): Given, topic: &str) -> i16 {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(text(topic).into())
            .with_partitions(vec![0]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(text(id).into())
            .with_v3_and_below_producer_id(pid.into())
            .with_v3_and_below_producer_epoch(epoch)
            .with_v3_and_below_topics(vec![topic]);
        let response = self.ask(version, request).await;
        let topic = &response.results_by_topic_v3_and_below[0];
        topic.results_by_partition[0].partition_error_code
    }

    async fn verify(&self, version: i16, id: &str, (pid, epoch): Given) -> i16 {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(text("orders").into())
            .with_partitions(vec![0]);
        let transaction = AddPartitionsToTxnTransaction::default()
            .with_transactional_id(text(id).into())
            .with_producer_id(pid.into())
            .with_producer_epoch(epoch)
            .with_verify_only(true)
            .with_topics(vec![topic]);
        let request = AddPartitionsToTxnRequest::default().with_transactions(vec![transaction]);
        let response = self.ask(version, request).await;
        let topic = &response.results_by_transaction[0].topic_results[0];
        topic.results_by_partition[0].partition_error_code
    }

    async fn end(&self, version: i16, id: &str, (pid, epoch): Given, committed: bool) -> i16 {
        let request = EndTxnRequest::default()
            .with_transactional_id(text(id).into())
            .with_producer_id(pid.into())
            .with_producer_epoch(epoch)
            .with_committed(committed);
        self.ask(version, request).await.error_code
    }

    async fn produce(&self, version: i16, id: Option<&str>, given: Given, sequence: i32) -> i16 {
        let spec = Spec {
            producer: (given.0, given.1, sequence),
            attributes: TRANSACTIONAL,
            timestamp: crate::types::now_ms(),
            ..Spec::of(&["v"])
        };
        let data = PartitionProduceData::default().with_records(Some(spec.build()));
        let topic = TopicProduceData::default()
            .with_name(text("orders").into())
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_transactional_id(id.map(|id| text(id).into()))
            .with_acks(-1)
            .with_timeout_ms(1000)
            .with_topic_data(vec![topic]);
        let response = self.ask(version, request).await;
        response.responses[0].partition_responses[0].error_code
    }

    async fn commit_offset(&self, version: i16, id: &str, (pid, epoch): Given) -> i16 {
        let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(7);
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(text("orders").into())
            .with_partitions(vec![partition]);
        let request = TxnOffsetCommitRequest::default()
            .with_transactional_id(text(id).into())
            .with_group_id(text("g").into())
            .with_producer_id(pid.into())
            .with_producer_epoch(epoch)
            .with_topics(vec![topic]);
        self.ask(version, request).await.topics[0].partitions[0].error_code
    }

    async fn add_offsets(&self, version: i16, id: &str, (pid, epoch): Given) -> i16 {
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(text(id).into())
            .with_producer_id(pid.into())
            .with_producer_epoch(epoch)
            .with_group_id(text("g").into());
        self.ask(version, request).await.error_code
    }

    async fn committed(&self) -> i64 {
        use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
        let topic = OffsetFetchRequestTopic::default()
            .with_name(text("orders").into())
            .with_partition_indexes(vec![0]);
        let request = OffsetFetchRequest::default()
            .with_group_id(text("g").into())
            .with_topics(Some(vec![topic]));
        self.ask(5, request).await.topics[0].partitions[0].committed_offset
    }
}

#[tokio::test]
async fn a_transaction_goes_through_at_every_version() {
    let f = start().await;
    for version in 0..=4 {
        let id = format!("tx{version}");
        let given = f.init(version, &id).await.expect("a producer");
        assert_eq!(f.add(version.min(3), &id, given, "orders").await, 0);
        assert_eq!(f.add_offsets(version, &id, given).await, 0);
        assert_eq!(f.produce(11, Some(&id), given, 0).await, 0);
        assert_eq!(f.commit_offset(version, &id, given).await, 0);
        let is_commit = version % 2 == 0;
        assert_eq!(f.end(version, &id, given, is_commit).await, 0);
        assert_eq!(f.end(version, &id, given, is_commit).await, 0, "again");
        let wrong = f.end(version, &id, given, !is_commit).await;
        assert_eq!(wrong, ErrorCode::INVALID_TXN_STATE.0);
        assert_eq!(f.committed().await, 7);
    }
    let partition = f.broker.replicas.get("orders", 0).expect("leads");
    let log = partition.log();
    assert_eq!(log.last_stable_offset(), log.log_end_offset(), "nothing is left open");
}

#[tokio::test]
async fn what_is_not_in_a_transaction_is_not_written() {
    let f = start().await;
    let given = f.init(5, "tx").await.expect("a producer");
    let anonymous = f.produce(9, None, given, 0).await;
    assert_eq!(anonymous, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED.0);
    assert_eq!(f.produce(10, Some("tx"), given, 0).await, ErrorCode::INVALID_TXN_STATE.0);
    assert_eq!(f.produce(11, Some("tx"), given, 0).await, ErrorCode::TRANSACTION_ABORTABLE.0);
    let stranger = ErrorCode::INVALID_PRODUCER_ID_MAPPING.0;
    assert_eq!(f.produce(11, Some("other"), given, 0).await, stranger);
    assert_eq!(f.commit_offset(3, "tx", given).await, ErrorCode::INVALID_TXN_STATE.0);
    assert_eq!(f.commit_offset(4, "tx", given).await, ErrorCode::TRANSACTION_ABORTABLE.0);
    assert_eq!(f.verify(4, "tx", given).await, ErrorCode::INVALID_TXN_STATE.0);
    assert_eq!(f.verify(5, "tx", given).await, ErrorCode::TRANSACTION_ABORTABLE.0);
    assert_eq!(f.add(3, "tx", given, "orders").await, 0);
    assert_eq!(f.verify(5, "tx", given).await, 0);
    assert_eq!(f.produce(11, Some("tx"), given, 0).await, 0);
    assert_eq!(f.end(4, "tx", given, false).await, 0);
    let late = f.produce(11, Some("tx"), given, 1).await;
    assert_eq!(late, ErrorCode::TRANSACTION_ABORTABLE.0, "its transaction is over");
    assert_eq!(f.broker.replicas.get("orders", 0).expect("leads").log().log_end_offset(), 2);
}

#[tokio::test]
async fn a_fenced_producer_is_told_so_by_version() {
    let f = start().await;
    let old = f.init(0, "tx").await.expect("a producer");
    let new = f.init(5, "tx").await.expect("a producer");
    assert_eq!(new, (old.0, old.1 + 1));
    let (before, since) = (ErrorCode::INVALID_PRODUCER_EPOCH.0, ErrorCode::PRODUCER_FENCED.0);
    for version in 0..=3 {
        let expected = if version < 2 { before } else { since };
        assert_eq!(f.add(version, "tx", old, "orders").await, expected);
        assert_eq!(f.add_offsets(version, "tx", old).await, expected);
        assert_eq!(f.end(version, "tx", old, true).await, expected);
    }
    let renewal = InitProducerIdRequest::default()
        .with_transactional_id(Some(text("tx").into()))
        .with_transaction_timeout_ms(60_000)
        .with_producer_id((old.0 + 9).into())
        .with_producer_epoch(old.1);
    assert_eq!(f.ask(3, renewal.clone()).await.error_code, before);
    assert_eq!(f.ask(4, renewal).await.error_code, since);
}

#[tokio::test]
async fn clients_add_nothing_internal_and_nothing_unknown() {
    let f = start().await;
    let given = f.init(5, "tx").await.expect("a producer");
    let internal = f.add(3, "tx", given, "__consumer_offsets").await;
    assert_eq!(internal, ErrorCode::TOPIC_AUTHORIZATION_FAILED.0);
    let unknown = f.add(3, "tx", given, "nothing").await;
    assert_eq!(unknown, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0);
}

#[tokio::test]
async fn tools_see_transactions_and_end_those_that_hang() {
    let f = start().await;
    let given = f.init(5, "tx").await.expect("a producer");
    assert_eq!(f.add(3, "tx", given, "orders").await, 0);
    assert_eq!(f.produce(11, Some("tx"), given, 0).await, 0);
    let list = ListTransactionsRequest::default()
        .with_state_filters(vec![text("Ongoing"), text("Odd")])
        .with_producer_id_filters(vec![given.0.into()]);
    for version in 0..=1 {
        let listed = f.ask(version, list.clone()).await;
        assert_eq!(listed.unknown_state_filters, [text("Odd")]);
        assert_eq!(&*listed.transaction_states[0].transactional_id.0, "tx");
    }
    let ids = vec![text("tx").into(), text("none").into()];
    let described =
        f.ask(0, DescribeTransactionsRequest::default().with_transactional_ids(ids)).await;
    let [tx, none] = &described.transaction_states[..] else { panic!("two states") };
    assert_eq!((&*tx.transaction_state, tx.topics[0].partitions[0]), ("Ongoing", 0));
    assert_eq!(none.error_code, ErrorCode::TRANSACTIONAL_ID_NOT_FOUND.0);
    for version in 0..=1 {
        let topic = WritableTxnMarkerTopic::default()
            .with_name(text("orders").into())
            .with_partition_indexes(vec![0, 3]);
        let marker = WritableTxnMarker::default()
            .with_producer_id(given.0.into())
            .with_producer_epoch(given.1)
            .with_coordinator_epoch(0)
            .with_topics(vec![topic]);
        let request = WriteTxnMarkersRequest::default().with_markers(vec![marker]);
        let written = f.ask(version, request).await;
        let codes: Vec<i16> =
            written.markers[0].topics[0].partitions.iter().map(|p| p.error_code).collect();
        assert_eq!(codes, [0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0]);
    }
    let partition = f.broker.replicas.get("orders", 0).expect("leads");
    assert_eq!(partition.log().last_stable_offset(), 3);
}
