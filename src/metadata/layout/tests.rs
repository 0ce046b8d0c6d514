//! Joining a cluster: on the embedded store, and against a real ZooKeeper what needs two sessions.

use super::*;
use crate::metadata::contract::{data, life, one, stat};
use crate::metadata::records::BrokerEndpoint;
use crate::metadata::store::SharedStore;
use crate::metadata::zookeeper::{self, ZookeeperOptions, test_server::TestServer};
use crate::metadata::{contract, embedded};
use std::sync::atomic::{AtomicUsize, Ordering};

fn registration() -> BrokerRegistration {
    BrokerRegistration {
        endpoints: vec![BrokerEndpoint {
            listener: "PLAINTEXT".to_string(),
            security_protocol: "PLAINTEXT".to_string(),
            host: "127.0.0.1".to_string(),
            port: 9092,
        }],
        rack: None,
        jmx_port: -1,
        timestamp: 1,
        features: Default::default(),
    }
}

fn open(directory: &tempfile::TempDir) -> SharedStore {
    embedded::open(directory.path()).expect("opens")
}

#[tokio::test]
async fn the_tree_is_made_in_kafkas_order_and_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    let mut watch = store.watch("/").await.expect("watched");
    assert_eq!(contract::next(&mut watch).await, Change::Resync);
    create_tree(&*store).await.expect("made");
    for path in TREE {
        assert_eq!(contract::next(&mut watch).await, Change::Node(path.to_string()));
    }
    create_tree(&*store).await.expect("is there");
    create_acl_tree(&*store).await.expect("made");
    create_token_tree(&*store).await.expect("made");
    assert_eq!(contract::next(&mut watch).await, Change::Node("/kafka-acl".to_string()));
    let kinds = store.children("/kafka-acl-extended/prefixed").await.expect("readable");
    assert_eq!(kinds.map(|kinds| kinds.len()), Some(6));
}

#[tokio::test]
async fn the_first_cluster_id_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    assert_eq!(read_cluster_id(&*store).await, Ok(None));
    let first = ClusterId("qq4gd_3yQdiv6msYVOujnA".to_string());
    assert_eq!(cluster_id(&*store, first.clone()).await, Ok(first.clone()));
    assert_eq!(cluster_id(&*store, ClusterId::random()).await, Ok(first));
}

#[tokio::test]
async fn generated_ids_start_above_the_reserved_ones() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    assert_eq!(generate_broker_id(&*store, 1000).await, Ok(1001));
    assert_eq!(generate_broker_id(&*store, 1000).await, Ok(1002));
    let refused = generate_broker_id(&*store, i32::MAX).await;
    assert_eq!(refused, Err(LayoutError::NoBrokerId(i32::MAX)));
}

#[tokio::test]
async fn a_registration_gives_its_transaction_as_epoch() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    create_tree(&*store).await.expect("made");
    let own = registration();
    let register = || register_broker(&*store, 1, &own, true, Duration::ZERO, || panic!("waits"));
    let epoch = register().await.expect("registered");
    let node = stat(&store, "/brokers/ids/1").await;
    assert_eq!((node.czxid, node.version), (epoch, 1));
    let json = data(&store, "/brokers/ids/1").await.expect("has data");
    assert_eq!(json.as_bytes(), own.encode(true));
    assert_eq!(register().await, Ok(epoch), "again in the same session");
    unregister_broker(&*store, 1).await.expect("unregistered");
    assert_eq!(store.get("/brokers/ids/1").await, Ok(None));
    unregister_broker(&*store, 1).await.expect("nothing to do");
    let again = register().await.expect("registered");
    assert!(again > epoch, "an epoch is never given twice");
}

#[tokio::test]
async fn a_former_runs_node_is_awaited_and_a_live_ones_refused() {
    let Some(server) = TestServer::start() else { return };
    let connect = async || {
        let session_timeout = Duration::from_secs(4);
        let connect = server.connect("/layout");
        let options = ZookeeperOptions { session_timeout, ..ZookeeperOptions::new(connect) };
        zookeeper::connect(options).await.expect("connects")
    };
    let (former, store) = (connect().await, connect().await);
    create_tree(&*store).await.expect("made");
    one(&former, life("/brokers/ids/1", "{}", Life::Ephemeral)).await.expect("registered");

    let waits = AtomicUsize::new(0);
    let count = || {
        waits.fetch_add(1, Ordering::Relaxed);
    };
    let patience = Duration::from_millis(200);
    let refused = register_broker(&*store, 1, &registration(), true, patience, count).await;
    assert_eq!(refused, Err(LayoutError::BrokerIdTaken(1)));
    assert_eq!(waits.load(Ordering::Relaxed), 1);
    unregister_broker(&*store, 1).await.expect("not ours, left alone");
    assert!(former.get("/brokers/ids/1").await.expect("readable").is_some());

    let (told, waiting) = tokio::sync::oneshot::channel();
    let told = parking_lot::Mutex::new(Some(told));
    let tell = || {
        let _ = told.lock().take().map(|told| told.send(()));
    };
    let patience = Duration::from_secs(30);
    let registration = registration();
    let (epoch, ()) =
        tokio::join!(register_broker(&*store, 1, &registration, true, patience, tell), async {
            waiting.await.expect("says that it waits");
            former.close().await;
        });
    assert_eq!(epoch, Ok(stat(&store, "/brokers/ids/1").await.czxid));
    store.close().await;
}
