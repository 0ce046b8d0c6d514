//! Metrics over HTTP, at `ottla.metrics.listener`, in Prometheus' text format.
//!
//! Names are those that Prometheus' JMX exporter makes of Kafka's MBeans, in lower case:
//! `kafka.server:type=ReplicaManager,name=LeaderCount` is
//! `kafka_server_replicamanager_leadercount`, and a rate (`BytesInPerSec`) is a counter
//! (`..._bytesin_total`). What Kafka has no MBean for begins with `ottla_`. Everything is read when
//! it is asked for; nothing is kept here.

mod coordinators;
mod http;
mod replicas;
mod requests;
mod text;

use crate::broker::Broker;
use crate::config::{BrokerConfig, key};
use std::net::TcpListener;
use std::sync::Arc;
use text::{Kind, Page};

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve metrics at {address} (ottla.metrics.listener): {error}")]
pub struct MetricsError {
    address: String,
    error: std::io::Error,
}

/// A listener that is bound and not yet served.
pub struct Metrics(TcpListener);

impl Metrics {
    /// Binds `ottla.metrics.listener`; `None` where it is not set.
    pub fn bind(config: &BrokerConfig) -> Result<Option<Metrics>, MetricsError> {
        let Some(address) = config.get(key::OTTLA_METRICS_LISTENER) else { return Ok(None) };
        let address = address.trim();
        let bound = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let at = listener.local_addr()?;
            tracing::info!("metrics at http://{at}/metrics");
            Ok(listener)
        });
        bound
            .map(|listener| Some(Metrics(listener)))
            .map_err(|error| MetricsError { address: address.to_owned(), error })
    }

    /// Serves them until the runtime ends. To be called on it.
    pub fn serve(self, broker: Arc<Broker>) {
        match tokio::net::TcpListener::from_std(self.0) {
            Ok(listener) => drop(tokio::spawn(http::serve(listener, move || page(&broker)))),
            Err(error) => tracing::error!(%error, "cannot serve metrics"),
        }
    }
}

/// All metrics as of now.
fn page(broker: &Broker) -> String {
    let mut page = Page::default();
    process(&mut page, broker);
    requests::write(&mut page);
    replicas::write(&mut page, broker);
    coordinators::write(&mut page, broker);
    page.finish()
}

fn process(page: &mut Page, broker: &Broker) {
    let version = env!("CARGO_PKG_VERSION");
    page.family("ottla_build_info", Kind::Gauge, "The version that runs.")
        .sample(&[("version", version)], 1);
    page.family("kafka_server_kafkaserver_clusterid", Kind::Gauge, "The cluster, by its id.")
        .sample(&[("clusterid", &broker.cluster_id)], 1);
    let is_registered = broker.epoch() >= 0;
    let state = if is_registered { 3 } else { 1 };
    let help = "1 starting, 3 running.";
    page.single("kafka_server_kafkaserver_brokerstate", Kind::Gauge, help, state);
    let name = "kafka_controller_kafkacontroller_activecontrollercount";
    let is_controller = u8::from(broker.controller.is_active());
    page.single(name, Kind::Gauge, "Whether this broker is the controller.", is_controller);
    let name = "kafka_server_socket_server_metrics_connection_count";
    page.single(name, Kind::Gauge, "Open connections.", broker.connections.open());
    if let Some(resident) = resident() {
        let name = "process_resident_memory_bytes";
        page.single(name, Kind::Gauge, "Resident memory.", resident);
    }
}

/// Resident bytes of this process.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size())
}
