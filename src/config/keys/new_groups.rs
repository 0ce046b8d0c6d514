//! Broker keys of KIP-848 consumer groups and share groups; names, types and defaults are those
//! of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::groups;

    /// Assignors offered to KIP-848 consumer groups, the first being the default.
    GROUP_CONSUMER_ASSIGNORS: List = "group.consumer.assignors",
        "org.apache.kafka.coordinator.group.assignor.UniformAssignor,\
         org.apache.kafka.coordinator.group.assignor.RangeAssignor",
        Any, Medium, ReadOnly;
    /// Milliseconds between heartbeats that members of KIP-848 groups are told to keep.
    GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS: Int = "group.consumer.heartbeat.interval.ms", "5000",
        AtLeast(1), Medium, ReadOnly;
    /// Largest heartbeat interval in milliseconds that a KIP-848 group may be given.
    GROUP_CONSUMER_MAX_HEARTBEAT_INTERVAL_MS: Int = "group.consumer.max.heartbeat.interval.ms",
        "15000", AtLeast(1), Medium, ReadOnly;
    /// Largest session timeout in milliseconds that a KIP-848 group may be given.
    GROUP_CONSUMER_MAX_SESSION_TIMEOUT_MS: Int = "group.consumer.max.session.timeout.ms", "60000",
        AtLeast(1), Medium, ReadOnly;
    /// Most members of a KIP-848 group.
    GROUP_CONSUMER_MAX_SIZE: Int = "group.consumer.max.size", "2147483647", AtLeast(1), Medium,
        ReadOnly;
    /// Which way a group may change between the classic and the KIP-848 protocol while it has
    /// members.
    GROUP_CONSUMER_MIGRATION_POLICY: Text = "group.consumer.migration.policy", "disabled",
        OneOfIgnoringCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]), Medium,
        ReadOnly(internal);
    /// Smallest heartbeat interval in milliseconds that a KIP-848 group may be given.
    GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS: Int = "group.consumer.min.heartbeat.interval.ms",
        "5000", AtLeast(1), Medium, ReadOnly;
    /// Smallest session timeout in milliseconds that a KIP-848 group may be given.
    GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS: Int = "group.consumer.min.session.timeout.ms", "45000",
        AtLeast(1), Medium, ReadOnly;
    /// Milliseconds without a heartbeat after which a member of a KIP-848 group is removed.
    GROUP_CONSUMER_SESSION_TIMEOUT_MS: Int = "group.consumer.session.timeout.ms", "45000",
        AtLeast(1), Medium, ReadOnly;
    /// How often a record is delivered to a share group before it is given up.
    GROUP_SHARE_DELIVERY_COUNT_LIMIT: Int = "group.share.delivery.count.limit", "5", Between(2, 10),
        Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Whether share groups (KIP-932) are served.
    GROUP_SHARE_ENABLE: Boolean = "group.share.enable", "false", Any, Medium, ReadOnly(internal),
        no_effect "there are no share groups";
    /// Milliseconds between heartbeats that members of share groups are told to keep.
    GROUP_SHARE_HEARTBEAT_INTERVAL_MS: Int = "group.share.heartbeat.interval.ms", "5000",
        AtLeast(1), Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Most share groups.
    GROUP_SHARE_MAX_GROUPS: Short = "group.share.max.groups", "10", Between(1, 100), Medium,
        ReadOnly,
        no_effect "there are no share groups";
    /// Largest heartbeat interval in milliseconds that a share group may be given.
    GROUP_SHARE_MAX_HEARTBEAT_INTERVAL_MS: Int = "group.share.max.heartbeat.interval.ms", "15000",
        AtLeast(1), Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Longest time in milliseconds for which a share group may lock a record.
    GROUP_SHARE_MAX_RECORD_LOCK_DURATION_MS: Int = "group.share.max.record.lock.duration.ms",
        "60000", Between(30000, 3600000), Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Largest session timeout in milliseconds that a share group may be given.
    GROUP_SHARE_MAX_SESSION_TIMEOUT_MS: Int = "group.share.max.session.timeout.ms", "60000",
        AtLeast(1), Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Most members of a share group.
    GROUP_SHARE_MAX_SIZE: Short = "group.share.max.size", "200", Between(10, 1000), Medium,
        ReadOnly,
        no_effect "there are no share groups";
    /// Smallest heartbeat interval in milliseconds that a share group may be given.
    GROUP_SHARE_MIN_HEARTBEAT_INTERVAL_MS: Int = "group.share.min.heartbeat.interval.ms", "5000",
        AtLeast(1), Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Shortest time in milliseconds for which a share group may lock a record.
    GROUP_SHARE_MIN_RECORD_LOCK_DURATION_MS: Int = "group.share.min.record.lock.duration.ms",
        "15000", Between(1000, 30000), Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Smallest session timeout in milliseconds that a share group may be given.
    GROUP_SHARE_MIN_SESSION_TIMEOUT_MS: Int = "group.share.min.session.timeout.ms", "45000",
        AtLeast(1), Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Most records of a partition that a share group may have locked.
    GROUP_SHARE_PARTITION_MAX_RECORD_LOCKS: Int = "group.share.partition.max.record.locks", "200",
        Between(100, 10000), Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Milliseconds for which a delivered record is locked before another member of the share group
    /// may have it.
    GROUP_SHARE_RECORD_LOCK_DURATION_MS: Int = "group.share.record.lock.duration.ms", "30000",
        Between(1000, 60000), Medium, ReadOnly,
        no_effect "there are no share groups";
    /// Milliseconds without a heartbeat after which a member of a share group is removed.
    GROUP_SHARE_SESSION_TIMEOUT_MS: Int = "group.share.session.timeout.ms", "45000", AtLeast(1),
        Medium, ReadOnly,
        no_effect "there are no share groups";
}
