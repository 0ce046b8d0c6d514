//! Sets up the broker's own log lines: to standard error, as text or JSON.

use super::log_levels::{self, Level};
use crate::config::{BrokerConfig, key};
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// `ottla.log.format`, unless the environment variable OTTLA_LOG_FORMAT says otherwise.
    pub fn of(config: &BrokerConfig) -> Format {
        let environment = std::env::var("OTTLA_LOG_FORMAT").ok();
        match environment.as_deref().unwrap_or(&config.get(key::OTTLA_LOG_FORMAT)) {
            "json" => Format::Json,
            _ => Format::Text,
        }
    }
}

/// Starts writing log lines at `ottla.log.level`; [`log_levels`] changes levels from then on. A
/// second call changes nothing.
pub fn init(config: &BrokerConfig) {
    let level = Level::parse(&config.get(key::OTTLA_LOG_LEVEL).to_uppercase());
    log_levels::global().set_root(level.unwrap_or(Level::Info));
    let (filter, handle) = reload::Layer::new(log_levels::global().targets());
    let registry = Registry::default().with(filter);
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal);
    let started = match Format::of(config) {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json()).try_init(),
    };
    if started.is_ok() {
        log_levels::global().on_change(Box::new(move |targets| {
            // Fails only when the subscriber is gone, at the end of the process.
            let _ = handle.reload(targets);
        }));
    }
}
