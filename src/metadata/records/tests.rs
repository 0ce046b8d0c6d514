//! Every documented znode: its bytes as Kafka 3.9 writes them, and read back.

use super::*;
use crate::types::id_from_base64;
use std::collections::BTreeMap;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("JSON is UTF-8")
}

fn endpoint(listener: &str, port: u16) -> BrokerEndpoint {
    BrokerEndpoint {
        listener: listener.to_string(),
        security_protocol: listener.to_string(),
        host: "127.0.0.1".to_string(),
        port,
    }
}

fn registration() -> BrokerRegistration {
    BrokerRegistration {
        endpoints: vec![endpoint("PLAINTEXT", 15711), endpoint("SASL_PLAINTEXT", 15721)],
        rack: Some("r1".to_string()),
        jmx_port: -1,
        timestamp: 1795526372775,
        features: BTreeMap::new(),
    }
}

#[test]
fn a_broker_registers_with_version_5() {
    let expected = concat!(
        r#"{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT","#,
        r#""SASL_PLAINTEXT":"SASL_PLAINTEXT"},"endpoints":["PLAINTEXT://127.0.0.1:15711","#,
        r#""SASL_PLAINTEXT://127.0.0.1:15721"],"rack":"r1","jmx_port":-1,"port":15711,"#,
        r#""host":"127.0.0.1","version":5,"timestamp":"1795526372775"}"#
    );
    let encoded = registration().encode(true);
    assert_eq!(text(&encoded), expected);
    assert_eq!(BrokerRegistration::decode(&encoded), Ok(registration()));
}

#[test]
fn a_broker_of_an_old_ibp_registers_with_version_4() {
    let broker = BrokerRegistration {
        endpoints: vec![endpoint("PLAINTEXT", 15741)],
        rack: None,
        timestamp: 1795526782336,
        ..registration()
    };
    let expected = concat!(
        r#"{"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"#,
        r#""endpoints":["PLAINTEXT://127.0.0.1:15741"],"jmx_port":-1,"port":15741,"#,
        r#""host":"127.0.0.1","version":4,"timestamp":"1795526782336"}"#
    );
    let encoded = broker.encode(false);
    assert_eq!(text(&encoded), expected);
    assert_eq!(BrokerRegistration::decode(&encoded), Ok(broker));
}

#[test]
fn a_broker_without_plain_listener_gives_old_clients_no_address() {
    let mut listener = endpoint("EXTERNAL", 9093);
    listener.security_protocol = "SSL".to_string();
    listener.host = "::1".to_string();
    let broker = BrokerRegistration { endpoints: vec![listener], ..registration() };
    let encoded = broker.encode(true);
    assert!(text(&encoded).contains(r#""endpoints":["EXTERNAL://[::1]:9093"]"#));
    assert!(text(&encoded).contains(r#""port":-1,"host":null"#));
    assert_eq!(BrokerRegistration::decode(&encoded), Ok(broker));
}

#[test]
fn a_registration_of_version_1_has_one_plain_listener() {
    let old = br#"{"jmx_port":9999,"timestamp":"123","host":"h","version":1,"port":9092}"#;
    let broker = BrokerRegistration::decode(old).expect("version 1 is read");
    assert_eq!(broker.endpoints.len(), 1);
    assert_eq!(broker.endpoints[0].url(), "PLAINTEXT://h:9092");
    assert_eq!((broker.jmx_port, broker.timestamp), (9999, 123));
}

#[test]
fn a_malformed_registration_is_refused() {
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"version":5,"endpoints":["PLAINTEXT:9092"]}"#,
        r#"{"version":0,"host":"h","port":1}"#,
        r#"{"version":1,"host":"h","port":70000}"#,
    ] {
        assert!(BrokerRegistration::decode(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_topic_is_assigned_with_version_3() {
    let partitions = [(0, vec![102, 103]), (1, vec![103, 101]), (2, vec![101, 103])];
    let topic = TopicAssignment {
        topic_id: id_from_base64("c3UF4Oe1T2KZ_N_XNvSOdg"),
        partitions: partitions.map(|(p, r)| (p, ReplicaAssignment::settled(r))).into(),
    };
    let expected = concat!(
        r#"{"partitions":{"0":[102,103],"1":[103,101],"2":[101,103]},"#,
        r#""topic_id":"c3UF4Oe1T2KZ_N_XNvSOdg","adding_replicas":{},"removing_replicas":{},"#,
        r#""version":3}"#
    );
    let encoded = topic.encode();
    assert_eq!(text(&encoded), expected);
    assert_eq!(TopicAssignment::decode(&encoded), Ok(topic));
}

#[test]
fn a_moving_partition_names_who_comes_and_who_goes() {
    let moving =
        ReplicaAssignment { replicas: vec![103, 101, 102], adding: vec![103], removing: vec![102] };
    assert!(moving.is_moving());
    assert_eq!(moving.targets(), [103, 101]);
    let settled = ReplicaAssignment::settled(vec![102, 103]);
    let topic = TopicAssignment { topic_id: None, partitions: [(0, moving), (1, settled)].into() };
    let expected = concat!(
        r#"{"partitions":{"0":[103,101,102],"1":[102,103]},"adding_replicas":{"0":[103]},"#,
        r#""removing_replicas":{"0":[102]},"version":3}"#
    );
    let encoded = topic.encode();
    assert_eq!(text(&encoded), expected);
    assert_eq!(TopicAssignment::decode(&encoded), Ok(topic));
}

#[test]
fn many_partitions_stand_in_scalas_hash_order() {
    let topic = TopicAssignment {
        topic_id: None,
        partitions: (0..50).map(|p| (p, ReplicaAssignment::settled(vec![1]))).collect(),
    };
    let encoded = topic.encode();
    let encoded = text(&encoded);
    assert!(encoded.starts_with(r#"{"partitions":{"44":[1],"45":[1],"46":[1]"#), "{encoded}");
    assert!(encoded.find(r#""10":"#) < encoded.find(r#""0":"#), "{encoded}");
}

#[test]
fn topics_of_versions_1_and_2_are_read() {
    let v1 = TopicAssignment::decode(br#"{"version":1,"partitions":{"0":[1,2]}}"#);
    let v2 = TopicAssignment::decode(
        br#"{"version":2,"partitions":{"0":[1,2]},"adding_replicas":{},"removing_replicas":{}}"#,
    );
    let expected = TopicAssignment {
        topic_id: None,
        partitions: [(0, ReplicaAssignment::settled(vec![1, 2]))].into(),
    };
    assert_eq!(v1, Ok(expected.clone()));
    assert_eq!(v2, Ok(expected));
}

#[test]
fn a_partition_state_names_recovery_only_while_recovering() {
    let state = PartitionState {
        controller_epoch: 1,
        leader: 102,
        leader_epoch: 0,
        isr: vec![102, 103],
        recovering: false,
    };
    let expected =
        r#"{"controller_epoch":1,"leader":102,"version":1,"leader_epoch":0,"isr":[102,103]}"#;
    assert_eq!(text(&state.encode()), expected);
    assert_eq!(PartitionState::decode(expected.as_bytes()), Ok(state));

    let unclean = PartitionState {
        controller_epoch: 2,
        leader: 103,
        leader_epoch: 3,
        isr: vec![103],
        recovering: true,
    };
    let expected = concat!(
        r#"{"controller_epoch":2,"leader":103,"version":1,"leader_recovery_state":1,"#,
        r#""leader_epoch":3,"isr":[103]}"#
    );
    assert_eq!(text(&unclean.encode()), expected);
    assert_eq!(PartitionState::decode(expected.as_bytes()), Ok(unclean));
}

#[test]
fn the_controller_is_version_2_and_version_1_is_read() {
    let node =
        ControllerNode { broker_id: 101, timestamp: 1795526372949, kraft_controller_epoch: -1 };
    let expected =
        r#"{"version":2,"brokerid":101,"timestamp":"1795526372949","kraftControllerEpoch":-1}"#;
    assert_eq!(text(&node.encode()), expected);
    assert_eq!(ControllerNode::decode(expected.as_bytes()), Ok(node.clone()));
    let v1 = br#"{"version":1,"brokerid":101,"timestamp":"1795526372949"}"#;
    assert_eq!(ControllerNode::decode(v1), Ok(node));
}

#[test]
fn a_controller_epoch_is_a_bare_number() {
    assert_eq!(text(&encode_controller_epoch(17)), "17");
    assert_eq!(decode_controller_epoch(b"17"), Ok(17));
    assert!(decode_controller_epoch(b"").is_err());
}

#[test]
fn cluster_wide_nodes_are_as_kafka_writes_them() {
    let id = ClusterId("qq4gd_3yQdiv6msYVOujnA".to_string());
    assert_eq!(text(&id.encode()), r#"{"version":"1","id":"qq4gd_3yQdiv6msYVOujnA"}"#);
    assert_eq!(ClusterId::decode(&id.encode()), Ok(id));
    assert_eq!(ClusterId::random().0.len(), 22);

    let feature = FeatureNode { version: 2, status: FeatureStatus::Enabled };
    assert_eq!(text(&feature.encode()), r#"{"features":{},"version":2,"status":1}"#);
    assert_eq!(FeatureNode::decode(&feature.encode()), Ok(feature));
    let old = FeatureNode { version: 1, status: FeatureStatus::Disabled };
    assert_eq!(text(&old.encode()), r#"{"features":{},"version":1,"status":0}"#);
}

#[test]
fn producer_id_blocks_follow_one_another() {
    let first = ProducerIdBlock::following(None, 102).expect("ids are left");
    let expected = r#"{"version":1,"broker":102,"block_start":"0","block_end":"999"}"#;
    assert_eq!(text(&first.encode()), expected);
    assert_eq!(ProducerIdBlock::decode(expected.as_bytes()), Ok(first.clone()));
    let second = ProducerIdBlock::following(Some(&first), 202).expect("ids are left");
    assert_eq!((second.start, second.end), (1000, 1999));
    let last = ProducerIdBlock { broker: 1, start: 0, end: i64::MAX - 5 };
    assert_eq!(ProducerIdBlock::following(Some(&last), 1), None);
}

fn config(entries: &[(&str, &str)]) -> String {
    let entries = entries.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let data = ConfigData(entries);
    let encoded = data.encode();
    assert_eq!(ConfigData::decode(&encoded), Ok(data));
    text(&encoded).to_string()
}

#[test]
fn configs_stand_in_the_hash_order_of_properties() {
    assert_eq!(config(&[]), r#"{"version":1,"config":{}}"#);
    assert_eq!(
        config(&[
            ("cleanup.policy", "compact,delete"),
            ("max.message.bytes", "2000000"),
            ("min.insync.replicas", "2"),
            ("retention.ms", "100000"),
        ]),
        concat!(
            r#"{"version":1,"config":{"cleanup.policy":"compact,delete","#,
            r#""max.message.bytes":"2000000","min.insync.replicas":"2","retention.ms":"100000"}}"#
        )
    );
    assert_eq!(
        config(&[("consumer_byte_rate", "2097152"), ("producer_byte_rate", "1048576")]),
        concat!(
            r#"{"version":1,"config":{"producer_byte_rate":"1048576","#,
            r#""consumer_byte_rate":"2097152"}}"#
        )
    );
    assert_eq!(
        config(&[
            ("follower.replication.throttled.replicas", "0:103"),
            ("leader.replication.throttled.replicas", "0:101,0:102"),
        ]),
        concat!(
            r#"{"version":1,"config":{"leader.replication.throttled.replicas":"0:101,0:102","#,
            r#""follower.replication.throttled.replicas":"0:103"}}"#
        )
    );
}

#[test]
fn config_entities_are_named_by_encoded_paths() {
    let named = |name: &str| EntityName::Named(name.to_string());
    for (entity, path) in [
        (ConfigEntity::Topic("orders".to_string()), "topics/orders"),
        (ConfigEntity::Broker(named("101")), "brokers/101"),
        (ConfigEntity::Broker(EntityName::Default), "brokers/<default>"),
        (ConfigEntity::Client(named("app one")), "clients/app%20one"),
        (ConfigEntity::User(named("CN=bob,O=x"), None), "users/CN%3Dbob%2CO%3Dx"),
        (ConfigEntity::User(named("bob"), Some(named("c1"))), "users/bob/clients/c1"),
        (
            ConfigEntity::User(EntityName::Default, Some(EntityName::Default)),
            "users/<default>/clients/<default>",
        ),
        (ConfigEntity::Ip(named("10.0.0.1")), "ips/10.0.0.1"),
        (ConfigEntity::Ip(named("<default>")), "ips/%3Cdefault%3E"),
    ] {
        assert_eq!(entity.entity_path(), path);
        assert_eq!(entity.path(), format!("/config/{path}"));
        assert_eq!(ConfigEntity::parse(path), Some(entity));
    }
    assert_eq!(ConfigEntity::parse("client-metrics/m1"), None);
}

#[test]
fn names_survive_their_encoding() {
    for name in ["", "a*b+c d", "täst/ü", "~!'()%41"] {
        assert_eq!(desanitize(&sanitize(name)).as_deref(), Some(name));
    }
    assert_eq!(sanitize("a* ~"), "a%2A%20%7E");
    assert_eq!(desanitize("a+b"), Some("a b".to_string()));
    assert_eq!(desanitize("%4"), None);
    assert_eq!(desanitize("%zz"), None);
    assert_eq!(desanitize("%FF"), None);
}

#[test]
fn a_config_change_is_version_2_and_version_1_is_read() {
    let entity = ConfigEntity::Topic("orders".to_string());
    let change = ConfigChange::of(&entity);
    assert_eq!(text(&change.encode()), r#"{"version":2,"entity_path":"topics/orders"}"#);
    assert_eq!(ConfigChange::decode(&change.encode()).map(|c| c.entity()), Ok(Some(entity)));
    let v1 = br#"{"version":1,"entity_type":"topics","entity_name":"orders"}"#;
    assert_eq!(ConfigChange::decode(v1), Ok(change));
    assert!(ConfigChange::decode(br#"{"version":3,"entity_path":"topics/orders"}"#).is_err());
}

#[test]
fn requests_and_notifications_are_as_kafka_writes_them() {
    let moved = PartitionRef { topic: "moved".to_string(), partition: 1 };
    let reassign = ReassignmentRequest(vec![(moved.clone(), vec![101, 103])]);
    let expected =
        r#"{"version":1,"partitions":[{"topic":"moved","partition":1,"replicas":[101,103]}]}"#;
    assert_eq!(text(&reassign.encode()), expected);
    assert_eq!(ReassignmentRequest::decode(expected.as_bytes()), Ok(reassign));

    let elect = ElectionRequest(vec![moved]);
    let expected = r#"{"version":1,"partitions":[{"topic":"moved","partition":1}]}"#;
    assert_eq!(text(&elect.encode()), expected);
    assert_eq!(ElectionRequest::decode(expected.as_bytes()), Ok(elect));

    let at = |partition| PartitionRef { topic: "t26".to_string(), partition };
    let change = IsrChange(vec![at(3), at(0)]);
    let expected = concat!(
        r#"{"version":1,"partitions":[{"topic":"t26","partition":3},"#,
        r#"{"topic":"t26","partition":0}]}"#
    );
    assert_eq!(text(&change.encode()), expected);
    assert_eq!(IsrChange::decode(expected.as_bytes()), Ok(change));

    let event = LogDirEvent { broker: 202 };
    assert_eq!(text(&event.encode()), r#"{"version":1,"broker":202,"event":1}"#);
    assert_eq!(LogDirEvent::decode(&event.encode()), Ok(event));
}

#[test]
fn text_is_quoted_as_json_wants_it() {
    let odd = "a\"b\\c\n\t\u{1}ü";
    let encoded = config(&[("k", odd)]);
    assert_eq!(encoded, "{\"version\":1,\"config\":{\"k\":\"a\\\"b\\\\c\\n\\t\\u0001ü\"}}");
}

#[test]
fn a_state_path_tells_its_partition() {
    let path = paths::partition_state("orders", 3);
    assert_eq!(paths::parse_partition_state(&path), Some(("orders", 3)));
    assert_eq!(paths::parse_partition_state("/brokers/topics/orders"), None);
    assert_eq!(paths::parse_partition_state("/brokers/topics/o/partitions/3/state/x"), None);
    assert_eq!(paths::parent_of("/a/b"), Some("/a"));
    assert_eq!(paths::parent_of("/a"), Some("/"));
    assert_eq!(paths::parent_of("/"), None);
    assert_eq!(paths::name_of("/a/b"), "b");
}
