//! Random schedules against invariants: members come and go, requests are late, stores fail.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Join(usize),
    JoinAgain(usize),
    Sync(usize),
    Heartbeat(usize),
    Leave(usize),
    Wait(i64),
    Stored(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0usize..5;
    prop_oneof![
        3 => client.clone().prop_map(Step::Join),
        3 => client.clone().prop_map(Step::JoinAgain),
        5 => client.clone().prop_map(Step::Sync),
        3 => client.clone().prop_map(Step::Heartbeat),
        1 => client.prop_map(Step::Leave),
        3 => (0i64..20_000).prop_map(Step::Wait),
        4 => any::<bool>().prop_map(Step::Stored),
    ]
}

/// What each client knows: its member id and generation. Clients 0 and 1 are static.
struct World {
    script: Script,
    ids: [Arc<str>; 5],
    sent: BTreeSet<Token>,
    last_generation: i32,
}

impl World {
    fn identity(&self, client: usize) -> Identity {
        let instance_id = (client < 2).then(|| format!("i{client}").into());
        Identity { member_id: self.ids[client].clone(), instance_id }
    }

    fn join(&mut self, client: usize, identity: Identity) {
        let token = self.script.send_join(JoinRequest {
            identity,
            require_known_member_id: client > 2,
            can_skip_assignment: client == 0,
            ..request("c")
        });
        self.sent.insert(token);
        if let Some(reply) = self.script.join_reply(token) {
            self.ids[client] = reply.member_id;
        }
    }

    fn run(&mut self, step: Step) {
        let generation = self.script.group.generation();
        match step {
            Step::Join(client) => {
                let identity = Identity { member_id: "".into(), ..self.identity(client) };
                self.join(client, identity);
            }
            Step::JoinAgain(client) => self.join(client, self.identity(client)),
            Step::Sync(client) => {
                let identity = self.identity(client);
                let request = SyncRequest { identity, generation, ..SyncRequest::default() };
                let token = self.script.send_sync(request);
                self.sent.insert(token);
            }
            Step::Heartbeat(client) => {
                let (now, identity) = (self.script.now(), self.identity(client));
                let (_, effects) = self.script.group.heartbeat(now, &identity, generation);
                self.script.absorb(effects);
            }
            Step::Leave(client) => {
                let leaving = LeavingMember { identity: self.identity(client), reason: None };
                let _ = self.script.leave(&[leaving]);
            }
            Step::Wait(ms) => self.script.advance(ms),
            Step::Stored(is_ok) => {
                if !self.script.stores.is_empty() {
                    let store = self.script.stores.remove(0);
                    let result = if is_ok { Ok(()) } else { Err(GroupError::NotCoordinator) };
                    let now = self.script.now();
                    let effects = self.script.group.stored(now, store.purpose, result);
                    self.script.absorb(effects);
                }
            }
        }
        self.check();
    }

    fn check(&mut self) {
        let group = &self.script.group;
        assert!(group.generation() >= self.last_generation, "generations only grow");
        self.last_generation = group.generation();
        assert_eq!(group.state() == State::PreparingRebalance, group.rebalance.is_some());
        let has_members = !group.members.is_empty();
        match group.state() {
            State::Empty => assert!(!has_members),
            State::Stable | State::CompletingRebalance => {
                assert!(has_members && group.protocol.is_some());
            }
            State::PreparingRebalance | State::Dead => {}
        }
        if let Some(leader) = &group.leader {
            assert!(group.members.contains_key(leader), "the leader is a member");
        }
        assert_eq!(group.leader.is_some(), has_members);
        for member in group.members() {
            if member.awaiting_sync.is_some() {
                assert_eq!(group.state(), State::CompletingRebalance);
            }
            let waits = member.awaiting_join.is_some() || member.awaiting_sync.is_some();
            let may_go = member.session_deadline.is_some();
            assert!(waits || may_go, "a silent member is removed some day");
            assert!(group.armed <= member.session_deadline.unwrap_or(i64::MAX));
        }
        for (instance, id) in &group.static_members {
            assert_eq!(group.members[id].instance_id.as_ref(), Some(instance));
        }
        let answered = self.script.joins.len() + self.script.syncs.len();
        let waiting = group
            .members()
            .map(|m| m.awaiting_join.iter().count() + m.awaiting_sync.iter().count())
            .sum::<usize>();
        assert_eq!(answered + waiting, self.sent.len(), "each request is answered once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_breaks_the_group_or_leaves_anyone_waiting(
        steps in proptest::collection::vec(step(), 1..60)
    ) {
        let mut script = Script::with(GroupConfig {
            initial_rebalance_delay_ms: 3_000,
            max_size: 4,
            ..GroupConfig::default()
        });
        script.stores_at_once = false;
        let ids = std::array::from_fn(|_| "".into());
        let mut world =
            World { script, ids, sent: BTreeSet::new(), last_generation: 0 };
        for step in steps {
            world.run(step);
        }
        // Everybody falls silent and every store succeeds: nothing is left but an empty group.
        for _ in 0..20 {
            while !world.script.stores.is_empty() {
                world.run(Step::Stored(true));
            }
            world.run(Step::Wait(400_000));
        }
        prop_assert_eq!(world.script.group.state(), State::Empty);
        prop_assert_eq!(world.script.joins.len() + world.script.syncs.len(), world.sent.len());
        prop_assert_eq!(world.script.group.armed, i64::MAX);
    }
}
