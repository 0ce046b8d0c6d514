//! A member of a group, as much of it as a benchmark needs: it sends what it is told to and reads
//! answers. Many of them take turns on one thread, so each request is sent by all before the first
//! answer is read.

use crate::load::{Connection, frame, text};
use bytes::Bytes;
use kafka_protocol::messages::{
    ApiKey, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, FindCoordinatorRequest,
    FindCoordinatorResponse, GroupId, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, OffsetCommitRequest,
    OffsetCommitResponse, SyncGroupRequest, SyncGroupResponse, TopicName,
    consumer_group_heartbeat_request, consumer_group_heartbeat_response, join_group_request,
    leave_group_request, offset_commit_request, sync_group_request,
};
use kafka_protocol::protocol::StrBytes;
use std::io;
use std::time::{Duration, Instant};

/// The versions that the Java client of 3.9 uses.
const JOIN: i16 = 9;
const SYNC: i16 = 5;
const HEARTBEAT: i16 = 4;
const COMMIT: i16 = 9;
const LEAVE: i16 = 5;

/// MEMBER_ID_REQUIRED.
pub const ID_REQUIRED: i16 = 79;
const UNKNOWN_MEMBER: i16 = 25;

/// A subscription to topic `groups`, as consumers write it.
const SUBSCRIPTION: &[u8] = b"\0\x01\0\0\0\x01\0\x06groups\xff\xff\xff\xff\0\0\0\0";

/// A member of a classic group, or of one of KIP-848.
pub struct Member {
    connection: Connection,
    group: GroupId,
    /// Its id, once it has one.
    pub id: StrBytes,
    /// Its generation or epoch.
    pub generation: i32,
    owned: Vec<consumer_group_heartbeat_response::TopicPartitions>,
}

impl Member {
    /// Connects.
    pub fn new(port: u16) -> io::Result<Member> {
        let mut connection = Connection::open(port)?;
        connection.release();
        Ok(Member {
            connection,
            group: GroupId::default(),
            id: StrBytes::default(),
            generation: 0,
            owned: Vec::new(),
        })
    }

    /// Forgets what it was a member of.
    pub fn turn_to(&mut self, group: &str) {
        self.group = GroupId(text(group));
        self.id = StrBytes::default();
        self.generation = 0;
        self.owned.clear();
    }

    /// Waits until the group's coordinator is there and has loaded it.
    pub fn await_coordinator(&mut self) -> io::Result<()> {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let find = FindCoordinatorRequest::default().with_key(self.group.0.clone());
            let found: FindCoordinatorResponse =
                self.connection.ask(ApiKey::FindCoordinator, 3, &find)?;
            if found.error_code == 0 && self.heartbeat()? == UNKNOWN_MEMBER {
                return Ok(());
            }
            assert!(Instant::now() < end, "no coordinator: {found:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a JoinGroup.
    pub fn send_join(&mut self) -> io::Result<()> {
        let protocol = join_group_request::JoinGroupRequestProtocol::default()
            .with_name(StrBytes::from_static_str("range"))
            .with_metadata(Bytes::from_static(SUBSCRIPTION));
        let request = JoinGroupRequest::default()
            .with_group_id(self.group.clone())
            .with_session_timeout_ms(45_000)
            .with_rebalance_timeout_ms(300_000)
            .with_member_id(self.id.clone())
            .with_protocol_type(StrBytes::from_static_str("consumer"))
            .with_protocols(vec![protocol]);
        self.connection.send(&frame(ApiKey::JoinGroup, JOIN, &request))
    }

    /// Reads the answer to a JoinGroup: its error, and the members' ids for the leader.
    pub fn joined(&mut self) -> io::Result<(i16, Vec<StrBytes>)> {
        let answer: JoinGroupResponse = self.connection.answer(JOIN)?;
        self.id = answer.member_id;
        self.generation = answer.generation_id;
        Ok((answer.error_code, answer.members.into_iter().map(|m| m.member_id).collect()))
    }

    /// Sends a SyncGroup, with a part for each of `members`, of whom only the leader knows.
    pub fn send_sync(&mut self, members: &[StrBytes]) -> io::Result<()> {
        let part = |id: &StrBytes| {
            sync_group_request::SyncGroupRequestAssignment::default()
                .with_member_id(id.clone())
                .with_assignment(Bytes::from_static(SUBSCRIPTION))
        };
        let request = SyncGroupRequest::default()
            .with_group_id(self.group.clone())
            .with_generation_id(self.generation)
            .with_member_id(self.id.clone())
            .with_protocol_type(Some(StrBytes::from_static_str("consumer")))
            .with_protocol_name(Some(StrBytes::from_static_str("range")))
            .with_assignments(members.iter().map(part).collect());
        self.connection.send(&frame(ApiKey::SyncGroup, SYNC, &request))
    }

    /// Reads the answer to a SyncGroup, which must be its part.
    pub fn synced(&mut self) -> io::Result<()> {
        let answer: SyncGroupResponse = self.connection.answer(SYNC)?;
        assert_eq!((answer.error_code, &answer.assignment[..]), (0, SUBSCRIPTION));
        Ok(())
    }

    /// Sends a Heartbeat.
    pub fn send_heartbeat(&mut self) -> io::Result<()> {
        let request = HeartbeatRequest::default()
            .with_group_id(self.group.clone())
            .with_generation_id(self.generation)
            .with_member_id(self.id.clone());
        self.connection.send(&frame(ApiKey::Heartbeat, HEARTBEAT, &request))
    }

    /// Reads the error of a Heartbeat.
    pub fn heard(&mut self) -> io::Result<i16> {
        Ok(self.connection.answer::<HeartbeatResponse>(HEARTBEAT)?.error_code)
    }

    fn heartbeat(&mut self) -> io::Result<i16> {
        self.send_heartbeat()?;
        self.heard()
    }

    /// Sends an OffsetCommit of one partition.
    pub fn send_commit(&mut self, offset: i64) -> io::Result<()> {
        let partition = offset_commit_request::OffsetCommitRequestPartition::default()
            .with_committed_offset(offset)
            .with_committed_metadata(Some(StrBytes::default()));
        let topic = offset_commit_request::OffsetCommitRequestTopic::default()
            .with_name(TopicName(StrBytes::from_static_str("groups")))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(self.group.clone())
            .with_generation_id_or_member_epoch(self.generation)
            .with_member_id(self.id.clone())
            .with_topics(vec![topic]);
        self.connection.send(&frame(ApiKey::OffsetCommit, COMMIT, &request))
    }

    /// Reads the answer to an OffsetCommit, which must have succeeded.
    pub fn committed(&mut self) -> io::Result<()> {
        let answer: OffsetCommitResponse = self.connection.answer(COMMIT)?;
        let errors = answer.topics.iter().flat_map(|t| &t.partitions).map(|p| p.error_code);
        assert_eq!(errors.collect::<Vec<_>>(), [0]);
        Ok(())
    }

    /// Leaves a classic group.
    pub fn leave(&mut self) -> io::Result<()> {
        let member = leave_group_request::MemberIdentity::default().with_member_id(self.id.clone());
        let request = LeaveGroupRequest::default()
            .with_group_id(self.group.clone())
            .with_members(vec![member]);
        let left: LeaveGroupResponse = self.connection.ask(ApiKey::LeaveGroup, LEAVE, &request)?;
        assert_eq!((left.error_code, left.members.len()), (0, 1), "{left:?}");
        Ok(())
    }

    /// Sends a ConsumerGroupHeartbeat; a member without an epoch joins by it, `is_last` leaves.
    pub fn send_beat(&mut self, is_last: bool) -> io::Result<()> {
        let owned = |t: &consumer_group_heartbeat_response::TopicPartitions| {
            consumer_group_heartbeat_request::TopicPartitions::default()
                .with_topic_id(t.topic_id)
                .with_partitions(t.partitions.clone())
        };
        let topics = vec![TopicName(StrBytes::from_static_str("groups"))];
        let request = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(self.group.clone())
            .with_member_id(self.id.clone())
            .with_member_epoch(if is_last { -1 } else { self.generation })
            .with_rebalance_timeout_ms(if self.generation == 0 { 300_000 } else { -1 })
            .with_subscribed_topic_names((self.generation == 0).then_some(topics))
            .with_topic_partitions(Some(self.owned.iter().map(owned).collect()));
        self.connection.send(&frame(ApiKey::ConsumerGroupHeartbeat, 0, &request))
    }

    /// Reads the answer to a ConsumerGroupHeartbeat and does what it says; whether that was news.
    pub fn beaten(&mut self) -> io::Result<bool> {
        let answer: ConsumerGroupHeartbeatResponse = self.connection.answer(0)?;
        assert_eq!(answer.error_code, 0, "{answer:?}");
        let is_news = answer.member_epoch != self.generation || answer.assignment.is_some();
        self.id = answer.member_id.unwrap_or_default();
        self.generation = answer.member_epoch;
        if let Some(assignment) = answer.assignment {
            self.owned = assignment.topic_partitions;
        }
        Ok(is_news)
    }

    /// How many partitions it has (KIP-848).
    pub fn partitions(&self) -> usize {
        self.owned.iter().map(|t| t.partitions.len()).sum()
    }
}
