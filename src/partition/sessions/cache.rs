//! All fetch sessions of the broker, bounded by `max.incremental.fetch.session.cache.slots`.

use super::session::{Answer, Cached, Key, Session, Wanted, without_repeats};
use super::{Asked, Begun, SessionError, next_epoch};
use crate::types::TopicId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// A session unused for so long, or that old, may make room for another (`MIN_INCREMENTAL_FETCH_
/// SESSION_EVICTION_MS`).
const EVICTION_MS: i64 = 120_000;

/// The cache.
#[derive(Debug)]
pub struct FetchSessions {
    slots: usize,
    sessions: Mutex<HashMap<i32, Session>>,
}

impl FetchSessions {
    /// At most so many sessions.
    pub fn new(slots: usize) -> FetchSessions {
        FetchSessions { slots, sessions: Mutex::default() }
    }

    /// Begins a fetch: finds what is wanted in all. `uses_topic_ids` is Fetch v13 and later;
    /// `name_of` is asked for topic ids that had no name before.
    pub fn begin(
        &self,
        asked: Asked,
        uses_topic_ids: bool,
        wanted: Vec<(Key, Wanted)>,
        forgotten: &[Key],
        name_of: &dyn Fn(TopicId) -> Option<Arc<str>>,
        now_ms: i64,
    ) -> Result<Begun, SessionError> {
        let wanted = without_repeats(wanted);
        let mut sessions = self.sessions.lock();
        if asked.epoch == 0 || asked.epoch == -1 {
            sessions.remove(&asked.id);
            let all = cached(wanted);
            return Ok(if asked.epoch == 0 { Begun::Full(all) } else { Begun::Sessionless(all) });
        }
        let session = sessions.get_mut(&asked.id).ok_or(SessionError::NotFound)?;
        if session.uses_topic_ids != uses_topic_ids {
            return Err(SessionError::TopicIds);
        }
        if session.epoch != asked.epoch {
            return Err(SessionError::InvalidEpoch);
        }
        session.update(wanted.clone(), forgotten);
        session.resolve(name_of);
        if session.partitions.is_empty() {
            sessions.remove(&asked.id);
            return Ok(Begun::Sessionless(cached(wanted)));
        }
        session.used_ms = now_ms;
        session.epoch = next_epoch(session.epoch);
        let (epoch, partitions) = (session.epoch, session.partitions.clone());
        Ok(Begun::Incremental { id: asked.id, epoch, partitions })
    }

    /// Makes a session of a full fetch, if there is room or a lesser one to evict. Its id, or 0.
    pub fn create(
        &self,
        partitions: Vec<Cached>,
        answers: &[Answer],
        privileged: bool,
        uses_topic_ids: bool,
        now_ms: i64,
    ) -> i32 {
        let mut sessions = self.sessions.lock();
        let has_room = sessions.len() < self.slots;
        if !has_room && !evict(&mut sessions, privileged, partitions.len(), now_ms) {
            return 0;
        }
        let id = loop {
            let id = rand::random_range(1..i32::MAX);
            if !sessions.contains_key(&id) {
                break id;
            }
        };
        let mut session = Session {
            privileged,
            uses_topic_ids,
            epoch: 1,
            created_ms: now_ms,
            used_ms: now_ms,
            partitions,
        };
        session.answered(answers);
        sessions.insert(id, session);
        id
    }

    /// Notes the answers of an incremental fetch; which partitions are to be sent. `epoch` is
    /// that of [`Begun::Incremental`].
    pub fn answered(
        &self,
        id: i32,
        epoch: i32,
        answers: &[Answer],
    ) -> Result<Vec<bool>, SessionError> {
        let mut sessions = self.sessions.lock();
        match sessions.get_mut(&id) {
            Some(session) if session.epoch == epoch => Ok(session.answered(answers)),
            _ => Err(SessionError::InvalidEpoch),
        }
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.sessions.lock().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn cached(wanted: Vec<(Key, Wanted)>) -> Vec<Cached> {
    wanted.into_iter().map(|(key, wanted)| Cached::new(key, wanted)).collect()
}

/// Evicts the least recently used session if it is stale, else the least valuable of those old
/// enough: consumers' before followers', small ones before large ones.
fn evict(sessions: &mut HashMap<i32, Session>, privileged: bool, size: usize, now_ms: i64) -> bool {
    let oldest = sessions.iter().min_by_key(|(_, s)| s.used_ms).map(|(id, s)| (*id, s.used_ms));
    let victim = match oldest {
        Some((id, used_ms)) if now_ms - used_ms > EVICTION_MS => Some(id),
        _ => sessions
            .iter()
            .filter(|(_, s)| now_ms - s.created_ms > EVICTION_MS)
            .map(|(id, s)| ((s.privileged, s.partitions.len()), *id))
            .min()
            .filter(|(value, _)| *value <= (privileged, size))
            .map(|(_, id)| id),
    };
    victim.and_then(|id| sessions.remove(&id)).is_some()
}
