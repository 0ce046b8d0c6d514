//! Which log is cleaned when, by how many threads (Kafka's LogCleanerManager).
//!
//! The dirtiest log goes first, if it is dirty enough or has waited for too long. How far a log
//! is clean is kept in `cleaner-offset-checkpoint`. A log that cannot be cleaned is marked, said
//! once, and left alone until the broker starts again.

use super::clean::{self, Budget, Outcome};
use crate::config::{BrokerConfig, key};
use crate::log::LogError;
use crate::log::checkpoint;
use crate::log::dirs::LogDirs;
use crate::log::partition_log::Log;
use crate::types::{TopicPartition, now_ms};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

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
                bytes_per_second: config.get(key::LOG_CLEANER_IO_MAX_BYTES_PER_SECOND),
            },
        }
    }
}

/// What the threads share.
#[derive(Debug)]
pub struct Cleaner {
    config: Mutex<CleanerConfig>,
    running: AtomicUsize,
    under_way: Mutex<HashSet<TopicPartition>>,
    uncleanable: Mutex<HashSet<TopicPartition>>,
    checkpoints: Mutex<()>,
}

/// A log to clean, and between which offsets.
struct Candidate {
    log: Arc<Log>,
    first_dirty: i64,
    end: i64,
    dirty_ratio: f64,
    overdue: bool,
}

impl Cleaner {
    /// Nothing runs yet.
    pub fn new(config: CleanerConfig) -> Cleaner {
        Cleaner {
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
        self.uncleanable.lock().iter().cloned().collect()
    }

    /// Cleans the dirtiest log that is due; whether there was one.
    pub fn clean_one(&self, dirs: &LogDirs) -> bool {
        let budget = self.config.lock().budget;
        let Some(candidate) = self.take(dirs) else { return false };
        let Candidate { log, first_dirty, end, .. } = &candidate;
        let result = clean::clean(log, *first_dirty, *end, now_ms(), budget);
        let id = log.topic_partition();
        match result {
            Ok(outcome) => self.cleaned(dirs, &candidate, outcome),
            Err(error) if error.is_disk_full() => {
                tracing::warn!(log = %id, "disk full, cleaned later");
            }
            Err(error) => {
                tracing::error!(log = %id, %error, "cannot be cleaned: left as it is");
                self.uncleanable.lock().insert(id.clone());
            }
        }
        self.under_way.lock().remove(id);
        true
    }

    fn cleaned(&self, dirs: &LogDirs, candidate: &Candidate, outcome: Outcome) {
        let log = &candidate.log;
        let Outcome { clean_to, read, written } = outcome;
        let id = log.topic_partition();
        tracing::info!(log = %id, from = candidate.first_dirty, clean_to, read, written, "cleaned");
        if let Err(error) = self.write_checkpoint(dirs, log, clean_to) {
            log.dir_state.fail_unless_short(&error);
        }
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
    fn take(&self, dirs: &LogDirs) -> Option<Candidate> {
        let mut under_way = self.under_way.lock();
        let uncleanable = self.uncleanable.lock().clone();
        let mut best: Option<Candidate> = None;
        for log in dirs.all() {
            let id = log.topic_partition();
            let skip = under_way.contains(id) || uncleanable.contains(id) || log.is_moving();
            if skip || !log.config().cleanup_policy.compact || !log.dir_state.is_online() {
                continue;
            }
            let Some(candidate) = self.candidate(log) else { continue };
            let rank = |c: &Candidate| (c.overdue, c.dirty_ratio);
            if best.as_ref().is_none_or(|best| rank(best) < rank(&candidate)) {
                best = Some(candidate);
            }
        }
        under_way.extend(best.as_ref().map(|c| c.log.topic_partition().clone()));
        best
    }

    fn candidate(&self, log: Arc<Log>) -> Option<Candidate> {
        let checkpoints = checkpoint::read(&log.parent_dir().join(checkpoint::CLEANER));
        let known = checkpoints.ok()?.get(log.topic_partition()).copied().unwrap_or(0);
        let (start, log_end) = (log.log_start_offset(), log.log_end_offset());
        // A log that was truncated below what was clean begins anew.
        let first_dirty = if (start..=log_end).contains(&known) { known } else { start };
        let config = log.config();
        let now = now_ms();
        let end = first_uncleanable(&log, now, config.min_compaction_lag_ms);
        let segments = log.segments.load_full();
        let (mut clean, mut dirty, mut oldest) = (0u64, 0u64, i64::MAX);
        for segment in segments.iter().filter(|s| s.base_offset < end) {
            if segment.base_offset < first_dirty {
                clean += segment.size();
            } else {
                dirty += segment.size();
                oldest = oldest.min(segment.first_timestamp_ms());
            }
        }
        if dirty == 0 {
            return None;
        }
        let dirty_ratio = dirty as f64 / (clean + dirty) as f64;
        let overdue = now.saturating_sub(oldest) > config.max_compaction_lag_ms;
        let due = overdue || dirty_ratio > config.min_cleanable_dirty_ratio;
        due.then_some(Candidate { log, first_dirty, end, dirty_ratio, overdue })
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

/// Base offset of the first segment that must not be cleaned yet: the active one, those that are
/// not decided, and those younger than `min.compaction.lag.ms`.
fn first_uncleanable(log: &Log, now_ms: i64, min_lag_ms: i64) -> i64 {
    let segments = log.segments.load_full();
    let stable = log.last_stable_offset();
    let active = segments.last().map_or(0, |s| s.base_offset);
    let mut end = active;
    for (at, segment) in segments.iter().enumerate() {
        let next = segments.get(at + 1).map_or(i64::MAX, |next| next.base_offset);
        let young = min_lag_ms > 0 && segment.age_timestamp() > now_ms.saturating_sub(min_lag_ms);
        if next > stable || young {
            end = end.min(segment.base_offset);
            break;
        }
    }
    end
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
