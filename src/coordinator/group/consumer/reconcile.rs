//! How a member gets from what it has to what it shall have (Kafka's CurrentAssignmentBuilder).
//!
//! ```text
//! has {0,1}, shall {1,2}, 2 is still owned by another:
//!   UNREVOKED_PARTITIONS   assigned {1}, to revoke {0}, old epoch    until it no longer owns 0
//!   UNRELEASED_PARTITIONS  assigned {1}, new epoch                   until the other lets 2 go
//!   STABLE                 assigned {1,2}, new epoch
//! ```

use super::Assignment;
use crate::types::TopicId;

/// Where a member stands; the numbers are those in the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// Has what it shall have.
    Stable = 0,
    /// Must give up partitions first.
    UnrevokedPartitions = 1,
    /// Waits for partitions that others have yet to give up.
    UnreleasedPartitions = 2,
    /// Written by a newer coordinator.
    Unknown = 127,
}

impl MemberState {
    /// The state with this number in a record.
    pub fn from_number(number: i8) -> MemberState {
        match number {
            0 => MemberState::Stable,
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            _ => MemberState::Unknown,
        }
    }
}

/// What a member has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// Where it stands.
    pub state: MemberState,
    /// Epoch it has reached.
    pub epoch: i32,
    /// Epoch before that: still taken from a member that lost an answer.
    pub previous_epoch: i32,
    /// Partitions it may use.
    pub assigned: Assignment,
    /// Partitions it must stop using before others may have them.
    pub revoking: Assignment,
}

impl Current {
    /// A member that has just joined.
    pub fn joined() -> Current {
        Current {
            state: MemberState::Stable,
            epoch: 0,
            previous_epoch: 0,
            assigned: Assignment::new(),
            revoking: Assignment::new(),
        }
    }

    /// All that it may still use, also what it has been asked to give up.
    pub fn held(&self) -> Assignment {
        let mut held = self.assigned.clone();
        for (topic, partitions) in &self.revoking {
            held.entry(*topic).or_default().extend(partitions);
        }
        held
    }

    /// The next step towards `target`.
    ///
    /// `owned` is what the member says it owns, `None` if it did not say; `taken` tells whether
    /// another member has the partition.
    pub fn step(
        &self,
        target_epoch: i32,
        target: &Assignment,
        owned: Option<&Assignment>,
        taken: impl Fn(TopicId, i32) -> bool,
    ) -> Current {
        match self.state {
            MemberState::Stable if self.epoch == target_epoch => self.clone(),
            MemberState::UnrevokedPartitions if still_owns(owned, &self.revoking) => self.clone(),
            // What it had to give up it has: that was a step of its own.
            MemberState::UnrevokedPartitions => {
                self.towards(self.epoch.saturating_add(1), target_epoch, target, owned, taken)
            }
            _ => self.towards(self.epoch, target_epoch, target, owned, taken),
        }
    }

    fn towards(
        &self,
        epoch: i32,
        target_epoch: i32,
        target: &Assignment,
        owned: Option<&Assignment>,
        taken: impl Fn(TopicId, i32) -> bool,
    ) -> Current {
        let kept = intersection(&self.assigned, target);
        let revoking = difference(&self.assigned, target);
        let (blocked, free) = split(&difference(target, &self.assigned), taken);
        let previous_epoch = self.epoch;
        if !revoking.is_empty() && still_owns(owned, &revoking) {
            let state = MemberState::UnrevokedPartitions;
            return Current { state, epoch, previous_epoch, assigned: kept, revoking };
        }
        let mut assigned = kept;
        for (topic, partitions) in free {
            assigned.entry(topic).or_default().extend(partitions);
        }
        let state = match blocked.is_empty() {
            true => MemberState::Stable,
            false => MemberState::UnreleasedPartitions,
        };
        let revoking = Assignment::new();
        Current { state, epoch: target_epoch, previous_epoch, assigned, revoking }
    }
}

/// A member that does not say what it owns may own all of it.
fn still_owns(owned: Option<&Assignment>, revoking: &Assignment) -> bool {
    owned.is_none_or(|owned| !intersection(owned, revoking).is_empty())
}

/// Partitions in both.
pub fn intersection(a: &Assignment, b: &Assignment) -> Assignment {
    filtered(a, |topic, p| b.get(&topic).is_some_and(|ps| ps.contains(&p)))
}

/// Partitions in `a` that are not in `b`.
pub fn difference(a: &Assignment, b: &Assignment) -> Assignment {
    filtered(a, |topic, p| !b.get(&topic).is_some_and(|ps| ps.contains(&p)))
}

fn split(a: &Assignment, first: impl Fn(TopicId, i32) -> bool) -> (Assignment, Assignment) {
    (filtered(a, &first), filtered(a, |topic, p| !first(topic, p)))
}

fn filtered(a: &Assignment, keep: impl Fn(TopicId, i32) -> bool) -> Assignment {
    let topics = a.iter().map(|(topic, partitions)| {
        (*topic, partitions.iter().copied().filter(|p| keep(*topic, *p)).collect())
    });
    topics
        .filter(|(_, partitions): &(_, std::collections::BTreeSet<i32>)| !partitions.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: TopicId = TopicId::from_u128(1);

    fn of(partitions: &[i32]) -> Assignment {
        match partitions {
            [] => Assignment::new(),
            _ => Assignment::from([(T, partitions.iter().copied().collect())]),
        }
    }

    fn has(partitions: &[i32]) -> Current {
        Current { epoch: 1, previous_epoch: 0, assigned: of(partitions), ..Current::joined() }
    }

    #[test]
    fn a_member_with_the_target_epoch_stays() {
        assert_eq!(has(&[0]).step(1, &of(&[0]), None, |_, _| false), has(&[0]));
    }

    #[test]
    fn free_partitions_come_at_once() {
        let next = has(&[0]).step(2, &of(&[0, 1]), None, |_, _| false);
        assert_eq!((next.state, next.epoch, next.assigned), (MemberState::Stable, 2, of(&[0, 1])));
    }

    #[test]
    fn the_three_steps_of_the_example() {
        let first = has(&[0, 1]).step(2, &of(&[1, 2]), None, |_, p| p == 2);
        assert_eq!(first.state, MemberState::UnrevokedPartitions);
        assert_eq!((first.epoch, &first.assigned, &first.revoking), (1, &of(&[1]), &of(&[0])));
        let same = first.step(2, &of(&[1, 2]), Some(&of(&[0, 1])), |_, p| p == 2);
        assert_eq!(same, first, "it still owns 0");
        let second = first.step(2, &of(&[1, 2]), Some(&of(&[1])), |_, p| p == 2);
        assert_eq!(second.state, MemberState::UnreleasedPartitions);
        assert_eq!((second.epoch, second.previous_epoch, &second.assigned), (2, 1, &of(&[1])));
        let third = second.step(2, &of(&[1, 2]), None, |_, _| false);
        assert_eq!((third.state, third.epoch, third.previous_epoch), (MemberState::Stable, 2, 2));
        assert_eq!(third.assigned, of(&[1, 2]));
    }

    #[test]
    fn a_member_that_shows_it_owns_nothing_more_need_not_wait() {
        let next = has(&[0, 1]).step(2, &of(&[1]), Some(&of(&[1])), |_, _| false);
        assert_eq!((next.state, next.epoch), (MemberState::Stable, 2));
    }
}
