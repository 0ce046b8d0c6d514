//! What each layer's errors are on the wire: the only place that maps them to Kafka codes.
//!
//! As `o.a.k.common.protocol.Errors.forException`. No arm is `_`: a new variant must be decided.

use crate::controller::ControllerError;
use crate::log::{AppendError, LogError, ReadError};
use crate::metadata::store::StoreError;
use crate::partition::PartitionError;
use crate::types::ErrorCode;

/// An error that has a Kafka code.
pub trait ToErrorCode {
    /// The code that a client gets for this error.
    fn error_code(&self) -> ErrorCode;
}

impl ToErrorCode for StoreError {
    fn error_code(&self) -> ErrorCode {
        match self {
            StoreError::NoNode(_)
            | StoreError::NodeExists(_)
            | StoreError::BadVersion(_)
            | StoreError::NotEmpty(_)
            | StoreError::SessionExpired
            | StoreError::Unavailable(_)
            | StoreError::Other(_) => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }
}

impl ToErrorCode for PartitionError {
    fn error_code(&self) -> ErrorCode {
        match self {
            PartitionError::Unknown => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            PartitionError::NotLeader => ErrorCode::NOT_LEADER_OR_FOLLOWER,
            PartitionError::FencedLeaderEpoch => ErrorCode::FENCED_LEADER_EPOCH,
            PartitionError::UnknownLeaderEpoch => ErrorCode::UNKNOWN_LEADER_EPOCH,
            PartitionError::NotEnoughReplicas { .. } => ErrorCode::NOT_ENOUGH_REPLICAS,
            PartitionError::NotEnoughReplicasAfterAppend => {
                ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
            }
            PartitionError::TimedOut => ErrorCode::REQUEST_TIMED_OUT,
            PartitionError::OffsetOutOfRange { .. } => ErrorCode::OFFSET_OUT_OF_RANGE,
            PartitionError::OffsetNotAvailable => ErrorCode::OFFSET_NOT_AVAILABLE,
            PartitionError::NotDeletable => ErrorCode::POLICY_VIOLATION,
            PartitionError::StaleControllerEpoch => ErrorCode::STALE_CONTROLLER_EPOCH,
            PartitionError::InconsistentTopicId => ErrorCode::INCONSISTENT_TOPIC_ID,
            PartitionError::Append(error) => error.error_code(),
            PartitionError::Read(error) => error.error_code(),
            PartitionError::Log(error) => error.error_code(),
        }
    }
}
impl ToErrorCode for AppendError {
    fn error_code(&self) -> ErrorCode {
        ErrorCode::CORRUPT_MESSAGE
    }
}
impl ToErrorCode for ReadError {
    fn error_code(&self) -> ErrorCode {
        ErrorCode::KAFKA_STORAGE_ERROR
    }
}
impl ToErrorCode for LogError {
    fn error_code(&self) -> ErrorCode {
        ErrorCode::KAFKA_STORAGE_ERROR
    }
}

impl ToErrorCode for ControllerError {
    fn error_code(&self) -> ErrorCode {
        match self {
            ControllerError::NotController => ErrorCode::NOT_CONTROLLER,
            ControllerError::StaleBrokerEpoch => ErrorCode::STALE_BROKER_EPOCH,
            ControllerError::BrokerNotAvailable => ErrorCode::BROKER_NOT_AVAILABLE,
            ControllerError::TopicExists(_) => ErrorCode::TOPIC_ALREADY_EXISTS,
            ControllerError::InvalidTopic(_) => ErrorCode::INVALID_TOPIC_EXCEPTION,
            ControllerError::InvalidPartitions(_) => ErrorCode::INVALID_PARTITIONS,
            ControllerError::InvalidReplicationFactor(_) => ErrorCode::INVALID_REPLICATION_FACTOR,
            ControllerError::InvalidReplicaAssignment(_) => ErrorCode::INVALID_REPLICA_ASSIGNMENT,
            ControllerError::InvalidConfig(_) => ErrorCode::INVALID_CONFIG,
            ControllerError::InvalidRequest(_) => ErrorCode::INVALID_REQUEST,
            ControllerError::UnknownTopicOrPartition(_) => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ControllerError::RequestTimedOut => ErrorCode::REQUEST_TIMED_OUT,
            ControllerError::ReassignmentInProgress(_) => ErrorCode::REASSIGNMENT_IN_PROGRESS,
            ControllerError::NoReassignmentInProgress => ErrorCode::NO_REASSIGNMENT_IN_PROGRESS,
            ControllerError::ElectionNotNeeded => ErrorCode::ELECTION_NOT_NEEDED,
            ControllerError::PreferredLeaderNotAvailable(_) => {
                ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE
            }
            ControllerError::EligibleLeadersNotAvailable(_) => {
                ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE
            }
            ControllerError::FencedLeaderEpoch => ErrorCode::FENCED_LEADER_EPOCH,
            ControllerError::InvalidUpdateVersion => ErrorCode::INVALID_UPDATE_VERSION,
            ControllerError::IneligibleReplica => ErrorCode::INELIGIBLE_REPLICA,
            ControllerError::Unexpected(_) => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }
}
