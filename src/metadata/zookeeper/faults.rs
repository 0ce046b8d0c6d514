//! The store against a real ZooKeeper through a proxy that cuts, swallows and lets pass.

use super::test_server::TestServer;
use super::*;
use crate::metadata::contract::{create, life, next, one, stat};
use crate::metadata::store::{Change, Life};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Bytes go through.
    Pass,
    /// Connections are closed, new ones too.
    Cut,
    /// Connections stay open and nothing goes through.
    Swallow,
}

struct Proxy {
    port: u16,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    async fn start(target: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mode = watch::Sender::new(Mode::Pass);
        let modes = mode.clone();
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                tokio::spawn(carry(inner, target, modes.subscribe()));
            }
        });
        Proxy { port, mode }
    }

    fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    fn options(&self, session_timeout: Duration) -> ZookeeperOptions {
        let connect = format!("127.0.0.1:{}", self.port);
        ZookeeperOptions { session_timeout, ..ZookeeperOptions::new(connect) }
    }
}

async fn carry(mut inner: TcpStream, target: u16, mut modes: watch::Receiver<Mode>) {
    if *modes.borrow() == Mode::Pass {
        let Ok(mut outer) = TcpStream::connect(("127.0.0.1", target)).await else { return };
        tokio::select! {
            _ = copy_bidirectional(&mut inner, &mut outer) => return,
            _ = modes.wait_for(|mode| *mode != Mode::Pass) => {}
        }
        if *modes.borrow() == Mode::Swallow {
            // The server must not learn that its client is gone either.
            let _ = modes.wait_for(|mode| *mode != Mode::Swallow).await;
        }
        return;
    }
    let _ = modes.wait_for(|mode| *mode != Mode::Swallow).await;
}

async fn until(store: &SharedStore, wanted: impl Fn(&Session) -> bool) -> Session {
    let mut session = store.session();
    let waiting = session.wait_for(wanted);
    let found = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    *found.expect("the session gets there").expect("the store is alive")
}

fn live(store: &SharedStore) -> i64 {
    let Session::Live(id) = *store.session().borrow() else { panic!("not live") };
    id
}

#[tokio::test]
async fn a_cut_connection_suspends_the_session_and_watches_resync_after_it() {
    let Some(server) = TestServer::start() else { return };
    let proxy = Proxy::start(server.port).await;
    let mut options = proxy.options(Duration::from_secs(5));
    options.call_timeout = Duration::from_millis(300);
    let store = connect(options).await.expect("connects");
    let other = connect(ZookeeperOptions::new(server.connect(""))).await.expect("connects");
    let id = live(&store);
    let mut changes = store.watch("/w").await.expect("watched");
    assert_eq!(next(&mut changes).await, Change::Resync);

    proxy.set(Mode::Cut);
    until(&store, |session| *session == Session::Suspended).await;
    one(&other, create("/w", "missed")).await.expect("created");
    let refused = one(&store, create("/late", "")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    proxy.set(Mode::Pass);

    assert_eq!(next(&mut changes).await, Change::Resync);
    assert_eq!(until(&store, |session| matches!(session, Session::Live(_))).await, {
        Session::Live(id)
    });
    assert!(store.get("/w").await.expect("readable").is_some());
    assert_eq!(store.get("/late").await, Ok(None), "a call that failed early is never sent");
    one(&other, create("/w/x", "")).await.expect("created");
    assert_eq!(next(&mut changes).await, Change::Node("/w/x".to_string()));
    store.close().await;
    other.close().await;
}

#[tokio::test]
async fn an_expired_session_is_followed_by_a_new_one() {
    let Some(server) = TestServer::start() else { return };
    let proxy = Proxy::start(server.port).await;
    let store = connect(proxy.options(Duration::from_secs(1))).await.expect("connects");
    let other = connect(ZookeeperOptions::new(server.connect(""))).await.expect("connects");
    let old = live(&store);
    let mut changes = store.watch("/").await.expect("watched");
    assert_eq!(next(&mut changes).await, Change::Resync);
    one(&store, life("/e", "", Life::Ephemeral)).await.expect("created");
    assert_eq!(next(&mut changes).await, Change::Node("/e".to_string()));
    let mut seen = other.watch("/e").await.expect("watched");
    assert_eq!(next(&mut seen).await, Change::Resync);

    proxy.set(Mode::Swallow);
    until(&store, |session| *session == Session::Suspended).await;
    assert_eq!(next(&mut seen).await, Change::Node("/e".to_string()));
    until(&store, |session| *session == Session::Lost).await;
    assert_eq!(other.get("/e").await, Ok(None));
    proxy.set(Mode::Pass);

    let Session::Live(new) = until(&store, |s| matches!(s, Session::Live(_))).await else {
        panic!("not live")
    };
    assert_ne!(old, new);
    assert_eq!(next(&mut changes).await, Change::Resync);
    one(&store, life("/e", "", Life::Ephemeral)).await.expect("made again");
    assert_eq!(stat(&other, "/e").await.ephemeral_owner, new);
    assert_eq!(next(&mut changes).await, Change::Node("/e".to_string()));
    store.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_closed_store_leaves_no_supervisor_trying() {
    let Some(server) = TestServer::start() else { return };
    let proxy = Proxy::start(server.port).await;
    let store = connect(proxy.options(Duration::from_secs(1))).await.expect("connects");
    proxy.set(Mode::Swallow);
    until(&store, |session| *session == Session::Lost).await;
    store.close().await;
    proxy.set(Mode::Pass);
    assert_eq!(store.get("/").await, Err(StoreError::SessionExpired));
    assert_eq!(*store.session().borrow(), Session::Lost);
}

#[tokio::test]
async fn a_session_outlives_the_loss_of_its_server() {
    let Some(mut servers) = TestServer::start_ensemble() else { return };
    let hosts: Vec<String> = servers.iter().map(|server| server.connect("")).collect();
    let mut options = ZookeeperOptions::new(format!("{}/ensemble", hosts.join(",")));
    options.session_timeout = Duration::from_secs(5);
    let store = connect(options).await.expect("connects");
    let id = live(&store);
    let mut changes = store.watch("/").await.expect("watched");
    assert_eq!(next(&mut changes).await, Change::Resync);
    one(&store, life("/e", "", Life::Ephemeral)).await.expect("created");
    assert_eq!(next(&mut changes).await, Change::Node("/e".to_string()));

    let session = format!("sid=0x{id:x},");
    let serves = |server: &TestServer| server.ask("cons").is_ok_and(|a| a.contains(&session));
    let at = servers.iter().position(serves).expect("one serves this session");
    drop(servers.remove(at));

    assert_eq!(next(&mut changes).await, Change::Resync);
    assert_eq!(until(&store, |s| matches!(s, Session::Live(_))).await, Session::Live(id));
    assert_eq!(stat(&store, "/e").await.ephemeral_owner, id);
    one(&store, create("/after", "")).await.expect("a majority carries on");
    assert_eq!(next(&mut changes).await, Change::Node("/after".to_string()));
    store.close().await;
}
