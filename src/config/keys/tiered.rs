//! Broker keys of tiered storage (accepted; not available); names, types and defaults are those
//! of Kafka 3.9's `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::kraft;

    /// Milliseconds a fetch waits for tiered data.
    REMOTE_FETCH_MAX_WAIT_MS: Int = "remote.fetch.max.wait.ms", "500", AtLeast(1), Medium,
        ClusterWide, no_effect "tiered storage is not available";
    /// Bytes of disk for cached indexes of tiered segments.
    REMOTE_LOG_INDEX_FILE_CACHE_TOTAL_SIZE_BYTES: Long =
        "remote.log.index.file.cache.total.size.bytes", "1073741824", AtLeast(1), Low, ClusterWide,
        no_effect "tiered storage is not available";
    /// Threads that copy segments to the remote tier.
    REMOTE_LOG_MANAGER_COPIER_THREAD_POOL_SIZE: Int = "remote.log.manager.copier.thread.pool.size",
        "-1", MinusOneOrAtLeast(1), Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Most bytes a second copied to the remote tier.
    REMOTE_LOG_MANAGER_COPY_MAX_BYTES_PER_SECOND: Long =
        "remote.log.manager.copy.max.bytes.per.second", "9223372036854775807", AtLeast(1), Medium,
        ClusterWide, no_effect "tiered storage is not available";
    /// Samples kept for that rate.
    REMOTE_LOG_MANAGER_COPY_QUOTA_WINDOW_NUM: Int = "remote.log.manager.copy.quota.window.num",
        "11", AtLeast(1), Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Length in seconds of each of these samples.
    REMOTE_LOG_MANAGER_COPY_QUOTA_WINDOW_SIZE_SECONDS: Int =
        "remote.log.manager.copy.quota.window.size.seconds", "1", AtLeast(1), Medium, ReadOnly,
        no_effect "tiered storage is not available";
    /// Threads that delete expired segments from the remote tier.
    REMOTE_LOG_MANAGER_EXPIRATION_THREAD_POOL_SIZE: Int =
        "remote.log.manager.expiration.thread.pool.size", "-1", MinusOneOrAtLeast(1), Medium,
        ReadOnly, no_effect "tiered storage is not available";
    /// Most bytes a second read from the remote tier.
    REMOTE_LOG_MANAGER_FETCH_MAX_BYTES_PER_SECOND: Long =
        "remote.log.manager.fetch.max.bytes.per.second", "9223372036854775807", AtLeast(1), Medium,
        ClusterWide, no_effect "tiered storage is not available";
    /// Samples kept for that rate.
    REMOTE_LOG_MANAGER_FETCH_QUOTA_WINDOW_NUM: Int = "remote.log.manager.fetch.quota.window.num",
        "11", AtLeast(1), Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Length in seconds of each of these samples.
    REMOTE_LOG_MANAGER_FETCH_QUOTA_WINDOW_SIZE_SECONDS: Int =
        "remote.log.manager.fetch.quota.window.size.seconds", "1", AtLeast(1), Medium, ReadOnly,
        no_effect "tiered storage is not available";
    /// Milliseconds between runs of the tiering tasks.
    REMOTE_LOG_MANAGER_TASK_INTERVAL_MS: Long = "remote.log.manager.task.interval.ms", "30000",
        AtLeast(1), Low, ReadOnly, no_effect "tiered storage is not available";
    /// Longest pause in milliseconds before a failed tiering task is repeated.
    REMOTE_LOG_MANAGER_TASK_RETRY_BACKOFF_MAX_MS: Long =
        "remote.log.manager.task.retry.backoff.max.ms", "30000", AtLeast(1), Low,
        ReadOnly(internal), no_effect "tiered storage is not available";
    /// First pause in milliseconds before a failed tiering task is repeated.
    REMOTE_LOG_MANAGER_TASK_RETRY_BACKOFF_MS: Long = "remote.log.manager.task.retry.backoff.ms",
        "500", AtLeast(1), Low, ReadOnly(internal), no_effect "tiered storage is not available";
    /// Share by which these pauses vary at random.
    REMOTE_LOG_MANAGER_TASK_RETRY_JITTER: Double = "remote.log.manager.task.retry.jitter", "0.2",
        Fraction(0.0, 0.5), Low, ReadOnly(internal), no_effect "tiered storage is not available";
    /// Threads of the tiering tasks.
    REMOTE_LOG_MANAGER_THREAD_POOL_SIZE: Int = "remote.log.manager.thread.pool.size", "10",
        AtLeast(1), Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Largest custom metadata in bytes of a tiered segment.
    REMOTE_LOG_METADATA_CUSTOM_METADATA_MAX_BYTES: Int =
        "remote.log.metadata.custom.metadata.max.bytes", "128", AtLeast(0), Low, ReadOnly,
        no_effect "tiered storage is not available";
    /// Java class that keeps the metadata of tiered segments.
    REMOTE_LOG_METADATA_MANAGER_CLASS_NAME: Text = "remote.log.metadata.manager.class.name",
        "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
        NonEmptyText, Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Where this class is found.
    REMOTE_LOG_METADATA_MANAGER_CLASS_PATH: Optional<Text> =
        "remote.log.metadata.manager.class.path", null, Any, Medium, ReadOnly,
        no_effect "tiered storage is not available";
    /// Prefix of the keys passed to this class.
    REMOTE_LOG_METADATA_MANAGER_IMPL_PREFIX: Text = "remote.log.metadata.manager.impl.prefix",
        "rlmm.config.", NonEmptyText, Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Listener over which this class talks to the brokers.
    REMOTE_LOG_METADATA_MANAGER_LISTENER_NAME: Optional<Text> =
        "remote.log.metadata.manager.listener.name", null, NonEmptyText, Medium, ReadOnly,
        no_effect "tiered storage is not available";
    /// Most reads from the remote tier that may wait.
    REMOTE_LOG_READER_MAX_PENDING_TASKS: Int = "remote.log.reader.max.pending.tasks", "100",
        AtLeast(1), Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Threads that read from the remote tier.
    REMOTE_LOG_READER_THREADS: Int = "remote.log.reader.threads", "10", AtLeast(1), Medium,
        ReadOnly, no_effect "tiered storage is not available";
    /// Java class that stores tiered segments.
    REMOTE_LOG_STORAGE_MANAGER_CLASS_NAME: Optional<Text> = "remote.log.storage.manager.class.name",
        null, NonEmptyText, Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Where this class is found.
    REMOTE_LOG_STORAGE_MANAGER_CLASS_PATH: Optional<Text> = "remote.log.storage.manager.class.path",
        null, Any, Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Prefix of the keys passed to this class.
    REMOTE_LOG_STORAGE_MANAGER_IMPL_PREFIX: Text = "remote.log.storage.manager.impl.prefix",
        "rsm.config.", NonEmptyText, Medium, ReadOnly, no_effect "tiered storage is not available";
    /// Whether segments may be moved to a remote tier; must be false, as there is none.
    REMOTE_LOG_STORAGE_SYSTEM_ENABLE: Boolean = "remote.log.storage.system.enable", "false", Any,
        Medium, ReadOnly;
}
