//! Random histories of a KIP-848 group that changes its protocol as its members do: some speak the
//! new protocol, some the classic one. Answers are lost, appends fail before or after, the
//! coordinator moves and may find less than was written. No partition is ever used by two.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt;
use rand::rngs::StdRng;

use super::log::{Faults, Topic};
use super::members::{Mixed, TOPIC};
use super::world::{Broker, TestClock, start};
use super::{client::GROUP, run, seeds};
use crate::coordinator::group::cell::Group;
use crate::coordinator::group::classic::State;
use crate::coordinator::group::config::{ConsumerConfig, Migration};
use crate::coordinator::group::consumer::TopicCatalog;
use crate::coordinator::group::consumer::group::{ConsumerGroup, GroupState};
use crate::coordinator::group::topics::Topics;
use crate::coordinator::group::{GroupConfig, model::check::find};
use crate::coordinator::state_log::{StateLogError, partition_of};
use crate::types::TopicId;

const STEPS: usize = 200;
const HISTORIES: u64 = 60;
const CLIENTS: usize = 6;

/// One topic, of a number of partitions that grows.
#[derive(Default)]
struct OneTopic(Mutex<i32>);

impl Topics for OneTopic {
    fn catalog(&self, _partition: i32) -> Option<Arc<TopicCatalog>> {
        let partitions = *self.0.lock();
        let mut catalog = TopicCatalog::new([(TOPIC.into(), TopicId::from_u128(1), partitions)]);
        catalog.version = partitions as u64;
        Some(Arc::new(catalog))
    }
}

struct World {
    rng: StdRng,
    config: GroupConfig,
    clock: Arc<TestClock>,
    topic: Arc<Topic>,
    topics: Arc<OneTopic>,
    partition: i32,
    broker: Broker,
    clients: Vec<Mixed>,
    /// How many of them speak the new protocol; the others speak the classic one. With one the
    /// group changes often.
    modern: usize,
    count: u128,
    /// What the group was before faults that refuse every append.
    frozen: Option<ConsumerGroup>,
    /// The highest epoch or generation that somebody was told.
    floor: i32,
}

impl World {
    async fn new(mut rng: StdRng) -> World {
        let keeps = rng.random_range(0..2) == 0;
        let modern = [1, 3][rng.random_range(0..2)];
        let both = Migration { upgrade: true, downgrade: true };
        let config = GroupConfig {
            initial_rebalance_delay_ms: 0,
            retention_check_interval_ms: i64::from(i32::MAX),
            consumer: ConsumerConfig { migration: both, ..ConsumerConfig::default() },
            ..GroupConfig::default()
        };
        let topic: Arc<Topic> = Arc::default();
        let topics = Arc::new(OneTopic(Mutex::new(7)));
        let partition = partition_of(GROUP, 50);
        let clock = Arc::new(TestClock::start());
        let broker = start(&config, &topic, topics.clone(), partition, &clock, 0);
        let mut world = World {
            rng,
            config,
            clock,
            topic,
            topics,
            partition,
            broker,
            clients: (0..CLIENTS).map(|n| Mixed::new(n, n < modern, keeps)).collect(),
            modern,
            count: 0,
            frozen: None,
            floor: 0,
        };
        world.lead().await;
        world
    }

    fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    async fn step(&mut self, steps: &mut Vec<String>) {
        let client = self.below(CLIENTS);
        let mut say = |what: String| steps.push(what);
        match self.below(100) {
            0..55 => {
                say(format!("client {client} goes on"));
                self.act(client);
            }
            55..61 => {
                say(format!("client {client} loses an answer"));
                self.clients[client].lose();
            }
            61..64 => {
                say(format!("client {client} dies"));
                self.clients[client].die();
            }
            64..69 => {
                say(format!("client {client} leaves"));
                self.clients[client].leave(&self.broker);
            }
            69..84 => {
                let ms = [1, 100, 1_000, 3_000, 5_000, 31_000, 61_000][self.below(7)];
                say(format!("{ms} ms pass"));
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            84..92 => {
                let faults = self.faults();
                say(format!("{faults:?}"));
                self.frozen = faults.append.as_ref().and_then(|_| self.group());
                self.topic.set_faults(faults);
            }
            92..97 => {
                let is_same = self.below(2) == 0;
                say(format!("the coordinator moves, to itself: {is_same}"));
                self.go(is_same).await;
            }
            _ => {
                let mut partitions = self.topics.0.lock();
                *partitions = (*partitions + 1).min(12);
                say(format!("the topic has {partitions} partitions"));
            }
        }
        self.look().await;
    }

    fn act(&mut self, client: usize) {
        self.count += 1;
        self.clients[client].act(&self.broker, self.count);
    }

    fn faults(&mut self) -> Faults {
        let errors = [StateLogError::NotEnoughReplicas, StateLogError::TooLarge];
        Faults::draw(|n| self.below(n), &errors)
    }

    /// Another load of the group, on this broker or the next.
    async fn go(&mut self, is_same: bool) {
        self.frozen = None;
        let incarnation = self.broker.incarnation + 1;
        if is_same {
            self.broker.incarnation = incarnation;
        } else {
            self.broker.coordinator.shutdown();
            let topics = self.topics.clone();
            let (config, clock) = (&self.config, &self.clock);
            self.broker = start(config, &self.topic, topics, self.partition, clock, incarnation);
        }
        self.lead().await;
    }

    async fn lead(&mut self) {
        tokio::task::yield_now().await;
        let epoch = self.topic.elect(&self.broker.replica, &mut self.rng);
        let coordinator = self.broker.coordinator.clone();
        coordinator.on_leadership(self.partition, epoch);
        while coordinator.owned(GROUP).is_err() {
            tokio::task::yield_now().await;
        }
    }

    /// The group, if it is one of KIP-848.
    fn group(&self) -> Option<ConsumerGroup> {
        let cell = find(&self.broker.coordinator)?;
        let inner = cell.inner.lock();
        match &inner.group {
            Group::Classic(_) => None,
            Group::Consumer(machine) => {
                let mut group = machine.group.clone();
                // Not in the log, and of no meaning to members.
                group.looked_at = None;
                Some(group)
            }
        }
    }

    /// Takes all answers, then looks whether all is as it must be.
    async fn look(&mut self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let partitions = *self.topics.0.lock();
        for client in &mut self.clients {
            self.floor = self.floor.max(client.receive(&self.broker, partitions));
        }
        let mut used: BTreeMap<i32, usize> = BTreeMap::new();
        for (n, client) in self.clients.iter().enumerate() {
            for part in client.uses() {
                let other = used.insert(part, n);
                assert_eq!(other, None, "{part} is used by {n} too");
            }
        }
        let waits = self.clients.iter().filter_map(Mixed::waits).max();
        assert!(waits < Some(Duration::from_secs(150)), "someone waits for {waits:?}");
        if let Some(frozen) = &self.frozen {
            let now = self.group();
            assert_eq!(now.as_ref(), Some(frozen), "a refused append leaves all as before");
        }
        self.look_at_epoch();
    }

    fn look_at_epoch(&mut self) {
        let Some(cell) = find(&self.broker.coordinator) else {
            self.floor = 0;
            return;
        };
        let inner = cell.inner.lock();
        let (epoch, is_empty) = match &inner.group {
            Group::Classic(group) => (group.generation(), group.state() == State::Empty),
            Group::Consumer(m) => (m.group.epoch, m.group.state() == GroupState::Empty),
        };
        // A group without members may begin anew, by the other protocol.
        if is_empty {
            self.floor = 0;
        }
        assert!(epoch >= self.floor, "epoch {epoch} after {}", self.floor);
    }

    /// Nothing fails any more: all who are there share everything, whichever protocol they speak,
    /// and another coordinator finds the same.
    async fn quiet(&mut self) {
        self.frozen = None;
        self.topic.set_faults(Faults::default());
        self.settle(&[true; CLIENTS]).await;
        let is_modern: [bool; CLIENTS] = std::array::from_fn(|n| n < self.modern);
        let is_classic = is_modern.map(|is| !is);
        let but_one = std::array::from_fn(|n| n == 0 || is_classic[n]);
        for who in [but_one, is_classic, [true; CLIENTS], is_modern] {
            let clients = self.clients.iter_mut().zip(who);
            for (client, _) in clients.filter(|(_, stays)| !stays) {
                client.leave(&self.broker);
            }
            if self.below(2) == 0 {
                // What a change of the protocol has begun, another coordinator ends.
                self.look().await;
                self.topic.replicate(self.partition);
                self.go(false).await;
            }
            self.settle(&who).await;
            let before = self.group();
            assert_eq!(before.is_some(), who[0], "one of KIP-848 while a member speaks it");
            self.topic.replicate(self.partition);
            self.go(false).await;
            let found = self.group();
            assert_eq!(
                found.as_ref().map(|group| (&group.members, &group.targets, &group.current)),
                before.as_ref().map(|group| (&group.members, &group.targets, &group.current)),
            );
        }
    }

    async fn settle(&mut self, who: &[bool; CLIENTS]) {
        for _ in 0..60 {
            for n in (0..CLIENTS).filter(|n| who[*n]) {
                self.act(n);
            }
            self.look().await;
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        self.look().await;
        let used: BTreeSet<i32> = self.clients.iter().flat_map(Mixed::uses).collect();
        assert_eq!(used, (0..*self.topics.0.lock()).collect(), "all is used");
        for (n, client) in self.clients.iter().enumerate() {
            assert_eq!(!client.uses().is_empty(), who[n], "client {n} has its part");
        }
    }
}

#[test]
fn whatever_happens_no_partition_is_used_by_two_and_none_is_forgotten() {
    for seed in seeds(HISTORIES) {
        run(seed, async |rng, steps| {
            let mut world = World::new(rng).await;
            for _ in 0..STEPS {
                world.step(steps).await;
            }
            steps.push("all is quiet".into());
            world.quiet().await;
        });
    }
}
