//! Fetches that look at replicas: sent to one in the consumer's rack (KIP-392), or held back while
//! they copy a replica that is being moved (KIP-73).

use super::super::delete_records;
use super::*;
use crate::config::Properties;
use crate::config::dynamic::Scope;
use crate::metadata::image::{BrokerNode, Endpoint};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};

const SELECTOR: (&str, &str) =
    ("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector");

/// Says that brokers 1 and 2 live, in racks r1 and r2.
fn with_racks(fixture: &Fixture) {
    fixture.broker.image.update(|image| {
        for id in [1, 2] {
            let endpoint = Endpoint {
                listener: "PLAINTEXT".into(),
                security_protocol: 0,
                host: "h".into(),
                port: 1,
            };
            let rack = Some(format!("r{id}"));
            let node = BrokerNode { id, epoch: 1, endpoints: vec![endpoint], rack };
            image.brokers.insert(id, Arc::new(node));
        }
    });
}

/// A fetch of broker 2 at this offset, as a follower.
fn follower(offset: i64) -> FetchRequest {
    fetch_from(offset).with_replica_id(2.into())
}

fn from_rack(rack: &str) -> FetchRequest {
    fetch_from(0).with_rack_id(StrBytes::from_string(rack.to_owned())).with_max_wait_ms(60_000)
}

#[tokio::test]
async fn a_consumer_is_sent_to_an_in_sync_replica_of_its_rack_that_has_the_offset() {
    let fixture = leading(&[1, 2], &[SELECTOR]).await;
    with_racks(&fixture);
    fixture.produce(1, &[batch(b"a")]).await;
    let preferred = async |version, rack: &str| {
        let response = fixture.fetch(version, from_rack(rack)).await;
        let partition = &response.responses[0].partitions[0];
        let has_records = partition.records.as_ref().is_some_and(|bytes| !bytes.is_empty());
        (partition.preferred_read_replica.0, has_records, partition.high_watermark)
    };
    fixture.fetch(12, follower(1)).await;
    assert_eq!(preferred(11, "r1").await, (-1, true, 1), "the leader's own rack");
    assert_eq!(preferred(11, "r3").await, (-1, true, 1), "a rack without replica");
    assert_eq!(preferred(11, "r2").await, (2, false, 1), "no records, and no wait for them");
    assert_eq!(preferred(13, "r2").await, (2, false, 1));
    assert_eq!(preferred(10, "r2").await, (-1, true, 1), "v10 has no rack");
    fixture.lead_of(&[1, 2], &[1], 1).await;
    assert_eq!(preferred(11, "r2").await.0, -1, "not in sync");
}

#[tokio::test]
async fn without_the_selector_a_rack_means_nothing() {
    let fixture = leading(&[1, 2], &[]).await;
    with_racks(&fixture);
    fixture.produce(1, &[batch(b"a")]).await;
    fixture.fetch(12, follower(1)).await;
    let response = fixture.fetch(11, from_rack("r2")).await;
    assert_eq!(response.responses[0].partitions[0].preferred_read_replica.0, -1);
}

#[tokio::test]
async fn a_throttled_follower_gets_nothing_while_the_rate_is_exceeded_and_it_is_out_of_sync() {
    let fixture = leading(&[1, 2], &[]).await;
    fixture.lead_of(&[1, 2], &[1], 1).await;
    fixture.produce(1, &[batch(&[7; 40])]).await;
    let copied = async |request| {
        let response = fixture.fetch(12, request).await;
        let partition = &response.responses[0].partitions[0];
        assert_eq!((partition.error_code, partition.high_watermark), (0, 1));
        partition.records.as_ref().is_some_and(|bytes| !bytes.is_empty())
    };
    let rate = Properties::from([("leader.replication.throttled.rate".into(), "1".into())]);
    let broker = &fixture.broker;
    let config =
        crate::config::dynamic::check_broker(&broker.config.load(), Scope::Broker, &rate).unwrap();
    broker.replication.reconfigure(&config);
    assert!(copied(follower(0)).await && copied(follower(0)).await, "the topic names no replica");
    let partition = broker.replicas.get("orders", 0).unwrap();
    broker.image.update(|image| {
        let named = [("leader.replication.throttled.replicas".to_owned(), "0:1".to_owned())];
        image.topic_configs.insert("orders".into(), Arc::new(named.into()));
    });
    broker.replicas.reload_configs(&|_| true);
    assert!(copied(follower(0)).await, "nothing was used yet");
    assert!(!copied(follower(0)).await, "and now it was");
    assert!(copied(fetch_from(0)).await, "a consumer is no copy");
    fixture.lead_of(&[1, 2], &[1, 2], 2).await;
    assert!(partition.is_in_sync(2) && copied(follower(0)).await, "in sync it is never held back");
}

#[tokio::test]
async fn delete_records_is_answered_by_a_followers_fetch_from_its_new_log_start() {
    let fixture = leading(&[1, 2], &[]).await;
    fixture.produce(1, &[batch(b"a")]).await;
    fixture.fetch(12, follower(1)).await; // the high watermark is 1 and stays there
    let partition = DeleteRecordsPartition::default().with_offset(1);
    let topic = DeleteRecordsTopic::default().with_name(name()).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000);
    let context = RequestContext::for_test(21, 2);
    let deleted = delete_records::handle(&fixture.broker, &context, request);
    let followed = async {
        tokio::task::yield_now().await;
        let mut request = follower(1);
        request.topics[0].partitions[0].log_start_offset = 1;
        fixture.fetch(12, request).await
    };
    let (response, _) = tokio::join!(deleted, followed);
    let partition = &response.topics[0].partitions[0];
    assert_eq!((partition.error_code, partition.low_watermark), (0, 1));
}
