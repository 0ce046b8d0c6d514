//! What was asked of this broker (`RequestMetrics`) and how much went through it
//! (`BrokerTopicMetrics` of all topics).

use super::text::{Kind, Page};
use crate::handlers::api_table::ApiTable;
use crate::telemetry::{counters, requests};

/// Produce and Fetch.
const PRODUCE: i16 = 0;
const FETCH: i16 = 1;

pub(super) fn write(page: &mut Page) {
    let by_api = |page: &mut Page, name, help, value: &dyn Fn(i16) -> u64| {
        let mut family = page.family(name, Kind::Counter, help);
        for api in ApiTable::APIS {
            let request = api.name.trim_end_matches("Request");
            family.sample(&[("request", request)], value(api.key));
        }
    };
    let name = "kafka_network_requestmetrics_requests_total";
    by_api(page, name, "Requests that were read.", &requests::total);
    let name = "kafka_network_requestmetrics_requestbytes_total";
    by_api(page, name, "Bytes of their bodies.", &counters::request_bytes);
    let name = "kafka_network_requestmetrics_errors_total";
    let help = "Requests that closed their connection, and failed partitions of Produce and Fetch.";
    by_api(page, name, help, &|key| {
        let failed = match key {
            PRODUCE => counters::FAILED_PRODUCE.value(),
            FETCH => counters::FAILED_FETCH.value(),
            _ => 0,
        };
        counters::broken(key) + failed
    });
    totals(page);
}

fn totals(page: &mut Page) {
    let totals = [
        (
            "kafka_server_brokertopicmetrics_replicationbytesin_total",
            &counters::REPLICATION_BYTES_IN,
            "Bytes fetched from leaders.",
        ),
        (
            "kafka_server_brokertopicmetrics_replicationbytesout_total",
            &counters::REPLICATION_BYTES_OUT,
            "Bytes sent to followers.",
        ),
        (
            "kafka_server_brokertopicmetrics_failedproducerequests_total",
            &counters::FAILED_PRODUCE,
            "Partitions of Produce requests that failed.",
        ),
        (
            "kafka_server_brokertopicmetrics_failedfetchrequests_total",
            &counters::FAILED_FETCH,
            "Partitions of Fetch requests that failed.",
        ),
    ];
    for (name, counter, help) in totals {
        page.single(name, Kind::Counter, help, counter.value());
    }
}
