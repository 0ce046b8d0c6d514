//! Why a group request fails: a variant for each answer a client distinguishes.
//!
//! As the errors of Kafka's `GroupCoordinator`; `handlers/error.rs` gives the codes.

use super::consumer::refusal::Refusal;
use crate::coordinator::state_log::StateLogError;

/// Why a group request fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum GroupError {
    #[error("the group id is empty")]
    InvalidGroupId,
    #[error("the coordinator is not active, or the group was just removed")]
    CoordinatorNotAvailable,
    #[error("the group's partition is being loaded")]
    CoordinatorLoadInProgress,
    #[error("another broker coordinates the group")]
    NotCoordinator,
    #[error("no such member")]
    UnknownMemberId,
    #[error("another member took over the group instance id")]
    FencedInstanceId,
    #[error("not the current generation")]
    IllegalGeneration,
    #[error("the group has another protocol type, or no protocol in common")]
    InconsistentGroupProtocol,
    #[error("the group is rebalancing")]
    RebalanceInProgress,
    #[error("join again with the member id given")]
    MemberIdRequired,
    #[error("the group has group.max.size members")]
    GroupMaxSizeReached,
    #[error("the session timeout is outside the bounds of the broker")]
    InvalidSessionTimeout,
    #[error("no such group")]
    GroupIdNotFound,
    #[error("the group has members")]
    NonEmptyGroup,
    #[error("the group is subscribed to the topic")]
    GroupSubscribedToTopic,
    #[error("the offset's metadata exceeds offset.metadata.max.bytes")]
    OffsetMetadataTooLarge,
    #[error("the commit is larger than a batch may be")]
    InvalidCommitOffsetSize,
    #[error("a transaction with this offset has not ended")]
    UnstableOffsetCommit,
    #[error("replicas did not follow in time")]
    RequestTimedOut,
    #[error("a newer producer epoch exists")]
    InvalidProducerEpoch,
    #[error("the transaction is not in a state to commit offsets")]
    InvalidTransactionState,
    #[error("no such partition")]
    UnknownTopicOrPartition,
    #[error("not the epoch of the member")]
    StaleMemberEpoch,
    #[error("members of KIP-848 groups commit with version 9 or above")]
    UnsupportedVersion,
    #[error("unexpected: {0}")]
    Unexpected(String),
}

/// Why a heartbeat of a KIP-848 group fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub enum HeartbeatError {
    /// As any group request.
    Group(#[from] GroupError),
    /// By the rules of KIP-848; the message goes to the client.
    Refused(#[from] Refusal),
}

impl GroupError {
    /// What a member gets when its group's metadata could not be stored.
    pub fn from_group_append(error: &StateLogError) -> GroupError {
        match error {
            StateLogError::TimedOut => GroupError::RebalanceInProgress,
            StateLogError::TooLarge => GroupError::Unexpected(error.to_string()),
            _ => GroupError::from_append(error),
        }
    }

    /// What a consumer gets when its offsets could not be stored.
    pub fn from_append(error: &StateLogError) -> GroupError {
        match error {
            StateLogError::UnknownPartition
            | StateLogError::NotEnoughReplicas
            | StateLogError::NotEnoughReplicasAfterAppend => GroupError::CoordinatorNotAvailable,
            StateLogError::NotLeader | StateLogError::Storage(_) => GroupError::NotCoordinator,
            StateLogError::TimedOut => GroupError::RequestTimedOut,
            StateLogError::TooLarge => GroupError::InvalidCommitOffsetSize,
            StateLogError::InvalidProducerEpoch => GroupError::InvalidProducerEpoch,
            StateLogError::InvalidTransactionState => GroupError::InvalidTransactionState,
            StateLogError::Corrupt { .. } => GroupError::Unexpected(error.to_string()),
        }
    }
}
