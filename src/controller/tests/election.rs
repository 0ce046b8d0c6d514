//! Elections: of controllers and of leaders, and what changes in-sync sets and replicas.

use super::cluster::{Cluster, state_json};
use crate::controller::{ControllerError, ElectionType, InSyncChange};
use crate::metadata::records::{ControllerNode, paths};
use crate::metadata::store::{Life, Op, Store};
use crate::types::TopicPartition;

fn partition(topic: &str, index: i32) -> TopicPartition {
    TopicPartition::new(topic, index)
}

fn change(topic: &str, isr: &[i32], leader_epoch: i32, partition_epoch: i32) -> InSyncChange {
    InSyncChange {
        partition: partition(topic, 0),
        leader_epoch,
        isr: isr.iter().map(|id| (*id, -1)).collect(),
        recovering: false,
        partition_epoch,
    }
}

#[tokio::test]
async fn the_first_controller_writes_what_kafka_s_writes() {
    let cluster = Cluster::prepared(&[101]).await;
    cluster.writes();
    cluster.start().await;
    let writes = cluster.raw_writes();
    assert_eq!(writes[0], "create /controller_epoch 0");
    assert!(writes[1].starts_with("create /controller {\"version\":2,\"brokerid\":101,"));
    assert!(writes[1].ends_with(" ; set /controller_epoch 1"), "{}", writes[1]);
    assert_eq!(writes[2], "create /feature {\"features\":{},\"version\":2,\"status\":1}");
    assert_eq!(writes.len(), 3);
}

#[tokio::test]
async fn a_broker_stands_by_while_another_is_controller_and_then_takes_over() {
    let cluster = Cluster::prepared(&[101]).await;
    let other = ControllerNode { broker_id: 102, timestamp: 0, kraft_controller_epoch: -1 };
    let path: String = paths::CONTROLLER.into();
    let op = Op::Create { path: path.clone(), data: Some(other.encode()), life: Life::Persistent };
    cluster.store.commit(vec![op]).await.unwrap();
    cluster.controller.start(&tokio::runtime::Handle::current());
    cluster.until(|c| c.controller.controller_id() == 102).await;
    let refused = cluster.controller.reassignments(None).await;
    assert_eq!(refused, Err(ControllerError::NotController));
    cluster.store.commit(vec![Op::Delete { path, version: None }]).await.unwrap();
    cluster.until(|c| c.controller.is_active()).await;
}

#[tokio::test]
async fn a_controller_that_finds_another_epoch_resigns_and_does_not_write() {
    let cluster = Cluster::started(&[101, 102]).await;
    cluster.create("t", &[&[102, 101]]).await;
    let steal = vec![Op::Set {
        path: paths::CONTROLLER_EPOCH.into(),
        data: Some("2".into()),
        version: None,
    }];
    cluster.store.commit(steal).await.unwrap();
    let before = cluster.state("t", 0).await;
    let epoch = cluster.epoch_of(102).await;
    let refused = cluster.controller.alter_partitions(102, epoch, vec![change("t", &[102], 0, 0)]);
    assert_eq!(refused.await, Err(ControllerError::NotController));
    assert_eq!(cluster.state("t", 0).await, before);
    cluster.until(|c| !c.controller.is_active()).await;
}

#[tokio::test]
async fn a_new_controller_elects_in_two_steps_for_a_dead_leader() {
    let cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("t", &[&[103, 102]]).await;
    // The old controller is gone, and with it the leader 103.
    let take = vec![Op::Delete { path: paths::CONTROLLER.into(), version: None }];
    cluster.remove_broker(103).await;
    cluster.until_state("t", 0, |state| state.leader == 102).await;
    cluster.store.commit(take).await.unwrap();
    cluster.until(|c| c.controller.epoch() == 2).await;
    let (state, _) = cluster.state("t", 0).await.unwrap();
    assert_eq!((state.leader, state.leader_epoch, state.isr), (102, 1, vec![102]));
}

#[tokio::test]
async fn a_controller_that_starts_with_a_dead_leader_first_writes_that_there_is_none() {
    let cluster = Cluster::prepared(&[101, 102]).await;
    for (path, data) in [
        ("/brokers/topics/t", Some(r#"{"version":3,"partitions":{"0":[103,102]}}"#)),
        ("/brokers/topics/t/partitions", None),
        ("/brokers/topics/t/partitions/0", None),
        (
            "/brokers/topics/t/partitions/0/state",
            Some(r#"{"controller_epoch":0,"leader":103,"leader_epoch":6,"isr":[102,103]}"#),
        ),
    ] {
        let data = data.map(bytes::Bytes::from);
        let op = Op::Create { path: path.into(), data, life: Life::Persistent };
        cluster.store.commit(vec![op]).await.unwrap();
    }
    cluster.writes();
    cluster.start().await;
    let writes: Vec<String> =
        cluster.writes().into_iter().filter(|w| w.contains("/state")).collect();
    let state = "/brokers/topics/t/partitions/0/state";
    assert_eq!(
        writes,
        [
            format!("set {state} {}", state_json(1, -1, 7, &[102])),
            format!("set {state} {}", state_json(1, 102, 8, &[102])),
        ]
    );
}

#[tokio::test]
async fn the_last_replica_in_sync_stays_in_the_set_when_its_broker_dies() {
    let cluster = Cluster::started(&[101, 102]).await;
    cluster.create("t", &[&[102]]).await;
    cluster.remove_broker(102).await;
    let state = cluster.until_state("t", 0, |state| state.leader == -1).await;
    assert_eq!(state.isr, [102]);
}

#[tokio::test]
async fn controlled_shutdown_moves_led_partitions_first_and_then_followed_ones() {
    let cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("led", &[&[103, 101]]).await;
    cluster.create("followed", &[&[102, 103]]).await;
    cluster.writes();
    let epoch = cluster.epoch_of(103).await;
    let left = cluster.controller.controlled_shutdown(103, Some(epoch)).await;
    assert_eq!(left, Ok(Vec::new()));
    assert_eq!(
        cluster.writes(),
        [
            format!("set /brokers/topics/led/partitions/0/state {}", state_json(1, 101, 1, &[101])),
            format!(
                "set /brokers/topics/followed/partitions/0/state {}",
                state_json(1, 102, 1, &[102])
            ),
        ]
    );
    let stale = cluster.controller.controlled_shutdown(102, Some(epoch - 1000)).await;
    assert_eq!(stale, Err(ControllerError::StaleBrokerEpoch));
}

#[tokio::test]
async fn an_in_sync_set_changes_within_its_epochs_only() {
    let cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("t", &[&[102, 103]]).await;
    let epoch = cluster.epoch_of(102).await;
    let ask = async |change: InSyncChange| {
        let changes = vec![change];
        let mut results = cluster.controller.alter_partitions(102, epoch, changes).await.unwrap();
        results.remove(&partition("t", 0)).unwrap().map(|now| (now.isr, now.partition_epoch))
    };
    assert_eq!(ask(change("t", &[102], 0, 0)).await, Ok((vec![102], 1)));
    assert_eq!(ask(change("t", &[102], 0, 0)).await, Ok((vec![102], 1)), "so it is already");
    assert_eq!(
        ask(change("t", &[102, 103], 0, 0)).await,
        Err(ControllerError::InvalidUpdateVersion)
    );
    assert_eq!(ask(change("t", &[102, 103], 1, 1)).await, Err(ControllerError::NotController));
    assert_eq!(ask(change("t", &[102, 103], -1, 1)).await, Err(ControllerError::FencedLeaderEpoch));
    let mut restarted = change("t", &[102, 103], 0, 1);
    restarted.isr = vec![(102, epoch), (103, 1)];
    assert_eq!(ask(restarted).await, Err(ControllerError::IneligibleReplica));
    assert_eq!(ask(change("t", &[102, 103], 0, 1)).await, Ok((vec![102, 103], 2)));
    let (state, version) = cluster.state("t", 0).await.unwrap();
    assert_eq!((state.leader_epoch, state.isr, version), (0, vec![102, 103], 2));
    let stale = cluster.controller.alter_partitions(102, epoch + 1, Vec::new()).await;
    assert_eq!(stale, Err(ControllerError::StaleBrokerEpoch));
}

#[tokio::test]
async fn a_preferred_leader_that_is_back_is_elected_when_asked() {
    let mut cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("t", &[&[102, 103]]).await;
    let elect = async |cluster: &Cluster| {
        let partitions = vec![partition("t", 0)];
        let elected = cluster.controller.elect_leaders(ElectionType::Preferred, partitions).await;
        elected.unwrap().remove(&partition("t", 0)).unwrap()
    };
    assert_eq!(elect(&cluster).await, Err(ControllerError::ElectionNotNeeded));
    cluster.remove_broker(102).await;
    cluster.until_state("t", 0, |state| state.leader == 103).await;
    cluster.add_broker(102).await;
    let epoch = cluster.epoch_of(103).await;
    let (state, version) = cluster.state("t", 0).await.unwrap();
    let why = elect(&cluster).await.unwrap_err().to_string();
    assert_eq!(
        why,
        "Failed to elect leader for partition t-0 under strategy \
         PreferredReplicaPartitionLeaderElectionStrategy"
    );
    let grown = change("t", &[103, 102], state.leader_epoch, version);
    cluster.controller.alter_partitions(103, epoch, vec![grown]).await.unwrap();
    cluster.writes();
    assert_eq!(elect(&cluster).await, Ok(102));
    let next = state_json(1, 102, state.leader_epoch + 1, &[103, 102]);
    assert_eq!(cluster.writes(), [format!("set /brokers/topics/t/partitions/0/state {next}")]);
}

#[tokio::test]
async fn an_unclean_election_marks_the_partition_as_recovering() {
    let mut cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("t", &[&[102, 103]]).await;
    cluster.remove_broker(103).await;
    cluster.until_state("t", 0, |state| state.isr == [102]).await;
    cluster.remove_broker(102).await;
    cluster.until_state("t", 0, |state| state.leader == -1).await;
    cluster.add_broker(103).await;
    let partitions = vec![partition("t", 0)];
    let elected = cluster.controller.elect_leaders(ElectionType::Unclean, partitions).await;
    // The broker may be noticed after the call: then the caller asks again.
    if elected.unwrap()[&partition("t", 0)].is_err() {
        cluster.until(|c| c.was_pushed(|broker, _| broker == 103)).await;
        let partitions = vec![partition("t", 0)];
        cluster.controller.elect_leaders(ElectionType::Unclean, partitions).await.unwrap();
    }
    let state = cluster.until_state("t", 0, |state| state.leader == 103).await;
    assert!(state.recovering);
    assert_eq!(state.isr, [103]);
}

#[tokio::test]
async fn a_reassignment_is_written_step_by_step_as_kafka_writes_it() {
    let cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("moved", &[&[101, 102]]).await;
    cluster.writes();
    let asked = vec![(partition("moved", 0), Some(vec![103, 101]))];
    let results = cluster.controller.reassign(asked).await.unwrap();
    assert_eq!(results[&partition("moved", 0)], Ok(()));
    let moving = cluster.controller.reassignments(None).await.unwrap();
    assert_eq!(moving[0].1.adding, [103]);
    assert_eq!(moving[0].1.removing, [102]);
    let epoch = cluster.epoch_of(101).await;
    let caught_up = change("moved", &[101, 102, 103], 1, 1);
    cluster.controller.alter_partitions(101, epoch, vec![caught_up]).await.unwrap();
    assert!(cluster.controller.reassignments(None).await.unwrap().is_empty());
    let state = "/brokers/topics/moved/partitions/0/state";
    let writes = cluster.writes();
    let states: Vec<&String> = writes.iter().filter(|w| w.contains("/state")).collect();
    assert_eq!(
        states,
        [
            &format!("set {state} {}", state_json(1, 101, 1, &[101, 102])),
            &format!("set {state} {}", state_json(1, 101, 1, &[101, 102, 103])),
            &format!("set {state} {}", state_json(1, 101, 2, &[101, 102, 103])),
            &format!("set {state} {}", state_json(1, 101, 3, &[101, 103])),
        ]
    );
    assert!(writes[0].contains(r#""partitions":{"0":[103,101,102]}"#), "{}", writes[0]);
    assert!(writes[0].contains(r#""adding_replicas":{"0":[103]},"removing_replicas":{"0":[102]}"#));
    assert!(writes[5].contains(r#""partitions":{"0":[103,101]}"#), "{}", writes[5]);
    assert_eq!(writes.len(), 6);
}

#[tokio::test]
async fn impossible_reassignments_are_refused_with_kafka_s_words() {
    let cluster = Cluster::started(&[101, 102]).await;
    cluster.create("t", &[&[101]]).await;
    let ask = async |topic: &str, targets: Option<Vec<i32>>| {
        let asked = vec![(partition(topic, 0), targets)];
        let mut results = cluster.controller.reassign(asked).await.unwrap();
        results.remove(&partition(topic, 0)).unwrap().unwrap_err().to_string()
    };
    assert_eq!(ask("t", None).await, "No partition reassignment is in progress.");
    assert_eq!(ask("x", None).await, "No partition reassignment is in progress.");
    assert_eq!(ask("x", Some(vec![101])).await, "The partition does not exist.");
    assert_eq!(
        ask("t", Some(vec![101, 101])).await,
        "Duplicate replica ids in partition reassignment replica list: ArrayBuffer(101, 101)"
    );
    assert_eq!(
        ask("t", Some(vec![999])).await,
        "Replica assignment has brokers that are not alive. Replica list: ArrayBuffer(999), \
         live broker list: Set(101, 102)"
    );
}

#[tokio::test]
async fn the_old_nodes_for_moves_and_elections_are_obeyed_and_deleted() {
    let cluster = Cluster::started(&[101, 102]).await;
    cluster.create("t", &[&[101]]).await;
    let create = |path: &str, data: &'static str| Op::Create {
        path: path.into(),
        data: Some(data.into()),
        life: Life::Persistent,
    };
    let election = r#"{"version":1,"partitions":[{"topic":"t","partition":0}]}"#;
    let op = create(paths::PREFERRED_REPLICA_ELECTION, election);
    cluster.store.commit(vec![op]).await.unwrap();
    cluster.until_gone(paths::PREFERRED_REPLICA_ELECTION).await;
    let moves = r#"{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[102]}]}"#;
    cluster.store.commit(vec![create(paths::REASSIGN_PARTITIONS, moves)]).await.unwrap();
    let state = cluster.until_state("t", 0, |state| state.leader_epoch == 1).await;
    assert_eq!(state.leader, 101);
    let (_, version) = cluster.state("t", 0).await.unwrap();
    let epoch = cluster.epoch_of(101).await;
    let grown = change("t", &[101, 102], 1, version);
    cluster.controller.alter_partitions(101, epoch, vec![grown]).await.unwrap();
    cluster.until_gone(paths::REASSIGN_PARTITIONS).await;
    let (state, _) = cluster.state("t", 0).await.unwrap();
    assert_eq!((state.leader, state.isr), (102, vec![102]));
    assert_eq!(cluster.assignment("t").await.partitions[&0].replicas, [102]);
}

#[tokio::test]
async fn producer_ids_come_in_blocks_of_a_thousand() {
    let cluster = Cluster::started(&[101, 102]).await;
    cluster.writes();
    let epoch = cluster.epoch_of(102).await;
    let block = cluster.controller.allocate_producer_ids(102, epoch).await.unwrap();
    assert_eq!((block.start, block.end), (0, 999));
    let block = cluster.controller.allocate_producer_ids(102, epoch).await.unwrap();
    assert_eq!((block.start, block.end), (1000, 1999));
    assert_eq!(
        cluster.writes()[0],
        "set /latest_producer_id_block {\"version\":1,\"broker\":102,\"block_start\":\"0\",\
         \"block_end\":\"999\"}"
    );
    let stale = cluster.controller.allocate_producer_ids(102, epoch + 1).await;
    assert_eq!(stale.unwrap_err(), ControllerError::StaleBrokerEpoch);
}
