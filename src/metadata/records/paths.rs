//! Where Kafka's znodes are (Kafka's `ZkData`). Without the chroot, which is the store's affair.

use crate::types::BrokerId;

/// Parent of what brokers and topics there are.
pub const BROKERS: &str = "/brokers";
/// Children: ids of live brokers (ephemeral).
pub const BROKER_IDS: &str = "/brokers/ids";
/// Its data version makes generated broker ids.
pub const BROKER_SEQUENCE: &str = "/brokers/seqid";
/// Children: topics.
pub const TOPICS: &str = "/brokers/topics";
/// The active controller (ephemeral).
pub const CONTROLLER: &str = "/controller";
/// Counts controllers; its data version fences their writes.
pub const CONTROLLER_EPOCH: &str = "/controller_epoch";
/// Parent of the cluster id.
pub const CLUSTER: &str = "/cluster";
/// The cluster id.
pub const CLUSTER_ID: &str = "/cluster/id";
/// Parent of all config entities.
pub const CONFIG: &str = "/config";
/// Sequential children tell brokers which entity changed.
pub const CONFIG_CHANGES: &str = "/config/changes";
/// Config change nodes without their number.
pub const CONFIG_CHANGE_PREFIX: &str = "/config/changes/config_change_";
/// Parent of the admin's requests.
pub const ADMIN: &str = "/admin";
/// Children: topics to be deleted.
pub const DELETE_TOPICS: &str = "/admin/delete_topics";
/// A reassignment asked for the old way.
pub const REASSIGN_PARTITIONS: &str = "/admin/reassign_partitions";
/// A preferred leader election asked for the old way.
pub const PREFERRED_REPLICA_ELECTION: &str = "/admin/preferred_replica_election";
/// Sequential children: in-sync sets that leaders changed (IBP below 2.7).
pub const ISR_CHANGES: &str = "/isr_change_notification";
/// In-sync set changes without their number.
pub const ISR_CHANGE_PREFIX: &str = "/isr_change_notification/isr_change_";
/// Sequential children: log directories that failed.
pub const LOG_DIR_EVENTS: &str = "/log_dir_event_notification";
/// Log directory events without their number.
pub const LOG_DIR_EVENT_PREFIX: &str = "/log_dir_event_notification/log_dir_event_";
/// The producer ids handed out last.
pub const PRODUCER_ID_BLOCK: &str = "/latest_producer_id_block";
/// Finalized features.
pub const FEATURE: &str = "/feature";
/// What consumers before 0.9 keep here.
pub const CONSUMERS: &str = "/consumers";
/// Root of literal ACLs; below it a node a resource type.
pub const ACL: &str = "/kafka-acl";
/// Sequential children: literal resources whose ACLs changed.
pub const ACL_CHANGES: &str = "/kafka-acl-changes";
/// Literal ACL changes without their number.
pub const ACL_CHANGE_PREFIX: &str = "/kafka-acl-changes/acl_changes_";
/// Root of ACLs of other pattern types.
pub const ACL_EXTENDED: &str = "/kafka-acl-extended";
/// Root of prefixed ACLs; below it a node a resource type.
pub const ACL_PREFIXED: &str = "/kafka-acl-extended/prefixed";
/// Sequential children: non-literal resources whose ACLs changed.
pub const ACL_EXTENDED_CHANGES: &str = "/kafka-acl-extended-changes";
/// Non-literal ACL changes without their number.
pub const ACL_EXTENDED_CHANGE_PREFIX: &str = "/kafka-acl-extended-changes/acl_changes_";
/// Resource types of ACLs, in the order in which Kafka creates their nodes.
pub const ACL_RESOURCE_TYPES: [&str; 6] =
    ["DelegationToken", "Topic", "Group", "Cluster", "User", "TransactionalId"];
/// Root of delegation tokens.
pub const DELEGATION_TOKEN: &str = "/delegation_token";
/// Children: delegation tokens by id.
pub const TOKENS: &str = "/delegation_token/tokens";
/// Sequential children: tokens that changed.
pub const TOKEN_CHANGES: &str = "/delegation_token/token_changes";
/// Token changes without their number.
pub const TOKEN_CHANGE_PREFIX: &str = "/delegation_token/token_changes/token_change_";

/// Kinds of config entities, in the order in which Kafka creates their nodes.
pub const CONFIG_TYPES: [&str; 5] = ["topics", "clients", "users", "brokers", "ips"];

/// A broker's registration.
pub fn broker(id: BrokerId) -> String {
    format!("{BROKER_IDS}/{id}")
}

/// A topic's assignment.
pub fn topic(topic: &str) -> String {
    format!("{TOPICS}/{topic}")
}

/// Parent of a topic's partitions.
pub fn partitions(topic: &str) -> String {
    format!("{TOPICS}/{topic}/partitions")
}

/// Parent of a partition's state.
pub fn partition(topic: &str, partition: i32) -> String {
    format!("{TOPICS}/{topic}/partitions/{partition}")
}

/// Leader and in-sync set of a partition.
pub fn partition_state(topic: &str, partition: i32) -> String {
    format!("{TOPICS}/{topic}/partitions/{partition}/state")
}

/// A topic's overrides.
pub fn topic_config(topic: &str) -> String {
    format!("{CONFIG}/topics/{topic}")
}

/// Parent of one kind of config entities: `topics`, `brokers`, `clients`, `users` or `ips`.
pub fn config_type(kind: &str) -> String {
    format!("{CONFIG}/{kind}")
}

/// The wish to delete a topic.
pub fn delete_topic(topic: &str) -> String {
    format!("{DELETE_TOPICS}/{topic}")
}

/// A delegation token.
pub fn token(id: &str) -> String {
    format!("{TOKENS}/{id}")
}

/// The ACLs of a literal resource (`kind` as in [`ACL_RESOURCE_TYPES`]; names are not encoded).
pub fn literal_acl(kind: &str, name: &str) -> String {
    format!("{ACL}/{kind}/{name}")
}

/// The ACLs of a prefixed resource.
pub fn prefixed_acl(kind: &str, name: &str) -> String {
    format!("{ACL_PREFIXED}/{kind}/{name}")
}

/// An old consumer group's committed offset, a decimal number.
pub fn consumer_offset(group: &str, topic: &str, partition: i32) -> String {
    format!("{CONSUMERS}/{group}/offsets/{topic}/{partition}")
}

/// Parent of an old consumer group's member ids.
pub fn consumer_ids(group: &str) -> String {
    format!("{CONSUMERS}/{group}/ids")
}

/// Last part of a path: `1` for `/brokers/ids/1`.
pub fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The path above, or `None` for the root's own.
pub fn parent_of(path: &str) -> Option<&str> {
    match path.rfind('/') {
        Some(0) if path.len() > 1 => Some("/"),
        Some(0) | None => None,
        Some(end) => path.get(..end),
    }
}

/// Topic and partition of a state node's path, for whoever watches [`TOPICS`].
///
/// Example: `/brokers/topics/orders/partitions/3/state` gives `("orders", 3)`.
pub fn parse_partition_state(path: &str) -> Option<(&str, i32)> {
    let rest = path.strip_prefix(TOPICS)?.strip_prefix('/')?;
    let mut parts = rest.split('/');
    let topic = parts.next()?;
    let ("partitions", index, "state", None) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    Some((topic, index.parse().ok()?))
}
