//! The program from configuration to exit: what lies above the network and the broker.
//!
//! Order: listeners bound, metadata reached, logs recovered, connections served, registered last;
//! backwards at the end. Kafka registers before it binds, and misleads its cluster when that fails.

use crate::broker::{Broker, Opened, StartError};
use crate::config::{BrokerConfig, key};
use crate::handlers::api_table::ApiTable;
use crate::metrics::{Metrics, MetricsError};
use crate::network::{BindError, Bound, Server, Settings};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The broker does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A listener cannot be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Metrics cannot be served.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Threads cannot be started.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// How long requests in flight may take after the end was asked for.
const GRACE: Duration = Duration::from_secs(5);

/// Runs a broker until `shutdown` resolves, then stops it cleanly. Blocks.
pub fn run(config: BrokerConfig, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    let control = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .thread_name("ottla-control")
        .enable_all()
        .build()?;
    introduce(&config);
    // Before any file is touched: a taken port is the commonest of mistakes.
    let bound = Bound::bind(Settings::from_config(&config))?;
    let metrics = Metrics::bind(&config)?;
    let opened = control.block_on(Opened::open(config))?;
    let opened = opened.bound_to(&bound.addresses());
    let ports = bound.addresses().into_iter().map(|(name, at)| (name.to_string(), at.port()));
    let ports: BTreeMap<String, u16> = ports.collect();
    control.block_on(async {
        let broker = opened.join().await?;
        let server = Server::serve(bound, broker.clone(), ApiTable, broker.connections.clone())?;
        if let Some(metrics) = metrics {
            metrics.serve(broker.clone());
        }
        let registered = broker.register(&ports).await;
        if registered.is_ok() {
            // What testcontainers and other starters wait for, in Kafka's words.
            tracing::info!(?ports, "[KafkaServer id={}] started", broker.id);
            say_ready();
            shutdown.await;
            tracing::info!("stopping");
            broker.shut_down_controlled().await;
        }
        stop(server, &broker).await;
        Ok(registered?)
    })
}

/// What a person wants to know first.
fn introduce(config: &BrokerConfig) {
    let data: Vec<String> = config.log_dirs().iter().map(|d| d.display().to_string()).collect();
    let metadata = match config.get(key::ZOOKEEPER_CONNECT) {
        Some(connect) => format!("ZooKeeper at {connect}"),
        None => "the embedded store".to_string(),
    };
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!("Ottla {version}: data in {}, metadata in {metadata}", data.join(", "));
}

/// Prints the lines of `OTTLA_READY_LINES` (separated by `|`) on standard output.
///
/// Programs that start brokers in containers wait for lines that other brokers print; the image
/// sets those that are true here as well.
fn say_ready() {
    use std::io::Write;
    let lines = std::env::var("OTTLA_READY_LINES").unwrap_or_default();
    let mut out = std::io::stdout().lock();
    for line in lines.split('|').filter(|line| !line.is_empty()) {
        // Nobody reads it: no reason to stop.
        let _ = writeln!(out, "{line}");
    }
    let _ = out.flush();
}

async fn stop(server: Server, broker: &Arc<Broker>) {
    broker.stop_coordinators();
    if let Err(error) = tokio::task::spawn_blocking(move || server.shutdown(GRACE)).await {
        tracing::error!(%error, "the network layer did not stop");
    }
    broker.close().await;
    tracing::info!("stopped");
}

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(test)]
mod tests;
