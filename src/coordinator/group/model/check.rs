//! What must be true: of what clients were told, and of the group that the coordinator has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::coordinator::group::cell::{Group, GroupCell};
use crate::coordinator::group::classic::{ClassicGroup, State};
use crate::coordinator::group::coordinator::GroupCoordinator;
use crate::coordinator::group::records::{GroupValue, Key};
use crate::coordinator::state_log::StateBatch;

use super::client::GROUP;

/// What clients were told about the group of now.
#[derive(Default)]
pub struct Told {
    /// Who leads, by incarnation of the coordinator and generation.
    leaders: BTreeMap<(u64, i32), Arc<str>>,
    /// Who has which partition, by generation.
    parts: BTreeMap<(i32, u8), Arc<str>>,
    /// The last generation of which a part was given out.
    floor: i32,
    /// The generation seen last, and in which incarnation.
    seen: (u64, i32),
}

impl Told {
    /// Somebody was told to lead.
    pub fn leads(&mut self, incarnation: u64, generation: i32, id: &Arc<str>) {
        let known = self.leaders.entry((incarnation, generation)).or_insert_with(|| id.clone());
        assert_eq!(known, id, "two leaders of generation {generation}");
    }

    /// Somebody was given a part.
    pub fn assigned(&mut self, generation: i32, name: &Arc<str>, parts: &BTreeSet<u8>) {
        for part in parts {
            let has = self.parts.entry((generation, *part)).or_insert_with(|| name.clone());
            assert_eq!(has, name, "partition {part} of generation {generation} is given twice");
        }
        self.floor = self.floor.max(generation);
    }

    /// The group was removed: another of its name begins anew.
    pub fn forget(&mut self) {
        *self = Told::default();
    }

    /// Looks at the group as it is.
    pub fn look(&mut self, incarnation: u64, coordinator: &GroupCoordinator) {
        let Some(cell) = find(coordinator) else { return };
        let inner = cell.inner.lock();
        let Group::Classic(group) = &inner.group else { panic!("a classic group") };
        look(group);
        let generation = group.generation();
        if self.seen.0 == incarnation {
            assert!(generation >= self.seen.1, "generations only grow");
        }
        self.seen = (incarnation, generation);
        assert!(generation >= self.floor, "{generation} after {} was given out", self.floor);
        assert!(inner.scheduled <= group.armed, "someone will tick");
    }

    /// Looks at a group that was just loaded: it is what the log says.
    pub fn loaded(&mut self, coordinator: &GroupCoordinator, batches: &[StateBatch]) {
        let value = last_value(batches);
        let cell = find(coordinator);
        let Some(value) = value else {
            let generation = cell.map_or(0, |cell| match &cell.inner.lock().group {
                Group::Classic(group) => group.generation(),
                Group::Consumer(_) => -1,
            });
            assert_eq!(generation, 0, "there is no record of a group");
            return;
        };
        let cell = cell.expect("the log has the group");
        let inner = cell.inner.lock();
        let Group::Classic(group) = &inner.group else { panic!("a classic group") };
        if group.state() != State::PreparingRebalance {
            let now = group.value_with(|member| member.assignment.clone());
            assert_eq!(
                GroupValue { state_timestamp: 0, ..now },
                GroupValue { state_timestamp: 0, ..value }
            );
        }
    }
}

/// The group, if there is one.
pub fn find(coordinator: &GroupCoordinator) -> Option<Arc<GroupCell>> {
    coordinator.owned(GROUP).ok()?.1.get(GROUP)
}

/// The last record of the group.
fn last_value(batches: &[StateBatch]) -> Option<GroupValue> {
    let records = batches.iter().flat_map(|batch| &batch.records);
    let of_group = records.filter(|record| record.key == Some(Key::encode_group(GROUP)));
    let last = of_group.last()?.value.clone()?;
    Some(GroupValue::decode(last).expect("a record of ours"))
}

fn look(group: &ClassicGroup) {
    let has_members = group.members().next().is_some();
    match group.state() {
        State::Empty => assert!(!has_members),
        State::Stable => {
            assert!(has_members && group.protocol().is_some());
            // A member that has not synced yet can have its part.
            assert!(group.members().all(|m| !m.assignment.is_empty()), "a part each");
        }
        State::CompletingRebalance => assert!(has_members && group.protocol().is_some()),
        State::PreparingRebalance => {}
        State::Dead => panic!("a dead group is not found"),
    }
    for member in group.members() {
        let waits = member.awaiting_join.is_some() || member.awaiting_sync.is_some();
        assert!(waits || member.session_deadline.is_some(), "a silent member goes some day");
        assert!(
            member.awaiting_sync.is_none() || group.state() == State::CompletingRebalance,
            "who waits for a part will get one",
        );
    }
}
