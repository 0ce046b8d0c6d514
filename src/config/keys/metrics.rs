//! Broker keys of metrics and quotas; names, types and defaults are those of Kafka 3.9's
//! `KafkaConfig`.

use crate::config::declare::keys;

keys! {
    after super::security;

    /// How many samples the throttle on moves between log directories keeps.
    ALTER_LOG_DIRS_REPLICATION_QUOTA_WINDOW_NUM: Int =
        "alter.log.dirs.replication.quota.window.num", "11", AtLeast(1), Low, ReadOnly,
        no_effect "bytes ahead of the rate are waited for, without samples";
    /// Length in seconds of each sample of the throttle on moves between log directories.
    ALTER_LOG_DIRS_REPLICATION_QUOTA_WINDOW_SIZE_SECONDS: Int =
        "alter.log.dirs.replication.quota.window.size.seconds", "1", AtLeast(1), Low, ReadOnly,
        no_effect "bytes ahead of the rate are waited for, without samples";
    /// Whether the JMX reporter is loaded without being listed.
    AUTO_INCLUDE_JMX_REPORTER: Boolean = "auto.include.jmx.reporter", "true", Any, Low, ReadOnly,
        no_effect "there is no Java virtual machine";
    /// Java class that decides which quota applies to a client.
    CLIENT_QUOTA_CALLBACK_CLASS: Optional<Class> = "client.quota.callback.class", null, Any, Low,
        ReadOnly, no_effect "a Java class cannot be loaded";
    /// How many samples the quota on topic mutations keeps.
    CONTROLLER_QUOTA_WINDOW_NUM: Int = "controller.quota.window.num", "11", AtLeast(1), Low,
        ReadOnly;
    /// Length in seconds of each sample of the quota on topic mutations.
    CONTROLLER_QUOTA_WINDOW_SIZE_SECONDS: Int = "controller.quota.window.size.seconds", "1",
        AtLeast(1), Low, ReadOnly;
    /// Seconds between runs of the legacy metrics reporters.
    KAFKA_METRICS_POLLING_INTERVAL_SECS: Int = "kafka.metrics.polling.interval.secs", "10",
        AtLeast(1), Low, ReadOnly, no_effect "there are no Java reporters";
    /// Java classes that report the legacy metrics.
    KAFKA_METRICS_REPORTERS: List = "kafka.metrics.reporters", "", Any, Low, ReadOnly,
        no_effect "a Java class cannot be loaded";
    /// Java classes that report metrics.
    METRIC_REPORTERS: List = "metric.reporters", "", Any, Low, ClusterWide,
        no_effect "a Java class cannot be loaded; see ottla.metrics.listener";
    /// Samples kept for a windowed metric.
    METRICS_NUM_SAMPLES: Int = "metrics.num.samples", "2", AtLeast(1), Low, ReadOnly,
        no_effect "metrics are counters, which their reader turns into rates";
    /// Detail of the metrics recorded.
    METRICS_RECORDING_LEVEL: Text = "metrics.recording.level", "INFO", Any, Low, ReadOnly,
        no_effect "all metrics are always recorded";
    /// Milliseconds covered by a sample of a windowed metric.
    METRICS_SAMPLE_WINDOW_MS: Long = "metrics.sample.window.ms", "30000", AtLeast(1), Low, ReadOnly,
        no_effect "metrics are counters, which their reader turns into rates";
    /// How many samples a client quota keeps.
    QUOTA_WINDOW_NUM: Int = "quota.window.num", "11", AtLeast(1), Low, ReadOnly;
    /// Length in seconds of each sample of a client quota.
    QUOTA_WINDOW_SIZE_SECONDS: Int = "quota.window.size.seconds", "1", AtLeast(1), Low, ReadOnly;
    /// How many samples the throttle on replication keeps.
    REPLICATION_QUOTA_WINDOW_NUM: Int = "replication.quota.window.num", "11", AtLeast(1), Low,
        ReadOnly;
    /// Length in seconds of each sample of the throttle on replication.
    REPLICATION_QUOTA_WINDOW_SIZE_SECONDS: Int = "replication.quota.window.size.seconds", "1",
        AtLeast(1), Low, ReadOnly;
}
