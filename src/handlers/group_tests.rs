//! The group APIs at every version, over the bytes of the wire, against a whole broker.

use super::api_table::ApiTable;
use super::{Dispatch, RequestContext, Served, leader_and_isr, update_metadata};
use crate::broker::{Broker, Opened};
use crate::config::BrokerConfig;
use crate::types::{ErrorCode, TopicId};
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leader_and_isr_request::*;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::*;
use kafka_protocol::messages::offset_delete_request::*;
use kafka_protocol::messages::offset_fetch_request::*;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::update_metadata_request::*;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::sync::Arc;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

struct Fixture {
    broker: Arc<Broker>,
    _dir: tempfile::TempDir,
}

/// A broker that leads `orders-0` and `__consumer_offsets-0`, which keeps all groups.
async fn start() -> Fixture {
    let dir = tempfile::tempdir().expect("a directory");
    let properties = [
        ("broker.id", "1"),
        ("listeners", "PLAINTEXT://127.0.0.1:0"),
        ("log.dirs", dir.path().to_str().expect("utf-8")),
        ("offsets.topic.num.partitions", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
    ];
    let properties = properties.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let config = BrokerConfig::from_properties(properties).expect("valid");
    let broker = Opened::open(config).await.expect("opens").join().await.expect("joins");
    lead(&broker, "orders", 5).await;
    let fixture = Fixture { broker, _dir: dir };
    let missing = FindCoordinatorRequest::default().with_key(text("g"));
    let answer = fixture.ask(3, missing).await;
    assert_eq!(answer.error_code, ErrorCode::COORDINATOR_NOT_AVAILABLE.0);
    lead(&fixture.broker, "__consumer_offsets", 6).await;
    let loading = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS.0;
    while fixture.ask(5, ListGroupsRequest::default()).await.error_code == loading {
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
        let header = 8 + usize::from(R::Response::header_version(version) >= 1);
        out.advance(header);
        let mut frame = out.freeze();
        let response = R::Response::decode(&mut frame, version).expect("decodes");
        assert!(frame.is_empty(), "nothing is left");
        response
    }

    /// Joins group `group` as its only member and syncs: the member id.
    async fn join(&self, version: i16, group: &str) -> StrBytes {
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(text("range"))
            .with_metadata(Bytes::from_static(b"\0\0\0\0\0\x01\0\x06orders\xff\xff\xff\xff"));
        let mut request = JoinGroupRequest::default()
            .with_group_id(text(group).into())
            .with_session_timeout_ms(10_000)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        if version >= 1 {
            request.rebalance_timeout_ms = 20_000;
        }
        let mut joined = self.ask(version, request.clone()).await;
        if version >= 4 {
            assert_eq!(joined.error_code, ErrorCode::MEMBER_ID_REQUIRED.0);
            request.member_id = joined.member_id;
            joined = self.ask(version, request).await;
        }
        assert_eq!((joined.error_code, joined.generation_id), (0, 1));
        assert_eq!(joined.protocol_name.as_deref(), Some("range"));
        let kind = joined.protocol_type.as_deref();
        assert_eq!(kind, (version >= 7).then_some("consumer"));
        assert_eq!((&joined.leader, joined.members.len()), (&joined.member_id, 1));
        self.sync(version.min(5), group, &joined.member_id).await;
        joined.member_id
    }

    async fn sync(&self, version: i16, group: &str, member_id: &StrBytes) {
        let assignment = SyncGroupRequestAssignment::default()
            .with_member_id(member_id.clone())
            .with_assignment(Bytes::from_static(b"part"));
        let mut request = SyncGroupRequest::default()
            .with_group_id(text(group).into())
            .with_generation_id(1)
            .with_member_id(member_id.clone())
            .with_assignments(vec![assignment]);
        if version >= 5 {
            let refused = self.ask(version, request.clone()).await;
            assert_eq!(refused.error_code, ErrorCode::INCONSISTENT_GROUP_PROTOCOL.0);
            request.protocol_type = Some(text("consumer"));
            request.protocol_name = Some(text("range"));
        }
        let synced = self.ask(version, request).await;
        assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"part"[..]));
    }

    async fn commit(&self, version: i16, group: &str, member_id: &StrBytes) -> Vec<(i32, i16)> {
        let partition = |index: i32| {
            OffsetCommitRequestPartition::default()
                .with_partition_index(index)
                .with_committed_offset(7)
                .with_committed_metadata(Some(text("note")))
        };
        let topic = OffsetCommitRequestTopic::default()
            .with_name(text("orders").into())
            .with_partitions(vec![partition(0), partition(9)]);
        let mut request = OffsetCommitRequest::default()
            .with_group_id(text(group).into())
            .with_topics(vec![topic]);
        if version >= 1 {
            request.generation_id_or_member_epoch = 1;
            request.member_id = member_id.clone();
        }
        let response = self.ask(version, request).await;
        assert_eq!(response.topics.len(), 1);
        let partitions = response.topics[0].partitions.iter();
        partitions.map(|p| (p.partition_index, p.error_code)).collect()
    }

    /// Offset, metadata and code of `orders-0`.
    async fn committed(&self, version: i16, group: &str) -> (i64, String, i16) {
        let mut request = OffsetFetchRequest::default();
        if version >= 8 {
            let topic = OffsetFetchRequestTopics::default()
                .with_name(text("orders").into())
                .with_partition_indexes(vec![0]);
            let group = OffsetFetchRequestGroup::default()
                .with_group_id(text(group).into())
                .with_topics(Some(vec![topic]));
            request.groups = vec![group];
            let response = self.ask(version, request).await;
            let found = &response.groups[0].topics[0].partitions[0];
            let metadata = found.metadata.clone().unwrap_or_default().to_string();
            return (found.committed_offset, metadata, found.error_code);
        }
        let topic = OffsetFetchRequestTopic::default()
            .with_name(text("orders").into())
            .with_partition_indexes(vec![0]);
        request.group_id = text(group).into();
        request.topics = Some(vec![topic]);
        let response = self.ask(version, request).await;
        let found = &response.topics[0].partitions[0];
        let metadata = found.metadata.clone().unwrap_or_default().to_string();
        (found.committed_offset, metadata, found.error_code)
    }
}

#[tokio::test]
async fn members_come_and_go_at_every_version() {
    let fixture = start().await;
    for version in 0..=9i16 {
        let group = format!("g{version}");
        let member_id = fixture.join(version, &group).await;
        let heartbeat = HeartbeatRequest::default()
            .with_group_id(text(&group).into())
            .with_generation_id(1)
            .with_member_id(member_id.clone());
        assert_eq!(fixture.ask(version.min(4), heartbeat).await.error_code, 0);

        let describe = DescribeGroupsRequest::default()
            .with_groups(vec![text(&group).into()])
            .with_include_authorized_operations(version >= 3);
        let described = &fixture.ask(version.min(5), describe).await.groups[0];
        assert_eq!((&*described.group_state, &*described.protocol_data), ("Stable", "range"));
        assert_eq!(&*described.members[0].client_host, "/127.0.0.1");
        assert_eq!(described.members[0].member_assignment, Bytes::from_static(b"part"));
        let operations = if version >= 3 { 0x148 } else { i32::MIN };
        assert_eq!(described.authorized_operations, operations);

        let mut leave = LeaveGroupRequest::default().with_group_id(text(&group).into());
        if version < 3 {
            leave.member_id = member_id;
        } else {
            leave.members = vec![MemberIdentity::default().with_member_id(member_id)];
        }
        let left = fixture.ask(version.min(5), leave.clone()).await;
        assert_eq!((left.error_code, left.members.len()), (0, usize::from(version >= 3)));
        let again = fixture.ask(version.min(5), leave).await;
        let code = again.members.first().map_or(again.error_code, |member| member.error_code);
        assert_eq!(code, ErrorCode::UNKNOWN_MEMBER_ID.0);

        let delete = DeleteGroupsRequest::default()
            .with_groups_names(vec![text(&group).into(), text("none").into()]);
        let deleted = fixture.ask(version.min(2), delete).await.results;
        let codes: Vec<i16> = deleted.iter().map(|result| result.error_code).collect();
        assert_eq!(codes, [0, ErrorCode::GROUP_ID_NOT_FOUND.0]);
    }
}

#[tokio::test]
async fn offsets_are_committed_and_fetched_at_every_version() {
    let fixture = start().await;
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0;
    for version in 0..=9i16 {
        let group = format!("g{version}");
        let member_id = fixture.join(9, &group).await;
        let nothing = fixture.committed(version, &group).await;
        assert_eq!(nothing, (-1, String::new(), if version == 0 { unknown } else { 0 }));
        let codes = fixture.commit(version, &group, &member_id).await;
        assert_eq!(codes, [(9, unknown), (0, 0)], "what fails at once comes first");
        // The store keeps no metadata.
        let note = if version == 0 { "" } else { "note" };
        assert_eq!(fixture.committed(version, &group).await, (7, note.to_owned(), 0));
        if version >= 1 {
            let stranger = fixture.commit(version, &group, &text("x")).await;
            assert_eq!(stranger[1], (0, ErrorCode::UNKNOWN_MEMBER_ID.0));
        }
    }
}

#[tokio::test]
async fn groups_are_listed_by_state_and_type_whatever_the_case() {
    let fixture = start().await;
    fixture.join(9, "g").await;
    let states = |state: &str| ListGroupsRequest::default().with_states_filter(vec![text(state)]);
    assert_eq!(fixture.ask(4, states("sTABLE")).await.groups.len(), 1);
    assert_eq!(fixture.ask(4, states("Empty")).await.groups.len(), 0);
    let types = |kind: &str| ListGroupsRequest::default().with_types_filter(vec![text(kind)]);
    let listed = fixture.ask(5, types("CLASSIC")).await.groups;
    assert_eq!((&*listed[0].group_type, &*listed[0].group_state), ("classic", "Stable"));
    assert_eq!(fixture.ask(5, types("consumer")).await.groups.len(), 0);
    for version in 0..=3 {
        let groups = fixture.ask(version, ListGroupsRequest::default()).await.groups;
        assert_eq!(&*groups[0].protocol_type, "consumer");
    }
}

#[tokio::test]
async fn coordinators_are_found_at_every_version() {
    let fixture = start().await;
    for version in 0..=3 {
        let request = FindCoordinatorRequest::default().with_key(text("g"));
        let found = fixture.ask(version, request).await;
        assert_eq!((found.error_code, found.node_id.0, &*found.host), (0, 1, "h1"));
        if version >= 1 {
            assert_eq!(found.error_message.as_deref(), Some("NONE"));
        }
    }
    for version in 4..=6 {
        let keys = |kind: i8| {
            FindCoordinatorRequest::default()
                .with_key_type(kind)
                .with_coordinator_keys(vec![text("g"), text("h")])
        };
        let found = fixture.ask(version, keys(0)).await.coordinators;
        assert_eq!((found.len(), found[1].error_code, found[1].port), (2, 0, 9092));
        let share = fixture.ask(version, keys(2)).await.coordinators;
        let code = match version {
            6 => ErrorCode::COORDINATOR_NOT_AVAILABLE.0,
            _ => ErrorCode::INVALID_REQUEST.0,
        };
        assert_eq!((share[0].error_code, share[0].node_id.0, share[0].port), (code, -1, -1));
    }
}

#[tokio::test]
async fn offsets_of_topics_without_subscription_are_deleted() {
    let fixture = start().await;
    let member_id = fixture.join(9, "g").await;
    fixture.commit(9, "g", &member_id).await;
    let partition =
        |index: i32| OffsetDeleteRequestPartition::default().with_partition_index(index);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(text("orders").into())
        .with_partitions(vec![partition(0), partition(9)]);
    let request =
        OffsetDeleteRequest::default().with_group_id(text("g").into()).with_topics(vec![topic]);
    let response = fixture.ask(0, request.clone()).await;
    let codes: Vec<i16> = response.topics[0].partitions.iter().map(|p| p.error_code).collect();
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0;
    assert_eq!(codes, [ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC.0, unknown]);
    let other = request.with_group_id(text("none").into());
    assert_eq!(fixture.ask(0, other).await.error_code, ErrorCode::GROUP_ID_NOT_FOUND.0);
}
