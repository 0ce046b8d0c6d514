//! The world of a history: clients, brokers of which one coordinates, and what is drawn.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::check::{Told, find};
use super::client::{Client, Doing, GROUP, PARTS};
use super::log::{Faults, Replica, Topic};
use super::offsets::{Commit, Offsets};
use crate::coordinator::group::classic::{Identity, LeavingMember, Now};
use crate::coordinator::group::clock::Clock;
use crate::coordinator::group::coordinator::GroupCoordinator;
use crate::coordinator::group::records::OffsetValue;
use crate::coordinator::group::topics::{ImageTopics, Topics};
use crate::coordinator::group::{CommitRequest, CommitResults, GroupConfig};
use crate::coordinator::state_log::{ControlMarker, Producer, StateLogError, partition_of};
use crate::types::TopicPartition;

const CLIENTS: usize = 7;
const DAY_MS: i64 = 86_400_000;
/// Rounds at the end in which those who were turned away come again: the group may be full of
/// members that are gone, whose sessions must end first.
const RETURNS: usize = 20;
/// Nobody waits longer: a rebalance, one for those who did not sync, and a store.
const PATIENCE: Duration = Duration::from_secs(150);

/// A clock of the test's own making: `tokio`'s, and a wall clock that may jump ahead.
pub struct TestClock {
    began: Instant,
    ahead: AtomicI64,
}

impl TestClock {
    pub fn start() -> TestClock {
        TestClock { began: Instant::now(), ahead: AtomicI64::new(1_700_000_000_000) }
    }

    /// Lets time pass on the wall only.
    pub fn jump(&self, ms: i64) {
        self.ahead.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        let ticks = self.began.elapsed().as_millis() as i64;
        Now { ticks, wall: ticks + self.ahead.load(Ordering::Relaxed) }
    }
}

/// A coordinator, and which of its loads is meant.
#[derive(Clone)]
pub struct Broker {
    pub coordinator: Arc<GroupCoordinator>,
    pub incarnation: u64,
    pub replica: Arc<Replica>,
}

pub struct World {
    rng: StdRng,
    config: GroupConfig,
    clock: Arc<TestClock>,
    topic: Arc<Topic>,
    partition: i32,
    broker: Broker,
    /// Deposed, and not told.
    deposed: Vec<Broker>,
    clients: Vec<Client>,
    /// Answers that nobody waits for any more must come too.
    lost: Vec<(JoinHandle<()>, Instant)>,
    told: Told,
    offsets: Offsets,
    commits: Vec<Commit>,
    count: i64,
}

impl World {
    pub async fn new(mut rng: StdRng) -> World {
        let config = GroupConfig {
            initial_rebalance_delay_ms: [0, 3_000][rng.random_range(0..2)],
            max_size: [usize::MAX, 4][rng.random_range(0..2)],
            offsets_retention_ms: DAY_MS,
            retention_check_interval_ms: i64::from(i32::MAX),
            ..GroupConfig::default()
        };
        let topic: Arc<Topic> = Arc::default();
        let partition = partition_of(GROUP, 50);
        let clock = Arc::new(TestClock::start());
        let broker = start(&config, &topic, no_topics(), partition, &clock, 0);
        let mut world = World {
            clients: (0..CLIENTS).map(|n| Client::new(n, broker.clone())).collect(),
            rng,
            config,
            clock,
            topic,
            partition,
            broker,
            deposed: Vec::new(),
            lost: Vec::new(),
            told: Told::default(),
            offsets: Offsets::default(),
            commits: Vec::new(),
            count: 0,
        };
        world.lead().await;
        world
    }

    fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    /// A number that nobody had.
    fn next(&mut self) -> i64 {
        self.count += 1;
        self.count
    }

    /// Draws a step and takes it.
    pub async fn step(&mut self, steps: &mut Vec<String>) {
        let client = self.below(CLIENTS);
        let drawn = self.below(100);
        let mut say = |what: &str| steps.push(what.to_owned());
        match drawn {
            0..40 => {
                say(&format!("client {client} goes on"));
                self.act(client);
            }
            40..45 => {
                say(&format!("client {client} loses an answer"));
                self.lose(client);
            }
            45..49 => {
                say(&format!("client {client} dies"));
                self.lose(client);
                self.clients[client].die();
            }
            49..53 => {
                say(&format!("client {client} leaves"));
                self.leave(client);
            }
            53..68 => {
                let ms = [1, 100, 1_000, 3_000, 5_000, 11_000, 61_000][self.below(7)];
                say(&format!("{ms} ms pass"));
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            68..74 => {
                let faults = self.faults();
                say(&format!("{faults:?}"));
                self.topic.set_faults(faults);
            }
            74..79 => {
                let how = self.below(4);
                say(&format!("the coordinator moves, way {how}"));
                self.go(how).await;
            }
            79..91 => {
                let what = self.commit(client).await;
                say(&what);
            }
            91..94 => {
                let (producer, is_commit) = (self.below(2) as i64, self.below(2) == 0);
                say(&format!("transaction of {producer} ends: {is_commit}"));
                self.end_transaction(producer, is_commit);
            }
            94..96 => {
                say("an offset is deleted");
                self.delete_offset(drawn == 94);
            }
            96 => {
                say("the group is deleted");
                if self.broker.coordinator.delete_group(GROUP).is_ok() {
                    self.offsets = Offsets::default();
                    self.commits.iter_mut().for_each(|commit| commit.is_forgotten = true);
                    self.told.forget();
                }
            }
            _ => {
                let ms = [0, 1_800_000, DAY_MS, DAY_MS + 1][self.below(4)];
                say(&format!("{ms} ms later offsets expire"));
                self.expire(ms);
            }
        }
        self.look().await;
    }

    fn act(&mut self, client: usize) {
        let unique = self.next() as u128;
        let comes_back = self.below(4) == 0;
        let finds = self.below(5) != 0;
        let now = self.broker.clone();
        let client = &mut self.clients[client];
        if finds && matches!(client.doing, Doing::Nothing) {
            client.broker = now;
        }
        if !client.is_out || comes_back {
            client.act(unique);
        }
    }

    fn lose(&mut self, client: usize) {
        let client = &mut self.clients[client];
        let Some(since) = client.waits_since() else { return };
        let lost = match std::mem::replace(&mut client.doing, Doing::Nothing) {
            Doing::Joining(pending) => tokio::spawn(pending.answer.map(drop)),
            Doing::Syncing(pending) => tokio::spawn(pending.answer.map(drop)),
            Doing::Nothing | Doing::Member => return,
        };
        self.lost.push((lost, since));
    }

    fn leave(&mut self, client: usize) {
        let is_administrator = self.below(4) == 0;
        self.lose(client);
        let client = &mut self.clients[client];
        let mut identity = client.identity();
        if is_administrator {
            identity.member_id = "".into();
        }
        if identity != Identity::default() {
            let leaving = LeavingMember { identity, reason: None };
            let _ = client.broker.coordinator.leave(GROUP, &[leaving]);
        }
        if !is_administrator {
            client.die();
        }
    }

    fn faults(&mut self) -> Faults {
        let errors = [
            StateLogError::NotEnoughReplicas,
            StateLogError::NotLeader,
            StateLogError::TooLarge,
            StateLogError::Storage("gone".into()),
        ];
        Faults::draw(|n| self.below(n), &errors)
    }

    /// Another load of the group: on another broker, of which the old one hears before, never, or
    /// later; or on the same one.
    async fn go(&mut self, how: usize) {
        let old = self.broker.clone();
        if how == 3 {
            self.broker.incarnation += 1;
            for client in &mut self.clients {
                if Arc::ptr_eq(&client.broker.coordinator, &old.coordinator) {
                    client.broker = self.broker.clone();
                }
            }
        } else {
            if how == 0 {
                old.coordinator.on_resignation(self.partition);
            }
            let incarnation = old.incarnation + 1;
            let (config, clock) = (&self.config, &self.clock);
            self.broker =
                start(config, &self.topic, no_topics(), self.partition, clock, incarnation);
            self.deposed.push(old);
        }
        self.lead().await;
    }

    /// Lets the broker of now lead and load.
    async fn lead(&mut self) {
        // A coordinator that starts looks for expired offsets at once: let it find nothing.
        tokio::task::yield_now().await;
        let epoch = self.topic.elect(&self.broker.replica, &mut self.rng);
        let coordinator = self.broker.coordinator.clone();
        coordinator.on_leadership(self.partition, epoch);
        while coordinator.owned(GROUP).is_err() {
            tokio::task::yield_now().await;
        }
        let batches = self.topic.batches(self.partition);
        self.told.loaded(&coordinator, &batches);
        self.offsets = Offsets::replay(&batches);
        // One in two of the deposed hears of it by now.
        while self.deposed.len() > 2 || !self.deposed.is_empty() && self.below(2) == 0 {
            self.deposed.remove(0).coordinator.shutdown();
        }
    }

    async fn commit(&mut self, client: usize) -> String {
        let number = self.next();
        let topic = ["t", "u"][self.below(2)];
        let partition = TopicPartition::new(topic, self.below(2) as i32);
        let value = (number, self.clock.now().wall);
        let producer = (self.below(3) == 0).then(|| self.below(2) as i64);
        let is_open = producer.and_then(|id| self.offsets.open.get(&id));
        if is_open.is_some_and(|open| open.contains_key(&partition)) {
            return "a transaction goes on".into();
        }
        let is_member = self.below(2) == 0;
        let client = &self.clients[client];
        let (broker, identity, generation) = match is_member {
            true => (client.broker.clone(), client.identity(), client.generation),
            false => (self.broker.clone(), Identity::default(), -1),
        };
        let request = CommitRequest {
            group_id: GROUP.into(),
            identity,
            generation,
            offsets: vec![(partition.clone(), value_of(value))],
            knows_epochs: true,
            producer: producer.map(|id| Producer { id, epoch: 0 }),
        };
        let what = format!("commit {value:?} to {partition:?}, {producer:?} {generation}");
        let before = self.topic.end(self.partition);
        let coordinator = broker.coordinator.clone();
        let mut answer: Pin<Box<dyn Future<Output = CommitResults> + Send>> =
            Box::pin(async move { coordinator.commit_offsets(request).await });
        let first = std::future::poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
        if self.topic.end(self.partition) > before {
            assert_eq!(broker.incarnation, self.broker.incarnation, "a deposed leader wrote");
            self.offsets.begin(producer, &partition, value);
            let answer = match first {
                Poll::Ready(results) => tokio::spawn(std::future::ready(results)),
                Poll::Pending => tokio::spawn(answer),
            };
            let incarnation = broker.incarnation;
            let is_forgotten = false;
            let commit = Commit { partition, value, producer, incarnation, is_forgotten, answer };
            self.commits.push(commit);
        } else {
            let Poll::Ready(results) = first else { panic!("nothing to wait for") };
            assert!(results[0].is_err(), "acknowledged and not written");
        }
        what
    }

    fn end_transaction(&mut self, producer: i64, is_commit: bool) {
        if self.commits.iter().any(|commit| commit.producer == Some(producer)) {
            return;
        }
        let marker = if is_commit { ControlMarker::Commit } else { ControlMarker::Abort };
        let at = self.topic.mark(self.partition, producer, marker);
        let coordinator = &self.broker.coordinator;
        coordinator.on_transaction_end(producer, self.partition, at, is_commit);
        self.offsets.end(producer, is_commit);
    }

    fn delete_offset(&mut self, goes_with_its_topic: bool) {
        let topic = ["t", "u"][self.below(2)];
        let partition = TopicPartition::new(topic, self.below(2) as i32);
        let partitions = [partition];
        let coordinator = &self.broker.coordinator;
        if goes_with_its_topic {
            coordinator.on_partitions_deleted(&partitions);
            self.offsets.remove(&partitions[0]);
        } else if coordinator.delete_offsets(GROUP, &partitions) == Ok(vec![Ok(())]) {
            self.offsets.remove(&partitions[0]);
        }
        self.forget_removed();
    }

    fn expire(&mut self, ms: i64) {
        self.clock.jump(ms);
        if let Some(cell) = find(&self.broker.coordinator) {
            let inner = cell.inner.lock();
            self.offsets.expire(&inner.group, self.clock.now().wall, DAY_MS);
        }
        self.broker.coordinator.expire_offsets();
        self.forget_removed();
    }

    fn forget_removed(&mut self) {
        if find(&self.broker.coordinator).is_none() {
            self.told.forget();
        }
    }

    /// Takes all answers, then looks whether all is as it must be.
    async fn look(&mut self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        for client in &mut self.clients {
            client.receive(&self.broker, &mut self.told);
        }
        self.take_commits();
        self.lost.retain(|(answer, _)| !answer.is_finished());
        let waiting = self.clients.iter().filter_map(Client::waits_since);
        let waiting = waiting.chain(self.lost.iter().map(|(_, since)| *since));
        if let Some(longest) = waiting.map(|since| since.elapsed()).max() {
            assert!(longest < PATIENCE, "someone waits for {longest:?}");
        }
        let coordinator = &self.broker.coordinator;
        self.told.look(self.broker.incarnation, coordinator);
        let all: Vec<TopicPartition> = ["t", "u"]
            .iter()
            .flat_map(|topic| (0..2).map(|p| TopicPartition::new(*topic, p)))
            .collect();
        let fetched = coordinator.fetch_offsets(GROUP, None, false).expect("loaded");
        let stable = coordinator.fetch_offsets(GROUP, Some(&all), true).expect("loaded");
        self.offsets.look(fetched, stable);
    }

    fn take_commits(&mut self) {
        let (done, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.commits)
            .into_iter()
            .partition(|commit| commit.answer.is_finished());
        self.commits = rest;
        for Commit { partition, value, producer, incarnation, is_forgotten, answer } in done {
            let results = answer.now_or_never().expect("finished").expect("no panic");
            if is_forgotten {
                continue;
            }
            if incarnation == self.broker.incarnation {
                self.offsets.finish(producer, &partition, value, results[0].is_ok());
            } else {
                assert!(results[0].is_err(), "acknowledged by a deposed leader");
            }
        }
    }

    /// Nothing fails any more: all who want to are members, and each partition is one's. Then
    /// everybody is silent, and nothing is left.
    pub async fn quiet(&mut self) {
        self.topic.set_faults(Faults::default());
        for deposed in std::mem::take(&mut self.deposed) {
            deposed.coordinator.shutdown();
        }
        // Of the two of one name the second is dead.
        self.lose(2);
        self.clients[2].die();
        for round in 0..80 {
            for n in (0..CLIENTS).filter(|n| *n != 2) {
                let unique = self.next() as u128;
                let now = self.broker.clone();
                let client = &mut self.clients[n];
                if matches!(client.doing, Doing::Nothing) {
                    client.broker = now;
                }
                if !client.is_out || round < RETURNS {
                    client.act(unique);
                }
            }
            self.look().await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let members: Vec<&Client> =
            self.clients.iter().filter(|c| matches!(c.doing, Doing::Member)).collect();
        assert!(members.iter().all(|m| m.generation == members[0].generation), "one generation");
        let mut parts: Vec<u8> = members.iter().flat_map(|m| &m.parts).copied().collect();
        parts.sort_unstable();
        assert_eq!(parts, (0..PARTS).collect::<Vec<u8>>(), "each partition is one member's");
        let out = self.clients.iter().filter(|c| c.is_out).count();
        assert!(members.len() + out >= CLIENTS - 1, "everybody got in or was told why not");

        tokio::time::sleep(Duration::from_secs(300)).await;
        self.look().await;
        for producer in 0..2 {
            self.end_transaction(producer, true);
        }
        // Once more after a load: the log may have commits that were not acknowledged.
        for _ in 0..2 {
            self.expire(DAY_MS + 1);
            self.look().await;
            assert_eq!(self.broker.coordinator.list().expect("active").0, [], "all is over");
            self.topic.replicate(self.partition);
            self.go(0).await;
        }
        assert_eq!(self.broker.coordinator.list().expect("active").0, [], "also in the log");
    }
}

fn value_of((offset, commit_timestamp): (i64, i64)) -> OffsetValue {
    let metadata = "".into();
    OffsetValue { offset, leader_epoch: -1, metadata, commit_timestamp, expire_timestamp: None }
}

fn no_topics() -> Arc<dyn Topics> {
    Arc::new(ImageTopics::new(Arc::default()))
}

/// A broker that does not lead yet.
pub fn start(
    config: &GroupConfig,
    topic: &Arc<Topic>,
    topics: Arc<dyn Topics>,
    partition: i32,
    clock: &Arc<TestClock>,
    incarnation: u64,
) -> Broker {
    let replica = topic.replica(partition);
    let coordinator = GroupCoordinator::start_with(
        config.clone(),
        replica.clone(),
        topics,
        Handle::current(),
        clock.clone(),
    );
    Broker { coordinator, incarnation, replica }
}
