//! What UpdateMetadata does to the image.

use super::*;
use kafka_protocol::messages::update_metadata_request::{
    UpdateMetadataEndpoint, UpdateMetadataTopicState,
};
use kafka_protocol::protocol::StrBytes;

fn request(leader: i32, id: u8) -> UpdateMetadataRequest {
    let state = UpdateMetadataPartitionState::default()
        .with_leader(leader.into())
        .with_leader_epoch(3)
        .with_replicas(vec![1.into(), 2.into()]);
    let topic = UpdateMetadataTopicState::default()
        .with_topic_name(StrBytes::from_static_str("orders").into())
        .with_topic_id(TopicId::from_bytes([id; 16]))
        .with_partition_states(vec![state]);
    let endpoint = UpdateMetadataEndpoint::default()
        .with_host(StrBytes::from_static_str("h1"))
        .with_port(9092)
        .with_listener(StrBytes::from_static_str("INSIDE"));
    let live = UpdateMetadataBroker::default().with_id(1.into()).with_endpoints(vec![endpoint]);
    UpdateMetadataRequest::default()
        .with_controller_id(1.into())
        .with_controller_epoch(5)
        .with_topic_states(vec![topic])
        .with_live_brokers(vec![live])
}

#[test]
fn topics_brokers_and_names_are_taken_over() {
    let mut image = Image::empty();
    assert!(apply(&mut image, 8, &request(1, 9)).is_empty());
    assert_eq!(image.partition("orders", 0).map(|p| (p.leader, p.leader_epoch)), Some((1, 3)));
    assert_eq!(image.brokers[&1].endpoints[0].listener, "INSIDE");
    assert_eq!(&*image.names[&TopicId::from_bytes([9; 16])], "orders");
    assert_eq!((image.controller, image.controller_epoch), (1, 5));
}

#[test]
fn a_leader_during_delete_removes_the_partition_and_its_empty_topic() {
    let mut image = Image::empty();
    apply(&mut image, 8, &request(1, 9));
    let deleted = apply(&mut image, 8, &request(LEADER_DURING_DELETE, 9));
    assert_eq!(deleted, [TopicPartition::new("orders", 0)]);
    assert!(image.topics.is_empty() && image.names.is_empty());
}

#[test]
fn a_topic_made_again_has_its_new_id_only() {
    let mut image = Image::empty();
    apply(&mut image, 8, &request(1, 9));
    apply(&mut image, 8, &request(1, 10));
    assert_eq!(image.names.len(), 1);
    assert_eq!(image.topics["orders"].id, TopicId::from_bytes([10; 16]));
}

#[test]
fn listeners_had_no_names_below_version_three() {
    let mut image = Image::empty();
    apply(&mut image, 2, &request(1, 9));
    assert_eq!(image.brokers[&1].endpoints[0].listener, "PLAINTEXT");
}
