//! The metrics page of the real program.

use crate::process::{Broker, PATIENCE, program, request};
use std::time::{Duration, Instant};

const GET: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

/// The value of a sample, by its name and labels.
fn value(page: &str, sample: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {sample} in\n{page}"))
}

#[test]
fn metrics_are_served_where_the_configuration_says() {
    let mut broker = Broker::start(&["ottla.metrics.listener=127.0.0.1:0"]);
    let before = broker.metrics(GET);
    let requests = "kafka_network_requestmetrics_requests_total{request=\"ApiVersions\"}";
    let mut client = broker.connect();
    for id in 0..5 {
        assert_eq!(client.ask(id), Some(id));
    }
    // A Heartbeat that is cut short.
    let mut broken = broker.connect();
    assert!(broken.send(b"\0\0\0\x0c\0\x0c\0\0\0\0\0\x01\0\0\0\x09"));
    assert_eq!(broken.answer(), None);
    let page = broker.metrics(GET);
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(value(&page, requests) >= value(&before, requests) + 5.0);
    let errors = "kafka_network_requestmetrics_errors_total{request=\"Heartbeat\"}";
    assert_eq!(value(&page, errors), 1.0);
    assert_eq!(value(&page, "kafka_server_kafkaserver_brokerstate"), 3.0);
    assert!(value(&page, "process_resident_memory_bytes") > 1e6);
    assert!(value(&page, "kafka_server_socket_server_metrics_connection_count") >= 1.0);
    for name in [
        "kafka_server_replicamanager_underreplicatedpartitions",
        "kafka_log_logmanager_offlinelogdirectorycount",
        "kafka_log_logcleanermanager_max_dirty_percent",
        "kafka_log_logcleaner_deadthreadcount",
        "kafka_coordinator_group_groupmetadatamanager_numgroups",
        "kafka_server_brokertopicmetrics_bytesin_total",
    ] {
        assert_eq!(value(&page, name), 0.0, "{name}");
    }
    let uncleanable = page.lines().find(|l| l.contains("uncleanable_partitions_count{logDir"));
    assert!(uncleanable.is_some_and(|line| line.ends_with("} 0")), "{uncleanable:?} in\n{page}");
    for line in page.lines().skip_while(|line| !line.is_empty()).skip(1) {
        let is_sample = line.rsplit_once(' ').is_some_and(|(_, v)| v.parse::<f64>().is_ok());
        assert!(is_sample || line.starts_with("# HELP ") || line.starts_with("# TYPE "), "{line}");
    }
    assert!(broker.end_by("TERM").success());
}

/// One partition of topic `t`: CreateTopics v0, or DeleteTopics v0; correlation id 7.
const CREATE: &[u8] = b"\0\0\0\x23\0\x13\0\0\0\0\0\x07\xff\xff\0\0\0\x01\0\x01t\0\0\0\x01\0\x01\
                        \0\0\0\0\0\0\0\0\0\0\x75\x30";
const DELETE: &[u8] = b"\0\0\0\x15\0\x14\0\0\0\0\0\x07\xff\xff\0\0\0\x01\0\x01t\0\0\x75\x30";

#[test]
fn the_controller_reaches_its_own_broker_by_requests() {
    let mut broker = Broker::start(&["ottla.metrics.listener=127.0.0.1:0"]);
    let mut client = broker.connect();
    for (request, told_by) in [(CREATE, "LeaderAndIsr"), (DELETE, "StopReplica")] {
        let before = broker.metrics(GET);
        assert!(client.send(request));
        assert_eq!(client.answer(), Some(7));
        let begun = Instant::now();
        let count = |page: &str, api: &str| {
            let name = format!("kafka_network_requestmetrics_requests_total{{request=\"{api}\"}}");
            value(page, &name)
        };
        for api in [told_by, "UpdateMetadata"] {
            while count(&broker.metrics(GET), api) <= count(&before, api) {
                assert!(begun.elapsed() < PATIENCE, "no {api} comes");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
    assert!(broker.end_by("TERM").success());
}

#[test]
fn a_hostile_client_of_the_metrics_page_does_no_harm() {
    let broker = Broker::start(&["ottla.metrics.listener=127.0.0.1:0"]);
    assert!(broker.metrics("POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(broker.metrics("GET /other HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(broker.metrics(GET).starts_with("HTTP/1.1 200 "));
    let mut client = broker.connect();
    assert!(client.send(&request(1, 0)));
    assert_eq!(client.answer(), Some(1));
}

#[test]
fn a_taken_metrics_port_is_refused_at_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let metrics = format!("ottla.metrics.listener={address}");
    let listener = "listeners=PLAINTEXT://127.0.0.1:0";
    let folder = tempfile::tempdir().expect("a folder");
    let data = format!("log.dirs={}", folder.path().join("data").display());
    let mut command = program();
    for one in [listener, &data, &metrics] {
        command.args(["--override", one]);
    }
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("ottla.metrics.listener"), "{said}");
    assert!(!folder.path().join("data").exists());
}
