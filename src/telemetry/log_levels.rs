//! Levels of the broker's loggers, which a client may change at run time (KIP-412).
//!
//! Loggers have the names of Kafka's; each stands for a part of this program. A logger without a
//! level of its own has that of the nearest logger above it, at last that of `root`.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// The logger above all others.
pub const ROOT: &str = "root";

/// Loggers, and the modules whose lines they govern.
const LOGGERS: &[(&str, &[&str])] = &[
    ("kafka", &["ottla"]),
    ("kafka.authorizer.logger", &["ottla::security"]),
    ("kafka.controller", &["ottla::controller"]),
    ("kafka.controller.KafkaController", &["ottla::controller::run"]),
    ("kafka.coordinator.group", &["ottla::coordinator::group"]),
    ("kafka.coordinator.transaction", &["ottla::coordinator::transaction"]),
    ("kafka.log", &["ottla::log"]),
    ("kafka.log.LogCleaner", &["ottla::log::cleaner", "ottla::log::compaction"]),
    ("kafka.network", &["ottla::network"]),
    ("kafka.request.logger", &["ottla::network::request"]),
    ("kafka.server", &["ottla::broker"]),
    ("kafka.server.KafkaApis", &["ottla::handlers"]),
    ("kafka.server.DynamicBrokerConfig", &["ottla::broker::topic_configs"]),
    ("kafka.server.ReplicaManager", &["ottla::partition"]),
    ("kafka.zookeeper", &["ottla::metadata"]),
    ("org.apache.zookeeper", &["zookeeper_client"]),
    (ROOT, &[]),
];

/// Kafka's levels. tracing has no FATAL: it is written as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Level {
    Debug,
    Error,
    Fatal,
    Info,
    Trace,
    Warn,
}

impl Level {
    /// All levels, in Kafka's order.
    pub const ALL: [Level; 6] =
        [Level::Debug, Level::Error, Level::Fatal, Level::Info, Level::Trace, Level::Warn];

    /// Kafka's name: upper case.
    pub fn name(self) -> &'static str {
        match self {
            Level::Debug => "DEBUG",
            Level::Error => "ERROR",
            Level::Fatal => "FATAL",
            Level::Info => "INFO",
            Level::Trace => "TRACE",
            Level::Warn => "WARN",
        }
    }

    /// The level with this name.
    pub fn parse(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name() == name)
    }

    fn filter(self) -> LevelFilter {
        match self {
            Level::Debug => LevelFilter::DEBUG,
            Level::Error | Level::Fatal => LevelFilter::ERROR,
            Level::Info => LevelFilter::INFO,
            Level::Trace => LevelFilter::TRACE,
            Level::Warn => LevelFilter::WARN,
        }
    }
}

type OnChange = Box<dyn Fn(Targets) + Send + Sync>;

/// The levels that were set.
pub struct LogLevels {
    set: Mutex<BTreeMap<&'static str, Level>>,
    on_change: OnceLock<OnChange>,
}

impl Default for LogLevels {
    fn default() -> Self {
        let set = Mutex::new(BTreeMap::from([(ROOT, Level::Info)]));
        LogLevels { set, on_change: OnceLock::new() }
    }
}

/// The levels of this process.
pub fn global() -> &'static LogLevels {
    static GLOBAL: OnceLock<LogLevels> = OnceLock::new();
    GLOBAL.get_or_init(LogLevels::default)
}

/// The logger with this name, if there is one.
fn logger(name: &str) -> Option<&'static str> {
    LOGGERS.iter().map(|(logger, _)| *logger).find(|logger| *logger == name)
}

/// Whether there is a logger with this name.
pub fn exists(name: &str) -> bool {
    logger(name).is_some()
}

impl LogLevels {
    /// All loggers with the levels that they have, by name.
    pub fn all(&self) -> Vec<(&'static str, Level)> {
        let set = self.set.lock();
        LOGGERS.iter().map(|(name, _)| (*name, effective(&set, name))).collect()
    }

    /// Sets a logger's level; `None` takes its own away. Nothing happens to an unknown logger, and
    /// `root` keeps a level.
    pub fn set(&self, name: &str, level: Option<Level>) {
        let Some(name) = logger(name) else { return };
        let targets = {
            let mut set = self.set.lock();
            match level {
                Some(level) => set.insert(name, level),
                None if name == ROOT => None,
                None => set.remove(name),
            };
            targets_of(&set)
        };
        if let Some(on_change) = self.on_change.get() {
            on_change(targets);
        }
    }

    pub(super) fn set_root(&self, level: Level) {
        self.set(ROOT, Some(level));
    }

    pub(super) fn targets(&self) -> Targets {
        targets_of(&self.set.lock())
    }

    pub(super) fn on_change(&self, call: OnChange) {
        let _ = self.on_change.set(call);
    }
}

fn effective(set: &BTreeMap<&'static str, Level>, name: &str) -> Level {
    let mut name = name;
    loop {
        if let Some(level) = set.get(name) {
            return *level;
        }
        match name.rsplit_once('.') {
            Some((above, _)) => name = above,
            None => return set.get(ROOT).copied().unwrap_or(Level::Info),
        }
    }
}

/// Every module gets its logger's level, so that a logger above does not override one below.
fn targets_of(set: &BTreeMap<&'static str, Level>) -> Targets {
    let root = effective(set, ROOT).filter();
    let modules = LOGGERS.iter().flat_map(|(name, modules)| {
        let level = effective(set, name).filter();
        modules.iter().map(move |module| (*module, level))
    });
    Targets::new().with_targets(modules).with_default(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_of(levels: &LogLevels, name: &str) -> Level {
        levels.all().into_iter().find(|(logger, _)| *logger == name).unwrap().1
    }

    #[test]
    fn a_logger_has_the_level_of_the_nearest_above_it() {
        let levels = LogLevels::default();
        assert_eq!(level_of(&levels, "kafka.log.LogCleaner"), Level::Info);
        levels.set("kafka.log", Some(Level::Debug));
        assert_eq!(level_of(&levels, "kafka.log.LogCleaner"), Level::Debug);
        assert_eq!(level_of(&levels, "kafka.controller"), Level::Info);
        levels.set(ROOT, Some(Level::Warn));
        assert_eq!(level_of(&levels, "kafka.controller"), Level::Warn);
        levels.set("kafka.log", None);
        assert_eq!(level_of(&levels, "kafka.log.LogCleaner"), Level::Warn);
    }

    #[test]
    fn a_level_governs_its_modules_and_those_below() {
        let levels = LogLevels::default();
        levels.set("kafka.log.LogCleaner", Some(Level::Trace));
        let targets = levels.targets();
        assert!(targets.would_enable("ottla::log::cleaner", &tracing::Level::TRACE));
        assert!(!targets.would_enable("ottla::log::segment", &tracing::Level::DEBUG));
        assert!(targets.would_enable("other", &tracing::Level::INFO));
    }

    #[test]
    fn a_change_is_told() {
        let levels = LogLevels::default();
        let (told, heard) = std::sync::mpsc::channel();
        let told = Mutex::new(told);
        levels.on_change(Box::new(move |targets| told.lock().send(targets).unwrap()));
        levels.set("kafka.network", Some(Level::Debug));
        let targets = heard.try_recv().unwrap();
        assert!(targets.would_enable("ottla::network::server", &tracing::Level::DEBUG));
        levels.set("no.such.logger", Some(Level::Debug));
        assert!(heard.try_recv().is_err());
        assert!(!exists("no.such.logger"));
    }
}
