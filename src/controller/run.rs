//! The controller's loop: standing by, in office, and back.

use super::Controller;
use super::channel::{Answer, Answered};
use super::context::Replica;
use super::error::{ControllerError, Trouble};
use super::handle::Call;
use crate::metadata::records::paths;
use crate::metadata::store::{Change, Op, Session, StoreError, Watch};
use crate::types::{TopicName, TopicPartition};
use kafka_protocol::messages::{LeaderAndIsrResponse, StopReplicaResponse};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// Pause after a store failure before running for office again.
const PAUSE: Duration = Duration::from_millis(200);
/// First rebalance after taking office, as Kafka.
const FIRST_REBALANCE: Duration = Duration::from_secs(5);
/// `KAFKA_STORAGE_ERROR`: the replica's directory has failed.
const STORAGE_ERROR: i16 = 56;

/// Why a wait ended.
enum Standby {
    Run,
    Shutdown,
}

/// What the store's changes leave to be done, each once.
#[derive(Default)]
struct Pending {
    brokers: bool,
    topics: bool,
    changed_topics: BTreeSet<TopicName>,
    states: BTreeSet<TopicPartition>,
    deletions: bool,
    reassignment: bool,
    election: bool,
    isr_changes: bool,
    log_dirs: bool,
    controller: bool,
}

impl Pending {
    fn all() -> Self {
        Pending {
            brokers: true,
            topics: true,
            deletions: true,
            reassignment: true,
            election: true,
            isr_changes: true,
            log_dirs: true,
            controller: true,
            ..Pending::default()
        }
    }

    fn note(&mut self, path: &str) {
        if path.starts_with(paths::BROKER_IDS) {
            self.brokers = true;
        } else if let Some(rest) = path.strip_prefix(paths::TOPICS) {
            self.note_topic(path, rest.trim_start_matches('/'));
        } else if path.starts_with(paths::DELETE_TOPICS) {
            self.deletions = true;
        } else if path == paths::REASSIGN_PARTITIONS {
            self.reassignment = true;
        } else if path == paths::PREFERRED_REPLICA_ELECTION {
            self.election = true;
        } else if path.starts_with(paths::ISR_CHANGES) {
            self.isr_changes = true;
        } else if path.starts_with(paths::LOG_DIR_EVENTS) {
            self.log_dirs = true;
        } else if path == paths::CONTROLLER {
            self.controller = true;
        }
    }

    fn note_topic(&mut self, path: &str, rest: &str) {
        if let Some((topic, partition)) = paths::parse_partition_state(path) {
            self.states.insert(TopicPartition::new(topic, partition));
        } else if rest.is_empty() {
            self.topics = true;
        } else if !rest.contains('/') {
            self.topics = true;
            self.changed_topics.insert(rest.into());
        }
    }
}

/// The watches of a term, merged.
struct Watches {
    changes: mpsc::Receiver<Change>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Watches {
    fn drop(&mut self) {
        self.tasks.iter().for_each(|task| task.abort());
    }
}

async fn forward(mut watch: Watch, to: mpsc::Sender<Change>) {
    // The first item is the watch's own Resync, before anything has been read.
    watch.recv().await;
    while let Some(change) = watch.recv().await {
        if to.send(change).await.is_err() {
            return;
        }
    }
}

impl Controller {
    async fn open_watches(&self) -> Result<Watches, StoreError> {
        let (sender, changes) = mpsc::channel(super::QUEUE);
        let mut tasks = Vec::new();
        for path in [
            paths::BROKER_IDS,
            paths::TOPICS,
            paths::ADMIN,
            paths::ISR_CHANGES,
            paths::LOG_DIR_EVENTS,
            paths::CONTROLLER,
        ] {
            let watch = self.nodes.store.watch(path).await?;
            tasks.push(tokio::spawn(forward(watch, sender.clone())));
        }
        Ok(Watches { changes, tasks })
    }

    /// Runs until the last handle is dropped.
    pub(super) async fn run(mut self, mut calls: mpsc::Receiver<Call>) {
        loop {
            let trouble = match self.serve(&mut calls).await {
                Ok(()) => break,
                Err(trouble) => trouble,
            };
            tracing::warn!(%trouble, "the controller's term ends");
            self.resign();
            if !matches!(trouble, Trouble::Deposed) {
                self.leave_office().await;
                tokio::time::sleep(PAUSE).await;
            }
        }
        self.resign();
    }

    /// The session may live on with our `/controller`: nobody else could be elected.
    async fn leave_office(&self) {
        let own = (self.settings)().broker;
        let Ok(Some(node)) = self.nodes.store.get(paths::CONTROLLER).await else { return };
        let Session::Live(session) = *self.nodes.store.session().borrow() else { return };
        if node.stat.ephemeral_owner == session {
            let path = paths::CONTROLLER.into();
            let op = Op::Delete { path, version: Some(node.stat.version) };
            if let Err(error) = self.nodes.plain(op).await {
                tracing::warn!(own, %error, "/controller was not given up");
            }
        }
    }

    async fn serve(&mut self, calls: &mut mpsc::Receiver<Call>) -> Result<(), Trouble> {
        let mut watch = self.nodes.store.watch(paths::CONTROLLER).await?;
        let mut session = self.nodes.store.session();
        loop {
            let is_live = matches!(*session.borrow_and_update(), Session::Live(_));
            if is_live && let Some(won) = self.run_for_office().await? {
                let watches = self.open_watches().await?;
                let (sender, answers) = mpsc::channel(super::QUEUE);
                self.take_office(won, sender).await?;
                return self.govern(calls, watches, answers, session).await;
            }
            match stand_by(calls, &mut watch, &mut session).await {
                Standby::Run => {}
                Standby::Shutdown => return Ok(()),
            }
        }
    }

    async fn govern(
        &mut self,
        calls: &mut mpsc::Receiver<Call>,
        mut watches: Watches,
        mut answers: mpsc::Receiver<Answered>,
        mut session: watch::Receiver<Session>,
    ) -> Result<(), Trouble> {
        let term = *session.borrow();
        let grace = self.nodes.store.session_timeout().mul_f64(0.7);
        let mut suspended: Option<Instant> = None;
        let mut rebalance = Instant::now() + FIRST_REBALANCE;
        loop {
            tokio::select! {
                biased;
                changed = session.changed() => {
                    let now = *session.borrow_and_update();
                    match now {
                        Session::Suspended => {
                            suspended = suspended.or(Some(Instant::now() + grace));
                        }
                        Session::Live(_) if now == term && changed.is_ok() => suspended = None,
                        Session::Live(_) | Session::Lost => {
                            return Err(StoreError::SessionExpired.into());
                        }
                    }
                }
                () = until(suspended) => return Err(StoreError::SessionExpired.into()),
                Some(answered) = answers.recv() => self.on_answer(answered).await?,
                Some(change) = watches.changes.recv() => {
                    self.on_changes(change, &mut watches.changes).await?;
                }
                call = calls.recv() => match call {
                    Some(Call::Stop { reply }) => {
                        self.resign();
                        return answer_nested(reply, Ok(Ok(())));
                    }
                    None => return Ok(()),
                    Some(call) => self.on_call(call).await?,
                },
                () = tokio::time::sleep_until(rebalance) => {
                    let settings = (self.settings)();
                    rebalance = Instant::now() + settings.rebalance_interval;
                    if settings.rebalance {
                        self.rebalance().await?;
                    }
                }
            }
        }
    }

    async fn on_changes(
        &mut self,
        first: Change,
        more: &mut mpsc::Receiver<Change>,
    ) -> Result<(), Trouble> {
        let mut pending = Pending::default();
        let mut next = Some(first);
        while let Some(change) = next {
            match change {
                Change::Node(path) => pending.note(&path),
                Change::Resync => {
                    let changed_topics = self.context.topics.keys().cloned().collect();
                    let states = self.context.moving.clone();
                    pending = Pending { changed_topics, states, ..Pending::all() };
                }
            }
            next = more.try_recv().ok();
        }
        self.carry_out(pending).await
    }

    async fn carry_out(&mut self, pending: Pending) -> Result<(), Trouble> {
        if pending.controller && self.read_controller().await? != (self.settings)().broker {
            return Err(Trouble::Deposed);
        }
        if pending.brokers {
            self.on_brokers().await?;
        }
        if pending.topics {
            self.on_topics().await?;
        }
        for topic in &pending.changed_topics {
            self.on_topic(topic).await?;
        }
        if pending.isr_changes {
            self.on_isr_changes().await?;
        }
        if pending.log_dirs {
            self.on_log_dir_events().await?;
        }
        if pending.deletions {
            self.on_delete_topics().await?;
        }
        if pending.reassignment && self.legacy_moves.is_empty() {
            self.on_legacy_reassignment().await?;
        }
        if pending.election {
            self.on_legacy_election().await?;
        }
        for partition in &pending.states {
            self.on_in_sync(partition).await?;
        }
        Ok(())
    }

    async fn on_answer(&mut self, answered: Answered) -> Result<(), Trouble> {
        let Answered { epoch, broker, answer } = answered;
        if epoch != self.context.epoch {
            return Ok(());
        }
        match answer {
            Answer::LeaderAndIsr(response) => {
                if response.error_code != 0 {
                    tracing::warn!(broker, code = response.error_code, "LeaderAndIsr was refused");
                    return Ok(());
                }
                let (offline, online) = self.split(&response);
                self.on_leader_and_isr_answer(broker, offline, &online).await
            }
            Answer::StopReplica(response, asked) => {
                let (deleted, failed) = split_stopped(&response, asked, broker);
                self.on_replicas_deleted(deleted, failed).await
            }
            Answer::Overflow => self.on_started(&[broker]).await,
        }
    }

    /// Partitions on failed directories, and those that are fine.
    fn split(&self, response: &LeaderAndIsrResponse) -> (Vec<TopicPartition>, Vec<TopicPartition>) {
        let (mut offline, mut online) = (Vec::new(), Vec::new());
        for topic in &response.topics {
            let mut names = self.context.topics.iter();
            let Some((name, _)) = names.find(|(_, known)| known.id == topic.topic_id) else {
                continue;
            };
            for error in &topic.partition_errors {
                let partition = TopicPartition::new(name.clone(), error.partition_index);
                match error.error_code {
                    STORAGE_ERROR => offline.push(partition),
                    0 => online.push(partition),
                    // Most often 11: the broker knows this leader epoch already.
                    code => tracing::debug!(%partition, code, "LeaderAndIsr was not followed"),
                }
            }
        }
        (offline, online)
    }

    async fn on_call(&mut self, call: Call) -> Result<(), Trouble> {
        match call {
            Call::Stop { reply } => answer_nested(reply, Ok(Ok(()))),
            Call::AlterPartitions { broker, epoch, changes, reply } => {
                let result = self.alter_partitions(broker, epoch, changes).await;
                answer_nested(reply, result)
            }
            Call::CheckBroker { broker, epoch, reply } => {
                let known = self.context.brokers.contains_key(&broker);
                let checked = match known {
                    true => self.check_broker(broker, epoch),
                    false => Err(ControllerError::BrokerIdNotRegistered),
                };
                answer_nested(reply, Ok(checked))
            }
            Call::ControlledShutdown { broker, epoch, reply } => {
                let result = self.controlled_shutdown(broker, epoch).await;
                answer_nested(reply, result)
            }
            Call::ElectLeaders { kind, partitions, reply } => {
                let result = self.elect_leaders(kind, partitions).await;
                answer_nested(reply, result.map(Ok))
            }
            Call::Reassign { asked, reply } => {
                let result = self.reassign(asked).await;
                answer_nested(reply, result.map(Ok))
            }
            Call::Moving { of, reply } => {
                let moving = self.moving(of.as_deref());
                answer_nested(reply, Ok(Ok(moving)))
            }
            Call::TopicNames { ids, reply } => {
                let topics = self.context.topics.iter();
                let known = topics.filter(|(_, topic)| ids.contains(&topic.id));
                let names = known.map(|(name, topic)| (topic.id, name.clone())).collect();
                answer_nested(reply, Ok(Ok(names)))
            }
        }
    }
}

/// Answers a call; trouble is answered and passed on. The caller may have gone.
fn answer_nested<T>(
    reply: oneshot::Sender<Result<T, ControllerError>>,
    result: Result<Result<T, ControllerError>, Trouble>,
) -> Result<(), Trouble> {
    match result {
        Ok(result) => {
            let _ = reply.send(result);
            Ok(())
        }
        Err(trouble) => {
            let _ = reply.send(Err(trouble.clone().into()));
            Err(trouble)
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn stand_by(
    calls: &mut mpsc::Receiver<Call>,
    watch: &mut Watch,
    session: &mut watch::Receiver<Session>,
) -> Standby {
    loop {
        tokio::select! {
            change = watch.recv() => {
                if change.is_none() {
                    tokio::time::sleep(PAUSE).await;
                }
                return Standby::Run;
            }
            changed = session.changed() => {
                if changed.is_err() {
                    return Standby::Shutdown;
                }
                return Standby::Run;
            }
            call = calls.recv() => match call {
                // Dropping its reply answers NotController.
                Some(Call::Stop { reply }) => {
                    // Whoever asked may have gone.
                    let _ = reply.send(Ok(()));
                    return Standby::Shutdown;
                }
                None => return Standby::Shutdown,
                Some(call) => drop(call),
            },
        }
    }
}

fn split_stopped(
    response: &StopReplicaResponse,
    asked: Vec<TopicPartition>,
    broker: i32,
) -> (Vec<Replica>, Vec<Replica>) {
    let has_failed = |partition: &TopicPartition| {
        response.error_code != 0
            || response.partition_errors.iter().any(|error| {
                error.error_code != 0
                    && error.partition_index == partition.partition
                    && error.topic_name.as_str() == &*partition.topic
            })
    };
    let (failed, deleted): (Vec<_>, Vec<_>) = asked.into_iter().partition(has_failed);
    let with = |list: Vec<TopicPartition>| list.into_iter().map(|p| (p, broker)).collect();
    (with(deleted), with(failed))
}
