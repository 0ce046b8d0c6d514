//! Sessions: what is answered, what is remembered, who is evicted.

use super::*;

fn wanted(topic: &str, partition: i32, offset: i64) -> (Key, Wanted) {
    let key = Key { topic: Some(topic.into()), topic_id: Default::default(), partition };
    let wanted = Wanted {
        offset,
        max_bytes: 1024,
        leader_epoch: None,
        last_fetched_epoch: None,
        log_start: -1,
    };
    (key, wanted)
}

fn quiet(high_watermark: i64) -> Answer {
    Answer {
        has_records: false,
        high_watermark,
        log_start: 0,
        is_error: false,
        is_always_sent: false,
    }
}

fn create(sessions: &FetchSessions, partitions: Vec<(Key, Wanted)>, now_ms: i64) -> i32 {
    let count = partitions.len();
    let asked = Asked { id: 0, epoch: 0 };
    let begun =
        sessions.begin(asked, false, partitions, &[], &|_| None, now_ms).expect("a full fetch");
    let answers = vec![quiet(5); count];
    sessions.create(begun.partitions().to_vec(), &answers, false, false, now_ms)
}

fn go_on(sessions: &FetchSessions, id: i32, epoch: i32) -> (i32, Vec<Cached>) {
    match sessions.begin(Asked { id, epoch }, false, vec![], &[], &|_| None, 1) {
        Ok(Begun::Incremental { epoch, partitions, .. }) => (epoch, partitions),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_incremental_fetch_answers_only_what_changed() {
    let sessions = FetchSessions::new(10);
    let id = create(&sessions, vec![wanted("a", 0, 0), wanted("a", 1, 0)], 0);
    let (epoch, partitions) = go_on(&sessions, id, 1);
    assert_eq!((epoch, partitions.len()), (2, 2));
    assert_eq!(sessions.answered(id, epoch, &[quiet(5), quiet(6)]), Ok(vec![false, true]));
}

#[test]
fn a_partition_with_records_is_read_last_the_next_time() {
    let sessions = FetchSessions::new(10);
    let id = create(&sessions, vec![wanted("a", 0, 0), wanted("a", 1, 0)], 0);
    let (epoch, _) = go_on(&sessions, id, 1);
    let full = Answer { has_records: true, ..quiet(5) };
    assert_eq!(sessions.answered(id, epoch, &[full, quiet(5)]), Ok(vec![true, false]));
    let (_, partitions) = go_on(&sessions, id, 2);
    assert_eq!(partitions.iter().map(|p| p.key.partition).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn recovery_from_an_error_is_answered() {
    let sessions = FetchSessions::new(10);
    let id = create(&sessions, vec![wanted("a", 0, 0)], 0);
    let (epoch, _) = go_on(&sessions, id, 1);
    let error = Answer { is_error: true, high_watermark: -1, ..quiet(-1) };
    assert_eq!(sessions.answered(id, epoch, &[error]), Ok(vec![true]));
    let (epoch, _) = go_on(&sessions, id, 2);
    assert_eq!(sessions.answered(id, epoch, &[quiet(5)]), Ok(vec![true]));
}

#[test]
fn a_topic_id_gets_its_name_once_the_broker_has_it() {
    let sessions = FetchSessions::new(10);
    let key = Key { topic: None, topic_id: crate::types::TopicId::from_u128(7), partition: 0 };
    let all = vec![Cached::new(key, wanted("", 0, 0).1)];
    let error = Answer { is_error: true, ..quiet(-1) };
    let id = sessions.create(all, &[error], false, true, 0);
    let name = |known: bool, epoch| {
        let name_of = |id: crate::types::TopicId| known.then(|| id.as_u128().to_string().into());
        let asked = Asked { id, epoch };
        let begun = sessions.begin(asked, true, vec![], &[], &name_of, 0).expect("goes on");
        begun.partitions()[0].key.topic.clone()
    };
    assert_eq!(name(false, 1), None);
    assert_eq!(name(true, 2).as_deref(), Some("7"));
    assert_eq!(name(false, 3).as_deref(), Some("7"), "it stays");
}

#[test]
fn a_wrong_epoch_or_id_is_refused() {
    let sessions = FetchSessions::new(10);
    let id = create(&sessions, vec![wanted("a", 0, 0)], 0);
    let asked =
        |id, epoch| sessions.begin(Asked { id, epoch }, false, vec![], &[], &|_| None, 0).err();
    assert_eq!(asked(id, 3), Some(SessionError::InvalidEpoch));
    assert_eq!(asked(0, 1), Some(SessionError::NotFound));
}

#[test]
fn forgetting_the_last_partition_ends_the_session() {
    let sessions = FetchSessions::new(10);
    let id = create(&sessions, vec![wanted("a", 0, 0)], 0);
    let forgotten = [wanted("a", 0, 0).0];
    let begun = sessions.begin(Asked { id, epoch: 1 }, false, vec![], &forgotten, &|_| None, 0);
    assert!(matches!(begun, Ok(Begun::Sessionless(_))));
    assert!(sessions.is_empty());
}

#[test]
fn a_full_cache_evicts_only_the_stale() {
    let sessions = FetchSessions::new(1);
    let first = create(&sessions, vec![wanted("a", 0, 0)], 0);
    assert_ne!(first, 0);
    assert_eq!(create(&sessions, vec![wanted("a", 0, 0)], 1_000), 0);
    assert_ne!(create(&sessions, vec![wanted("a", 0, 0)], 121_000), 0);
    assert_eq!(sessions.len(), 1);
}

#[test]
fn epochs_wrap_to_one() {
    assert_eq!([next_epoch(1), next_epoch(i32::MAX), next_epoch(-1)], [2, 1, -1]);
}

#[test]
fn what_is_wanted_and_forgotten_at_once_is_forgotten() {
    let sessions = FetchSessions::new(10);
    let id = create(&sessions, vec![wanted("a", 0, 0), wanted("a", 1, 0)], 0);
    let (both, forgotten) = (vec![wanted("a", 0, 5), wanted("a", 2, 0)], [wanted("a", 0, 0).0]);
    let begun = sessions.begin(Asked { id, epoch: 1 }, false, both, &forgotten, &|_| None, 1);
    let begun = begun.expect("the next epoch");
    let left: Vec<i32> = begun.partitions().iter().map(|p| p.key.partition).collect();
    assert_eq!(left, [1, 2]);
}

#[test]
fn a_partition_that_comes_twice_is_read_once_as_it_was_wanted_last() {
    let sessions = FetchSessions::new(10);
    let repeated = vec![wanted("a", 0, 1), wanted("b", 0, 2), wanted("a", 0, 3)];
    for epoch in [0, -1] {
        let asked = Asked { id: 0, epoch };
        let begun = sessions.begin(asked, false, repeated.clone(), &[], &|_| None, 1);
        let begun = begun.expect("a full fetch");
        let read = begun.partitions().iter();
        let read: Vec<_> = read.map(|p| (p.key.topic.as_deref(), p.wanted.offset)).collect();
        assert_eq!(read, [(Some("a"), 3), (Some("b"), 2)]);
    }
}
