//! Which replica a consumer should rather fetch from: one in its own rack (KIP-392).
//!
//! As Kafka's `RackAwareReplicaSelector`, the only selector besides none that comes with it.

use super::request::Plan;
use crate::broker::Broker;
use crate::handlers::{RequestContext, lookup};
use crate::partition::{Candidate, Partition};
use crate::types::BrokerId;
use std::cmp::Reverse;

/// The replica to fetch from instead of this leader; `None` to stay.
pub(super) fn preferred(
    broker: &Broker,
    context: &RequestContext,
    plan: &Plan,
    partition: &Partition,
    offset: i64,
) -> Option<BrokerId> {
    let rack = plan.rack.as_deref()?;
    let candidates = partition.candidates(offset);
    let rack_of = |id| lookup::node(broker, id, &context.listener_name)?.rack;
    choose(rack, &candidates, rack_of)
}

/// Of those in the rack the most advanced one, unless the leader (the first) is there itself.
fn choose(
    rack: &str,
    candidates: &[Candidate],
    rack_of: impl Fn(BrokerId) -> Option<String>,
) -> Option<BrokerId> {
    let is_near = |candidate: &&Candidate| rack_of(candidate.broker).as_deref() == Some(rack);
    let (leader, followers) = candidates.split_first()?;
    if is_near(&leader) {
        return None;
    }
    let near = followers.iter().filter(is_near);
    near.max_by_key(|c| (c.log_end, Reverse(c.behind_ms), c.broker)).map(|c| c.broker)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(broker: BrokerId, log_end: i64, behind_ms: i64) -> Candidate {
        Candidate { broker, log_end, behind_ms }
    }

    /// Brokers 1 and 2 stand in rack a, 3 to 5 in rack b.
    fn rack_of(broker: BrokerId) -> Option<String> {
        Some(if broker <= 2 { "a" } else { "b" }.to_owned())
    }

    #[test]
    fn the_leader_serves_its_own_rack_and_racks_without_a_replica() {
        let candidates = [candidate(1, 10, 0), candidate(2, 10, 0), candidate(3, 10, 0)];
        assert_eq!(choose("a", &candidates, rack_of), None);
        assert_eq!(choose("c", &candidates, rack_of), None);
        assert_eq!(choose("b", &candidates, rack_of), Some(3));
        assert_eq!(choose("b", &[], rack_of), None);
    }

    #[test]
    fn the_most_advanced_replica_of_the_rack_is_preferred() {
        let leader = candidate(1, 10, 0);
        let choose = |others: &[Candidate]| {
            let all: Vec<_> = std::iter::once(leader).chain(others.iter().copied()).collect();
            choose("b", &all, rack_of)
        };
        assert_eq!(choose(&[candidate(3, 9, 0), candidate(4, 10, 50)]), Some(4));
        assert_eq!(choose(&[candidate(3, 10, 5), candidate(4, 10, 50)]), Some(3));
        assert_eq!(choose(&[candidate(3, 10, 5), candidate(5, 10, 5)]), Some(5));
    }
}
