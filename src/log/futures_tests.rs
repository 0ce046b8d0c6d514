//! Moving a log between directories: its copy takes its place whole, also after a restart at any
//! point of the move.

use super::*;
use crate::config::TopicConfig;
use crate::log::testing::Spec;
use crate::log::testing::quiet;
use crate::log::{LogDirsConfig, Origin, ReadBound, RecordSet};

struct Two {
    one: tempfile::TempDir,
    two: tempfile::TempDir,
}

fn two() -> Two {
    let dir = || tempfile::tempdir().expect("a directory");
    Two { one: dir(), two: dir() }
}

fn config() -> Arc<TopicConfig> {
    Arc::new(TopicConfig {
        segment_bytes: 600,
        index_interval_bytes: 100,
        file_delete_delay_ms: 3_600_000,
        ..Default::default()
    })
}

fn open(root: &Two) -> Arc<LogDirs> {
    let dirs = LogDirsConfig {
        producer_expiry_ms: i64::MAX,
        ..quiet(&[root.one.path(), root.two.path()])
    };
    LogDirs::open(dirs, &|_| config(), &|_| {}).expect("opened")
}

fn id() -> TopicPartition {
    TopicPartition::new("orders", 3)
}

fn append(log: &Log, sequence: i32) -> crate::log::Appended {
    let spec = Spec { producer: (9, 0, sequence), ..Spec::of(&["a value"]) };
    let set = RecordSet { records: spec.build() };
    log.append_as_leader(&[set], 3, Origin::Client, 0).remove(0).expect("appended")
}

/// All that is in `from` and not yet in `to`.
fn copy(from: &Log, to: &Log) {
    while to.log_end_offset() < from.log_end_offset() {
        let read = from.read(to.log_end_offset(), 300, true, ReadBound::LogEnd).expect("read");
        let region = read.region.expect("records");
        let mut bytes = vec![0; region.len];
        std::os::unix::fs::FileExt::read_exact_at(&*region.file, &mut bytes, region.position)
            .expect("bytes");
        to.append_as_follower(&bytes.into()).expect("copied");
    }
}

/// A log of forty records in the first directory, and its empty copy in the second.
fn moving(dirs: &LogDirs, root: &Two) -> (Arc<Log>, Arc<Log>) {
    dirs.prefer(&id(), root.one.path());
    let topic_id = Some(TopicId::from_u128(5));
    let log = dirs.get_or_create(&id(), topic_id, config()).expect("made");
    for n in 0..40 {
        append(&log, n);
    }
    log.set_high_watermark(40);
    let future = dirs.create_future(&id(), root.two.path()).expect("made").expect("a copy");
    (log, future)
}

fn names(root: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(root.path()).expect("listed").flatten();
    let dirs = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        dirs.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn names_of_directories_are_those_of_kafka() {
    let unique = "0123456789abcdef0123456789abcdef";
    for (name, kind) in [
        ("orders-3".to_owned(), Some(Kind::Current)),
        (format!("orders-3.{unique}-future"), Some(Kind::Future)),
        (format!("orders-3.{unique}-delete"), Some(Kind::Deleted)),
        (format!("orders-3.{unique}-stray"), Some(Kind::Stray)),
        ("my-delete".to_owned(), None),
        ("lost+found".to_owned(), None),
        ("orders-3.-delete".to_owned(), None),
    ] {
        assert_eq!(parse_name(&name), kind.map(|kind| (id(), kind)), "{name}");
    }
    assert_eq!(parse_name("a.b-c-0"), Some((TopicPartition::new("a.b-c", 0), Kind::Current)));
    assert!(can_move(&id()) && !can_move(&TopicPartition::new("x".repeat(220), 0)));
}

#[test]
fn a_copy_takes_the_place_of_its_log_with_all_that_was_known() {
    let root = two();
    let dirs = open(&root);
    let (log, future) = moving(&dirs, &root);
    assert!(log.is_moving() && dirs.is_future(&future));
    // An epoch without records, and a producer that retention left no records of.
    log.assign_epoch_start(7, 40);
    copy(&log, &future);
    assert_eq!(future.dir().parent(), Some(root.two.path()));
    assert!(dirs.replace_with_future(&id()).expect("moved").is_some());
    let now = dirs.get(&id()).expect("there");
    assert!(Arc::ptr_eq(&now, &future) && dirs.future(&id()).is_none() && !now.is_moving());
    assert_eq!(names(&root.two), ["orders-3"]);
    let left = names(&root.one);
    assert!(left.len() == 1 && left[0].ends_with("-delete"), "{left:?}");
    assert_eq!((now.high_watermark(), now.log_end_offset(), now.latest_epoch()), (40, 40, Some(7)));
    let spec = Spec { producer: (9, 0, 39), ..Spec::of(&["a value"]) };
    let set = RecordSet { records: spec.build() };
    let again = now.append_as_leader(&[set], 7, Origin::Client, 0).remove(0).expect("known");
    assert!(again.duplicate && again.base_offset == 39);
    assert_eq!(append(&now, 40).base_offset, 40);
    // A reader that still has the old log meets no failed disk.
    let _ = log.read(0, 100, true, ReadBound::LogEnd);
    assert!(dirs.dirs().iter().all(|dir| dir.online));
    drop((log, future, now, dirs));
    let again = open(&root);
    let log = again.get(&id()).expect("there");
    assert_eq!((log.parent_dir(), log.log_end_offset()), (root.two.path().to_owned(), 41));
    assert_eq!(log.topic_id(), Some(TopicId::from_u128(5)));
    assert_eq!(log.active_producers()[0].last_sequence, 40);
}

#[test]
fn a_copy_under_way_is_found_again_at_start() {
    let root = two();
    let dirs = open(&root);
    let (log, future) = moving(&dirs, &root);
    copy(&log, &future);
    append(&log, 40);
    drop((log, future, dirs));
    let dirs = open(&root);
    let (log, future) = (dirs.get(&id()).expect("log"), dirs.future(&id()).expect("copy"));
    assert_eq!((log.log_end_offset(), future.log_end_offset()), (41, 40));
    assert!(log.is_moving());
    copy(&log, &future);
    assert!(dirs.replace_with_future(&id()).expect("moved").is_some());
    assert_eq!(dirs.get(&id()).expect("there").parent_dir(), root.two.path());
}

#[test]
fn a_crash_between_the_two_renames_leaves_one_log_and_a_stray_one() {
    let root = two();
    let dirs = open(&root);
    let (log, future) = moving(&dirs, &root);
    copy(&log, &future);
    let home = root.two.path().join("orders-3");
    future.relocate(&home).expect("renamed");
    append(&future, 40);
    drop((log, future, dirs));
    let dirs = open(&root);
    let log = dirs.get(&id()).expect("there");
    assert_eq!((log.parent_dir(), log.log_end_offset()), (root.two.path().to_owned(), 41));
    assert!(names(&root.one)[0].ends_with("-stray"), "{:?}", names(&root.one));
    assert!(dirs.dirs().iter().all(|dir| dir.online));
}

/// A copy of twenty of a log's forty records under way, and then a crash.
fn cut_off(root: &Two) -> TopicId {
    let dirs = open(root);
    let (log, future) = moving(&dirs, root);
    copy(&log, &future);
    future.truncate_to(20).expect("cut");
    log.topic_id().expect("known")
}

#[test]
fn a_copy_whose_log_is_gone_becomes_the_log() {
    let root = two();
    let topic_id = cut_off(&root);
    std::fs::remove_dir_all(root.one.path().join("orders-3")).expect("removed");
    let dirs = open(&root);
    let log = dirs.host(&id(), Some(topic_id), config(), false).expect("there");
    assert_eq!((log.log_end_offset(), log.is_moving()), (20, false));
    assert_eq!(append(&log, 20).base_offset, 20);
    assert_eq!((names(&root.one).len(), names(&root.two)), (0, vec!["orders-3".to_owned()]));
    assert!(dirs.future(&id()).is_none() && dirs.dirs().iter().all(|dir| dir.online));
}

#[test]
fn a_copy_of_another_topic_is_kept_aside() {
    // With its log there, and for a topic that is new.
    for is_new in [false, true] {
        let root = two();
        cut_off(&root);
        let home = root.one.path().join("orders-3");
        if is_new {
            std::fs::remove_dir_all(&home).expect("removed");
        } else {
            checkpoint::write_topic_id(&home, TopicId::from_u128(6)).expect("written");
        }
        let dirs = open(&root);
        dirs.prefer(&id(), root.one.path());
        let topic_id = Some(TopicId::from_u128(6));
        let log = dirs.host(&id(), topic_id, config(), is_new).expect("there");
        assert_eq!(log.log_end_offset(), if is_new { 0 } else { 40 });
        assert!(dirs.future(&id()).is_none() && !log.is_moving());
        let left = names(&root.two);
        assert!(left.len() == 1 && left[0].ends_with("-stray"), "{left:?}");
    }
}

#[test]
fn a_copy_beside_its_log_is_given_up() {
    let root = two();
    let topic_id = cut_off(&root);
    let copy = names(&root.two).remove(0);
    std::fs::rename(root.two.path().join(&copy), root.one.path().join(&copy)).expect("renamed");
    let dirs = open(&root);
    let log = dirs.host(&id(), Some(topic_id), config(), false).expect("there");
    assert!(log.log_end_offset() == 40 && !log.is_moving() && dirs.future(&id()).is_none());
    let left = names(&root.one);
    assert!(left[0] == "orders-3" && left[1].ends_with("-delete"), "{left:?}");
}

#[test]
fn a_copy_that_is_given_up_goes_and_one_deleted_goes_with_its_log() {
    let root = two();
    let dirs = open(&root);
    let (log, future) = moving(&dirs, &root);
    dirs.drop_future(&id()).expect("dropped");
    assert!(!log.is_moving() && dirs.future(&id()).is_none());
    assert!(future.append_as_follower(&Spec::of(&["a"]).build()).is_err());
    assert!(dirs.replace_with_future(&id()).expect("nothing").is_none());
    assert!(dirs.create_future(&id(), root.one.path()).expect("is there").is_none());
    dirs.create_future(&id(), root.two.path()).expect("made").expect("a copy");
    dirs.delete(&id()).expect("deleted");
    let left = [names(&root.one), names(&root.two)].concat();
    assert!(left.len() == 3 && left.iter().all(|name| name.ends_with("-delete")), "{left:?}");
}

#[test]
fn what_is_preferred_is_kept_until_the_log_is_made() {
    let root = two();
    let dirs = open(&root);
    for dir in [&root.two, &root.two, &root.one] {
        dirs.prefer(&id(), dir.path());
        let log = dirs.get_or_create(&id(), None, config()).expect("made");
        assert_eq!(log.parent_dir(), dir.path());
        dirs.delete(&id()).expect("deleted");
    }
    let unknown = dirs.check_dir(Path::new("/nowhere"));
    assert!(matches!(unknown, Err(LogError::UnknownDir(_))));
}

#[test]
fn no_copy_and_no_old_log_is_made_while_a_directory_is_offline() {
    let root = two();
    let dirs = open(&root);
    dirs.prefer(&id(), root.one.path());
    let log = dirs.get_or_create(&id(), None, config()).expect("made");
    let told = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let list = told.clone();
    dirs.on_failure(move |path| list.lock().push(path.to_owned()));
    dirs.dirs.iter().for_each(|state| {
        if state.path == root.two.path() {
            state.fail(&"a broken disk");
            state.fail(&"a broken disk");
        }
    });
    assert_eq!(*told.lock(), [root.two.path()]);
    let refused = dirs.create_future(&id(), root.two.path());
    assert!(matches!(refused, Err(LogError::Offline(_))));
    let other = TopicPartition::new("other", 0);
    let known = dirs.host(&other, None, config(), false);
    assert!(matches!(known, Err(LogError::Offline(_))));
    assert!(dirs.host(&other, None, config(), true).is_ok());
    assert_eq!(append(&log, 0).base_offset, 0);
}

#[test]
fn a_directory_that_cannot_become_this_brokers_goes_offline_and_the_last_one_ends_the_start() {
    let root = two();
    let dirs = open(&root);
    std::fs::create_dir(root.two.path().join(checkpoint::META)).expect("made");
    dirs.write_meta(1, "c").expect("one is left");
    let online: Vec<bool> = dirs.dirs().iter().map(|dir| dir.online).collect();
    assert_eq!(online, [true, false]);
    assert_eq!(dirs.meta().broker_id, Some(1));
    std::fs::remove_file(root.one.path().join(checkpoint::META)).expect("removed");
    std::fs::create_dir(root.one.path().join(checkpoint::META)).expect("made");
    assert!(matches!(dirs.write_meta(1, "c"), Err(LogError::NoDirectory)));
}

#[test]
fn directories_of_different_brokers_are_told_apart() {
    let root = two();
    let dirs = open(&root);
    dirs.write_meta(1, "c").expect("written");
    assert_eq!(dirs.conflicting_meta(), None);
    for (broker, cluster) in [(2, "c"), (1, "d")] {
        checkpoint::write_meta(root.two.path(), broker, cluster).expect("written");
        assert!(dirs.conflicting_meta().is_some(), "{broker} {cluster}");
    }
    std::fs::remove_file(root.two.path().join(checkpoint::META)).expect("removed");
    assert_eq!(dirs.conflicting_meta(), None);
}
