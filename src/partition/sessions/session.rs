//! One fetch session: its partitions in order, and what each was last told.

use crate::types::TopicId;
use std::collections::HashMap;
use std::sync::Arc;

/// A partition as a client names it: by topic id from Fetch v13 on, else by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Topic name; `None` where only an id is known and it has no name here.
    pub topic: Option<Arc<str>>,
    /// Topic id; zero below v13.
    pub topic_id: TopicId,
    /// Index.
    pub partition: i32,
}

impl Key {
    /// The same partition, whatever name its id has by now.
    fn is_same(&self, other: &Key) -> bool {
        self.partition == other.partition
            && self.topic_id == other.topic_id
            && (!self.topic_id.is_nil() || self.topic == other.topic)
    }
}

/// What a client wants of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// First offset.
    pub offset: i64,
    /// At most so many bytes.
    pub max_bytes: i32,
    /// The leader epoch that the client knows.
    pub leader_epoch: Option<i32>,
    /// Epoch of the last record it has.
    pub last_fetched_epoch: Option<i32>,
    /// A follower's log start; -1 for none.
    pub log_start: i64,
}

/// A partition of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// Which.
    pub key: Key,
    /// What is wanted.
    pub wanted: Wanted,
    /// High watermark last told; -1 for none.
    pub high_watermark: i64,
    /// Log start last told; -1 for none.
    pub log_start: i64,
}

impl Cached {
    /// A partition that nothing was told of.
    pub fn new(key: Key, wanted: Wanted) -> Cached {
        Cached { key, wanted, high_watermark: -1, log_start: -1 }
    }

    /// Notes an answer. Whether it has to be sent in an incremental response.
    fn answered(&mut self, answer: &Answer) -> bool {
        let mut must_send = answer.has_records || answer.is_always_sent;
        if answer.high_watermark != self.high_watermark {
            self.high_watermark = answer.high_watermark;
            must_send = true;
        }
        if answer.log_start != self.log_start {
            self.log_start = answer.log_start;
            must_send = true;
        }
        if answer.is_error {
            // So that the next answer without error is sent too.
            self.high_watermark = -1;
            must_send = true;
        }
        must_send
    }
}

/// What matters to a session of a partition's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// There are records.
    pub has_records: bool,
    /// High watermark told.
    pub high_watermark: i64,
    /// Log start told.
    pub log_start: i64,
    /// An error code is told.
    pub is_error: bool,
    /// A diverging epoch or a preferred replica is told.
    pub is_always_sent: bool,
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    /// Of a follower: less readily evicted.
    pub privileged: bool,
    /// Whether its requests have topic ids.
    pub uses_topic_ids: bool,
    /// Epoch that the next request must have.
    pub epoch: i32,
    /// Made at.
    pub created_ms: i64,
    /// Used last at.
    pub used_ms: i64,
    /// Its partitions in the order in which they are read.
    pub partitions: Vec<Cached>,
}

impl Session {
    /// Adds and changes partitions, then forgets some, perhaps of the same.
    pub fn update(&mut self, wanted: Vec<(Key, Wanted)>, forgotten: &[Key]) {
        self.add(wanted);
        if !forgotten.is_empty() {
            self.partitions.retain(|cached| !forgotten.iter().any(|key| key.is_same(&cached.key)));
        }
    }

    fn add(&mut self, wanted: Vec<(Key, Wanted)>) {
        if wanted.is_empty() {
            return;
        }
        let by_key: HashMap<(Option<Arc<str>>, TopicId, i32), usize> = self
            .partitions
            .iter()
            .enumerate()
            .map(|(index, cached)| (identity(&cached.key), index))
            .collect();
        for (key, wanted) in wanted {
            let known = by_key.get(&identity(&key));
            match known.and_then(|index| self.partitions.get_mut(*index)) {
                Some(cached) => {
                    cached.wanted = wanted;
                    cached.key = key;
                }
                None => self.partitions.push(Cached::new(key, wanted)),
            }
        }
    }

    /// Finds the names of topic ids that had none when they were first asked for: this broker may
    /// have just started. As `CachedPartition.maybeResolveUnknownName`.
    pub fn resolve(&mut self, name_of: &dyn Fn(TopicId) -> Option<Arc<str>>) {
        for key in self.partitions.iter_mut().map(|cached| &mut cached.key) {
            if key.topic.is_none() {
                key.topic = name_of(key.topic_id);
            }
        }
    }

    /// Notes the answers of partitions, which are as many as `partitions` and in its order, and
    /// returns which are to be sent. Those with records move to the end, so that the next fetch
    /// begins with those that got none.
    pub fn answered(&mut self, answers: &[Answer]) -> Vec<bool> {
        let mut sent = Vec::with_capacity(answers.len());
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for (index, mut cached) in std::mem::take(&mut self.partitions).into_iter().enumerate() {
            let answer = answers.get(index);
            sent.push(answer.is_some_and(|answer| cached.answered(answer)));
            let has_records = answer.is_some_and(|answer| answer.has_records);
            if has_records { last.push(cached) } else { first.push(cached) }
        }
        first.append(&mut last);
        self.partitions = first;
        sent
    }
}

/// Each partition once, where it came first, and as it was wanted last: `FetchRequest.fetchData`
/// is a map.
pub(super) fn without_repeats(wanted: Vec<(Key, Wanted)>) -> Vec<(Key, Wanted)> {
    if wanted.len() < 2 {
        return wanted;
    }
    let mut places = HashMap::with_capacity(wanted.len());
    let mut kept: Vec<(Key, Wanted)> = Vec::with_capacity(wanted.len());
    for (key, wanted) in wanted {
        let place = *places.entry(identity(&key)).or_insert(kept.len());
        match kept.get_mut(place) {
            Some((_, last)) => *last = wanted,
            None => kept.push((key, wanted)),
        }
    }
    kept
}

/// By what a partition is found again: the id where there is one.
fn identity(key: &Key) -> (Option<Arc<str>>, TopicId, i32) {
    let topic = key.topic_id.is_nil().then(|| key.topic.clone()).flatten();
    (topic, key.topic_id, key.partition)
}
