//! The group coordinator of this broker: owned partitions, groups, timers and effects.
//!
//! As Kafka's `GroupCoordinator` and `GroupMetadataManager`, of which the rules are in `classic`
//! and `offsets`. A group's lock is held while its records are appended, so that the log has them
//! in the order in which they took effect; it is never held while waiting for replicas.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;
use tracing::{debug, error};

use super::cell::{Group, GroupCell, Inner};
use super::classic::{ClassicGroup, Effects, Now, Purpose, Store};
use super::clock::{Clock, SystemClock};
use super::consumer::machine::ConsumerMachine;
use super::loading::{self, Members};
use super::records::Key;
use super::timer::Timer;
use super::topics::Topics;
use super::{GroupConfig, GroupError};
use crate::coordinator::state_log::{NewBatch, StateLog, StateLogError, partition_of};

/// The coordinator of groups and of committed offsets.
pub struct GroupCoordinator {
    pub(super) log: Arc<dyn StateLog>,
    pub(super) topics: Arc<dyn Topics>,
    config: ArcSwap<GroupConfig>,
    runtime: tokio::runtime::Handle,
    clock: Arc<dyn Clock>,
    is_active: AtomicBool,
    owned: RwLock<HashMap<i32, Arc<Owned>>>,
    pub(super) timer: Timer,
    own: Weak<GroupCoordinator>,
}

/// A partition of `__consumer_offsets` that this broker leads.
pub(super) struct Owned {
    pub leader_epoch: i32,
    pub is_loading: AtomicBool,
    pub groups: RwLock<HashMap<Arc<str>, Arc<GroupCell>>>,
    /// Groups with offsets in open transactions, by producer id.
    pub producers: Mutex<HashMap<i64, HashSet<Arc<str>>>>,
}

impl GroupCoordinator {
    /// A coordinator that owns nothing yet; its timers run on `runtime`.
    pub fn start(
        config: GroupConfig,
        log: Arc<dyn StateLog>,
        topics: Arc<dyn Topics>,
        runtime: tokio::runtime::Handle,
    ) -> Arc<Self> {
        Self::start_with(config, log, topics, runtime, Arc::new(SystemClock::start()))
    }

    /// As [`start`](Self::start), by another clock; timers sleep by `tokio`'s.
    pub(super) fn start_with(
        config: GroupConfig,
        log: Arc<dyn StateLog>,
        topics: Arc<dyn Topics>,
        runtime: tokio::runtime::Handle,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let coordinator = Arc::new_cyclic(|own| GroupCoordinator {
            log,
            topics,
            config: ArcSwap::from_pointee(config),
            runtime,
            clock,
            is_active: AtomicBool::new(true),
            owned: RwLock::default(),
            timer: Timer::default(),
            own: own.clone(),
        });
        let runtime = &coordinator.runtime;
        runtime.spawn(keep_time(Arc::downgrade(&coordinator)));
        runtime.spawn(keep_expiring(Arc::downgrade(&coordinator)));
        coordinator
    }

    /// Stops: every group request is answered COORDINATOR_NOT_AVAILABLE from now on.
    pub fn shutdown(&self) {
        self.is_active.store(false, Ordering::Release);
        let partitions: Vec<i32> = self.owned.read().keys().copied().collect();
        for partition in partitions {
            self.on_resignation(partition);
        }
        self.timer.wake();
    }

    /// The settings as of now.
    pub fn config(&self) -> Arc<GroupConfig> {
        self.config.load_full()
    }

    /// Changes settings; groups take them with their next load.
    pub fn set_config(&self, config: GroupConfig) {
        self.config.store(Arc::new(config));
    }

    /// The partition of `__consumer_offsets` that keeps `group_id`.
    pub fn partition_for(&self, group_id: &str) -> i32 {
        partition_of(group_id, self.log.partitions())
    }

    /// This broker now leads `partition` of `__consumer_offsets`: load it, in the background.
    pub fn on_leadership(&self, partition: i32, leader_epoch: i32) {
        let owned = Arc::new(Owned {
            leader_epoch,
            is_loading: AtomicBool::new(true),
            groups: RwLock::default(),
            producers: Mutex::default(),
        });
        {
            let mut all = self.owned.write();
            if all.get(&partition).is_some_and(|old| old.leader_epoch >= leader_epoch) {
                return;
            }
            if let Some(old) = all.insert(partition, owned.clone()) {
                self.unload(&old);
            }
        }
        let Some(own) = self.own.upgrade() else {
            return;
        };
        self.runtime.spawn_blocking(move || own.load(partition, &owned));
    }

    /// This broker no longer leads `partition` of `__consumer_offsets`.
    pub fn on_resignation(&self, partition: i32) {
        let old = self.owned.write().remove(&partition);
        if let Some(old) = old {
            self.unload(&old);
        }
    }

    fn unload(&self, owned: &Owned) {
        let groups: Vec<_> = owned.groups.write().drain().map(|(_, cell)| cell).collect();
        for cell in groups {
            let mut inner = cell.inner.lock();
            match &mut inner.group {
                Group::Classic(group) => {
                    let effects = group.unload(self.now());
                    self.apply(&cell, &mut inner, effects);
                }
                Group::Consumer(_) => inner.kill(self.config(), self.now()),
            }
        }
    }

    fn load(&self, partition: i32, owned: &Arc<Owned>) {
        let began = Instant::now();
        let is_wanted = || {
            self.is_active()
                && self.owned.read().get(&partition).is_some_and(|o| Arc::ptr_eq(o, owned))
        };
        let buffer = self.config().load_buffer_bytes;
        let loaded = loading::load(&*self.log, partition, buffer, is_wanted);
        if !is_wanted() {
            return;
        }
        let groups = loaded.into_groups();
        let count = groups.len();
        let (config, now) = (self.config(), self.now());
        for (id, members, offsets) in groups {
            for producer in offsets.pending_producers() {
                owned.producers.lock().entry(producer).or_default().insert(id.clone());
            }
            let mut effects = Effects::default();
            let group = match members {
                Members::Classic(value) => {
                    let (group, of_load) = ClassicGroup::load(config.clone(), now, value);
                    effects = of_load;
                    Group::Classic(group)
                }
                Members::Consumer(group) => {
                    let session = config.consumer.session_timeout_ms;
                    let mut machine = ConsumerMachine::new(group, now.ticks, session);
                    effects.wake = machine.arm_all();
                    Group::Consumer(machine)
                }
                Members::None => Group::Classic(ClassicGroup::new(config.clone(), now)),
            };
            let cell = GroupCell::new(id.clone(), partition, group, offsets);
            owned.groups.write().insert(id, cell.clone());
            let mut inner = cell.inner.lock();
            self.apply(&cell, &mut inner, effects);
        }
        owned.is_loading.store(false, Ordering::Release);
        if !is_wanted() {
            self.unload(owned);
        }
        let took_ms = began.elapsed().as_millis() as u64;
        debug!(partition, groups = count, took_ms, "loaded group metadata");
    }

    pub(super) fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Acquire)
    }

    pub(super) fn now(&self) -> Now {
        self.clock.now()
    }

    /// The partition of a group, if this broker serves it now.
    pub(super) fn owned(&self, group_id: &str) -> Result<(i32, Arc<Owned>), GroupError> {
        if !self.is_active() {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        if group_id.len() > i16::MAX as usize {
            return Err(GroupError::InvalidGroupId);
        }
        let partition = self.partition_for(group_id);
        let Some(owned) = self.owned_at(partition) else {
            return Err(GroupError::NotCoordinator);
        };
        if owned.is_loading.load(Ordering::Acquire) {
            return Err(GroupError::CoordinatorLoadInProgress);
        }
        Ok((partition, owned))
    }

    /// As [`owned`](Self::owned), for requests that need a group id that is not empty.
    pub(super) fn owned_named(&self, group_id: &str) -> Result<(i32, Arc<Owned>), GroupError> {
        if group_id.is_empty() {
            return Err(GroupError::InvalidGroupId);
        }
        self.owned(group_id)
    }

    /// What is owned of a partition.
    pub(super) fn owned_at(&self, partition: i32) -> Option<Arc<Owned>> {
        self.owned.read().get(&partition).cloned()
    }

    /// Every owned partition.
    pub(super) fn all_owned(&self) -> Vec<(i32, Arc<Owned>)> {
        self.owned.read().iter().map(|(partition, owned)| (*partition, owned.clone())).collect()
    }

    /// The group, made if it is missing.
    pub(super) fn get_or_create(
        &self,
        partition: i32,
        owned: &Owned,
        group_id: &str,
    ) -> Arc<GroupCell> {
        if let Some(cell) = owned.get(group_id) {
            return cell;
        }
        let id: Arc<str> = group_id.into();
        let mut groups = owned.groups.write();
        let cell = groups.entry(id.clone()).or_insert_with(|| {
            let group = Group::Classic(ClassicGroup::new(self.config(), self.now()));
            GroupCell::new(id, partition, group, Default::default())
        });
        cell.clone()
    }

    /// Does what the machine asks for.
    pub(super) fn apply(&self, cell: &Arc<GroupCell>, inner: &mut Inner, effects: Effects) {
        for store in effects.stores {
            self.store(cell, inner, store);
        }
        for (token, reply) in effects.joins {
            inner.answer_join(token, reply);
        }
        for (token, reply) in effects.syncs {
            inner.answer_sync(token, reply);
        }
        self.wake(cell, inner, effects.wake);
    }

    fn store(&self, cell: &Arc<GroupCell>, inner: &mut Inner, store: Store) {
        let config = self.config();
        let batch = NewBatch {
            records: vec![(Key::encode_group(&cell.id), Some(store.value.encode()))],
            timestamp: self.now().wall,
            producer: None,
            base_sequence: -1,
            compression: config.compression,
            require_min_insync: config.required_acks == -1,
        };
        match self.log.append(cell.partition, &batch) {
            Err(error) => self.stored(cell, inner, store.purpose, Err(error)),
            Ok(_) if config.required_acks != -1 => {
                self.stored(cell, inner, store.purpose, Ok(()));
            }
            Ok(appended) => self.await_stored(cell, store.purpose, appended.end_offset),
        }
    }

    fn await_stored(&self, cell: &Arc<GroupCell>, purpose: Purpose, end_offset: i64) {
        let Some(own) = self.own.upgrade() else {
            return;
        };
        let (log, cell, timeout) = (self.log.clone(), cell.clone(), self.commit_timeout());
        self.runtime.spawn(async move {
            let result = log.committed(cell.partition, end_offset, timeout).await;
            let mut inner = cell.inner.lock();
            own.stored(&cell, &mut inner, purpose, result);
        });
    }

    fn stored(
        &self,
        cell: &Arc<GroupCell>,
        inner: &mut Inner,
        purpose: Purpose,
        result: Result<(), StateLogError>,
    ) {
        let result = result.map_err(|error| {
            error!(group = %cell.id, %error, "cannot store group metadata");
            GroupError::from_group_append(&error)
        });
        // A group that changed its protocol meanwhile has answered all who waited.
        if let Group::Classic(group) = &mut inner.group {
            let effects = group.stored(self.now(), purpose, result);
            self.apply(cell, inner, effects);
        }
    }

    pub(super) fn commit_timeout(&self) -> Duration {
        Duration::from_millis(self.config().commit_timeout_ms.max(0) as u64)
    }

    fn tick_due(&self) {
        while let Some((at, cell)) = self.timer.pop_due(self.now().ticks) {
            let Some(cell) = cell.upgrade() else {
                continue;
            };
            let mut inner = cell.inner.lock();
            if inner.scheduled == at {
                inner.scheduled = i64::MAX;
                match &mut inner.group {
                    Group::Classic(group) => {
                        let effects = group.tick(self.now());
                        self.apply(&cell, &mut inner, effects);
                    }
                    Group::Consumer(_) => self.tick_consumer(&cell, &mut inner),
                }
            }
        }
    }
}

impl Owned {
    /// The group, if it exists.
    pub fn get(&self, group_id: &str) -> Option<Arc<GroupCell>> {
        self.groups.read().get(group_id).cloned()
    }

    /// The group, which is locked, has no offsets in open transactions of this producer any more.
    pub fn forget_producer(&self, producer_id: i64, group_id: &str) {
        let mut producers = self.producers.lock();
        if let Some(groups) = producers.get_mut(&producer_id) {
            groups.remove(group_id);
            if groups.is_empty() {
                producers.remove(&producer_id);
            }
        }
    }
}

/// Ticks groups as their deadlines come, until the coordinator is dropped or shut down.
async fn keep_time(coordinator: Weak<GroupCoordinator>) {
    loop {
        let Some(live) = coordinator.upgrade().filter(|c| c.is_active()) else {
            return;
        };
        live.tick_due();
        let wait = live.timer.first().map_or(60_000, |at| (at - live.now().ticks).clamp(0, 60_000));
        // Deadlines are whole milliseconds: sleep past them, not just short of them.
        let sleep = tokio::time::sleep(Duration::from_millis(wait as u64 + 1));
        tokio::select! {
            () = sleep => {}
            () = live.timer.changed() => {}
        }
    }
}

/// Removes expired offsets and empty groups every `offsets.retention.check.interval.ms`.
async fn keep_expiring(coordinator: Weak<GroupCoordinator>) {
    loop {
        let Some(live) = coordinator.upgrade().filter(|c| c.is_active()) else {
            return;
        };
        live.expire_offsets();
        let interval = live.config().retention_check_interval_ms.max(1) as u64;
        drop(live);
        tokio::time::sleep(Duration::from_millis(interval)).await;
    }
}
