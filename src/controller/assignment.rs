//! Which brokers get a new partition's replicas (Kafka's `AdminUtils`): leaders in a circle from a
//! random start, followers shifted, racks alternating when every broker has one.

use super::error::ControllerError;
use crate::types::BrokerId;
use std::collections::{BTreeMap, BTreeSet};

/// Most partitions of a topic whose replicas we place. Some bytes of a request must not become
/// gigabytes of assignments, and no ZooKeeper takes a topic as large as that; Kafka 3.9 has no
/// limit and dies of it, Kafka 4 has 10,000 for all topics of a request.
const PARTITIONS_MAX: i32 = 100_000;

/// A broker that may get replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRack {
    /// Its id.
    pub id: BrokerId,
    /// Its rack.
    pub rack: Option<String>,
}

/// Assigns replicas of `partitions` new partitions, the first of which has index `first`.
/// `start` and `shift`: where to begin, and how far followers are from leaders; random in use.
///
/// # Errors
/// Kafka's, for a number that is not positive or more replicas than brokers; and for a topic that
/// would have more than 100,000 partitions.
pub fn assign_replicas(
    brokers: &[BrokerRack],
    partitions: i32,
    replication_factor: i16,
    first: i32,
    start: usize,
    shift: usize,
) -> Result<BTreeMap<i32, Vec<BrokerId>>, ControllerError> {
    if partitions <= 0 {
        return Err(ControllerError::InvalidPartitions(
            "Number of partitions must be larger than 0.".into(),
        ));
    }
    if first.saturating_add(partitions) > PARTITIONS_MAX {
        return Err(ControllerError::InvalidPartitions(format!(
            "Number of partitions must not be larger than {PARTITIONS_MAX}."
        )));
    }
    if replication_factor <= 0 {
        return Err(ControllerError::InvalidReplicationFactor(
            "Replication factor must be larger than 0.".into(),
        ));
    }
    let factor = replication_factor as usize;
    if factor > brokers.len() {
        return Err(ControllerError::InvalidReplicationFactor(format!(
            "Replication factor: {factor} larger than available brokers: {}.",
            brokers.len()
        )));
    }
    let racks: BTreeMap<BrokerId, &str> =
        brokers.iter().filter_map(|b| Some((b.id, b.rack.as_deref()?))).collect();
    let indexes = first..first.saturating_add(partitions);
    if racks.len() == brokers.len() {
        return Ok(with_racks(&racks, indexes, factor, start, shift));
    }
    let mut ids: Vec<BrokerId> = brokers.iter().map(|b| b.id).collect();
    ids.sort_unstable();
    let mut shift = shift;
    let assign = |index: i32| {
        if index > 0 && (index as usize).is_multiple_of(ids.len()) {
            shift += 1;
        }
        let leader = (index as usize + start) % ids.len();
        let follower = |j: usize| ids.get(replica_index(leader, shift, j, ids.len())).copied();
        let replicas = ids.get(leader).copied().into_iter();
        (index, replicas.chain((0..factor - 1).filter_map(follower)).collect())
    };
    Ok(indexes.map(assign).collect())
}

/// Place of the `j`-th follower in a circle of `len`, never that of the leader.
fn replica_index(leader: usize, shift: usize, j: usize, len: usize) -> usize {
    if len < 2 {
        return 0;
    }
    (leader + 1 + (shift + j) % (len - 1)) % len
}

fn with_racks(
    racks: &BTreeMap<BrokerId, &str>,
    indexes: std::ops::Range<i32>,
    factor: usize,
    start: usize,
    shift: usize,
) -> BTreeMap<i32, Vec<BrokerId>> {
    let arranged = alternating(racks);
    let rack_count = racks.values().collect::<BTreeSet<_>>().len();
    let len = arranged.len();
    let rack = |id: BrokerId| racks.get(&id).copied().unwrap_or_default();
    let mut shift = shift;
    let mut result = BTreeMap::new();
    for index in indexes {
        if index > 0 && (index as usize).is_multiple_of(len) {
            shift += 1;
        }
        let first = (index as usize + start) % len;
        let Some(&leader) = arranged.get(first) else { continue };
        let mut replicas = vec![leader];
        let mut used_racks = BTreeSet::from([rack(leader)]);
        let mut k = 0;
        while replicas.len() < factor {
            let place = replica_index(first, shift * rack_count, k, len);
            k += 1;
            let Some(&id) = arranged.get(place) else { break };
            let rack_is_free = !used_racks.contains(rack(id)) || used_racks.len() == rack_count;
            let all_used = replicas.len() == len;
            if rack_is_free && (!replicas.contains(&id) || all_used) {
                replicas.push(id);
                used_racks.insert(rack(id));
            }
        }
        result.insert(index, replicas);
    }
    result
}

/// Brokers so that neighbours are in different racks: first of each rack, second of each, …
///
/// Example: 0: r1, 1: r3, 2: r3, 3: r2, 4: r2, 5: r1 gives 0, 3, 1, 5, 4, 2.
fn alternating(racks: &BTreeMap<BrokerId, &str>) -> Vec<BrokerId> {
    let mut by_rack: BTreeMap<&str, Vec<BrokerId>> = BTreeMap::new();
    for (id, rack) in racks {
        by_rack.entry(rack).or_default().push(*id);
    }
    let most = by_rack.values().map(Vec::len).max().unwrap_or(0);
    (0..most)
        .flat_map(|round| by_rack.values().filter_map(move |ids| ids.get(round).copied()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(count: i32) -> Vec<BrokerRack> {
        (0..count).map(|id| BrokerRack { id, rack: None }).collect()
    }

    #[test]
    fn replicas_without_racks_are_as_in_kafka_s_own_example() {
        // AdminUtils' comment: 10 partitions, 3 replicas, 5 brokers, start 0, shift 0.
        let found = assign_replicas(&plain(5), 10, 3, 0, 0, 0).unwrap();
        let expected = [
            [0, 1, 2],
            [1, 2, 3],
            [2, 3, 4],
            [3, 4, 0],
            [4, 0, 1],
            [0, 2, 3],
            [1, 3, 4],
            [2, 4, 0],
            [3, 0, 1],
            [4, 1, 2],
        ];
        for (index, replicas) in expected.iter().enumerate() {
            assert_eq!(found[&(index as i32)], replicas.to_vec(), "partition {index}");
        }
    }

    #[test]
    fn brokers_alternate_by_rack_as_in_kafka_s_own_example() {
        let racks = [(0, "r1"), (1, "r3"), (2, "r3"), (3, "r2"), (4, "r2"), (5, "r1")];
        assert_eq!(alternating(&racks.into_iter().collect()), [0, 3, 1, 5, 4, 2]);
    }

    #[test]
    fn with_as_many_racks_as_replicas_every_replica_has_its_own() {
        let racks = ["r1", "r2", "r3", "r1", "r2", "r3"];
        let brokers: Vec<BrokerRack> = racks
            .iter()
            .enumerate()
            .map(|(id, rack)| BrokerRack { id: id as i32, rack: Some((*rack).into()) })
            .collect();
        for (start, shift) in [(0, 0), (2, 1), (5, 4)] {
            let found = assign_replicas(&brokers, 60, 3, 0, start, shift).unwrap();
            assert_eq!(found.len(), 60);
            for replicas in found.values() {
                let used: BTreeSet<_> = replicas.iter().map(|id| racks[*id as usize]).collect();
                assert_eq!(used.len(), 3, "{replicas:?}");
            }
            for leader in 0..6 {
                let led = found.values().filter(|r| r[0] == leader).count();
                assert_eq!(led, 10, "leaders are spread evenly");
            }
        }
    }

    #[test]
    fn impossible_numbers_are_refused_with_kafka_s_messages() {
        let message = |result: Result<_, ControllerError>| {
            let _: &Result<BTreeMap<i32, Vec<i32>>, _> = &result;
            result.unwrap_err().to_string()
        };
        assert_eq!(
            message(assign_replicas(&plain(3), 0, 1, 0, 0, 0)),
            "Number of partitions must be larger than 0."
        );
        assert_eq!(
            message(assign_replicas(&plain(3), 1, 0, 0, 0, 0)),
            "Replication factor must be larger than 0."
        );
        assert_eq!(
            message(assign_replicas(&plain(3), 1, 4, 0, 0, 0)),
            "Replication factor: 4 larger than available brokers: 3."
        );
    }
    #[test]
    fn a_topic_of_more_partitions_than_any_can_have_is_refused_at_no_cost() {
        assert_eq!(assign_replicas(&plain(1), PARTITIONS_MAX, 1, 0, 0, 0).unwrap().len(), 100_000);
        for (partitions, first) in [(PARTITIONS_MAX, 1), (i32::MAX, 0), (i32::MAX, i32::MAX)] {
            let refused = assign_replicas(&plain(1), partitions, 1, first, 0, 0).unwrap_err();
            assert_eq!(refused.to_string(), "Number of partitions must not be larger than 100000.");
        }
    }
}
