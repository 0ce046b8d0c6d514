//! The Fetch response, written by hand: its records stay in their files.
//!
//! v4, one partition without records, by bytes: throttle `00000000`, topics `00000001`, name
//! `0001 61`, partitions `00000001`, then index `00000000`, error `0000`, high watermark and last
//! stable offset (8 each), aborted transactions `ffffffff`, records length `00000000`.

use super::rows::Row;
use crate::handlers::lookup::Node;
use crate::handlers::{Part, Reply};
use crate::partition::sessions::Key;
use crate::types::ErrorCode;
use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::fetch_request::FetchTopic;

/// The leader and its epoch, and its address.
type NewLeader = ((i32, i32), Option<Node>);

/// A response that is only an error. Below v7 there is no place for it, nor a cause.
pub(super) fn error(version: i16, code: ErrorCode) -> Reply {
    refused(version, code, 0, &[])
}

/// A response to a request that is refused whole, as `FetchRequest.getErrorResponse`: below v13
/// with each of its partitions, whose records are null.
pub(super) fn refused(
    version: i16,
    code: ErrorCode,
    session_id: i32,
    topics: &[FetchTopic],
) -> Reply {
    let topics = if version >= 13 { &[] } else { topics };
    let mut writer = Writer::new(version);
    writer.head(code, session_id, 0);
    writer.array(topics.len());
    for topic in topics {
        writer.string(&topic.topic);
        writer.array(topic.partitions.len());
        for asked in &topic.partitions {
            let topic_id = topic.topic_id;
            let key = Key { topic: None, topic_id, partition: asked.partition };
            writer.partition_head(&Row::error(key, code));
            writer.null_records();
            writer.partition_tags(None, None);
        }
        writer.tags();
    }
    writer.tags();
    writer.finish()
}

/// A response to a client that is over its quota: it is to come again.
pub(super) fn empty(version: i16, session_id: i32, throttle_ms: i32) -> Reply {
    let mut writer = Writer::new(version);
    writer.head(ErrorCode::NONE, session_id, throttle_ms);
    writer.array(0);
    writer.tags();
    writer.finish()
}

/// A response of these rows, consecutive ones of a topic together.
pub(super) fn response(
    version: i16,
    session_id: i32,
    rows: Vec<Row>,
    new_leader: impl Fn(&Row) -> Option<NewLeader>,
) -> Reply {
    let mut writer = Writer::new(version);
    writer.head(ErrorCode::NONE, session_id, 0);
    let mut nodes: Vec<Node> = Vec::new();
    let groups = group(rows);
    writer.array(groups.len());
    for group in groups {
        if let Some(first) = group.first() {
            writer.topic(first);
        }
        writer.array(group.len());
        for row in group {
            let leader = new_leader(&row);
            let epochs = leader.as_ref().map(|(epochs, _)| *epochs);
            nodes.extend(leader.and_then(|(_, node)| node));
            writer.partition(row, epochs);
        }
        writer.tags();
    }
    nodes.sort_by_key(|node| node.id);
    nodes.dedup_by_key(|node| node.id);
    writer.node_endpoints(&nodes);
    writer.finish()
}

/// Consecutive rows of one topic.
fn group(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut groups: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| is_same_topic(last, &row)) => {
                group.push(row);
            }
            _ => groups.push(vec![row]),
        }
    }
    groups
}

fn is_same_topic(a: &Row, b: &Row) -> bool {
    a.key.topic_id == b.key.topic_id && a.key.topic == b.key.topic
}

struct Writer {
    version: i16,
    out: BytesMut,
    reply: Reply,
}

impl Writer {
    fn new(version: i16) -> Writer {
        Writer { version, out: BytesMut::with_capacity(256), reply: Reply::default() }
    }

    fn is_flexible(&self) -> bool {
        self.version >= 12
    }

    fn head(&mut self, code: ErrorCode, session_id: i32, throttle_ms: i32) {
        if self.version >= 1 {
            self.out.put_i32(throttle_ms);
        }
        if self.version >= 7 {
            self.out.put_i16(code.0);
            self.out.put_i32(session_id);
        }
    }

    fn topic(&mut self, row: &Row) {
        if self.version >= 13 {
            self.out.put_slice(row.key.topic_id.as_bytes());
        } else {
            let name = row.key.topic.clone();
            self.string(name.as_deref().unwrap_or(""));
        }
    }

    fn partition(&mut self, row: Row, leader: Option<(i32, i32)>) {
        self.partition_head(&row);
        self.records(row.records);
        self.partition_tags(row.diverging, leader);
    }

    fn partition_head(&mut self, row: &Row) {
        self.out.put_i32(row.key.partition);
        self.out.put_i16(row.code.0);
        self.out.put_i64(row.high_watermark);
        if self.version >= 4 {
            self.out.put_i64(row.last_stable_offset);
        }
        if self.version >= 5 {
            self.out.put_i64(row.log_start_offset);
        }
        if self.version >= 4 {
            self.aborted(row);
        }
        if self.version >= 11 {
            self.out.put_i32(row.preferred.unwrap_or(-1));
        }
    }

    fn null_records(&mut self) {
        if self.is_flexible() {
            self.uvarint(0);
        } else {
            self.out.put_i32(-1);
        }
    }

    fn aborted(&mut self, row: &Row) {
        let Some(aborted) = &row.aborted else {
            if self.is_flexible() {
                self.out.put_u8(0)
            } else {
                self.out.put_i32(-1)
            }
            return;
        };
        self.array(aborted.len());
        for transaction in aborted {
            self.out.put_i64(transaction.producer_id);
            self.out.put_i64(transaction.first_offset);
            self.tags();
        }
    }

    fn records(&mut self, records: Option<Part>) {
        let len = records.as_ref().map_or(0, Part::len);
        if self.is_flexible() {
            self.uvarint(len as u32 + 1)
        } else {
            self.out.put_i32(len as i32)
        }
        let Some(records) = records else { return };
        let head = self.out.split().freeze();
        self.reply.push_bytes(head);
        self.reply.parts.push(records);
    }

    /// Tag 0 is the diverging epoch, tag 1 the current leader (both v12+).
    fn partition_tags(&mut self, diverging: Option<(i32, i64)>, leader: Option<(i32, i32)>) {
        if !self.is_flexible() {
            return;
        }
        let count = u32::from(diverging.is_some()) + u32::from(leader.is_some());
        self.uvarint(count);
        if let Some((epoch, end_offset)) = diverging {
            self.out.put_slice(&[0, 13]);
            self.out.put_i32(epoch);
            self.out.put_i64(end_offset);
            self.out.put_u8(0);
        }
        if let Some((id, epoch)) = leader {
            self.out.put_slice(&[1, 9]);
            self.out.put_i32(id);
            self.out.put_i32(epoch);
            self.out.put_u8(0);
        }
    }

    /// The response's own tag 0 (v16+): where the named leaders are.
    fn node_endpoints(&mut self, nodes: &[Node]) {
        if nodes.is_empty() || self.version < 16 {
            return self.tags();
        }
        self.uvarint(1);
        self.uvarint(0);
        let outer = std::mem::take(&mut self.out);
        self.array(nodes.len());
        for node in nodes {
            self.out.put_i32(node.id);
            self.string(&node.host);
            self.out.put_i32(i32::from(node.port));
            match &node.rack {
                Some(rack) => self.string(rack),
                None => self.out.put_u8(0),
            }
            self.tags();
        }
        let inner = std::mem::replace(&mut self.out, outer);
        self.uvarint(inner.len() as u32);
        self.out.put_slice(&inner);
    }

    fn array(&mut self, len: usize) {
        if self.is_flexible() { self.uvarint(len as u32 + 1) } else { self.out.put_i32(len as i32) }
    }

    fn string(&mut self, text: &str) {
        if self.is_flexible() {
            self.uvarint(text.len() as u32 + 1);
        } else {
            self.out.put_i16(text.len() as i16);
        }
        self.out.put_slice(text.as_bytes());
    }

    fn tags(&mut self) {
        if self.is_flexible() {
            self.out.put_u8(0);
        }
    }

    fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.out.put_u8(value as u8);
    }

    fn finish(mut self) -> Reply {
        if !self.out.is_empty() {
            self.reply.push_bytes(self.out.freeze());
        }
        self.reply
    }
}

#[cfg(test)]
mod tests;
