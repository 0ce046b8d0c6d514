//! Groups that this broker coordinates (`GroupMetadataManager`), and how far behind they are.
//!
//! A lag is given where the partition has a replica here, since only its high watermark is known.

use super::text::{Kind, Page};
use crate::broker::Broker;
use std::collections::BTreeMap;

pub(super) fn write(page: &mut Page, broker: &Broker) {
    // Without groups there is nothing to say of them.
    let (groups, _) = broker.groups.list().unwrap_or_default();
    let name = "kafka_coordinator_group_groupmetadatamanager_numgroups";
    page.single(name, Kind::Gauge, "Groups coordinated here.", groups.len());
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    groups.iter().for_each(|group| *states.entry(group.state).or_default() += 1);
    let name = "ottla_coordinator_groups";
    let mut family = page.family(name, Kind::Gauge, "Groups coordinated here, by state.");
    states.iter().for_each(|(state, count)| family.sample(&[("state", state)], count));
    let mut lags = Vec::new();
    let mut offsets = 0;
    for group in &groups {
        let committed = broker.groups.fetch_offsets(&group.group_id, None, false);
        for (id, fetched) in committed.unwrap_or_default() {
            let Ok(Some(value)) = fetched else { continue };
            offsets += 1;
            let replica = broker.replicas.get(&id.topic, id.partition);
            let end = replica.map(|replica| replica.log().high_watermark());
            if let Some(end) = end {
                lags.push((group.group_id.clone(), id, (end - value.offset).max(0)));
            }
        }
    }
    let name = "kafka_coordinator_group_groupmetadatamanager_numoffsets";
    page.single(name, Kind::Gauge, "Offsets committed by them.", offsets);
    lags.sort();
    let name = "ottla_consumer_group_lag";
    let mut family = page.family(name, Kind::Gauge, "Records from the committed offset on.");
    for (group, id, lag) in lags {
        let index = id.partition.to_string();
        family.sample(&[("group", &group), ("topic", &id.topic), ("partition", &index)], lag);
    }
}
