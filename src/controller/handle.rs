//! What the rest of the broker gets of the controller: a handle to ask it.
//!
//! Every call is answered `NotController` by a broker that is not the active controller. Knows no
//! wire messages.

use super::error::ControllerError;
use super::settings::SettingsSource;
use super::{Controller, Nodes};
use crate::metadata::records::{ProducerIdBlock, ReplicaAssignment, paths};
use crate::metadata::store::{Life, Op, SharedStore, StoreError};
use crate::types::{BrokerId, NO_BROKER, TopicId, TopicName, TopicPartition};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Which replicas may be elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionType {
    /// The first one, if it is in sync.
    Preferred,
    /// Any, if none in sync is alive.
    Unclean,
}

/// A leader's wish to change its in-sync set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InSyncChange {
    /// The partition.
    pub partition: TopicPartition,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// The new set, each with its broker epoch or -1.
    pub isr: Vec<(BrokerId, i64)>,
    /// Still recovering from an unclean election.
    pub recovering: bool,
    /// The partition epoch that the leader knows.
    pub partition_epoch: i32,
}

/// A partition's leader and in-sync set as the controller has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InSync {
    /// Leader, or [`NO_BROKER`].
    pub leader: BrokerId,
    /// Its epoch.
    pub leader_epoch: i32,
    /// The set.
    pub isr: Vec<BrokerId>,
    /// Recovering from an unclean election.
    pub recovering: bool,
    /// The partition epoch.
    pub partition_epoch: i32,
}

type Reply<T> = oneshot::Sender<Result<T, ControllerError>>;

/// A call as the controller's task gets it.
pub(super) enum Call {
    AlterPartitions {
        broker: BrokerId,
        epoch: i64,
        changes: Vec<InSyncChange>,
        reply: Reply<BTreeMap<TopicPartition, Result<InSync, ControllerError>>>,
    },
    CheckBroker {
        broker: BrokerId,
        epoch: i64,
        reply: Reply<()>,
    },
    ControlledShutdown {
        broker: BrokerId,
        epoch: Option<i64>,
        reply: Reply<Vec<TopicPartition>>,
    },
    ElectLeaders {
        kind: ElectionType,
        partitions: Vec<TopicPartition>,
        reply: Reply<BTreeMap<TopicPartition, Result<BrokerId, ControllerError>>>,
    },
    Reassign {
        asked: Vec<(TopicPartition, Option<Vec<BrokerId>>)>,
        reply: Reply<BTreeMap<TopicPartition, Result<(), ControllerError>>>,
    },
    Moving {
        of: Option<Vec<TopicPartition>>,
        reply: Reply<Vec<(TopicPartition, ReplicaAssignment)>>,
    },
    /// The broker stops: the controller resigns and ends.
    Stop {
        reply: Reply<()>,
    },
    TopicNames {
        ids: Vec<TopicId>,
        reply: Reply<BTreeMap<TopicId, TopicName>>,
    },
}

/// Whether this broker is the active controller; who is.
#[derive(Debug)]
pub(super) struct Standing {
    /// Epoch of this broker's term, -1 when it is not active.
    pub epoch: AtomicI32,
    /// The broker in `/controller`, or [`NO_BROKER`].
    pub controller: AtomicI32,
}

impl Default for Standing {
    fn default() -> Self {
        Standing { epoch: AtomicI32::new(-1), controller: AtomicI32::new(NO_BROKER) }
    }
}

/// A controller that does not run yet, and its calls.
pub(super) type Idle = (Controller, mpsc::Receiver<Call>);

/// The way to the controller; cheap to clone.
#[derive(Clone)]
pub struct ControllerHandle {
    pub(super) calls: mpsc::Sender<Call>,
    pub(super) standing: Arc<Standing>,
    pub(super) nodes: Nodes,
    pub(super) settings: SettingsSource,
    /// The controller until it is started.
    pub(super) idle: Arc<Mutex<Option<Idle>>>,
}

impl ControllerHandle {
    /// Whether this broker is the active controller.
    pub fn is_active(&self) -> bool {
        self.standing.epoch.load(Ordering::Acquire) >= 0
    }

    /// Epoch of this broker's term, or -1 when it is not active.
    pub fn epoch(&self) -> i32 {
        self.standing.epoch.load(Ordering::Acquire)
    }

    /// Which broker is the controller as far as `/controller` was seen, or [`NO_BROKER`].
    pub fn controller_id(&self) -> BrokerId {
        self.standing.controller.load(Ordering::Acquire)
    }

    /// The store that the controller writes.
    pub fn store(&self) -> &SharedStore {
        &self.nodes.store
    }

    pub(super) fn require_active(&self) -> Result<(), ControllerError> {
        if self.is_active() { Ok(()) } else { Err(ControllerError::NotController) }
    }

    async fn ask<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, ControllerError> {
        self.require_active()?;
        let (reply, answer) = oneshot::channel();
        let gone = |_| ControllerError::NotController;
        self.calls.send(call(reply)).await.map_err(|_| ControllerError::NotController)?;
        answer.await.map_err(gone)?
    }

    /// AlterPartition: changes in-sync sets as the leader `broker` asks.
    pub async fn alter_partitions(
        &self,
        broker: BrokerId,
        epoch: i64,
        changes: Vec<InSyncChange>,
    ) -> Result<BTreeMap<TopicPartition, Result<InSync, ControllerError>>, ControllerError> {
        self.ask(|reply| Call::AlterPartitions { broker, epoch, changes, reply }).await
    }

    /// ControlledShutdown: gives the partitions that the broker leads all the same.
    /// `epoch`: its broker epoch, `None` where it does not say (v0, v1).
    pub async fn controlled_shutdown(
        &self,
        broker: BrokerId,
        epoch: Option<i64>,
    ) -> Result<Vec<TopicPartition>, ControllerError> {
        self.ask(|reply| Call::ControlledShutdown { broker, epoch, reply }).await
    }

    /// ElectLeaders: of these partitions.
    pub async fn elect_leaders(
        &self,
        kind: ElectionType,
        partitions: Vec<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Result<BrokerId, ControllerError>>, ControllerError> {
        self.ask(|reply| Call::ElectLeaders { kind, partitions, reply }).await
    }

    /// AlterPartitionReassignments: targets, or `None` to cancel.
    pub async fn reassign(
        &self,
        asked: Vec<(TopicPartition, Option<Vec<BrokerId>>)>,
    ) -> Result<BTreeMap<TopicPartition, Result<(), ControllerError>>, ControllerError> {
        self.ask(|reply| Call::Reassign { asked, reply }).await
    }

    /// ListPartitionReassignments: of these partitions, or of all.
    pub async fn reassignments(
        &self,
        of: Option<Vec<TopicPartition>>,
    ) -> Result<Vec<(TopicPartition, ReplicaAssignment)>, ControllerError> {
        self.ask(|reply| Call::Moving { of, reply }).await
    }

    /// Ends the controller, active or not, before its store is closed.
    pub async fn stop(&self) {
        let (reply, stopped) = oneshot::channel();
        if self.idle.lock().is_none() && self.calls.send(Call::Stop { reply }).await.is_ok() {
            // An error means that it is gone as well.
            let _ = stopped.await;
        }
    }

    /// Names of topics by id, as the controller knows them; unknown ids are left out.
    pub async fn topic_names(
        &self,
        ids: Vec<TopicId>,
    ) -> Result<BTreeMap<TopicId, TopicName>, ControllerError> {
        self.ask(|reply| Call::TopicNames { ids, reply }).await
    }

    /// AllocateProducerIds: the next block, for a broker of this epoch.
    pub async fn allocate_producer_ids(
        &self,
        broker: BrokerId,
        epoch: i64,
    ) -> Result<ProducerIdBlock, ControllerError> {
        self.ask(|reply| Call::CheckBroker { broker, epoch, reply }).await?;
        next_producer_ids(self.store(), broker).await
    }

    /// Starts deleting a topic: puts it into `/admin/delete_topics`.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), ControllerError> {
        self.require_active()?;
        let path = paths::delete_topic(topic);
        let op = Op::Create { path, data: None, life: Life::Persistent };
        match self.nodes.plain(op).await {
            Ok(_) | Err(StoreError::NodeExists(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether topics may be deleted (`delete.topic.enable`).
    pub fn may_delete_topics(&self) -> bool {
        (self.settings)().delete_topics
    }
}

/// Takes the next block of producer ids for a broker, whoever else is taking one.
///
/// # Errors
/// When the store fails, or when no ids are left.
pub async fn next_producer_ids(
    store: &SharedStore,
    broker: BrokerId,
) -> Result<ProducerIdBlock, ControllerError> {
    loop {
        let node = store.get(paths::PRODUCER_ID_BLOCK).await?;
        let Some(node) = node else {
            return Err(ControllerError::Unexpected("no /latest_producer_id_block".into()));
        };
        let unexpected = |error: &dyn ToString| ControllerError::Unexpected(error.to_string());
        let last = match node.data.as_deref() {
            Some(data) if !data.is_empty() => {
                Some(ProducerIdBlock::decode(data).map_err(|error| unexpected(&error))?)
            }
            Some(_) | None => None,
        };
        let block = ProducerIdBlock::following(last.as_ref(), broker)
            .ok_or_else(|| unexpected(&"producer ids are exhausted"))?;
        let op = Op::Set {
            path: paths::PRODUCER_ID_BLOCK.into(),
            data: Some(block.encode()),
            version: Some(node.stat.version),
        };
        match store.commit(vec![op]).await {
            Ok(_) => return Ok(block),
            Err(StoreError::BadVersion(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
