//! A whole broker without a network, asked by the bytes of the wire: what the tests of the
//! coordinators' APIs share.

use super::api_table::ApiTable;
use super::{Dispatch, RequestContext, Served, leader_and_isr, update_metadata};
use crate::broker::{Broker, Opened};
use crate::config::BrokerConfig;
use crate::types::{ErrorCode, TopicId};
use bytes::{Buf, BytesMut};
use kafka_protocol::messages::leader_and_isr_request::*;
use kafka_protocol::messages::update_metadata_request::*;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::sync::Arc;

/// A broker with its directory.
pub(super) struct Fixture {
    pub broker: Arc<Broker>,
    _dir: tempfile::TempDir,
}

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A broker whose internal topics have one partition each, and that leads none yet.
pub(super) async fn open() -> Fixture {
    let dir = tempfile::tempdir().expect("a directory");
    let properties = [
        ("broker.id", "1"),
        ("listeners", "PLAINTEXT://127.0.0.1:0"),
        ("log.dirs", dir.path().to_str().expect("utf-8")),
        ("offsets.topic.num.partitions", "1"),
        ("transaction.state.log.num.partitions", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
    ];
    let properties = properties.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let config = BrokerConfig::from_properties(properties).expect("valid");
    let broker = Opened::open(config).await.expect("opens").join().await.expect("joins");
    Fixture { broker, _dir: dir }
}

/// Makes the broker leader of partition 0 of a topic, and lets it know itself.
pub(super) async fn lead(broker: &Arc<Broker>, name: &str, id: u8) {
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
    let endpoint = UpdateMetadataEndpoint::default()
        .with_host(text("h1"))
        .with_port(9092)
        .with_listener(text("PLAINTEXT"));
    let live = UpdateMetadataBroker::default().with_id(1.into()).with_endpoints(vec![endpoint]);
    let request = UpdateMetadataRequest::default()
        .with_controller_id(1.into())
        .with_controller_epoch(1)
        .with_topic_states(vec![topic])
        .with_live_brokers(vec![live]);
    update_metadata::handle(broker, &RequestContext::for_test(6, 8), request).await;
}

impl Fixture {
    /// Waits until no coordinator loads.
    pub async fn loaded(&self) {
        let loading = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS.0;
        while self.ask(0, ListTransactionsRequest::default()).await.error_code == loading
            || self.ask(5, ListGroupsRequest::default()).await.error_code == loading
        {
            tokio::task::yield_now().await;
        }
    }

    /// Encodes, serves and decodes.
    pub async fn ask<R: Request + Encodable>(&self, version: i16, request: R) -> R::Response
    where
        R::Response: Decodable + HeaderVersion,
    {
        let mut body = BytesMut::new();
        request.encode(&mut body, version).expect("the request has no field of a later version");
        let context = RequestContext::for_test(R::KEY, version);
        let mut out = BytesMut::new();
        let served = ApiTable.serve(&self.broker, &context, body.freeze(), &mut out).await;
        assert!(matches!(served, Ok(Served::Written)), "{served:?}");
        let header = 8 + usize::from(R::Response::header_version(version) >= 1);
        out.advance(header);
        let mut frame = out.freeze();
        let response = R::Response::decode(&mut frame, version).expect("decodes");
        assert!(frame.is_empty(), "nothing is left");
        response
    }
}
