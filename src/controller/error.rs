//! What the controller refuses, and what ends its term.

use crate::metadata::records::RecordError;
use crate::metadata::store::StoreError;

/// Why a call to the controller was refused. `Display` is the message that Kafka sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControllerError {
    /// This broker is not the active controller, or has ceased to be it during the call.
    #[error("This is not the correct controller for this cluster.")]
    NotController,
    /// The asking broker's epoch is not that of its registration.
    #[error("The broker epoch has changed.")]
    StaleBrokerEpoch,
    /// The asking broker is not registered.
    #[error("The broker is not available.")]
    BrokerNotAvailable,
    /// The broker that asks for producer ids is not registered.
    #[error("The given broker ID was not registered.")]
    BrokerIdNotRegistered,
    /// The client changes topics faster than its quota allows.
    #[error("The throttling quota has been exceeded.")]
    ThrottlingQuotaExceeded,
    /// The topic is there already.
    #[error("{0}")]
    TopicExists(String),
    /// The name is not allowed or collides.
    #[error("{0}")]
    InvalidTopic(String),
    /// Number of partitions.
    #[error("{0}")]
    InvalidPartitions(String),
    /// Replication factor.
    #[error("{0}")]
    InvalidReplicationFactor(String),
    /// Explicit replicas.
    #[error("{0}")]
    InvalidReplicaAssignment(String),
    /// A topic configuration.
    #[error("{0}")]
    InvalidConfig(String),
    /// The request contradicts itself.
    #[error("{0}")]
    InvalidRequest(String),
    /// No such topic or partition.
    #[error("{0}")]
    UnknownTopicOrPartition(String),
    /// The change is under way but not seen yet.
    #[error("The request timed out.")]
    RequestTimedOut,
    /// Partitions cannot be added meanwhile.
    #[error("{0}")]
    ReassignmentInProgress(String),
    /// Nothing to cancel.
    #[error("No partition reassignment is in progress.")]
    NoReassignmentInProgress,
    /// The partition has the leader that it should have.
    #[error("Leader election not needed for topic partition.")]
    ElectionNotNeeded,
    /// The preferred leader is not alive or not in sync.
    #[error("{0}")]
    PreferredLeaderNotAvailable(String),
    /// No replica may lead.
    #[error("{0}")]
    EligibleLeadersNotAvailable(String),
    /// AlterPartition of an older leader epoch.
    #[error("The leader epoch in the request is older than the epoch on the broker.")]
    FencedLeaderEpoch,
    /// AlterPartition of another partition epoch.
    #[error("The given update version was invalid.")]
    InvalidUpdateVersion,
    /// A new in-sync replica is not alive, or has been restarted.
    #[error("The new ISR contains at least one ineligible replica.")]
    IneligibleReplica,
    /// Kafka itself stumbles over this, and says no more.
    #[error("The server experienced an unexpected error when processing the request.")]
    Unknown,
    /// The store failed or a fault of our own.
    #[error("{0}")]
    Unexpected(String),
}

impl From<Trouble> for ControllerError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Deposed => ControllerError::NotController,
            Trouble::Store(error) => ControllerError::Unexpected(error.to_string()),
            Trouble::Record(error) => ControllerError::Unexpected(error.to_string()),
        }
    }
}

impl From<StoreError> for ControllerError {
    fn from(error: StoreError) -> Self {
        ControllerError::Unexpected(error.to_string())
    }
}

/// What ends a controller's term.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// Another controller has been elected: `/controller_epoch` has another version.
    #[error("another controller has been elected")]
    Deposed,
    /// The store does not do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A node that the controller cannot do without is not what it should be.
    #[error(transparent)]
    Record(#[from] RecordError),
}
