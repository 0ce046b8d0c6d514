//! One history: brokers, producers, and the steps that chance takes.

use super::clients::{Ask, Book, ask, draw};
use super::cluster::{Broker, Cluster, Faults};
use super::*;
use crate::coordinator::transaction::machine::{LAST_EPOCH, NO_PRODUCER_EPOCH, Snapshot};
use crate::coordinator::transaction::records::{encode_key, encode_value};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const BROKERS: usize = 3;
const CLIENTS: usize = 3;
/// When each history begins, ms since 1970.
const BEGIN_MS: i64 = 1_700_000_000_000;

pub struct History {
    random: StdRng,
    cluster: Arc<Cluster>,
    brokers: Vec<Arc<TransactionCoordinator>>,
    ids: Arc<Ids>,
    book: Arc<Mutex<Book>>,
    begun: Instant,
    /// Brokers that were deposed and do not know it yet.
    deposed: BTreeSet<usize>,
    pub steps: Vec<String>,
}

impl History {
    pub async fn begin(seed: u64) -> History {
        let mut history = History {
            random: StdRng::seed_from_u64(seed),
            cluster: Cluster::new(seed),
            brokers: Vec::new(),
            ids: Arc::new(Ids::default()),
            book: Book::with_clients(CLIENTS),
            begun: Instant::now(),
            deposed: BTreeSet::new(),
            steps: Vec::new(),
        };
        history.brokers = (0..BROKERS).map(|id| history.start(id)).collect();
        if history.random.random_bool(0.3) {
            history.write_a_producer_at_its_last_epochs();
        }
        history.elect(0).await;
        history
    }

    fn write_a_producer_at_its_last_epochs(&mut self) {
        let snapshot = Snapshot {
            producer_id: 7,
            producer_epoch: LAST_EPOCH - self.random.random_range(0..6),
            last_producer_epoch: NO_PRODUCER_EPOCH,
            timeout_ms: 30_000,
            state: State::CompleteCommit,
            partitions: BTreeSet::new(),
            start_ms: BEGIN_MS,
            update_ms: BEGIN_MS,
        };
        self.cluster.write_before(encode_key(ID), encode_value(&snapshot));
    }

    fn start(&self, id: usize) -> Arc<TransactionCoordinator> {
        let broker = Arc::new(Broker { id, cluster: self.cluster.clone() });
        let begun = self.begun;
        let config = TransactionConfig {
            expiry_interval: Duration::from_secs(60),
            expiration_ms: 300_000,
            clock: Clock::new(move || BEGIN_MS + begun.elapsed().as_millis() as i64),
            ..TransactionConfig::default()
        };
        let runtime = tokio::runtime::Handle::current();
        TransactionCoordinator::start(config, broker.clone(), broker, self.ids.clone(), runtime)
    }

    fn leader(&self) -> Arc<TransactionCoordinator> {
        self.brokers[self.cluster.leader()].clone()
    }

    pub fn wrong(&self) -> Option<String> {
        self.cluster.wrong()
    }

    /// How many transactions with writes were ended with an answer.
    pub fn committed(&self) -> u64 {
        let (outcomes, _) = self.cluster.ends();
        self.book.lock().told.keys().filter(|number| outcomes.contains_key(number)).count() as u64
    }

    /// One step, drawn and noted.
    pub async fn step(&mut self) {
        let kind = self.random.random_range(0..1000);
        match kind {
            0..550 => self.ask().await,
            550..780 => self.rest(1..60).await,
            780..850 => self.rest(100..4000).await,
            850..862 => self.rest(20_000..70_000).await,
            862..864 => self.rest(300_000..500_000).await,
            864..890 => {
                let id = self.random.random_range(0..BROKERS);
                self.note(format!("broker {id} leads"));
                self.elect(id).await;
            }
            890..910 => self.resign(),
            910..912 => {
                let index = self.random.random_range(1..PARTITIONS);
                self.note(format!("partition {index} is deleted"));
                self.cluster.delete(index);
            }
            912..960 => self.change_faults(),
            _ => self.refuse().await,
        }
    }

    fn note(&mut self, step: String) {
        let at = self.begun.elapsed().as_millis();
        self.steps.push(format!("{at} ms: {step}"));
    }

    async fn rest(&mut self, ms: std::ops::Range<u64>) {
        let ms = self.random.random_range(ms);
        self.note(format!("{ms} ms pass"));
        sleep(Duration::from_millis(ms)).await;
    }

    /// Mostly the one that has the id: else nobody would come to an end.
    fn client(&mut self) -> usize {
        let any = self.random.random_range(0..CLIENTS);
        let is_any = self.random.random_bool(0.04);
        if is_any { any } else { self.book.lock().holder().unwrap_or(any) }
    }

    async fn ask(&mut self) {
        let client = self.client();
        if self.book.lock().is_busy(client) {
            return;
        }
        let what = draw(&self.book, client, &mut self.random);
        let timeout_ms = self.random.random_range(5_000..60_000);
        self.note(format!("producer {client}: {what:?}"));
        let (cluster, book) = (self.cluster.clone(), self.book.clone());
        tokio::spawn(ask(self.leader(), cluster, book, client, what, timeout_ms));
        // It runs until it waits for something.
        tokio::task::yield_now().await;
    }

    fn change_faults(&mut self) {
        let mut odds = |most: u32| {
            if self.random.random_bool(0.6) { 0 } else { self.random.random_range(0..most) }
        };
        let faults = Faults {
            refused: odds(40),
            unreplicated: odds(40),
            slow: odds(60),
            no_marker: odds(70),
            lost: odds(50),
            is_silent: odds(10) > 6,
        };
        self.note(format!("{faults:?}"));
        self.cluster.set_faults(faults);
    }

    /// Another broker, or the same anew, leads; the old one learns it later, if at all.
    async fn elect(&mut self, id: usize) {
        // What is ready runs first, so that loading on a thread of its own changes no order.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let old = self.cluster.leader();
        if old != id {
            self.deposed.insert(old);
        }
        self.deposed.remove(&id);
        let epoch = self.cluster.elect(id);
        self.brokers[id].on_leadership(0, epoch);
        while self.brokers[id].owned(ID).err() == Some(TransactionError::LoadInProgress) {
            tokio::task::yield_now().await;
        }
    }

    fn resign(&mut self) {
        let Some(id) = self.deposed.pop_first() else { return };
        self.note(format!("broker {id} learns that it does not lead"));
        if self.random.random_bool(0.5) {
            self.brokers[id].on_resignation(0);
        } else {
            self.brokers[id].shutdown();
            self.brokers[id] = self.start(id);
        }
    }

    /// While nothing is under way: what cannot be appended leaves everything as it was, except
    /// that the epoch of a fence is used up.
    async fn refuse(&mut self) {
        let coordinator = self.leader();
        let Some((before, None)) = found(&coordinator) else { return };
        let is_ending = matches!(before.state, State::PrepareCommit | State::PrepareAbort);
        if is_ending || !self.book.lock().is_idle() {
            return;
        }
        let client = self.client();
        let what = draw(&self.book, client, &mut self.random);
        self.note(format!("producer {client}, refused: {what:?}"));
        let normal = self.cluster.set_faults(Faults { refused: 100, ..Faults::default() });
        let (cluster, book) = (self.cluster.clone(), self.book.clone());
        ask(coordinator.clone(), cluster, book, client, what, 9000).await;
        self.cluster.set_faults(normal);
        let Some((mut after, pending)) = found(&coordinator) else {
            return self.cluster.blame("the id is gone after a refusal".to_owned());
        };
        let is_fence = matches!(what, Ask::Take | Ask::Renew) && before.state == State::Ongoing;
        if is_fence && Some(after.producer_epoch) == before.producer_epoch.checked_add(1) {
            after.producer_epoch = before.producer_epoch;
        }
        after.update_ms = before.update_ms;
        if after != before || pending.is_some() {
            self.cluster.blame(format!("{before:?} became {after:?}, to be {pending:?}"));
        }
    }

    /// The brokers answer again: everything comes to its end.
    pub async fn settle(&mut self) {
        self.note("all brokers answer".to_owned());
        self.cluster.set_faults(Faults::default());
        while !self.deposed.is_empty() {
            self.resign();
        }
        let is_quiet = |history: &History| {
            let is_done = |(now, pending): (Snapshot, Option<State>)| {
                now.state.may_expire() && pending.is_none()
            };
            history.book.lock().is_idle() && found(&history.leader()).is_none_or(is_done)
        };
        for _ in 0..150 {
            sleep(Duration::from_secs(1)).await;
            if is_quiet(self) {
                return self.check_ends().await;
            }
        }
        self.cluster.blame(format!("a transaction hangs: {:?}", found(&self.leader())));
    }

    async fn check_ends(&mut self) {
        let (outcomes, open) = self.cluster.ends();
        if !open.is_empty() {
            self.cluster.blame(format!("open in partitions: {open:?}"));
        }
        for (number, ends) in outcomes {
            let told = self.book.lock().told.get(&number).map(|end| *end == Outcome::Commit);
            let is_right = ends.len() <= 1 && told.is_none_or(|told| !ends.contains(&!told));
            if !is_right {
                self.cluster.blame(format!("transaction {number} ended {ends:?}, told {told:?}"));
            }
        }
        let request = InitRequest { transactional_id: ID.into(), timeout_ms: 9000, expected: None };
        if let Err(error) = self.leader().init(request).await {
            self.cluster.blame(format!("no producer can begin: {error}"));
        }
    }
}

/// The transactional id as the coordinator has it, and what it is about to be.
fn found(coordinator: &TransactionCoordinator) -> Option<(Snapshot, Option<State>)> {
    let cell = coordinator.owned(ID).ok()?.get(ID)?;
    let transaction = cell.transaction.lock();
    Some((transaction.current().clone(), transaction.pending()))
}
