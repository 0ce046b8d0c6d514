//! Broker keys of metrics and quotas; names, types and defaults are those of Kafka 3.9's
//! `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::security;

    /// To come.
    ALTER_LOG_DIRS_REPLICATION_QUOTA_WINDOW_NUM: Int = "alter.log.dirs.replication.quota.window.num",
        "11", AtLeast(1), Low, ReadOnly;
    /// To come.
    ALTER_LOG_DIRS_REPLICATION_QUOTA_WINDOW_SIZE_SECONDS: Int = "alter.log.dirs.replication.quota.window.size.seconds",
        "1", AtLeast(1), Low, ReadOnly;
    /// To come.
    AUTO_INCLUDE_JMX_REPORTER: Boolean = "auto.include.jmx.reporter", "true", Any, Low, ReadOnly;
    /// To come.
    CLIENT_QUOTA_CALLBACK_CLASS: Optional<Class> = "client.quota.callback.class", null, Any, Low,
        ReadOnly;
    /// To come.
    CONTROLLER_QUOTA_WINDOW_NUM: Int = "controller.quota.window.num", "11", AtLeast(1), Low,
        ReadOnly;
    /// To come.
    CONTROLLER_QUOTA_WINDOW_SIZE_SECONDS: Int = "controller.quota.window.size.seconds", "1",
        AtLeast(1), Low, ReadOnly;
    /// To come.
    KAFKA_METRICS_POLLING_INTERVAL_SECS: Int = "kafka.metrics.polling.interval.secs", "10",
        AtLeast(1), Low, ReadOnly;
    /// To come.
    KAFKA_METRICS_REPORTERS: List = "kafka.metrics.reporters", "", Any, Low, ReadOnly;
    /// To come.
    METRIC_REPORTERS: List = "metric.reporters", "", Any, Low, ClusterWide;
    /// To come.
    METRICS_NUM_SAMPLES: Int = "metrics.num.samples", "2", AtLeast(1), Low, ReadOnly;
    /// To come.
    METRICS_RECORDING_LEVEL: Text = "metrics.recording.level", "INFO", Any, Low, ReadOnly;
    /// To come.
    METRICS_SAMPLE_WINDOW_MS: Long = "metrics.sample.window.ms", "30000", AtLeast(1), Low, ReadOnly;
    /// To come.
    QUOTA_WINDOW_NUM: Int = "quota.window.num", "11", AtLeast(1), Low, ReadOnly;
    /// To come.
    QUOTA_WINDOW_SIZE_SECONDS: Int = "quota.window.size.seconds", "1", AtLeast(1), Low, ReadOnly;
    /// To come.
    REPLICATION_QUOTA_WINDOW_NUM: Int = "replication.quota.window.num", "11", AtLeast(1), Low,
        ReadOnly;
    /// To come.
    REPLICATION_QUOTA_WINDOW_SIZE_SECONDS: Int = "replication.quota.window.size.seconds", "1",
        AtLeast(1), Low, ReadOnly;
}
