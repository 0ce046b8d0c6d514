//! The program: reads its configuration, starts the broker, stops it on SIGTERM or SIGINT.

use clap::Parser;
use ottla::config::load;
use std::path::PathBuf;
use std::process::ExitCode;

/// A Kafka broker that keeps ZooKeeper.
///
/// Without FILE it needs nothing else: it listens on 127.0.0.1:9092, keeps its data in ./data and
/// its metadata in a file beside it.
#[derive(Parser)]
#[command(version, about, long_about)]
struct Arguments {
    /// Configuration: YAML (*.yaml, *.yml) with Kafka's key names, or a server.properties
    file: Option<PathBuf>,
    /// Sets a key over what the file says; may be given more than once
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let loaded = match load::load(arguments.file.as_deref(), &arguments.overrides) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("ottla: {error}");
            return ExitCode::FAILURE;
        }
    };
    ottla::telemetry::init(&loaded.config);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    match ottla::run::run(loaded.config, shutdown()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Resolves at SIGTERM or SIGINT.
async fn shutdown() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
