//! Which log is cleaned when, by how many threads (Kafka's LogCleanerManager).
//!
//! The dirtiest log goes first, if it is dirty enough or has waited for too long. How far a log
//! is clean is kept in `cleaner-offset-checkpoint`. A log that cannot be cleaned is marked, said
//! once, and left alone until the broker starts again.

use super::clean::{self, Budget, Outcome};
use super::dirt::Dirt;
use super::metrics::{CleanerMetrics, Noted};
use super::throttle::Throttle;
use crate::config::{BrokerConfig, key};
use crate::log::LogError;
use crate::log::checkpoint;
use crate::log::dirs::LogDirs;
use crate::log::partition_log::Log;
use crate::types::{TopicPartition, now_ms};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// `log.cleaner.*`, as of now.
#[derive(Clone, Copy, Debug)]
pub struct CleanerConfig {
    /// `log.cleaner.enable`.
    pub enabled: bool,
    /// `log.cleaner.threads`.
    pub threads: usize,
    /// `log.cleaner.backoff.ms`.
    pub backoff: Duration,
    /// What each pass may use.
    pub budget: Budget,
    /// `log.cleaner.io.max.bytes.per.second`, of all threads.
    pub bytes_per_second: f64,
}

impl CleanerConfig {
    /// No threads; passes are made by hand.
    #[cfg(test)]
    pub(crate) fn off() -> CleanerConfig {
        CleanerConfig { enabled: false, ..CleanerConfig::from_broker(&BrokerConfig::default()) }
    }

    /// As the broker's configuration says.
    pub fn from_broker(config: &BrokerConfig) -> CleanerConfig {
        let threads = usize::try_from(config.get(key::LOG_CLEANER_THREADS)).unwrap_or(1);
        let buffer = config.get(key::LOG_CLEANER_DEDUPE_BUFFER_SIZE);
        let backoff = u64::try_from(config.get(key::LOG_CLEANER_BACKOFF_MS)).unwrap_or(0);
        CleanerConfig {
            enabled: config.get(key::LOG_CLEANER_ENABLE),
            threads,
            backoff: Duration::from_millis(backoff),
            budget: Budget {
                map_bytes: usize::try_from(buffer).unwrap_or(0) / threads.max(1),
                load_factor: config.get(key::LOG_CLEANER_IO_BUFFER_LOAD_FACTOR),
            },
            bytes_per_second: config.get(key::LOG_CLEANER_IO_MAX_BYTES_PER_SECOND),
        }
    }
}

/// What the threads share.
#[derive(Debug)]
pub struct Cleaner {
    config: Mutex<CleanerConfig>,
    running: AtomicUsize,
    under_way: Mutex<HashSet<TopicPartition>>,
    /// Weak: a topic that is made anew under the name has another log.
    uncleanable: Mutex<HashMap<TopicPartition, Weak<Log>>>,
    checkpoints: Mutex<()>,
    throttle: Throttle,
    noted: Mutex<Noted>,
}

/// Of every directory, how far its logs are clean.
type Checkpoints = HashMap<PathBuf, BTreeMap<TopicPartition, i64>>;

impl Cleaner {
    /// Nothing runs yet.
    pub fn new(config: CleanerConfig) -> Cleaner {
        Cleaner {
            throttle: Throttle::new(config.bytes_per_second),
            noted: Mutex::new(Noted::new()),
            config: Mutex::new(config),
            running: AtomicUsize::new(0),
            under_way: Mutex::default(),
            uncleanable: Mutex::default(),
            checkpoints: Mutex::default(),
        }
    }

    /// Takes a new configuration; more threads start at once, fewer end with their pass.
    pub fn reconfigure(&self, dirs: &Arc<LogDirs>, config: CleanerConfig) -> Result<(), LogError> {
        *self.config.lock() = config;
        self.throttle.set_limit(config.bytes_per_second);
        self.start(dirs)
    }

    /// Starts the threads that are missing.
    pub fn start(&self, dirs: &Arc<LogDirs>) -> Result<(), LogError> {
        let config = *self.config.lock();
        let wanted = if config.enabled { config.threads } else { 0 };
        while self.running.load(Ordering::Acquire) < wanted {
            let number = self.running.fetch_add(1, Ordering::AcqRel);
            let weak = Arc::downgrade(dirs);
            let name = format!("log-cleaner-{number}");
            std::thread::Builder::new().name(name).spawn(move || run(&weak, number))?;
        }
        Ok(())
    }

    /// Partitions that cannot be cleaned.
    pub fn uncleanable(&self) -> Vec<TopicPartition> {
        let all = self.uncleanable.lock();
        all.iter().filter(|(_, log)| log.strong_count() > 0).map(|(id, _)| id.clone()).collect()
    }

    /// The gauges.
    pub fn metrics(&self, dirs: &LogDirs) -> CleanerMetrics {
        let mut metrics = self.noted.lock().metrics();
        let config = *self.config.lock();
        let wanted = if config.enabled { config.threads } else { 0 };
        metrics.dead_thread_count = wanted.saturating_sub(self.running.load(Ordering::Acquire));
        let uncleanable: Vec<_> =
            self.uncleanable.lock().values().filter_map(Weak::upgrade).collect();
        let mut checkpoints = Checkpoints::new();
        for state in dirs.dirs() {
            metrics.uncleanable.insert(state.path, (0, 0));
        }
        for log in uncleanable {
            let known = checkpoint_of(&mut checkpoints, &log);
            let (count, bytes) = metrics.uncleanable.entry(log.parent_dir()).or_default();
            *count += 1;
            *bytes += Dirt::of(&log, known, now_ms()).bytes;
        }
        metrics
    }

    /// Cleans the dirtiest log that is due; whether to look for another at once.
    pub fn clean_one(&self, dirs: &LogDirs) -> bool {
        let budget = self.config.lock().budget;
        let Some((log, dirt)) = self.take(dirs) else { return false };
        let begun = Instant::now();
        let Dirt { first_dirty, end, .. } = dirt;
        let result = clean::clean(&log, first_dirty, end, now_ms(), budget, &self.throttle);
        let id = log.topic_partition();
        let goes_on = match result {
            Ok(Some(outcome)) => {
                self.noted.lock().passed(outcome, begun.elapsed());
                self.cleaned(dirs, &log, first_dirty, outcome)
            }
            Err(error) if error.is_disk_full() => {
                tracing::warn!(log = %id, "disk full, cleaned later");
                false
            }
            Err(LogError::Io(error)) if error.raw_os_error().is_some() && is_here(dirs, &log) => {
                log.dir_state.fail(&error);
                true
            }
            Err(error) if is_here(dirs, &log) => {
                tracing::error!(log = %id, %error, "cannot be cleaned: left as it is");
                self.uncleanable.lock().insert(id.clone(), Arc::downgrade(&log));
                true
            }
            // Segments, or all of it, were deleted, moved or closed while they were read.
            Ok(None) | Err(_) => true,
        };
        self.under_way.lock().remove(id);
        goes_on
    }

    /// Notes how far it is clean; false on a full disk, where it would be next again at once.
    fn cleaned(&self, dirs: &LogDirs, log: &Log, from: i64, outcome: Outcome) -> bool {
        let Outcome { clean_to, read, written, .. } = outcome;
        let id = log.topic_partition();
        tracing::info!(log = %id, from, clean_to, read, written, "cleaned");
        if let Err(error) = self.write_checkpoint(dirs, log, clean_to) {
            log.dir_state.fail_unless_short(&error);
            return false;
        }
        true
    }

    /// A partition's log is in another directory now: how far it is clean goes with it.
    pub fn moved(&self, id: &TopicPartition, from: &Path, to: &Path) {
        let _one_at_a_time = self.checkpoints.lock();
        let change = |dir: &Path, clean_to: Option<i64>| {
            let path = dir.join(checkpoint::CLEANER);
            let mut offsets = checkpoint::read(&path).unwrap_or_default();
            let old = offsets.remove(id);
            offsets.extend(clean_to.map(|offset| (id.clone(), offset)));
            let written = if old == clean_to { Ok(()) } else { checkpoint::write(&path, &offsets) };
            written.map(|()| old)
        };
        let result = change(from, None).and_then(|clean_to| change(to, clean_to));
        if let Err(error) = result {
            tracing::warn!(log = %id, %error, "will be cleaned from its start");
        }
    }

    /// The dirtiest log that is due, marked as under way.
    fn take(&self, dirs: &LogDirs) -> Option<(Arc<Log>, Dirt)> {
        let mut under_way = self.under_way.lock();
        let uncleanable = self.uncleanable.lock().clone();
        let is_uncleanable = |log: &Arc<Log>| {
            let marked = uncleanable.get(log.topic_partition());
            marked.is_some_and(|marked| marked.as_ptr() == Arc::as_ptr(log))
        };
        let (mut dirtiest, mut overdue_ms) = (0f64, 0);
        let mut checkpoints = Checkpoints::new();
        let mut best: Option<(Arc<Log>, Dirt)> = None;
        for log in dirs.all() {
            let skip = under_way.contains(log.topic_partition()) || log.is_moving();
            let compact = log.config().cleanup_policy.compact && log.dir_state.is_online();
            if skip || !compact || is_uncleanable(&log) {
                continue;
            }
            let known = checkpoint_of(&mut checkpoints, &log);
            let dirt = Dirt::of(&log, known, now_ms());
            (dirtiest, overdue_ms) = (dirtiest.max(dirt.ratio), overdue_ms.max(dirt.overdue_ms));
            if !dirt.is_due(log.config().min_cleanable_dirty_ratio) {
                continue;
            }
            let rank = |dirt: &Dirt| (dirt.overdue_ms > 0, dirt.ratio);
            if best.as_ref().is_none_or(|(_, best)| rank(best) < rank(&dirt)) {
                best = Some((log, dirt));
            }
        }
        self.noted.lock().chose(dirtiest, overdue_ms);
        under_way.extend(best.as_ref().map(|(log, _)| log.topic_partition().clone()));
        best
    }

    fn write_checkpoint(&self, dirs: &LogDirs, log: &Log, clean_to: i64) -> Result<(), LogError> {
        let _one_at_a_time = self.checkpoints.lock();
        let path = log.parent_dir().join(checkpoint::CLEANER);
        let mut offsets = checkpoint::read(&path).unwrap_or_default();
        offsets.retain(|id, _| dirs.get(id).is_some());
        offsets.insert(log.topic_partition().clone(), clean_to);
        checkpoint::write(&path, &offsets)
    }
}

/// How far a log is clean. An unreadable checkpoint costs time only: it is cleaned from its start.
fn checkpoint_of(read: &mut Checkpoints, log: &Log) -> i64 {
    let of_dir = read.entry(log.parent_dir()).or_insert_with_key(|dir| {
        let path = dir.join(checkpoint::CLEANER);
        checkpoint::read(&path).unwrap_or_else(|error| {
            tracing::warn!(%error, "logs are cleaned from their start");
            BTreeMap::new()
        })
    });
    of_dir.get(log.topic_partition()).copied().unwrap_or(0)
}

/// Whether it is still the log of its partition.
fn is_here(dirs: &LogDirs, log: &Arc<Log>) -> bool {
    dirs.get(log.topic_partition()).is_some_and(|now| Arc::ptr_eq(&now, log))
}

fn run(dirs: &Weak<LogDirs>, number: usize) {
    while let Some(dirs) = dirs.upgrade() {
        let config = *dirs.cleaner.config.lock();
        if !config.enabled || number >= config.threads {
            break;
        }
        if dirs.cleaner.clean_one(&dirs) && !*dirs.stop.lock() {
            continue;
        }
        let mut stop = dirs.stop.lock();
        if !*stop {
            dirs.stopped.wait_for(&mut stop, config.backoff);
        }
        if *stop {
            break;
        }
    }
    if let Some(dirs) = dirs.upgrade() {
        dirs.cleaner.running.fetch_sub(1, Ordering::AcqRel);
    }
}
