//! The budget of open files: a file of a log is opened when it is needed and may be closed when
//! others are. Kafka keeps every segment open and asks for a large `ulimit -n` instead.
//!
//! A clock, not a list by time: a use sets a flag and takes no common lock; whoever needs room
//! goes round, clears flags, and closes the first file that has not been used since. What is in
//! somebody's hands (a write, a region on its way to a socket) is passed over: closing the pool's
//! descriptor would give nothing back.
//!
//! A file with unsynced writes is not closed as it is. Linux reports a failed write-back to the
//! descriptors that are open then, and forgets it once the inode leaves memory: a descriptor
//! opened later may sync successfully what was lost. So it is synced first, by the upkeep thread
//! when such files become many, by whoever needs room when there is no other.

use super::pooled::{Evicted, Pooled};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Fewest files that a budget may be.
const FILES_MIN: usize = 8;

/// The files of all logs of a broker that are open, and how many may be.
#[derive(Debug)]
pub struct OpenFiles {
    budget: AtomicUsize,
    open: AtomicUsize,
    /// Of those, how many have unsynced writes.
    unsynced: AtomicUsize,
    clock: Mutex<VecDeque<Weak<Pooled>>>,
}

impl Default for OpenFiles {
    /// As many as the process may have, less room for sockets.
    fn default() -> Self {
        OpenFiles::with_budget(default_budget())
    }
}

impl OpenFiles {
    /// At most `budget` files, and not fewer than a log needs at once.
    pub fn with_budget(budget: usize) -> OpenFiles {
        OpenFiles {
            budget: AtomicUsize::new(budget.max(FILES_MIN)),
            open: AtomicUsize::new(0),
            unsynced: AtomicUsize::new(0),
            clock: Mutex::default(),
        }
    }

    /// Another budget, at once; `None` is the one that follows from the process's limit.
    pub fn set_budget(&self, budget: Option<usize>) {
        let budget = budget.unwrap_or_else(default_budget).max(FILES_MIN);
        self.budget.store(budget, Ordering::Relaxed);
        while self.open.load(Ordering::Relaxed) > budget && self.close_one() {}
    }

    /// Files that may be open.
    pub fn budget(&self) -> usize {
        self.budget.load(Ordering::Relaxed)
    }

    /// Files that are open. A few more than the budget, for a moment, if several threads open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts a file that is about to be opened, and closes another if there are too many.
    pub(super) fn reserve(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        while self.open.load(Ordering::Relaxed) > self.budget() && self.close_one() {}
    }

    /// One less is open.
    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn count_unsynced(&self, more: bool) {
        match more {
            true => self.unsynced.fetch_add(1, Ordering::Relaxed),
            false => self.unsynced.fetch_sub(1, Ordering::Relaxed),
        };
    }

    /// A file that is open from now on.
    pub(super) fn add(&self, file: Weak<Pooled>) {
        let mut clock = self.clock.lock();
        // Those of segments that are gone: they count no more, and go when they are many.
        if clock.len() > 2 * self.open() + 64 {
            clock.retain(|file| file.strong_count() > 0);
        }
        clock.push_back(file);
    }

    /// Closes a file that was not used lately; false if none can be.
    pub(super) fn close_one(&self) -> bool {
        self.go_round(2, Pooled::close_if_unused) || self.go_round(1, Pooled::sync_and_close)
    }

    /// Goes round the clock until a file is closed. No lock of the clock is held meanwhile.
    fn go_round(&self, rounds: usize, close: impl Fn(&Pooled) -> Evicted) -> bool {
        let steps = rounds * self.clock.lock().len();
        for _ in 0..steps {
            let Some(next) = self.clock.lock().pop_front() else { return false };
            let Some(file) = next.upgrade() else { continue };
            match close(&file) {
                Evicted::Now => return true,
                Evicted::Before => {}
                Evicted::No => self.clock.lock().push_back(next),
            }
        }
        false
    }

    /// Syncs files that were not used lately if so many are open and unsynced that soon a thread
    /// that serves requests would have to; gives how many. For the upkeep thread.
    pub fn sync_ahead(&self) -> usize {
        let budget = self.budget();
        let many = || self.unsynced.load(Ordering::Relaxed) > budget / 2;
        if self.open() < budget / 4 * 3 || !many() {
            return 0;
        }
        let mut synced = 0;
        let all: Vec<_> = self.clock.lock().iter().cloned().collect();
        for file in all.iter().filter_map(Weak::upgrade) {
            if !many() {
                break;
            }
            synced += usize::from(file.sync_if_unused());
        }
        synced
    }
}

/// What the process may have open, after its soft limit was raised to the hard one, less a
/// quarter (at least 64) for sockets and what is open for a moment.
fn default_budget() -> usize {
    let limit = usize::try_from(raised_limit()).unwrap_or(usize::MAX);
    limit.saturating_sub((limit / 4).max(64))
}

/// Raises the soft limit of open files to the hard one, as servers do; gives what it is then.
pub fn raised_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, ?limit, "the limit of open files stays as it is");
        }
    }
    getrlimit(Resource::Nofile).current.unwrap_or(1 << 20)
}

#[cfg(test)]
#[path = "open_files_tests.rs"]
mod tests;
