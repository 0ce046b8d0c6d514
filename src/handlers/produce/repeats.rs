//! A partition or a topic that comes twice in one request, or a topic without partitions.
//!
//! `KafkaApis.handleProduceRequest` puts what is asked into a map by partition: the last of a
//! partition counts, and a topic is answered once, or not at all.

use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, TopicName};
use smallvec::SmallVec;
use std::collections::{BTreeMap, HashMap};

/// Brings each partition of the request together, under its topic.
pub(super) fn merge(request: &mut ProduceRequest) {
    if is_plain(&request.topic_data) {
        return;
    }
    let mut places = HashMap::new();
    let mut topics: Vec<(TopicName, BTreeMap<i32, PartitionProduceData>)> = Vec::new();
    for topic in std::mem::take(&mut request.topic_data) {
        if topic.partition_data.is_empty() {
            continue;
        }
        let place = *places.entry(topic.name.clone()).or_insert_with(|| {
            topics.push((topic.name, BTreeMap::new()));
            topics.len() - 1
        });
        if let Some((_, merged)) = topics.get_mut(place) {
            merged.extend(topic.partition_data.into_iter().map(|data| (data.index, data)));
        }
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        let data = partitions.into_values().collect();
        TopicProduceData::default().with_name(name).with_partition_data(data)
    });
    request.topic_data = topics.collect();
}

/// Whether everything comes once, as from every client.
fn is_plain(topics: &[TopicProduceData]) -> bool {
    if let [topic] = topics
        && topic.partition_data.len() == 1
    {
        return true;
    }
    let mut names: SmallVec<[&str; 8]> = topics.iter().map(|topic| topic.name.0.as_str()).collect();
    names.sort_unstable();
    is_increasing(&names) && topics.iter().all(|topic| has_each_once(&topic.partition_data))
}

fn has_each_once(data: &[PartitionProduceData]) -> bool {
    let mut indexes: SmallVec<[i32; 16]> = data.iter().map(|data| data.index).collect();
    indexes.sort_unstable();
    !indexes.is_empty() && is_increasing(&indexes)
}

fn is_increasing<T: PartialOrd>(sorted: &[T]) -> bool {
    sorted.is_sorted_by(|one, next| one < next)
}
