//! What every store must do, as tests: each implementation runs [`run`] against itself.
//!
//! Only what callers may rely on; what one implementation has of its own is tested beside it.

use super::store::{Change, Done, Life, Op, Session, SharedStore, Stat, StoreError, Watch};
use bytes::Bytes;
use std::future::Future;
use std::time::Duration;

pub(crate) fn create(path: &str, data: &str) -> Op {
    life(path, data, Life::Persistent)
}

pub(crate) fn life(path: &str, data: &str, life: Life) -> Op {
    Op::Create { path: path.to_string(), data: Some(Bytes::from(data.to_string())), life }
}

pub(crate) fn set(path: &str, data: &str, version: impl Into<Option<i32>>) -> Op {
    let data = Some(Bytes::from(data.to_string()));
    Op::Set { path: path.to_string(), data, version: version.into() }
}

pub(crate) fn delete(path: &str, version: impl Into<Option<i32>>) -> Op {
    Op::Delete { path: path.to_string(), version: version.into() }
}

pub(crate) fn check(path: &str, version: i32) -> Op {
    Op::Check { path: path.to_string(), version }
}

pub(crate) async fn one(store: &SharedStore, op: Op) -> Result<Done, StoreError> {
    let mut done = store.commit(vec![op]).await?;
    assert_eq!(done.len(), 1, "one outcome an operation");
    Ok(done.remove(0))
}

pub(crate) async fn stat(store: &SharedStore, path: &str) -> Stat {
    store.get(path).await.expect("readable").expect("there").stat
}

pub(crate) async fn data(store: &SharedStore, path: &str) -> Option<String> {
    let node = store.get(path).await.expect("readable").expect("there");
    node.data.map(|bytes| String::from_utf8(bytes.to_vec()).expect("text"))
}

/// The next change; a watch that stays silent fails the test.
pub(crate) async fn next(watch: &mut Watch) -> Change {
    let next = tokio::time::timeout(Duration::from_secs(20), watch.recv()).await;
    next.expect("a change is reported").expect("the watch is alive")
}

fn node(path: &str) -> Change {
    Change::Node(path.to_string())
}

/// Runs all of it. `open` opens an empty store the first time, then the same again.
pub(crate) async fn run<F: Future<Output = SharedStore>>(open: impl Fn() -> F) {
    let store = open().await;
    absent_nodes_are_none_and_not_errors(&store).await;
    versions_count_changes(&store).await;
    empty_content_reads_as_none(&store).await;
    each_refusal_names_its_operation(&store).await;
    a_commit_is_all_or_nothing(&store).await;
    operations_of_a_commit_see_those_before_them(&store).await;
    numbers_are_counted_per_parent(&store).await;
    children_are_sorted_names(&store).await;
    an_ephemeral_node_belongs_to_the_session(&store).await;
    one_of_many_wins_a_version(&store).await;
    a_watch_reports_its_subtree_in_order(&store).await;
    malformed_paths_are_refused(&store).await;
    closing_ends_ephemeral_nodes_and_nothing_else(store, open).await;
}

async fn absent_nodes_are_none_and_not_errors(store: &SharedStore) {
    assert_eq!(store.get("/absent").await, Ok(None));
    assert_eq!(store.children("/absent").await, Ok(None));
    assert_eq!(store.get("/absent/below").await, Ok(None));
    assert!(store.children("/").await.expect("readable").is_some());
    assert_eq!(store.commit(Vec::new()).await, Ok(Vec::new()));
}

async fn versions_count_changes(store: &SharedStore) {
    let created = one(store, create("/v", "a")).await;
    let Ok(Done::Created(path, first)) = created else { panic!("{created:?}") };
    assert_eq!((path.as_str(), first.version, first.ephemeral_owner), ("/v", 0, 0));
    assert_eq!((first.czxid, first), (first.mzxid, stat(store, "/v").await));
    let Ok(Done::Set(second)) = one(store, set("/v", "b", 0)).await else { panic!("not set") };
    assert_eq!((second.version, second.czxid), (1, first.czxid));
    assert!(second.mzxid > first.mzxid, "transactions are numbered upwards");
    assert_eq!(stat(store, "/v").await, second);
    assert_eq!(data(store, "/v").await.as_deref(), Some("b"));
    let Ok(Done::Set(third)) = one(store, set("/v", "c", None)).await else { panic!("not set") };
    assert_eq!(third.version, 2);
    assert_eq!(one(store, check("/v", 2)).await, Ok(Done::Checked));
    assert_eq!(one(store, delete("/v", 2)).await, Ok(Done::Deleted));
    assert_eq!(store.get("/v").await, Ok(None));
    let Ok(Done::Created(_, again)) = one(store, create("/v", "a")).await else { panic!() };
    assert_eq!(again.version, 0);
    assert!(again.czxid > third.mzxid, "a node made again is another node");
}

async fn empty_content_reads_as_none(store: &SharedStore) {
    let without = Op::Create { path: "/none".to_string(), data: None, life: Life::Persistent };
    let Ok(Done::Created(path, created)) = one(store, without).await else { panic!() };
    assert_eq!((path.as_str(), created), ("/none", stat(store, "/none").await));
    assert_eq!(data(store, "/none").await, None);
    one(store, set("/none", "x", 0)).await.expect("is set");
    assert_eq!(data(store, "/none").await.as_deref(), Some("x"));
    let empty = Op::Set { path: "/none".to_string(), data: None, version: Some(1) };
    one(store, empty).await.expect("is set");
    assert_eq!(data(store, "/none").await, None);
}

async fn each_refusal_names_its_operation(store: &SharedStore) {
    one(store, create("/r", "")).await.expect("created");
    one(store, create("/r/child", "")).await.expect("created");
    for (op, refusal) in [
        (create("/r", ""), StoreError::NodeExists as fn(usize) -> StoreError),
        (create("/missing/child", ""), StoreError::NoNode),
        (set("/missing", "", None), StoreError::NoNode),
        (set("/r", "", 7), StoreError::BadVersion),
        (delete("/missing", None), StoreError::NoNode),
        (delete("/r/child", 7), StoreError::BadVersion),
        (delete("/r", None), StoreError::NotEmpty),
        (check("/missing", 0), StoreError::NoNode),
        (check("/r", 7), StoreError::BadVersion),
    ] {
        assert_eq!(one(store, op.clone()).await, Err(refusal(0)), "{op:?}");
        let second = store.commit(vec![check("/r", 0), op.clone(), check("/r", 0)]).await;
        assert_eq!(second, Err(refusal(1)), "{op:?}");
    }
    let without =
        |path: &str| Op::Create { path: path.to_string(), data: None, life: Life::Persistent };
    assert_eq!(one(store, without("/r")).await, Err(StoreError::NodeExists(0)));
    assert_eq!(one(store, without("/missing/child")).await, Err(StoreError::NoNode(0)));
    let fenced = store.commit(vec![check("/r", 7), without("/r/new")]).await;
    assert_eq!(fenced, Err(StoreError::BadVersion(0)));
    let fenced = store.commit(vec![check("/r", 0), without("/r/child")]).await;
    assert_eq!(fenced, Err(StoreError::NodeExists(1)));
    let made = store.commit(vec![check("/r", 0), without("/r/new")]).await.expect("made");
    assert_eq!(made, [Done::Checked, Done::Created("/r/new".into(), stat(store, "/r/new").await)]);
}

async fn a_commit_is_all_or_nothing(store: &SharedStore) {
    one(store, create("/all", "old")).await.expect("created");
    let failing = vec![
        set("/all", "new", 0),
        create("/all/child", ""),
        create("/all/n", ""),
        delete("/all/n", None),
        check("/all", 0),
    ];
    assert_eq!(store.commit(failing).await, Err(StoreError::BadVersion(4)));
    assert_eq!(data(store, "/all").await.as_deref(), Some("old"));
    assert_eq!(store.children("/all").await, Ok(Some(Vec::new())));
    assert_eq!(one(store, delete("/all", 0)).await, Ok(Done::Deleted));
}

async fn operations_of_a_commit_see_those_before_them(store: &SharedStore) {
    let ops = vec![
        create("/seen", "a"),
        set("/seen", "b", 0),
        create("/seen/child", ""),
        check("/seen", 1),
        delete("/seen/child", 0),
    ];
    let done = store.commit(ops).await.expect("carried out");
    let [Done::Created(_, created), Done::Set(set), _, Done::Checked, Done::Deleted] = done[..]
    else {
        panic!("{done:?}")
    };
    assert_eq!((created.version, set.version), (0, 1));
    assert_eq!(created.czxid, set.czxid, "one transaction");
    assert_eq!(set.mzxid, set.czxid, "one transaction");
    assert_eq!(stat(store, "/seen").await, set);
}

async fn numbers_are_counted_per_parent(store: &SharedStore) {
    one(store, create("/s", "")).await.expect("created");
    one(store, create("/s2", "")).await.expect("created");
    let numbered = |path: &str| life(path, "x", Life::Sequential);
    let mut made = Vec::new();
    for path in ["/s/a_", "/s/b_", "/s2/a_"] {
        let Ok(Done::Created(path, _)) = one(store, numbered(path)).await else { panic!() };
        made.push(path);
    }
    assert_eq!(made, ["/s/a_0000000000", "/s/b_0000000001", "/s2/a_0000000000"]);
    one(store, delete("/s/b_0000000001", None)).await.expect("deleted");
    let again = store.commit(vec![check("/s", 0), numbered("/s/b_")]).await.expect("created");
    let Some(Done::Created(path, _)) = again.last() else { panic!("{again:?}") };
    assert_eq!(path, "/s/b_0000000002");
}

async fn children_are_sorted_names(store: &SharedStore) {
    one(store, create("/c", "")).await.expect("created");
    for path in ["/c/b", "/c/a", "/c/a/below", "/c/10", "/c/9"] {
        one(store, create(path, "")).await.expect("created");
    }
    let names = ["10", "9", "a", "b"].map(str::to_string).to_vec();
    assert_eq!(store.children("/c").await, Ok(Some(names)));
    assert_eq!(store.children("/c/b").await, Ok(Some(Vec::new())));
}

async fn an_ephemeral_node_belongs_to_the_session(store: &SharedStore) {
    let Session::Live(id) = *store.session().borrow() else { panic!("not live") };
    one(store, life("/e", "x", Life::Ephemeral)).await.expect("created");
    assert_eq!(stat(store, "/e").await.ephemeral_owner, id);
    let below = one(store, create("/e/below", "")).await;
    assert!(matches!(below, Err(StoreError::Other(_))), "{below:?}");
    assert!(store.session_timeout() > Duration::ZERO);
}

async fn one_of_many_wins_a_version(store: &SharedStore) {
    one(store, create("/w", "")).await.expect("created");
    let tries = (0..16).map(|n| {
        let store = store.clone();
        async move { one(&store, set("/w", &n.to_string(), 0)).await }
    });
    let outcomes = futures_util::future::join_all(tries).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let lost = outcomes.iter().filter(|o| **o == Err(StoreError::BadVersion(0))).count();
    assert_eq!((won, lost), (1, 15), "{outcomes:?}");
}

async fn a_watch_reports_its_subtree_in_order(store: &SharedStore) {
    let mut watch = store.watch("/watched").await.expect("watched");
    let mut root = store.watch("/").await.expect("watched");
    assert_eq!(next(&mut watch).await, Change::Resync);
    assert_eq!(next(&mut root).await, Change::Resync);
    for op in [
        create("/watched", "a"),
        create("/watched_not", "a"),
        set("/watched", "b", 0),
        create("/watched/x", ""),
        create("/watched/x/y", ""),
        set("/watched/x/y", "b", 0),
        delete("/watched/x/y", None),
    ] {
        one(store, op).await.expect("carried out");
    }
    store.commit(vec![set("/watched", "c", 1), delete("/watched/x", 0)]).await.expect("done");
    for path in [
        "/watched",
        "/watched",
        "/watched/x",
        "/watched/x/y",
        "/watched/x/y",
        "/watched/x/y",
        "/watched",
        "/watched/x",
    ] {
        assert_eq!(next(&mut watch).await, node(path));
    }
    assert_eq!(next(&mut root).await, node("/watched"));
    assert_eq!(next(&mut root).await, node("/watched_not"));
    drop(root);
    one(store, set("/watched", "d", 2)).await.expect("set");
    assert_eq!(next(&mut watch).await, node("/watched"));
}

async fn malformed_paths_are_refused(store: &SharedStore) {
    for path in ["", "relative", "/a//b", "/a/../b"] {
        let refused = one(store, create(path, "x")).await;
        assert!(refused.is_err(), "{path}: {refused:?}");
    }
}

async fn closing_ends_ephemeral_nodes_and_nothing_else<F: Future<Output = SharedStore>>(
    store: SharedStore,
    open: impl Fn() -> F,
) {
    one(&store, create("/kept", "x")).await.expect("created");
    let before = stat(&store, "/kept").await;
    let Session::Live(old) = *store.session().borrow() else { panic!("not live") };
    let mut watch = store.watch("/kept").await.expect("watched");
    store.close().await;
    assert_eq!(*store.session().borrow(), Session::Lost);
    assert_eq!(store.get("/kept").await, Err(StoreError::SessionExpired));
    assert_eq!(store.children("/kept").await, Err(StoreError::SessionExpired));
    assert_eq!(one(&store, set("/kept", "y", None)).await, Err(StoreError::SessionExpired));
    assert!(store.watch("/kept").await.is_err());
    while watch.recv().await.is_some() {}
    drop(store);

    let store = open().await;
    let Session::Live(new) = *store.session().borrow() else { panic!("not live") };
    assert_ne!(old, new);
    assert_eq!(store.get("/e").await, Ok(None));
    assert_eq!(stat(&store, "/kept").await, before);
    one(&store, create("/later", "")).await.expect("created");
    assert!(stat(&store, "/later").await.czxid > before.mzxid);
    let numbered = one(&store, life("/s/b_", "", Life::Sequential)).await.expect("created");
    assert!(matches!(&numbered, Done::Created(path, _) if path == "/s/b_0000000003"));
    store.close().await;
}
