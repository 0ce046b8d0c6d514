//! Random schedules against what clients believe: members of the new protocol come and go, answers
//! are lost, appends fail, the coordinator moves. No partition is ever used by two; when all is
//! quiet every partition is used by one, and a new coordinator finds the same group.

use super::*;
use std::collections::BTreeMap;

/// What a client believes.
#[derive(Default)]
struct Client {
    epoch: i32,
    owned: Assignment,
    /// Its last answer did not come: the next heartbeat carries everything.
    is_full: bool,
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

impl Client {
    async fn beat(&mut self, coordinator: &GroupCoordinator, name: &str, is_lost: bool) {
        let next = match (self.epoch, self.is_full) {
            (0, _) => join(name),
            (epoch, true) => Heartbeat { epoch, ..join(name) },
            (epoch, false) => beat(name, epoch),
        };
        let owned = Some(self.owned.clone());
        match coordinator.consumer_heartbeat(GROUP, Heartbeat { owned, ..next }).await {
            Ok(_) if is_lost => self.is_full = true,
            Ok(reply) => {
                self.epoch = reply.epoch;
                self.owned = reply.assignment.unwrap_or_else(|| self.owned.clone());
                self.is_full = false;
            }
            // The append failed, or the coordinator has moved.
            Err(HeartbeatError::Group(_)) => self.is_full = true,
            Err(HeartbeatError::Refused(_)) => *self = Client::default(),
        }
    }
}

async fn schedule(seed: u64) {
    let mut random = Random(seed * 2 + 1);
    let fixture = Fixture::new();
    fixture.topics.set(1, &[("t", 1, 7)]);
    let mut coordinator = fixture.start().await;
    let mut clients: BTreeMap<String, Client> = BTreeMap::new();
    for step in 0..120 {
        let is_quiet = step >= 100;
        let fails = !is_quiet && random.below(6) == 0;
        let error = [StateLogError::NotLeader, StateLogError::NotEnoughReplicas];
        fixture.log.fail_appends(fails.then(|| error[random.below(2) as usize].clone()));
        if !is_quiet && random.below(12) == 0 {
            coordinator.shutdown();
            coordinator = fixture.start().await;
        }
        let name = format!("m{}", random.below(4));
        if is_quiet {
            for (name, client) in &mut clients {
                client.beat(&coordinator, name, false).await;
            }
        } else if clients.contains_key(&name) && random.below(8) == 0 {
            // One whose leave is not heard stays until its session ends.
            if coordinator.consumer_heartbeat(GROUP, beat(&name, LEAVE)).await.is_ok() {
                clients.remove(&name);
            }
        } else {
            let client = clients.entry(name.clone()).or_default();
            client.beat(&coordinator, &name, random.below(5) == 0).await;
        }
        let used: Vec<i32> =
            clients.values().flat_map(|c| c.owned.values().flatten()).copied().collect();
        let distinct: BTreeSet<i32> = used.iter().copied().collect();
        assert_eq!(used.len(), distinct.len(), "seed {seed} step {step}");
        if is_quiet && step == 119 && !clients.is_empty() {
            assert_eq!(distinct, (0..7).collect(), "seed {seed}");
            assert_eq!(state(&coordinator), "Stable", "seed {seed}");
        }
    }
    fixture.log.fail_appends(None);
    let known = coordinator.describe_consumer(GROUP).map(|(description, _)| description);
    let read = fixture.start().await.describe_consumer(GROUP).map(|(description, _)| description);
    assert_eq!(read, known, "seed {seed}");
}

#[tokio::test]
async fn no_schedule_gives_a_partition_to_two_or_forgets_one() {
    for seed in 0..100 {
        schedule(seed).await;
    }
}
