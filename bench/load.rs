//! A load generator that speaks raw frames: requests are encoded once and sent again and again,
//! so that the client costs as little of the shared cores as it can.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, CreateTopicsRequest, CreateTopicsResponse, FetchRequest,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, MetadataRequest,
    MetadataResponse, ProduceRequest, RequestHeader, TopicName, create_topics_request,
    fetch_request, incremental_alter_configs_request, metadata_request, produce_request,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// One v2 record batch of `count` records with `size` bytes of value each.
///
/// The CRC covers attributes onwards, so the same bytes are valid at every offset.
pub fn batch(count: usize, size: usize) -> Bytes {
    batch_of((0..count).map(|_| None), size)
}

/// One v2 record batch with a record of `size` bytes of value for each key.
pub fn batch_of(keys: impl Iterator<Item = Option<u64>>, size: usize) -> Bytes {
    let mut records = BytesMut::new();
    let mut count = 0;
    let value: Vec<u8> = (0..size).map(|i| b'a' + (i * 7 % 26) as u8).collect();
    for (delta, key) in keys.enumerate() {
        count = delta + 1;
        let mut body = BytesMut::new();
        body.put_u8(0);
        varint(&mut body, 0);
        varint(&mut body, delta as i64);
        match key {
            Some(key) => {
                varint(&mut body, 8);
                body.put_u64(key);
            }
            None => varint(&mut body, -1),
        }
        varint(&mut body, size as i64);
        body.put_slice(&value);
        varint(&mut body, 0);
        varint(&mut records, body.len() as i64);
        records.put_slice(&body);
    }
    let now = ottla::types::now_ms();
    let mut covered = BytesMut::new();
    covered.put_i16(0);
    covered.put_i32(count as i32 - 1);
    covered.put_i64(now);
    covered.put_i64(now);
    covered.put_i64(-1);
    covered.put_i16(-1);
    covered.put_i32(-1);
    covered.put_i32(count as i32);
    covered.put_slice(&records);
    let mut out = BytesMut::new();
    out.put_i64(0);
    out.put_i32(covered.len() as i32 + 9);
    out.put_i32(-1);
    out.put_u8(2);
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &covered) as u32;
    out.put_u32(crc);
    out.put_slice(&covered);
    out.freeze()
}

fn varint(out: &mut BytesMut, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        out.put_u8(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.put_u8(zigzag as u8);
}

/// A string of the wire.
pub fn text(s: &str) -> StrBytes {
    StrBytes::from_string(s.into())
}

/// A request as a frame, with its length in front.
pub fn frame<R: Encodable + HeaderVersion>(key: ApiKey, version: i16, request: &R) -> Vec<u8> {
    let header = RequestHeader::default()
        .with_request_api_key(key as i16)
        .with_request_api_version(version)
        .with_client_id(Some(StrBytes::from_static_str("bench")));
    let mut out = BytesMut::new();
    out.put_i32(0);
    header.encode(&mut out, R::header_version(version)).expect("header");
    request.encode(&mut out, version).expect("request");
    let length = (out.len() - 4) as i32;
    out[0..4].copy_from_slice(&length.to_be_bytes());
    out.to_vec()
}

/// A Produce v9 of one batch to partition 0.
pub fn produce_frame(topic: &str, acks: i16, records: Bytes) -> Vec<u8> {
    produce_frame_to(topic, 0, acks, records)
}

/// A Produce v9 of one batch to a partition.
pub fn produce_frame_to(topic: &str, partition: i32, acks: i16, records: Bytes) -> Vec<u8> {
    let partition = produce_request::PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(records));
    let topic = produce_request::TopicProduceData::default()
        .with_name(TopicName(text(topic)))
        .with_partition_data(vec![partition]);
    let request = ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![topic]);
    frame(ApiKey::Produce, 9, &request)
}

/// A Fetch v11 of partition 0, without a session.
pub fn fetch_frame(topic: &str, offset: i64, max_bytes: i32) -> Vec<u8> {
    let partition = fetch_request::FetchPartition::default()
        .with_fetch_offset(offset)
        .with_partition_max_bytes(max_bytes);
    let topic = fetch_request::FetchTopic::default()
        .with_topic(TopicName(text(topic)))
        .with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(max_bytes)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    frame(ApiKey::Fetch, 11, &request)
}

/// NOT_CONTROLLER, and INVALID_REPLICATION_FACTOR as long as no broker is registered.
const NOT_YET: [i16; 2] = [41, 38];

/// A blocking connection to a broker on this machine.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(port: u16) -> io::Result<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(150)))?;
        Ok(Connection { stream, buffer: vec![0; 2 << 20] })
    }

    /// Gives the memory for answers back until the next one.
    pub fn release(&mut self) {
        self.buffer = Vec::new();
    }

    /// Sends a frame.
    pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.stream.write_all(frame)
    }

    /// Reads one answer and returns it, without its length.
    pub fn receive(&mut self) -> io::Result<&[u8]> {
        let mut length = [0u8; 4];
        self.stream.read_exact(&mut length)?;
        let length = i32::from_be_bytes(length) as usize;
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        self.stream.read_exact(&mut self.buffer[..length])?;
        Ok(&self.buffer[..length])
    }

    /// Sends `frame` `count` times with at most `window` unanswered; `check` sees every answer.
    pub fn pump(
        &mut self,
        frame: &[u8],
        count: usize,
        window: usize,
        check: impl Fn(&[u8]),
    ) -> io::Result<u64> {
        let mut received = 0;
        for turn in 0..count + window {
            if turn < count {
                self.send(frame)?;
            }
            if turn >= window && turn - window < count {
                let answer = self.receive()?;
                check(answer);
                received += answer.len() as u64;
            }
        }
        Ok(received)
    }

    /// Sends a request and waits for its answer.
    pub fn ask<Q, A>(&mut self, key: ApiKey, version: i16, request: &Q) -> io::Result<A>
    where
        Q: Encodable + HeaderVersion,
        A: Decodable + HeaderVersion,
    {
        self.send(&frame(key, version, request))?;
        self.answer(version)
    }

    /// Reads one answer and decodes it.
    pub fn answer<A: Decodable + HeaderVersion>(&mut self, version: i16) -> io::Result<A> {
        let mut answer = Bytes::copy_from_slice(self.receive()?);
        let skip = if A::header_version(version) == 0 { 4 } else { 5 };
        let mut body = answer.split_off(skip);
        A::decode(&mut body, version).map_err(|e| io::Error::other(e.to_string()))
    }

    /// Creates a topic of one partition and waits until it has a leader.
    pub fn create_topic(&mut self, topic: &str) -> io::Result<()> {
        self.create_topic_of(topic, 1, &[])
    }

    /// Creates a topic with some configuration and waits until all its partitions have leaders.
    pub fn create_topic_of(
        &mut self,
        topic: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> io::Result<()> {
        let config = |(key, value): &(&str, &str)| {
            create_topics_request::CreatableTopicConfig::default()
                .with_name(text(key))
                .with_value(Some(text(value)))
        };
        let topics = vec![
            create_topics_request::CreatableTopic::default()
                .with_name(TopicName(text(topic)))
                .with_num_partitions(partitions)
                .with_replication_factor(1)
                .with_configs(configs.iter().map(config).collect()),
        ];
        let request = CreateTopicsRequest::default().with_timeout_ms(120_000).with_topics(topics);
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let answer: CreateTopicsResponse = self.ask(ApiKey::CreateTopics, 4, &request)?;
            if answer.topics.iter().all(|t| t.error_code == 0) {
                break;
            }
            // A broker that has just started may not be the controller yet, or not know itself.
            let waits = answer.topics.iter().all(|t| NOT_YET.contains(&t.error_code));
            assert!(waits && Instant::now() < end, "create {topic}: {answer:?}");
        }
        self.await_leaders(topic, partitions as usize)
    }

    /// Waits until a topic is there with that many partitions, all of them led.
    pub fn await_leaders(&mut self, topic: &str, partitions: usize) -> io::Result<()> {
        let name = Some(TopicName(text(topic)));
        let topics = vec![metadata_request::MetadataRequestTopic::default().with_name(name)];
        let ask = MetadataRequest::default().with_topics(Some(topics));
        let end = Instant::now() + Duration::from_secs(300);
        loop {
            let answer: MetadataResponse = self.ask(ApiKey::Metadata, 4, &ask)?;
            let led = answer.topics.iter().flat_map(|t| &t.partitions);
            if led.filter(|p| p.error_code == 0).count() >= partitions {
                return Ok(());
            }
            assert!(Instant::now() < end, "{topic} has no leaders: {answer:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sets one configuration of a topic.
    pub fn set_config(&mut self, topic: &str, key: &str, value: &str) -> io::Result<()> {
        let config = incremental_alter_configs_request::AlterableConfig::default()
            .with_name(text(key))
            .with_config_operation(0)
            .with_value(Some(text(value)));
        let resource = incremental_alter_configs_request::AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text(topic))
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let answer: IncrementalAlterConfigsResponse =
            self.ask(ApiKey::IncrementalAlterConfigs, 0, &request)?;
        assert!(answer.responses.iter().all(|r| r.error_code == 0), "{answer:?}");
        Ok(())
    }
}

/// The error code of a Produce v9 answer of one partition of `topic`.
///
/// Correlation id 4, tags 1, array 1, name 1+n, array 1, index 4, then the code.
pub fn produce_error(answer: &[u8], topic: &str) -> i16 {
    let at = 4 + 1 + 1 + 1 + topic.len() + 1 + 4;
    i16::from_be_bytes([answer[at], answer[at + 1]])
}
