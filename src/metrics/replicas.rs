//! Replicas and their logs (`ReplicaManager`, `Partition`, `Log`, `LogManager`), and the traffic of
//! each topic (`BrokerTopicMetrics`).

use super::text::{Kind, Page};
use crate::broker::Broker;
use crate::log::CleanerMetrics;
use crate::partition::Partition;
use crate::telemetry::counters;
use std::collections::BTreeMap;
use std::sync::Arc;

type Partitions = [Arc<Partition>];

pub(super) fn write(page: &mut Page, broker: &Broker) {
    let mut all = broker.replicas.all();
    all.sort_by(|a, b| a.id().cmp(b.id()));
    counts(page, broker, &all);
    logs(page, &all);
    directories(page, broker);
    traffic(page, &all);
}

fn counts(page: &mut Page, broker: &Broker, all: &Partitions) {
    let leaders: Vec<_> = all.iter().filter(|partition| partition.is_leader()).collect();
    let missing = |partition: &Partition| partition.replica_count() > partition.isr().len();
    let count_min = |is_counted: &dyn Fn(usize, usize) -> bool| {
        let min = |p: &Partition| p.log().config().min_insync_replicas.max(1) as usize;
        leaders.iter().filter(|p| is_counted(p.isr().len(), min(p))).count()
    };
    let image = broker.image.load();
    let partitions = image.topics.values().flat_map(|topic| topic.partitions.values());
    let offline = partitions.filter(|partition| partition.leader < 0).count();
    let under = leaders.iter().filter(|partition| missing(partition)).count();
    let gauges = [
        ("kafka_server_replicamanager_partitioncount", "Replicas here.", all.len()),
        ("kafka_server_replicamanager_leadercount", "Partitions led.", leaders.len()),
        (
            "kafka_server_replicamanager_underreplicatedpartitions",
            "Partitions led that lack in-sync replicas.",
            under,
        ),
        (
            "kafka_server_replicamanager_underminisrpartitioncount",
            "Partitions led with fewer in-sync replicas than min.insync.replicas.",
            count_min(&|isr, min| isr < min),
        ),
        (
            "kafka_server_replicamanager_atminisrpartitioncount",
            "Partitions led with just min.insync.replicas.",
            count_min(&|isr, min| isr == min),
        ),
        (
            "kafka_controller_kafkacontroller_offlinepartitionscount",
            "Partitions of the cluster without a leader, as this broker knows it.",
            offline,
        ),
    ];
    for (name, help, value) in gauges {
        page.single(name, Kind::Gauge, help, value);
    }
    let name = "kafka_cluster_partition_underreplicated";
    let mut family = page.family(name, Kind::Gauge, "Whether in-sync replicas are missing.");
    for partition in leaders {
        let index = partition.id().partition.to_string();
        let labels = [("topic", &*partition.id().topic), ("partition", &index)];
        family.sample(&labels, u8::from(missing(partition)));
    }
}

fn logs(page: &mut Page, all: &Partitions) {
    let mut gauge = |name, help, value: &dyn Fn(&Partition) -> i64| {
        let mut family = page.family(name, Kind::Gauge, help);
        for partition in all {
            let index = partition.id().partition.to_string();
            let labels = [("topic", &*partition.id().topic), ("partition", &index)];
            family.sample(&labels, value(partition));
        }
    };
    gauge("kafka_log_log_size", "Bytes of the log.", &|p| p.log().size() as i64);
    gauge("kafka_log_log_logstartoffset", "First offset.", &|p| p.log().log_start_offset());
    gauge("kafka_log_log_logendoffset", "Next offset.", &|p| p.log().log_end_offset());
    gauge("kafka_log_log_numlogsegments", "Segments.", &|p| p.log().segment_count() as i64);
}

fn directories(page: &mut Page, broker: &Broker) {
    let dirs = broker.log_dirs.dirs();
    let offline = dirs.iter().filter(|dir| !dir.online).count();
    let name = "kafka_log_logmanager_offlinelogdirectorycount";
    page.single(name, Kind::Gauge, "Log directories out of service.", offline);
    let name = "kafka_log_logmanager_logdirectoryoffline";
    let mut family = page.family(name, Kind::Gauge, "Whether it is out of service.");
    for dir in &dirs {
        let path = dir.path.display().to_string();
        family.sample(&[("logDirectory", &path)], u8::from(!dir.online));
    }
    cleaner(page, &broker.log_dirs.cleaner_metrics());
}

/// The gauges of Kafka's `LogCleaner` and `LogCleanerManager`.
fn cleaner(page: &mut Page, metrics: &CleanerMetrics) {
    let percent = |value: u8| u64::from(value);
    let gauges = [
        (
            "kafka_log_logcleanermanager_max_dirty_percent",
            "Of the dirtiest log when one was last chosen.",
            percent(metrics.max_dirty_percent),
        ),
        (
            "kafka_log_logcleanermanager_time_since_last_run_ms",
            "Since a log to compact was last looked for.",
            metrics.time_since_last_run_ms,
        ),
        (
            "kafka_log_logcleaner_cleaner_recopy_percent",
            "Bytes written of those read, in the last passes.",
            metrics.cleaner_recopy_percent,
        ),
        (
            "kafka_log_logcleaner_max_buffer_utilization_percent",
            "Of the fullest map of keys in the last passes.",
            percent(metrics.max_buffer_utilization_percent),
        ),
        (
            "kafka_log_logcleaner_max_clean_time_secs",
            "Of the longest of the last passes.",
            metrics.max_clean_time_secs,
        ),
        (
            "kafka_log_logcleaner_max_compaction_delay_secs",
            "How long a record waits beyond max.compaction.lag.ms.",
            metrics.max_compaction_delay_secs,
        ),
        (
            "kafka_log_logcleaner_deadthreadcount",
            "Threads of log.cleaner.threads that do not run.",
            metrics.dead_thread_count as u64,
        ),
    ];
    for (name, help, value) in gauges {
        page.single(name, Kind::Gauge, help, value);
    }
    let mut dirs: Vec<_> = metrics.uncleanable.iter().collect();
    dirs.sort();
    let mut by_dir = |name, help, value: &dyn Fn(&(usize, u64)) -> u64| {
        let mut family = page.family(name, Kind::Gauge, help);
        for (path, of_dir) in &dirs {
            let path = path.display().to_string();
            family.sample(&[("logDirectory", &path)], value(of_dir));
        }
    };
    let name = "kafka_log_logcleanermanager_uncleanable_partitions_count";
    by_dir(name, "Partitions that compaction gave up.", &|(count, _)| *count as u64);
    let name = "kafka_log_logcleanermanager_uncleanable_bytes";
    by_dir(name, "Bytes that compaction gave up.", &|(_, bytes)| *bytes);
}

/// Of all topics under no label, then of each topic that has replicas here.
fn traffic(page: &mut Page, all: &Partitions) {
    let mut topics: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    for partition in all {
        let of_topic = topics.entry(&partition.id().topic).or_default();
        for (sum, value) in of_topic.iter_mut().zip(partition.traffic().values()) {
            *sum += value;
        }
    }
    let families = [
        (
            "kafka_server_brokertopicmetrics_messagesin_total",
            "Records appended for clients.",
            &counters::MESSAGES_IN,
        ),
        (
            "kafka_server_brokertopicmetrics_bytesin_total",
            "Bytes appended for clients.",
            &counters::BYTES_IN,
        ),
        (
            "kafka_server_brokertopicmetrics_bytesout_total",
            "Bytes sent to consumers.",
            &counters::BYTES_OUT,
        ),
    ];
    for (at, (name, help, total)) in families.into_iter().enumerate() {
        let mut family = page.family(name, Kind::Counter, help);
        family.sample(&[], total.value());
        for (topic, values) in &topics {
            family.sample(&[("topic", topic)], values.get(at).copied().unwrap_or(0));
        }
    }
}
