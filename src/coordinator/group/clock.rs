//! The clock of the coordinator: a parameter, so that a test can let days pass.

use tokio::time::Instant;

use super::classic::Now;
use crate::types::now_ms;

/// Tells the time, both kinds of it.
pub(super) trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Now;
}

/// The clock of the machine; ticks are counted from when it was made.
pub(super) struct SystemClock(Instant);

impl SystemClock {
    /// Begins to count ticks.
    pub fn start() -> SystemClock {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { ticks: self.0.elapsed().as_millis() as i64, wall: now_ms() }
    }
}
