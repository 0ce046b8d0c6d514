//! Moving replicas between this broker's log directories, while they are in service (KIP-113).
//!
//! As Kafka's `ReplicaAlterLogDirsManager` and `ReplicaAlterLogDirsThread`: threads of their own
//! copy a log to its future one, throttled, and put that in its place once it has caught up. A
//! thread takes a partition and stays with it, so that `num.replica.alter.log.dirs.threads` are
//! copied at a time. Knows nothing of leaders: a replica is moved in any role.

mod copy;
mod pace;

use super::{Partition, PartitionError, Replicas};
use crate::log::{self, Log, LogDirs, LogError};
use crate::types::TopicPartition;
use pace::Pace;
use parking_lot::{Condvar, Mutex};
use std::collections::{HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Bytes copied at once, at most.
const CHUNK_BYTES: usize = 1 << 20;
/// Between two tries of a copy that failed, or a look at whether it is still wanted.
const PAUSE: Duration = Duration::from_millis(500);

/// One move under way.
#[derive(Clone)]
struct Move {
    partition: Arc<Partition>,
    future: Arc<Log>,
}

/// The moves under way, and their threads.
pub struct Moves {
    log_dirs: Arc<LogDirs>,
    queue: Mutex<Queue>,
    changed: Condvar,
    pace: Pace,
}

struct Queue {
    waiting: VecDeque<Move>,
    /// Waiting or being copied.
    known: HashSet<TopicPartition>,
    running: usize,
    threads: usize,
}

impl Moves {
    pub(super) fn new(log_dirs: Arc<LogDirs>) -> Arc<Moves> {
        let threads = log_dirs.dirs().len().max(1);
        let queue = Queue { waiting: VecDeque::new(), known: HashSet::new(), running: 0, threads };
        Arc::new(Moves {
            log_dirs,
            queue: Mutex::new(queue),
            changed: Condvar::new(),
            pace: Pace::default(),
        })
    }

    /// `num.replica.alter.log.dirs.threads`, and `replica.alter.log.dirs.io.max.bytes.per.second`.
    pub fn set_limits(&self, threads: usize, bytes_per_second: f64) {
        self.queue.lock().threads = threads.max(1);
        self.pace.set_rate(bytes_per_second);
        self.changed.notify_all();
    }

    fn start(self: &Arc<Self>, partition: &Arc<Partition>, future: Arc<Log>) {
        let mut queue = self.queue.lock();
        if !queue.known.insert(partition.id().clone()) {
            return;
        }
        queue.waiting.push_back(Move { partition: partition.clone(), future });
        if queue.running >= queue.threads {
            return;
        }
        let moves = self.clone();
        let thread = std::thread::Builder::new().name("log-dir-mover".into());
        match thread.spawn(move || moves.run()) {
            Ok(_) => queue.running += 1,
            Err(error) => tracing::error!(%error, "no thread to move a replica"),
        }
    }

    fn run(&self) {
        loop {
            let next = {
                let mut queue = self.queue.lock();
                let next = queue.waiting.pop_front();
                queue.running -= usize::from(next.is_none());
                next
            };
            let Some(next) = next else { return };
            let id = next.partition.id();
            let (from, to) = (next.partition.log().dir(), next.future.dir());
            let (from, to) = (from.display().to_string(), to.display().to_string());
            tracing::info!(partition = %id, from, to, "moving a replica");
            let outcome = self.carry_out(&next);
            match &outcome {
                Ok(true) => tracing::info!(partition = %id, "moved"),
                Ok(false) => tracing::info!(partition = %id, "no longer to be moved"),
                Err(error) => tracing::error!(partition = %id, %error, "cannot be moved"),
            }
            let mut queue = self.queue.lock();
            queue.known.remove(id);
            // It may have got another destination, or be in service again.
            if outcome.is_ok()
                && let Some(future) = self.log_dirs.future(id).filter(|f| !f.is_closed())
                && !next.partition.is_stopped()
            {
                queue.known.insert(id.clone());
                queue.waiting.push_back(Move { partition: next.partition.clone(), future });
            }
        }
    }

    /// Copies to the end. False if the move was given up meanwhile.
    fn carry_out(&self, one: &Move) -> Result<bool, PartitionError> {
        let Move { partition, future } = one;
        loop {
            if !self.log_dirs.is_future(future) || future.is_closed() || partition.is_stopped() {
                return Ok(false);
            }
            if !self.pace.is_free() {
                let mut queue = self.queue.lock();
                self.changed.wait_for(&mut queue, self.pace.pause().min(PAUSE));
                continue;
            }
            match self.step(partition, future) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // Full now; there may be room later.
                Err(error) if error.is_disk_full() => {
                    tracing::warn!(partition = %partition.id(), "disk full, the move waits");
                    let mut queue = self.queue.lock();
                    self.changed.wait_for(&mut queue, PAUSE);
                }
                Err(_) if !self.log_dirs.is_future(future) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    fn step(&self, partition: &Partition, future: &Arc<Log>) -> Result<bool, PartitionError> {
        let current = partition.log();
        let chunk = self.pace.chunk(CHUNK_BYTES);
        self.pace.spend(copy::advance(&current, future, chunk)?);
        let left = current.bytes_from(future.log_end_offset())?;
        if left > (chunk as u64).min(CHUNK_BYTES as u64 / 4) {
            return Ok(false);
        }
        // What is left is quickly copied while appends wait. Most of it is on disk by then.
        future.flush()?;
        partition.replace_log(&self.log_dirs, future)
    }
}

impl Replicas {
    /// Moves a replica to another directory, or has it made there later
    /// ([`NotLeader`](PartitionError::NotLeader)), as `ReplicaManager.alterReplicaLogDirs`.
    pub fn alter_log_dir(&self, id: &TopicPartition, dir: &Path) -> Result<(), PartitionError> {
        let _one = self.controller_epoch.lock();
        if !log::can_move(id) {
            return Err(LogError::NameTooLong.into());
        }
        self.log_dirs.check_dir(dir)?;
        let hosted = self.get(&id.topic, id.partition);
        if let Some(partition) = &hosted {
            partition.log().check_online()?;
            if self.log_dirs.future(id).is_some_and(|future| future.parent_dir() != dir) {
                partition.drop_future(&self.log_dirs)?;
            }
        }
        self.log_dirs.prefer(id, dir);
        let partition = hosted.ok_or(PartitionError::NotLeader)?;
        if let Some(future) = self.log_dirs.create_future(id, dir)? {
            self.moves.start(&partition, future);
        }
        Ok(())
    }

    /// The moves between directories.
    pub fn moves(&self) -> &Arc<Moves> {
        &self.moves
    }

    /// Takes up the move of a partition that is in service again, or for the first time.
    pub(super) fn resume_move(&self, partition: &Arc<Partition>) {
        if let Some(future) = self.log_dirs.future(partition.id()) {
            self.moves.start(partition, future);
        }
    }
}

#[cfg(test)]
mod tests;
