//! Broker keys of transactions and producer ids; names, types and defaults are those of Kafka
//! 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::new_groups;

    /// Milliseconds between searches for producers that have been silent for too long.
    PRODUCER_ID_EXPIRATION_CHECK_INTERVAL_MS: Int = "producer.id.expiration.check.interval.ms",
        "600000", AtLeast(1), Low, ReadOnly(internal),
        no_effect "they are looked for every log.retention.check.interval.ms";
    /// Milliseconds after its last write when a partition forgets an idempotent producer.
    PRODUCER_ID_EXPIRATION_MS: Int = "producer.id.expiration.ms", "86400000", AtLeast(1), Low,
        ClusterWide;
    /// Milliseconds between searches for transactions that have run out of time.
    TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS: Int =
        "transaction.abort.timed.out.transaction.cleanup.interval.ms", "10000", AtLeast(1), Low,
        ReadOnly;
    /// Longest transaction timeout in milliseconds that a producer may ask for.
    TRANSACTION_MAX_TIMEOUT_MS: Int = "transaction.max.timeout.ms", "900000", AtLeast(1), High,
        ReadOnly;
    /// Whether a transactional write is checked with the coordinator to belong to an open
    /// transaction (KIP-890).
    TRANSACTION_PARTITION_VERIFICATION_ENABLE: Boolean =
        "transaction.partition.verification.enable", "true", Any, Low, ClusterWide;
    /// Milliseconds between searches for transactional ids that have expired.
    TRANSACTION_REMOVE_EXPIRED_TRANSACTION_CLEANUP_INTERVAL_MS: Int =
        "transaction.remove.expired.transaction.cleanup.interval.ms", "3600000", AtLeast(1), Low,
        ReadOnly;
    /// Bytes read at once while transactions are loaded.
    TRANSACTION_STATE_LOG_LOAD_BUFFER_SIZE: Int = "transaction.state.log.load.buffer.size",
        "5242880", AtLeast(1), High, ReadOnly;
    /// In-sync replicas that the transaction topic needs for a write. With the embedded metadata
    /// store it is 1 unless set.
    TRANSACTION_STATE_LOG_MIN_ISR: Int = "transaction.state.log.min.isr", "2", AtLeast(1), High,
        ReadOnly;
    /// Partitions of the transaction topic; it cannot be changed once the topic exists.
    TRANSACTION_STATE_LOG_NUM_PARTITIONS: Int = "transaction.state.log.num.partitions", "50",
        AtLeast(1), High, ReadOnly;
    /// Replicas of the transaction topic. With the embedded metadata store it is 1 unless set, as
    /// there is one broker.
    TRANSACTION_STATE_LOG_REPLICATION_FACTOR: Short = "transaction.state.log.replication.factor",
        "3", AtLeast(1), High, ReadOnly;
    /// Segment size in bytes of the transaction topic, small so that it compacts and loads fast.
    TRANSACTION_STATE_LOG_SEGMENT_BYTES: Int = "transaction.state.log.segment.bytes", "104857600",
        AtLeast(1), High, ReadOnly;
    /// Milliseconds without use after which a transactional id is forgotten.
    TRANSACTIONAL_ID_EXPIRATION_MS: Int = "transactional.id.expiration.ms", "604800000", AtLeast(1),
        High, ReadOnly;
}
