//! Topics: made, grown, deleted, refused.

use super::cluster::{Cluster, config, state_json};
use crate::controller::{ControllerError, NewPartitions, NewTopic, Push};
use crate::metadata::records::paths;
use crate::metadata::store::{Life, Op, Store};
use crate::types::id_to_base64;

#[tokio::test]
async fn a_new_topic_is_written_in_kafka_s_order() {
    let cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.writes();
    let id = cluster.create("orders", &[&[102, 103], &[103, 101]]).await;
    let topic = "/brokers/topics/orders";
    let state = |p: i32| format!("create {topic}/partitions/{p}/state");
    assert_eq!(
        cluster.raw_writes(),
        [
            "create /config/topics/orders {\"version\":1,\"config\":{}}".to_string(),
            format!(
                "create {topic} {{\"partitions\":{{\"0\":[102,103],\"1\":[103,101]}},\
                 \"topic_id\":\"{}\",\"adding_replicas\":{{}},\"removing_replicas\":{{}},\
                 \"version\":3}}",
                id_to_base64(id)
            ),
            format!("check /controller_epoch ; create {topic}/partitions <null>"),
            format!("check /controller_epoch ; create {topic}/partitions/0 <null>"),
            format!("check /controller_epoch ; create {topic}/partitions/1 <null>"),
            format!(
                "check /controller_epoch ; {} {}",
                state(0),
                state_json(1, 102, 0, &[102, 103])
            ),
            format!(
                "check /controller_epoch ; {} {}",
                state(1),
                state_json(1, 103, 0, &[103, 101])
            ),
        ]
    );
}

#[tokio::test]
async fn replicas_of_a_new_topic_are_told_and_every_broker_hears_of_it() {
    let cluster = Cluster::started(&[101, 102, 103]).await;
    let id = cluster.create("orders", &[&[102, 103]]).await;
    let epoch = cluster.epoch_of(102).await;
    let is_told = move |broker: i32, push: &Push| match push {
        Push::LeaderAndIsr(request) => {
            let topic = &request.topic_states[0];
            let state = &topic.partition_states[0];
            broker == 102
                && request.broker_epoch == epoch
                && topic.topic_id == id
                && state.is_new
                && state.leader.0 == 102
                && request.live_leaders[0].port == 102
        }
        Push::UpdateMetadata(_) | Push::StopReplica(_) => false,
    };
    cluster.until(|c| c.was_pushed(is_told)).await;
    for broker in [101, 102, 103] {
        let hears = |to: i32, push: &Push| match push {
            Push::UpdateMetadata(request) => to == broker && !request.topic_states.is_empty(),
            Push::LeaderAndIsr(_) | Push::StopReplica(_) => false,
        };
        cluster.until(|c| c.was_pushed(hears)).await;
    }
    let third = |broker: i32, push: &Push| broker == 101 && matches!(push, Push::LeaderAndIsr(_));
    assert!(!cluster.was_pushed(third), "101 holds no replica");
}

#[tokio::test]
async fn added_partitions_are_led_and_leave_the_old_ones_alone() {
    let cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("orders", &[&[102, 103]]).await;
    cluster.writes();
    let asked = NewPartitions { topic: "orders".into(), count: 2, assignments: None };
    cluster.controller.create_partitions(&cluster.racks(), asked, false).await.unwrap();
    cluster.until_state("orders", 1, |_| true).await;
    cluster.settle().await;
    // As Kafka: the first leader is that of partition 0, then in a circle.
    let writes = cluster.writes();
    assert!(writes[0].starts_with("set /brokers/topics/orders {"), "{writes:?}");
    assert_eq!(writes[1], "create /brokers/topics/orders/partitions/1 <null>");
    assert!(writes[2].starts_with("create /brokers/topics/orders/partitions/1/state"));
    assert_eq!(writes.len(), 3);
}

#[tokio::test]
async fn a_topic_made_by_somebody_else_in_the_store_is_noticed_and_led() {
    let cluster = Cluster::started(&[101, 102]).await;
    let data = r#"{"version":1,"partitions":{"0":[102]}}"#;
    let op = Op::Create {
        path: paths::topic("foreign"),
        data: Some(data.into()),
        life: Life::Persistent,
    };
    cluster.store.commit(vec![op]).await.unwrap();
    let state = cluster.until_state("foreign", 0, |_| true).await;
    assert_eq!((state.leader, state.isr), (102, vec![102]));
    assert!(cluster.assignment("foreign").await.topic_id.is_some(), "it is given an id");
}

#[tokio::test]
async fn a_deleted_topic_goes_replica_by_replica_and_then_node_by_node() {
    let cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("gone", &[&[102, 103]]).await;
    cluster.writes();
    cluster.controller.delete_topic("gone").await.unwrap();
    cluster.until_gone("/admin/delete_topics/gone").await;
    cluster.settle().await;
    let state = "/brokers/topics/gone/partitions/0/state";
    assert_eq!(
        cluster.writes(),
        [
            "create /admin/delete_topics/gone <null>".to_string(),
            format!("set {state} {}", state_json(1, -1, 1, &[103])),
            format!("set {state} {}", state_json(1, -1, 2, &[103])),
            format!("delete {state}"),
            "delete /brokers/topics/gone/partitions/0".into(),
            "delete /brokers/topics/gone/partitions".into(),
            "delete /brokers/topics/gone".into(),
            "delete /config/topics/gone".into(),
            "delete /admin/delete_topics/gone".into(),
        ]
    );
    let deletes = |broker: i32, push: &Push| match push {
        Push::StopReplica(request) => {
            let state = &request.topic_states[0].partition_states[0];
            broker == 102 && state.delete_partition && state.leader_epoch == -2
        }
        Push::LeaderAndIsr(_) | Push::UpdateMetadata(_) => false,
    };
    assert!(cluster.was_pushed(deletes));
}

#[tokio::test]
async fn deletion_waits_for_a_dead_broker_and_goes_on_when_it_is_back() {
    let mut cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("gone", &[&[102, 103]]).await;
    cluster.remove_broker(103).await;
    cluster.until_state("gone", 0, |state| state.isr == [102]).await;
    cluster.controller.delete_topic("gone").await.unwrap();
    cluster.until_state("gone", 0, |state| state.leader == -1).await;
    cluster.controller.reassignments(None).await.unwrap();
    assert!(cluster.store.get("/admin/delete_topics/gone").await.unwrap().is_some());
    let again = NewTopic {
        name: "gone".into(),
        partitions: 1,
        replication_factor: 1,
        ..NewTopic::default()
    };
    let refused = cluster.controller.create_topic(&config(), &cluster.racks(), again, false).await;
    assert_eq!(refused.unwrap_err().to_string(), "Topic 'gone' is marked for deletion.");
    cluster.add_broker(103).await;
    cluster.until_gone("/admin/delete_topics/gone").await;
    assert!(cluster.store.get("/brokers/topics/gone").await.unwrap().is_none());
}

#[tokio::test]
async fn what_cannot_be_a_topic_is_refused_with_kafka_s_words() {
    let cluster = Cluster::started(&[101, 102, 103]).await;
    cluster.create("n.1", &[&[101]]).await;
    let try_it = async |topic: NewTopic| {
        let racks = cluster.racks();
        let result = cluster.controller.create_topic(&config(), &racks, topic, true).await;
        result.map(|created| created.partitions).map_err(|error| error.to_string())
    };
    let plain = |name: &str| NewTopic {
        name: name.into(),
        partitions: 1,
        replication_factor: 1,
        ..NewTopic::default()
    };
    let manual = |assignments: Vec<(i32, Vec<i32>)>| NewTopic {
        name: "m".into(),
        partitions: -1,
        replication_factor: -1,
        assignments,
        configs: Vec::new(),
    };
    let with = |key: &str, value: Option<&str>| NewTopic {
        configs: vec![(key.into(), value.map(Into::into))],
        ..plain("c")
    };
    let cases = [
        (plain("n.1"), "Topic 'n.1' already exists."),
        (plain("n_1"), "Topic 'n_1' collides with existing topics: n.1"),
        (plain(""), "Topic name is invalid: the empty string is not allowed"),
        (plain(".."), "Topic name is invalid: '..' is not allowed"),
        (
            plain("bad name"),
            "Topic name is invalid: 'bad name' contains one or more characters other than ASCII \
             alphanumerics, '.', '_' and '-'",
        ),
        (
            NewTopic { replication_factor: 4, ..plain("x") },
            "Replication factor: 4 larger than available brokers: 3.",
        ),
        (
            NewTopic { partitions: 1, ..manual(vec![(0, vec![101])]) },
            "Both numPartitions or replicationFactor and replicasAssignments were set. Both \
             cannot be used at the same time.",
        ),
        (
            manual(vec![(0, vec![101, 101])]),
            "Duplicate replica assignment found: HashMap(0 -> ArrayBuffer(101, 101))",
        ),
        (
            manual(vec![(1, vec![101])]),
            "partitions should be a consecutive 0-based integer sequence",
        ),
        (
            manual(vec![(0, vec![101]), (1, vec![101, 102])]),
            "All partitions should have the same number of replicas",
        ),
        (with("nokey", Some("1")), "Unknown topic config name: nokey"),
        (
            with("retention.ms", Some("x")),
            "Invalid value x for configuration retention.ms: Not a number of type LONG",
        ),
        (with("retention.ms", None), "Null value not supported for topic configs: retention.ms"),
    ];
    for (topic, expected) in cases {
        assert_eq!(try_it(topic).await, Err(expected.to_string()));
    }
    assert_eq!(try_it(manual(vec![(0, vec![999])])).await, Ok(1), "an unknown broker is accepted");
    assert!(cluster.store.get("/brokers/topics/m").await.unwrap().is_none(), "only validated");
}

#[tokio::test]
async fn what_cannot_be_more_partitions_is_refused_with_kafka_s_words() {
    let cluster = Cluster::started(&[101, 102]).await;
    cluster.create("three", &[&[101, 102], &[102, 101], &[101, 102]]).await;
    let try_it = async |topic: &str, count: i32, assignments: Option<Vec<Vec<i32>>>| {
        let asked = NewPartitions { topic: topic.into(), count, assignments };
        let racks = cluster.racks();
        let result = cluster.controller.create_partitions(&racks, asked, true).await;
        result.map_err(|error: ControllerError| error.to_string())
    };
    let error = |text: &str| Err(text.to_string());
    assert_eq!(
        try_it("three", 2, None).await,
        error("Topic currently has 3 partitions, which is higher than the requested 2.")
    );
    assert_eq!(try_it("three", 3, None).await, error("Topic already has 3 partitions."));
    assert_eq!(try_it("nope", 3, None).await, error("The topic 'nope' does not exist."));
    assert_eq!(
        try_it("three", 4, Some(vec![vec![101]])).await,
        error(
            "Inconsistent replication factor between partitions, partition 0 has 2 while \
             partitions [3] have replication factors [1], respectively."
        )
    );
    assert_eq!(try_it("three", 4, None).await, Ok(()));
}
