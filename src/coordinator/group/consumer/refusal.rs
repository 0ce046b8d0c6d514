//! Why a heartbeat of a KIP-848 group is refused; the messages are Kafka's and go to the client.
//!
//! As the exceptions of `GroupMetadataManager`; `handlers/error.rs` gives the codes.

/// Why a heartbeat is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Refusal {
    #[error("{0}")]
    Invalid(&'static str),
    #[error("{0}")]
    GroupNotFound(String),
    #[error("Member {member} is not a member of group {group}.")]
    UnknownMember { member: String, group: String },
    #[error("Instance id {0} is unknown.")]
    UnknownInstance(String),
    #[error(
        "The consumer group member has a {than} member epoch ({received}) than the one known by \
         the group coordinator ({known}). The member must abandon all its partitions and rejoin."
    )]
    Fenced { than: &'static str, received: i32, known: i32 },
    #[error("ServerAssignor {0} is not supported. Supported assignors: {1}.")]
    UnsupportedAssignor(String, String),
    #[error(
        "Static member {member} with instance id {instance} cannot join the group because the \
         instance id is owned by {owner} member."
    )]
    UnreleasedInstance { member: String, instance: String, owner: String },
    #[error("Static member {member} with instance id {instance} was fenced by member {owner}.")]
    FencedInstance { member: String, instance: String, owner: String },
    #[error("The consumer group has reached its maximum capacity of {0} members.")]
    Full(usize),
    #[error("SubscribedTopicRegex `{0}` is not a valid regular expression: {1}.")]
    InvalidRegex(String, String),
}
