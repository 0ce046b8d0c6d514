//! Broker keys of transactions and producer ids; names, types and defaults are those of Kafka
//! 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::new_groups;

    /// To come.
    PRODUCER_ID_EXPIRATION_CHECK_INTERVAL_MS: Int = "producer.id.expiration.check.interval.ms",
        "600000", AtLeast(1), Low, ReadOnly(internal);
    /// To come.
    PRODUCER_ID_EXPIRATION_MS: Int = "producer.id.expiration.ms", "86400000", AtLeast(1), Low,
        ClusterWide;
    /// To come.
    TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS: Int = "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        "10000", AtLeast(1), Low, ReadOnly;
    /// To come.
    TRANSACTION_MAX_TIMEOUT_MS: Int = "transaction.max.timeout.ms", "900000", AtLeast(1), High,
        ReadOnly;
    /// To come.
    TRANSACTION_PARTITION_VERIFICATION_ENABLE: Boolean = "transaction.partition.verification.enable",
        "true", Any, Low, ClusterWide;
    /// To come.
    TRANSACTION_REMOVE_EXPIRED_TRANSACTION_CLEANUP_INTERVAL_MS: Int = "transaction.remove.expired.transaction.cleanup.interval.ms",
        "3600000", AtLeast(1), Low, ReadOnly;
    /// To come.
    TRANSACTION_STATE_LOG_LOAD_BUFFER_SIZE: Int = "transaction.state.log.load.buffer.size",
        "5242880", AtLeast(1), High, ReadOnly;
    /// To come.
    TRANSACTION_STATE_LOG_MIN_ISR: Int = "transaction.state.log.min.isr", "2", AtLeast(1), High,
        ReadOnly;
    /// To come.
    TRANSACTION_STATE_LOG_NUM_PARTITIONS: Int = "transaction.state.log.num.partitions", "50",
        AtLeast(1), High, ReadOnly;
    /// To come.
    TRANSACTION_STATE_LOG_REPLICATION_FACTOR: Short = "transaction.state.log.replication.factor",
        "3", AtLeast(1), High, ReadOnly;
    /// To come.
    TRANSACTION_STATE_LOG_SEGMENT_BYTES: Int = "transaction.state.log.segment.bytes", "104857600",
        AtLeast(1), High, ReadOnly;
    /// To come.
    TRANSACTIONAL_ID_EXPIRATION_MS: Int = "transactional.id.expiration.ms", "604800000", AtLeast(1),
        High, ReadOnly;
}
