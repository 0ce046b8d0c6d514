//! What the topic handlers take from the metadata image: live brokers, and waiting for a change.
//!
//! As Kafka's topic purgatory: an answer waits until the metadata of this broker shows the change.

use crate::broker::Broker;
use crate::controller::{BrokerRack, ControllerError};
use crate::metadata::image::{Endpoint, Image};
use kafka_protocol::protocol::StrBytes;
use std::time::Duration;
use tokio::time::Instant;

/// The live brokers with their racks, for assigning replicas.
pub fn racks(broker: &Broker) -> Vec<BrokerRack> {
    let image = broker.image.load();
    image.brokers.values().map(|b| BrokerRack { id: b.id, rack: b.rack.clone() }).collect()
}

/// A broker's endpoint on a listener.
pub fn endpoint<'a>(image: &'a Image, broker: i32, listener: &str) -> Option<&'a Endpoint> {
    image.brokers.get(&broker)?.endpoints.iter().find(|e| e.listener == listener)
}

/// When a request that begins now has waited enough; `None` if it does not want to wait.
pub fn deadline(timeout_ms: i32) -> Option<Instant> {
    let millis = u64::try_from(timeout_ms).ok().filter(|millis| *millis > 0)?;
    Some(Instant::now() + Duration::from_millis(millis))
}

/// Waits until the image is as wanted; false when it is not at the deadline, or there is none.
/// After the deadline it looks once: one topic's time-out is not that of the others.
pub async fn wait_for(
    broker: &Broker,
    deadline: Option<Instant>,
    wanted: impl Fn(&Image) -> bool,
) -> bool {
    let Some(deadline) = deadline else { return false };
    let mut changes = broker.image.changes();
    loop {
        if wanted(&broker.image.load()) {
            return true;
        }
        match tokio::time::timeout_at(deadline, changes.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return wanted(&broker.image.load()),
        }
    }
}

/// Whether the image has that many partitions of the topic, each with a leader.
pub fn is_led(image: &Image, topic: &str, partitions: i32) -> bool {
    image.topics.get(topic).is_some_and(|found| {
        let led = found.partitions.values().filter(|p| p.leader >= 0).count();
        led as i64 >= i64::from(partitions)
    })
}

/// Text for the wire.
pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_string())
}

/// The message of an error; null where it says no more than its code.
pub fn message(error: &ControllerError) -> Option<StrBytes> {
    match error {
        ControllerError::NotController
        | ControllerError::RequestTimedOut
        | ControllerError::ThrottlingQuotaExceeded
        | ControllerError::Unknown => None,
        other => Some(text(&other.to_string())),
    }
}
