//! A replica's state as the controller gave it, and the rules on it that need no log.
//!
//! As Kafka's `Partition` and `PartitionState` (KIP-497 for the partition epoch and pending
//! changes of the in-sync set). Pure: time and log ends are arguments.

use crate::types::{BrokerId, NO_BROKER, TopicId};
use std::collections::BTreeMap;

/// One partition of a LeaderAndIsr request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderAndIsr {
    /// Topic.
    pub topic: String,
    /// Index.
    pub partition: i32,
    /// Topic id; zero for none.
    pub topic_id: TopicId,
    /// Epoch of the controller that decided this.
    pub controller_epoch: i32,
    /// Leader, or -1.
    pub leader: BrokerId,
    /// Leader epoch.
    pub leader_epoch: i32,
    /// In-sync replicas.
    pub isr: Vec<BrokerId>,
    /// Partition epoch (znode version).
    pub partition_epoch: i32,
    /// Assigned replicas, preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Replicas being added.
    pub adding: Vec<BrokerId>,
    /// Replicas being removed.
    pub removing: Vec<BrokerId>,
    /// The replica never existed before.
    pub is_new: bool,
    /// 0 recovered, 1 recovering from an unclean election.
    pub recovery_state: i8,
}

/// What the leader knows of another replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its log end; -1 while unknown.
    pub log_end: i64,
    /// Its log start; -1 while unknown.
    pub log_start: i64,
    /// When it last had all that the leader had at its previous fetch.
    pub caught_up_ms: i64,
    /// When it last fetched.
    pub fetched_ms: i64,
    /// The leader's log end at its last fetch.
    pub leader_end_at_fetch: i64,
    /// Its broker epoch by its last Fetch v15+; -1 for unknown.
    pub broker_epoch: i64,
}

impl Remote {
    fn unknown(caught_up_ms: i64) -> Remote {
        Remote {
            log_end: -1,
            log_start: -1,
            caught_up_ms,
            fetched_ms: 0,
            leader_end_at_fetch: 0,
            broker_epoch: -1,
        }
    }

    /// Whether it is at the leader's end, or was within the allowed lag.
    fn is_caught_up(&self, leader_end: i64, now_ms: i64, max_lag_ms: i64) -> bool {
        self.log_end == leader_end || now_ms - self.caught_up_ms <= max_lag_ms
    }
}

/// A change of the in-sync set that the controller has not yet confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingIsr {
    /// The wanted set.
    pub isr: Vec<BrokerId>,
    /// Whether it is with the controller now.
    pub sent: bool,
}

/// The state of one replica.
#[derive(Clone, Debug)]
pub struct State {
    /// This broker.
    pub local: BrokerId,
    /// Leader, or -1.
    pub leader: BrokerId,
    /// -1 before the controller spoke.
    pub leader_epoch: i32,
    /// -1 before the controller spoke.
    pub partition_epoch: i32,
    /// Log end when this broker became leader; -1 for a follower.
    pub epoch_start: i64,
    /// In-sync replicas as confirmed.
    pub isr: Vec<BrokerId>,
    /// A change asked for.
    pub pending: Option<PendingIsr>,
    /// Assigned replicas.
    pub replicas: Vec<BrokerId>,
    /// Replicas being added.
    pub adding: Vec<BrokerId>,
    /// Replicas being removed.
    pub removing: Vec<BrokerId>,
    /// The other replicas, for a leader.
    pub remotes: BTreeMap<BrokerId, Remote>,
    /// 0 recovered, 1 recovering.
    pub recovery_state: i8,
    /// Stopped: every operation fails from now on.
    pub is_stopped: bool,
}

impl State {
    /// Before the controller spoke.
    pub fn new(local: BrokerId) -> State {
        State {
            local,
            leader: NO_BROKER,
            leader_epoch: -1,
            partition_epoch: -1,
            epoch_start: -1,
            isr: Vec::new(),
            pending: None,
            replicas: Vec::new(),
            adding: Vec::new(),
            removing: Vec::new(),
            remotes: BTreeMap::new(),
            recovery_state: 0,
            is_stopped: false,
        }
    }

    /// Whether this broker leads.
    pub fn is_leader(&self) -> bool {
        self.leader == self.local && self.leader_epoch >= 0 && !self.is_stopped
    }

    /// Takes over what the controller said. Returns whether this broker is newly the leader.
    pub fn apply(&mut self, told: &LeaderAndIsr, log_end: i64, now_ms: i64) -> bool {
        let was_leader = self.is_leader();
        let is_new_epoch = told.leader_epoch != self.leader_epoch;
        self.is_stopped = false;
        self.leader = told.leader;
        self.leader_epoch = told.leader_epoch;
        self.partition_epoch = told.partition_epoch;
        self.isr.clone_from(&told.isr);
        self.pending = None;
        self.replicas.clone_from(&told.replicas);
        self.adding.clone_from(&told.adding);
        self.removing.clone_from(&told.removing);
        self.recovery_state = told.recovery_state;
        if !self.is_leader() {
            self.remotes.clear();
            self.epoch_start = -1;
            return false;
        }
        if is_new_epoch || !was_leader {
            self.epoch_start = log_end;
        }
        self.reset_remotes(was_leader, log_end, now_ms);
        !was_leader
    }

    /// As `Replica.resetReplicaState`: one that the controller took out of the in-sync set, because
    /// its broker is gone, holds nothing up any more, however lately it was caught up.
    fn reset_remotes(&mut self, was_leader: bool, log_end: i64, now_ms: i64) {
        let (isr, local) = (&self.isr, self.local);
        let mut old = std::mem::take(&mut self.remotes);
        for id in self.replicas.iter().copied().filter(|id| *id != local) {
            // A member of the in-sync set gets the allowed lag to show itself.
            let caught_up_ms = if isr.contains(&id) { now_ms } else { 0 };
            let kept = old.remove(&id).filter(|_| was_leader).map(|remote| Remote {
                caught_up_ms,
                fetched_ms: caught_up_ms,
                leader_end_at_fetch: log_end,
                ..remote
            });
            self.remotes.insert(id, kept.unwrap_or_else(|| Remote::unknown(caught_up_ms)));
        }
    }

    /// `min.insync.replicas`, but never more than there are replicas (KAFKA-15583).
    pub fn effective_min_isr(&self, min_insync_replicas: i32) -> usize {
        (min_insync_replicas.max(1) as usize).min(self.remotes.len() + 1)
    }

    /// Every replica that may be in the set, whatever the controller answers.
    pub fn is_in_maximal_isr(&self, id: BrokerId) -> bool {
        self.isr.contains(&id) || self.pending.as_ref().is_some_and(|p| p.isr.contains(&id))
    }

    /// Where the high watermark may be: the least log end over the in-sync replicas and those
    /// about to be. `None` while below `min.insync.replicas`.
    pub fn high_watermark(
        &self,
        log_end: i64,
        min_isr: i32,
        now: i64,
        max_lag: i64,
    ) -> Option<i64> {
        if self.isr.len() < self.effective_min_isr(min_isr) {
            return None;
        }
        let counted = |(id, remote): &(&BrokerId, &Remote)| {
            self.is_in_maximal_isr(**id)
                || (remote.log_end >= 0 && remote.is_caught_up(log_end, now, max_lag))
        };
        let least = self.remotes.iter().filter(counted).map(|(_, remote)| remote.log_end).min();
        Some(least.map_or(log_end, |least| least.min(log_end)))
    }

    /// Notes a follower's fetch at `offset`. False for a broker that is not a replica.
    pub fn follower_fetched(&mut self, fetch: FollowerFetch, leader_end: i64, now_ms: i64) -> bool {
        let Some(remote) = self.remotes.get_mut(&fetch.replica) else { return false };
        if fetch.offset >= leader_end {
            remote.caught_up_ms = remote.caught_up_ms.max(now_ms);
        } else if fetch.offset >= remote.leader_end_at_fetch {
            remote.caught_up_ms = remote.caught_up_ms.max(remote.fetched_ms);
        }
        remote.log_end = fetch.offset;
        remote.log_start = fetch.log_start;
        remote.leader_end_at_fetch = leader_end;
        remote.fetched_ms = now_ms;
        if fetch.broker_epoch >= 0 {
            remote.broker_epoch = fetch.broker_epoch;
        }
        true
    }

    /// Wants `replica` in the set if it is out of it and has reached the high watermark and the
    /// start of this leader's epoch.
    pub fn maybe_expand(&mut self, replica: BrokerId, high_watermark: i64) -> bool {
        let Some(remote) = self.remotes.get(&replica) else { return false };
        let is_in_reach = remote.log_end >= high_watermark && remote.log_end >= self.epoch_start;
        if self.pending.is_some() || self.isr.contains(&replica) || !is_in_reach {
            return false;
        }
        let mut isr = self.isr.clone();
        isr.push(replica);
        self.pending = Some(PendingIsr { isr, sent: false });
        true
    }

    /// Wants replicas out of the set that have not been caught up for `max_lag_ms`.
    pub fn maybe_shrink(&mut self, log_end: i64, now_ms: i64, max_lag_ms: i64) -> bool {
        if self.pending.is_some() || !self.is_leader() {
            return false;
        }
        let in_sync = |id: &BrokerId| {
            *id == self.local
                || self.remotes.get(id).is_some_and(|r| r.is_caught_up(log_end, now_ms, max_lag_ms))
        };
        let isr: Vec<BrokerId> = self.isr.iter().copied().filter(in_sync).collect();
        if isr.len() == self.isr.len() {
            return false;
        }
        self.pending = Some(PendingIsr { isr, sent: false });
        true
    }
}

/// What a follower's Fetch says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerFetch {
    /// Who fetches.
    pub replica: BrokerId,
    /// The fetch offset, which is its log end.
    pub offset: i64,
    /// Its log start; -1 below v5.
    pub log_start: i64,
    /// Its broker epoch; -1 below v15.
    pub broker_epoch: i64,
}

#[cfg(test)]
mod tests;
