//! The thread that keeps the logs: retention, timed flushes, checkpoints, deferred deletion.

use super::api::LogError;
use super::dirs::LogDirs;
use super::open_files::OpenFiles;
use super::partition_log::Log;
use crate::types::now_ms;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_secs(1);

/// Starts the thread. It ends with `close`, or when the last owner of `dirs` is gone.
pub(super) fn start(dirs: &Arc<LogDirs>) -> Result<(), LogError> {
    let weak = Arc::downgrade(dirs);
    std::thread::Builder::new().name("log-upkeep".into()).spawn(move || run(&weak))?;
    Ok(())
}

impl LogDirs {
    /// The files of all logs that are open, and how many may be.
    pub fn open_files(&self) -> &OpenFiles {
        &self.shared.files
    }
}

fn run(dirs: &Weak<LogDirs>) {
    let (mut retained, mut checkpointed) = (Instant::now(), Instant::now());
    while let Some(dirs) = dirs.upgrade() {
        let mut stop = dirs.stop.lock();
        if !*stop {
            dirs.stopped.wait_for(&mut stop, TICK);
        }
        if *stop {
            return;
        }
        drop(stop);
        flush(&dirs);
        save_epochs(&dirs);
        if retained.elapsed() >= dirs.config.retention_interval {
            retain(&dirs);
            retained = Instant::now();
        }
        if checkpointed.elapsed() >= dirs.config.checkpoint_interval {
            dirs.checkpoint();
            checkpointed = Instant::now();
        }
        dirs.shared.files.sync_ahead();
        dirs.shared.empty_trash(now_ms());
    }
}

/// Syncs logs whose `flush.ms` is over, or that have rolled.
pub(super) fn flush(dirs: &LogDirs) {
    let due = |log: &Log| {
        let waited = now_ms().saturating_sub(log.last_flush_ms.load(Ordering::Relaxed));
        let rolled = log.active_segment().is_some_and(|s| s.base_offset > log.recovery_point());
        rolled || waited >= log.config().flush_ms && log.recovery_point() < log.log_end_offset()
    };
    for log in online(dirs).into_iter().chain(dirs.all_futures()).filter(|log| due(log)) {
        if let Err(error) = log.flush() {
            tracing::error!(%error, log = %log.topic_partition(), "not flushed");
        }
    }
}

/// Writes the epochs that began since, as many as can be in a part of a tick.
fn save_epochs(dirs: &LogDirs) {
    let begun = Instant::now();
    for log in online(dirs).into_iter().chain(dirs.all_futures()) {
        match log.save_epochs() {
            Ok(()) => {}
            Err(error) if error.is_disk_full() => return,
            Err(error) => log.dir_state.fail_unless_short(&error),
        }
        if begun.elapsed() > TICK / 4 {
            return;
        }
    }
}

fn retain(dirs: &LogDirs) {
    let now = now_ms();
    for log in online(dirs) {
        if log.is_moving() {
            continue;
        }
        match log.delete_old_segments(now) {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, log = %log.topic_partition(), "deleted segments"),
            Err(error) => {
                let failed: Result<(), _> = log.checked(Err(error));
                tracing::warn!(?failed, log = %log.topic_partition(), "no segments deleted");
            }
        }
        log.expire_producers(now.saturating_sub(dirs.producer_expiry_ms.load(Ordering::Relaxed)));
    }
}

fn online(dirs: &LogDirs) -> Vec<Arc<Log>> {
    dirs.all().into_iter().filter(|log| log.dir_state.is_online()).collect()
}
