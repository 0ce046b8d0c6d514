//! What each layer's errors are on the wire: the only place that maps them to Kafka codes.
//!
//! As `o.a.k.common.protocol.Errors.forException`. No arm is `_`: a new variant must be decided.

use crate::controller::ControllerError;
use crate::coordinator::group::GroupError;
use crate::coordinator::group::consumer::refusal::Refusal;
use crate::coordinator::transaction::TransactionError;
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
        match self {
            AppendError::Corrupt(_) => ErrorCode::CORRUPT_MESSAGE,
            AppendError::InvalidRecord { .. } => ErrorCode::INVALID_RECORD,
            AppendError::InvalidTimestamp { .. } => ErrorCode::INVALID_TIMESTAMP,
            // What does not decompress, or a codec number that does not exist: Kafka has no error
            // of its own for it.
            AppendError::Unreadable(_) | AppendError::UnsupportedCompression => {
                ErrorCode::UNKNOWN_SERVER_ERROR
            }
            AppendError::TooLarge { .. } => ErrorCode::MESSAGE_TOO_LARGE,
            AppendError::LargerThanSegment { .. } => ErrorCode::RECORD_LIST_TOO_LARGE,
            AppendError::OutOfOrderSequence { .. } => ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
            AppendError::InvalidProducerEpoch { .. } => ErrorCode::INVALID_PRODUCER_EPOCH,
            AppendError::CoordinatorFenced => ErrorCode::TRANSACTION_COORDINATOR_FENCED,
            AppendError::InvalidTxnState => ErrorCode::INVALID_TXN_STATE,
            AppendError::UnexpectedOffset { .. } => ErrorCode::UNKNOWN_SERVER_ERROR,
            AppendError::Log(error) => error.error_code(),
        }
    }
}

impl ToErrorCode for ReadError {
    fn error_code(&self) -> ErrorCode {
        match self {
            ReadError::OffsetOutOfRange { .. } => ErrorCode::OFFSET_OUT_OF_RANGE,
            ReadError::Cold => ErrorCode::KAFKA_STORAGE_ERROR,
            ReadError::Log(error) => error.error_code(),
        }
    }
}

impl ToErrorCode for LogError {
    fn error_code(&self) -> ErrorCode {
        match self {
            LogError::OffsetOutOfRange { .. } => ErrorCode::OFFSET_OUT_OF_RANGE,
            LogError::UnknownDir(_) => ErrorCode::LOG_DIR_NOT_FOUND,
            LogError::NameTooLong => ErrorCode::INVALID_TOPIC_EXCEPTION,
            LogError::InconsistentTopicId => ErrorCode::INCONSISTENT_TOPIC_ID,
            LogError::Io(_)
            | LogError::Offline(_)
            | LogError::Malformed { .. }
            | LogError::Locked(_)
            | LogError::NoDirectory => ErrorCode::KAFKA_STORAGE_ERROR,
        }
    }
}

impl ToErrorCode for GroupError {
    fn error_code(&self) -> ErrorCode {
        match self {
            GroupError::InvalidGroupId => ErrorCode::INVALID_GROUP_ID,
            GroupError::CoordinatorNotAvailable => ErrorCode::COORDINATOR_NOT_AVAILABLE,
            GroupError::CoordinatorLoadInProgress => ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
            GroupError::NotCoordinator => ErrorCode::NOT_COORDINATOR,
            GroupError::UnknownMemberId => ErrorCode::UNKNOWN_MEMBER_ID,
            GroupError::FencedInstanceId => ErrorCode::FENCED_INSTANCE_ID,
            GroupError::IllegalGeneration => ErrorCode::ILLEGAL_GENERATION,
            GroupError::InconsistentGroupProtocol => ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
            GroupError::RebalanceInProgress => ErrorCode::REBALANCE_IN_PROGRESS,
            GroupError::MemberIdRequired => ErrorCode::MEMBER_ID_REQUIRED,
            GroupError::GroupMaxSizeReached => ErrorCode::GROUP_MAX_SIZE_REACHED,
            GroupError::InvalidSessionTimeout => ErrorCode::INVALID_SESSION_TIMEOUT,
            GroupError::GroupIdNotFound => ErrorCode::GROUP_ID_NOT_FOUND,
            GroupError::NonEmptyGroup => ErrorCode::NON_EMPTY_GROUP,
            GroupError::GroupSubscribedToTopic => ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC,
            GroupError::OffsetMetadataTooLarge => ErrorCode::OFFSET_METADATA_TOO_LARGE,
            GroupError::InvalidCommitOffsetSize => ErrorCode::INVALID_COMMIT_OFFSET_SIZE,
            GroupError::UnstableOffsetCommit => ErrorCode::UNSTABLE_OFFSET_COMMIT,
            GroupError::RequestTimedOut => ErrorCode::REQUEST_TIMED_OUT,
            GroupError::InvalidProducerEpoch => ErrorCode::INVALID_PRODUCER_EPOCH,
            GroupError::InvalidTransactionState => ErrorCode::INVALID_TXN_STATE,
            GroupError::UnknownTopicOrPartition => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            GroupError::StaleMemberEpoch => ErrorCode::STALE_MEMBER_EPOCH,
            GroupError::UnsupportedVersion => ErrorCode::UNSUPPORTED_VERSION,
            GroupError::Unexpected(_) => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }
}

impl ToErrorCode for Refusal {
    fn error_code(&self) -> ErrorCode {
        match self {
            Refusal::Invalid(_) => ErrorCode::INVALID_REQUEST,
            Refusal::GroupNotFound(_) => ErrorCode::GROUP_ID_NOT_FOUND,
            Refusal::UnknownMember { .. } | Refusal::UnknownInstance(_) => {
                ErrorCode::UNKNOWN_MEMBER_ID
            }
            Refusal::Fenced { .. } => ErrorCode::FENCED_MEMBER_EPOCH,
            Refusal::UnsupportedAssignor(..) => ErrorCode::UNSUPPORTED_ASSIGNOR,
            Refusal::UnreleasedInstance { .. } => ErrorCode::UNRELEASED_INSTANCE_ID,
            Refusal::FencedInstance { .. } => ErrorCode::FENCED_INSTANCE_ID,
            Refusal::Full(_) => ErrorCode::GROUP_MAX_SIZE_REACHED,
            Refusal::InvalidRegex(..) => ErrorCode::INVALID_REGULAR_EXPRESSION,
        }
    }
}

impl ToErrorCode for TransactionError {
    fn error_code(&self) -> ErrorCode {
        match self {
            TransactionError::InvalidRequest => ErrorCode::INVALID_REQUEST,
            TransactionError::InvalidTimeout => ErrorCode::INVALID_TRANSACTION_TIMEOUT,
            TransactionError::NotCoordinator => ErrorCode::NOT_COORDINATOR,
            TransactionError::LoadInProgress => ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
            TransactionError::NotAvailable => ErrorCode::COORDINATOR_NOT_AVAILABLE,
            TransactionError::Concurrent => ErrorCode::CONCURRENT_TRANSACTIONS,
            TransactionError::ProducerIdMapping => ErrorCode::INVALID_PRODUCER_ID_MAPPING,
            TransactionError::ProducerFenced => ErrorCode::PRODUCER_FENCED,
            TransactionError::InvalidState => ErrorCode::INVALID_TXN_STATE,
            TransactionError::NotFound => ErrorCode::TRANSACTIONAL_ID_NOT_FOUND,
            TransactionError::NoProducerId(code) => *code,
            TransactionError::Unexpected(_) => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }
}

/// The code of a transactional request's outcome at its version: before `fenced_since`, a fenced
/// producer is told INVALID_PRODUCER_EPOCH (KIP-588).
pub fn transaction_code(
    result: Result<(), &TransactionError>,
    version: i16,
    fenced_since: i16,
) -> ErrorCode {
    match result {
        Ok(()) => ErrorCode::NONE,
        Err(TransactionError::ProducerFenced) if version < fenced_since => {
            ErrorCode::INVALID_PRODUCER_EPOCH
        }
        Err(error) => error.error_code(),
    }
}

/// The code of a group request's outcome: 0 without error.
pub fn code_of(error: Option<&GroupError>) -> i16 {
    error.map_or(ErrorCode::NONE, ToErrorCode::error_code).0
}

impl ToErrorCode for ControllerError {
    fn error_code(&self) -> ErrorCode {
        match self {
            ControllerError::NotController => ErrorCode::NOT_CONTROLLER,
            ControllerError::StaleBrokerEpoch => ErrorCode::STALE_BROKER_EPOCH,
            ControllerError::BrokerNotAvailable => ErrorCode::BROKER_NOT_AVAILABLE,
            ControllerError::BrokerIdNotRegistered => ErrorCode::BROKER_ID_NOT_REGISTERED,
            ControllerError::ThrottlingQuotaExceeded => ErrorCode::THROTTLING_QUOTA_EXCEEDED,
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
            ControllerError::Unknown | ControllerError::Unexpected(_) => {
                ErrorCode::UNKNOWN_SERVER_ERROR
            }
        }
    }
}
