//! What went through a replica for clients since it is here (`BrokerTopicMetrics` of a topic).

use crate::telemetry::counters::{BYTES_IN, BYTES_OUT, Counter, MESSAGES_IN};

/// Counters of one replica.
#[derive(Debug, Default)]
pub struct Traffic {
    messages_in: Counter,
    bytes_in: Counter,
    bytes_out: Counter,
}

impl Traffic {
    /// Counts records that a client had appended.
    pub fn count_in(&self, messages: u64, bytes: usize) {
        for (own, all, amount) in
            [(&self.messages_in, &MESSAGES_IN, messages), (&self.bytes_in, &BYTES_IN, bytes as u64)]
        {
            own.add(amount);
            all.add(amount);
        }
    }

    /// Counts bytes that a consumer got.
    pub fn count_out(&self, bytes: usize) {
        self.bytes_out.add(bytes as u64);
        BYTES_OUT.add(bytes as u64);
    }

    /// Messages in, bytes in, bytes out.
    pub fn values(&self) -> [u64; 3] {
        [self.messages_in.value(), self.bytes_in.value(), self.bytes_out.value()]
    }
}
