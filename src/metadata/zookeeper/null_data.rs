//! Nodes without data, which the client crate cannot make: it sends empty data instead.
//!
//! It matters: a JVM controller takes an empty `/latest_producer_id_block` for a damaged one, and
//! only `null` for "none yet". So creates of such nodes go over a small session of their own, which
//! is closed after a moment without work. Persistent nodes do not care who made them.

use super::connect_string::ConnectString;
use super::raw::{RawError, RawSession};
use crate::metadata::store::{Done, Life, Op, StoreError};
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// How long the session is kept without work; far less than any session time-out, so that it needs
/// no heartbeat.
const IDLE: Duration = Duration::from_millis(500);

/// Commits that may wait; more callers wait outside.
const QUEUE: usize = 64;

/// Whether a commit creates a node without data and nothing that belongs to a session.
pub(super) fn is_needed(ops: &[Op]) -> bool {
    let without_data =
        |op: &Op| matches!(op, Op::Create { data: None, life: Life::Persistent, .. });
    let possible = |op: &Op| match op {
        Op::Create { life, .. } => *life == Life::Persistent,
        Op::Check { .. } => true,
        Op::Set { .. } | Op::Delete { .. } => false,
    };
    ops.iter().any(without_data) && ops.iter().all(possible)
}

struct Job {
    ops: Vec<Op>,
    deadline: Instant,
    reply: oneshot::Sender<Result<Option<Vec<Done>>, StoreError>>,
}

/// The session's handle. The session is opened when first needed.
pub(super) struct NullData {
    target: ConnectString,
    session_timeout: Duration,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
}

impl NullData {
    pub(super) fn new(target: ConnectString, session_timeout: Duration) -> Self {
        let (sender, jobs) = mpsc::channel(QUEUE);
        tokio::spawn(run(target.clone(), session_timeout, jobs));
        NullData { target, session_timeout, jobs: Mutex::new(Some(sender)) }
    }

    /// Creates the chroot, parents first, in a session that is then closed.
    pub(super) async fn create_chroot(
        &self,
        chroot: &str,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        let unreachable = || StoreError::Unavailable("ZooKeeper cannot be reached".to_string());
        let mut target = self.target.clone();
        let work = async {
            let mut session = loop {
                match RawSession::open(&mut target, "", self.session_timeout).await {
                    Ok(session) => break session,
                    Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
                }
            };
            let ends = chroot.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(at, _)| at);
            for end in ends.chain([chroot.len()]) {
                let path = chroot.get(..end).unwrap_or(chroot).to_string();
                let create = Op::Create { path, data: None, life: Life::Persistent };
                match session.commit(&[create]).await {
                    Ok(_) | Err(RawError::Refused(StoreError::NodeExists(_))) => {}
                    Err(RawError::Refused(error)) => return Err(error),
                    Err(RawError::Broken(error)) => {
                        return Err(StoreError::Unavailable(error.to_string()));
                    }
                }
            }
            session.close().await;
            Ok(())
        };
        tokio::time::timeout_at(deadline, work).await.unwrap_or_else(|_| Err(unreachable()))
    }

    /// Carries out a commit for which [`is_needed`] holds. `None`: there is no session to be had
    /// and nothing was done.
    pub(super) async fn commit(
        &self,
        ops: &[Op],
        deadline: Instant,
    ) -> Result<Option<Vec<Done>>, StoreError> {
        let Some(jobs) = self.jobs.lock().clone() else { return Err(StoreError::SessionExpired) };
        let (reply, outcome) = oneshot::channel();
        let job = Job { ops: ops.to_vec(), deadline, reply };
        if jobs.send(job).await.is_err() {
            return Ok(None);
        }
        outcome.await.unwrap_or(Err(StoreError::SessionExpired))
    }

    /// Lets the session end once its work is done.
    pub(super) async fn close(&self) {
        drop(self.jobs.lock().take());
    }
}

async fn run(mut target: ConnectString, session_timeout: Duration, mut jobs: mpsc::Receiver<Job>) {
    let chroot = target.chroot.clone().unwrap_or_default();
    let mut session: Option<RawSession> = None;
    loop {
        let job = match &session {
            None => jobs.recv().await,
            Some(_) => match tokio::time::timeout(IDLE, jobs.recv()).await {
                Ok(job) => job,
                Err(_) => {
                    close(session.take()).await;
                    continue;
                }
            },
        };
        let Some(Job { ops, deadline, reply }) = job else { break };
        if deadline <= Instant::now() {
            // Nobody waits any more: a write that comes late must not be made.
            continue;
        }
        let mut current = match session.take() {
            Some(current) => current,
            None => match RawSession::open(&mut target, &chroot, session_timeout).await {
                Ok(opened) => opened,
                Err(_) => {
                    let _ = reply.send(Ok(None));
                    continue;
                }
            },
        };
        let outcome = match tokio::time::timeout_at(deadline, current.commit(&ops)).await {
            Ok(Ok(done)) => Ok(Some(done)),
            Ok(Err(RawError::Refused(error))) => Err(error),
            Ok(Err(RawError::Broken(error))) => Err(StoreError::Unavailable(error.to_string())),
            Err(_) => Err(StoreError::Unavailable("no answer in time".to_string())),
        };
        if !matches!(outcome, Err(StoreError::Unavailable(_))) {
            session = Some(current);
        }
        let _ = reply.send(outcome);
    }
    close(session).await;
}

async fn close(session: Option<RawSession>) {
    if let Some(session) = session {
        session.close().await;
    }
}
