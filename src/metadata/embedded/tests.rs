//! The contract, and what only the embedded store has: its file.

use super::*;
use crate::metadata::contract::{self, create, data, next, one, set};

#[tokio::test]
async fn the_embedded_store_keeps_the_contract() {
    let directory = tempfile::tempdir().expect("a directory");
    contract::run(async || open(directory.path()).expect("opens")).await;
}

#[tokio::test]
async fn a_store_that_was_not_closed_has_all_that_it_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let copy = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).expect("opens");
    one(&store, create("/a", "1")).await.expect("created");
    one(&store, set("/a", "2", 0)).await.expect("set");
    // A copy of the file while it is open is what a killed process leaves behind.
    std::fs::copy(directory.path().join(FILE_NAME), copy.path().join(FILE_NAME)).expect("copied");
    let survivor = open(copy.path()).expect("opens");
    assert_eq!(data(&survivor, "/a").await.as_deref(), Some("2"));
    one(&survivor, set("/a", "3", 1)).await.expect("the version survived");
}

#[tokio::test]
async fn a_store_is_open_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let _store = open(directory.path()).expect("opens");
    assert!(matches!(open(directory.path()), Err(StoreError::Other(_))));
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join(FILE_NAME), vec![7; 100_000]).expect("written");
    assert!(matches!(open(directory.path()), Err(StoreError::Other(_))));
}

#[tokio::test]
async fn a_slow_reader_is_told_to_read_all_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).expect("opens");
    let mut watch = store.watch("/").await.expect("watched");
    assert_eq!(next(&mut watch).await, Change::Resync);
    let creates = (0..WATCH_CAPACITY + 10).map(|n| create(&format!("/{n}"), ""));
    store.commit(creates.collect()).await.expect("created");
    let mut seen = Vec::new();
    while let Ok(change) = watch.try_recv() {
        seen.push(change);
    }
    assert_eq!(seen.len(), WATCH_CAPACITY);
    assert_eq!(seen.iter().filter(|change| **change == Change::Resync).count(), 1);
    assert_eq!(seen.last(), Some(&Change::Resync));
}
