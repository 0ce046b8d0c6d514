//! The contract against a real ZooKeeper, and what only this store has.

use super::test_server::TestServer;
use super::*;
use crate::metadata::contract::{self, create, life, one, stat};
use crate::metadata::store::{Change, Life};

fn options(connect: String) -> ZookeeperOptions {
    ZookeeperOptions { session_timeout: Duration::from_secs(4), ..ZookeeperOptions::new(connect) }
}

#[tokio::test]
async fn the_zookeeper_store_keeps_the_contract() {
    let Some(server) = TestServer::start() else { return };
    let open = async || connect(options(server.connect("/a/chroot"))).await.expect("connects");
    contract::run(open).await;
}

#[tokio::test]
async fn two_sessions_see_one_tree() {
    let Some(server) = TestServer::start() else { return };
    let first = connect(options(server.connect("/one"))).await.expect("connects");
    let second = connect(options(server.connect("/one"))).await.expect("connects");
    let whole = connect(options(server.connect(""))).await.expect("connects");
    one(&first, life("/e", "x", Life::Ephemeral)).await.expect("created");
    assert_eq!(stat(&second, "/e").await, stat(&whole, "/one/e").await);
    first.close().await;
    assert_eq!(second.get("/e").await, Ok(None), "closing ends the session at once");
    second.close().await;
    whole.close().await;
}

#[tokio::test]
async fn an_unreachable_ensemble_is_unavailable_in_bounded_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = listener.local_addr().expect("an address");
    let mut options = options(silent.to_string());
    options.connection_timeout = Duration::from_millis(300);
    let refused = connect(options).await;
    assert!(matches!(refused.map(|_| ()), Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn nodes_without_data_hold_null_and_not_nothing() {
    let Some(server) = TestServer::start() else { return };
    let store = connect(options(server.connect("/n"))).await.expect("connects");
    let without = Op::Create { path: "/null".to_string(), data: None, life: Life::Persistent };
    one(&store, without).await.expect("created");
    one(&store, create("/empty", "")).await.expect("created");
    let mut target = ConnectString::parse(&server.connect("/n")).expect("is well");
    let mut raw =
        raw::RawSession::open(&mut target, "/n", Duration::from_secs(4)).await.expect("opens");
    assert_eq!(raw.data_length("/null").await.expect("readable"), -1);
    assert_eq!(raw.data_length("/empty").await.expect("readable"), 0);
    raw.close().await;
    store.close().await;
}

#[tokio::test]
async fn a_dropped_store_ends_its_session() {
    let Some(server) = TestServer::start() else { return };
    let store = connect(options(server.connect(""))).await.expect("connects");
    let other = connect(options(server.connect(""))).await.expect("connects");
    one(&store, life("/e", "x", Life::Ephemeral)).await.expect("created");
    let mut changes = other.watch("/e").await.expect("watched");
    assert_eq!(contract::next(&mut changes).await, Change::Resync);
    drop(store);
    assert_eq!(contract::next(&mut changes).await, Change::Node("/e".to_string()));
    assert_eq!(other.get("/e").await, Ok(None));
    other.close().await;
}
