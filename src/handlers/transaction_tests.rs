//! Transactions over the wire at every version, against a whole broker without a network.

use super::fixture::{Fixture, lead, open, text};
use crate::log::batch::TRANSACTIONAL;
use crate::log::testing::Spec;
use crate::types::ErrorCode;
use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::*;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::txn_offset_commit_request::*;
use kafka_protocol::messages::write_txn_markers_request::*;
use kafka_protocol::messages::*;

type Given = (i64, i16);

/// A broker that leads `orders-0` and the only partition of each internal topic.
async fn start() -> Fixture {
    let fixture = open().await;
    fixture.broker.producer_ids.stock(0..1000).await;
    for (topic, id) in [("orders", 5), ("__consumer_offsets", 6), ("__transaction_state", 7)] {
        lead(&fixture.broker, topic, id).await;
    }
    fixture.loaded().await;
    fixture
}

impl Fixture {
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
        self.produce_records(version, id, spec.build()).await
    }

    async fn produce_records(&self, version: i16, id: Option<&str>, records: Bytes) -> i16 {
        let data = PartitionProduceData::default().with_records(Some(records));
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

    async fn committed_offset(&self) -> i64 {
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
        assert_eq!(f.committed_offset().await, 7);
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

/// Apache Kafka never answers these, and the connection hangs.
#[tokio::test]
async fn requests_for_nothing_are_answered() {
    let fixture = start().await;
    for version in 4..=5 {
        let answer = fixture.ask(version, AddPartitionsToTxnRequest::default()).await;
        assert_eq!((answer.error_code, answer.results_by_transaction.len()), (0, 0));
    }
    for version in 8..=9 {
        assert!(fixture.ask(version, OffsetFetchRequest::default()).await.groups.is_empty());
    }
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

/// A sink that is restored commits again what it had prepared, with the producer id and epoch that
/// it kept, and cannot know whether that was done before.
#[tokio::test]
async fn a_restored_sink_may_commit_what_is_committed_again() {
    let f = start().await;
    let given = f.init(5, "tx").await.expect("a producer");
    assert_eq!(f.add(3, "tx", given, "orders").await, 0);
    assert_eq!(f.produce(9, Some("tx"), given, 0).await, 0);
    for version in 0..=3 {
        assert_eq!(f.end(version, "tx", given, true).await, 0);
    }
    let otherwise = f.end(3, "tx", given, false).await;
    assert_eq!(otherwise, ErrorCode::INVALID_TXN_STATE.0);
}

/// A pool of transactional ids is cleaned up by listing what is open and describing who wrote.
#[tokio::test]
async fn a_pool_finds_its_open_transactions_and_their_producers() {
    let f = start().await;
    for (id, is_open) in [("pool-1", true), ("pool-2", false)] {
        let given = f.init(5, id).await.expect("a producer");
        assert_eq!(f.add(3, id, given, "orders").await, 0);
        assert_eq!(f.produce(9, Some(id), given, 0).await, 0);
        assert!(is_open || f.end(3, id, given, false).await == 0);
    }
    let list = ListTransactionsRequest::default().with_state_filters(vec![text("Ongoing")]);
    let open = f.ask(0, list.clone()).await.transaction_states;
    assert_eq!(open.iter().map(|s| &*s.transactional_id.0).collect::<Vec<_>>(), ["pool-1"]);
    let old = f.ask(1, list.with_duration_filter(3_600_000)).await.transaction_states;
    assert!(old.is_empty(), "none has been open for an hour");
    let topic = describe_producers_request::TopicRequest::default()
        .with_name(text("orders").into())
        .with_partition_indexes(vec![0]);
    let described = f.ask(0, DescribeProducersRequest::default().with_topics(vec![topic])).await;
    let mut producers: Vec<(i64, bool)> = described.topics[0].partitions[0]
        .active_producers
        .iter()
        .map(|p| (p.producer_id.0, p.current_txn_start_offset >= 0))
        .collect();
    producers.sort_unstable();
    assert_eq!(producers, [(0, true), (1, false)]);
}

/// ruby-kafka, and Fluentd with it: no idempotence, yet an epoch and a sequence that look like it.
#[tokio::test]
async fn no_producer_id_means_no_idempotence_whatever_the_epoch_and_sequence() {
    let f = start().await;
    for _ in 0..2 {
        let spec =
            Spec { producer: (-1, 0, 0), timestamp: crate::types::now_ms(), ..Spec::of(&["v"]) };
        assert_eq!(f.produce_records(3, None, spec.build()).await, 0);
    }
    let partition = f.broker.replicas.get("orders", 0).expect("leads");
    assert_eq!(partition.log().log_end_offset(), 2, "the second is no duplicate");
}

/// The same client breaks on CONCURRENT_TRANSACTIONS: once EndTxn is answered, the next begins.
#[tokio::test]
async fn the_next_transaction_may_begin_as_soon_as_the_end_is_answered() {
    let f = start().await;
    let given = f.init(0, "tx").await.expect("a producer");
    for sequence in 0..20 {
        assert_eq!(f.add(0, "tx", given, "orders").await, 0, "transaction {sequence}");
        assert_eq!(f.produce(3, Some("tx"), given, sequence).await, 0);
        assert_eq!(f.end(0, "tx", given, sequence % 2 == 0).await, 0);
    }
}

/// Producers that know a group by its name alone (until KIP-447, and Pekko) commit with generation
/// -1 while its members are there.
#[tokio::test]
async fn offsets_without_a_generation_are_taken_while_a_member_lives() {
    let f = start().await;
    let protocol = join_group_request::JoinGroupRequestProtocol::default().with_name(text("range"));
    let join = JoinGroupRequest::default()
        .with_group_id(text("g").into())
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    assert_eq!(f.ask(3, join).await.error_code, 0);
    let given = f.init(5, "tx").await.expect("a producer");
    assert_eq!(f.add_offsets(3, "tx", given).await, 0);
    for version in 0..=3 {
        assert_eq!(f.commit_offset(version, "tx", given).await, 0);
    }
    assert_eq!(f.end(3, "tx", given, true).await, 0);
    assert_eq!(f.committed_offset().await, 7);
}
