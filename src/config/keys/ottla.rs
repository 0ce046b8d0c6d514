//! Ottla's own keys. They start with `ottla.` and are never described to clients, so that a
//! broker's DescribeConfigs answer is that of Kafka.

use crate::config::declare::keys;

keys! {
    after super::metrics;

    /// Serves KIP-848 consumer groups, which Kafka itself refuses in ZooKeeper mode; `false`
    /// answers them with UNSUPPORTED_VERSION as Kafka does.
    OTTLA_CONSUMER_GROUPS_ENABLE: Boolean = "ottla.consumer.groups.enable", "true", Any, Medium,
        ReadOnly(internal);
    /// Files of partitions that may be open at once, those used least lately being closed first; -1
    /// follows from `ulimit -Hn`, of which a quarter is left for connections.
    OTTLA_LOG_OPEN_FILES_MAX: Int = "ottla.log.open.files.max", "-1", MinusOneOrAtLeast(16), Low,
        ReadOnly(internal);
    /// How the broker writes its own log lines to standard error: `text` for people, `json` for
    /// collectors. The environment variable OTTLA_LOG_FORMAT wins over it.
    OTTLA_LOG_FORMAT: Text = "ottla.log.format", "text", OneOf(&["text", "json"]), Low,
        ReadOnly(internal);
    /// Level from which the broker's own log lines are written, unless one of its loggers is set to
    /// another at run time: ERROR, WARN, INFO, DEBUG or TRACE.
    OTTLA_LOG_LEVEL: Text = "ottla.log.level", "INFO",
        OneOfIgnoringCase(&["ERROR", "WARN", "INFO", "DEBUG", "TRACE", "FATAL"]), Low,
        ReadOnly(internal);
    /// Address, such as 127.0.0.1:9404, where metrics are served over HTTP in Prometheus' text
    /// format; nowhere when not set.
    OTTLA_METRICS_LISTENER: Optional<Text> = "ottla.metrics.listener", null, Any, Low,
        ReadOnly(internal);
}
