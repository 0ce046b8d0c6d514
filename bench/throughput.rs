//! Start, produce, fetch and latency: one broker, few connections.

use crate::brokers::{Broker, System};
use crate::load::{Connection, batch, fetch_frame, produce_error, produce_frame};
use crate::table::Table;
use std::io;
use std::time::{Duration, Instant};

/// Runs all of it.
pub fn measure(system: &System, scale: f64, table: &mut Table) -> io::Result<()> {
    let broker = &system.start(&[])?;
    let since = Instant::now();
    let mut admin = Connection::open(broker.port)?;
    admin.create_topic("first")?;
    produce(broker, "first", 1, &batch(1, 100), 1, 1, 1)?;
    let to_first = broker.start + since.elapsed();
    table.put("start to first acknowledged record", "ms", to_first.as_secs_f64() * 1e3);
    table.put("resident after it", "MiB", broker.resident_mib());

    let n = |count: f64| (count * scale).max(200.0) as usize;
    let loads = [
        ("produce 100 B, one a request", 1, batch(1, 100), n(40_000.0), 100),
        ("produce 100 B, 16 KiB batches", 1, batch(150, 100), n(30_000.0), 15_000),
        ("produce 1 KiB, 16 KiB batches", 1, batch(16, 1024), n(30_000.0), 16 << 10),
        ("produce 1 KiB, 16 KiB batches, acks=all", -1, batch(16, 1024), n(30_000.0), 16 << 10),
        ("produce 16 KiB, one a request", 1, batch(1, 16 << 10), n(30_000.0), 16 << 10),
        ("produce 1 KiB, 512 KiB batches", 1, batch(500, 1024), n(2_000.0), 500 << 10),
    ];
    for (i, (what, acks, records, count, payload)) in loads.into_iter().enumerate() {
        let topic = format!("produce-{i}");
        admin.create_topic(&topic)?;
        produce(broker, &topic, acks, &records, count / 5, 5, 1)?;
        let (cpu, begin) = (broker.cpu_seconds(), Instant::now());
        produce(broker, &topic, acks, &records, count, 5, 2)?;
        let gb = (count * payload) as f64 / 1e9;
        table.put(what, "MB/s", gb * 1e3 / begin.elapsed().as_secs_f64());
        table.put(what, "CPU s/GB", (broker.cpu_seconds() - cpu) / gb);
    }
    for (what, topic, size, count) in [
        ("fetch 16 KiB", "produce-2", 16 << 10, n(40_000.0)),
        ("fetch 64 KiB", "produce-2", 64 << 10, n(20_000.0)),
        ("fetch 1 MiB", "produce-5", 1 << 20, n(4_000.0)),
    ] {
        fetch(broker, topic, size, count / 5)?;
        let (cpu, begin) = (broker.cpu_seconds(), Instant::now());
        let gb = fetch(broker, topic, size, count)? as f64 / 1e9;
        table.put(what, "MB/s", gb * 1e3 / begin.elapsed().as_secs_f64());
        table.put(what, "CPU s/GB", (broker.cpu_seconds() - cpu) / gb);
    }
    admin.create_topic("latency")?;
    let times = latency(broker, n(4_000.0))?;
    for (what, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let at = ((times.len() - 1) as f64 * quantile) as usize;
        let label = format!("produce 1 KiB at 1000/s, {what}");
        table.put(&label, "us", times[at].as_secs_f64() * 1e6);
    }
    table.put("resident at the end", "MiB", broker.resident_mib());
    Ok(())
}

/// Sends `count` requests over `connections` connections with `window` under way on each.
pub fn produce(
    broker: &Broker,
    topic: &str,
    acks: i16,
    records: &bytes::Bytes,
    count: usize,
    window: usize,
    connections: usize,
) -> io::Result<()> {
    let frame = produce_frame(topic, acks, records.clone());
    let worker = || -> io::Result<u64> {
        Connection::open(broker.port)?.pump(&frame, count / connections, window, |answer| {
            assert_eq!(produce_error(answer, topic), 0, "produce to {topic} failed");
        })
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            worker.join().expect("a producer thread")?;
        }
        Ok(())
    })
}

/// Reads the first `size` bytes of a topic `count` times; the bytes received.
fn fetch(broker: &Broker, topic: &str, size: i32, count: usize) -> io::Result<u64> {
    let frame = fetch_frame(topic, 0, size);
    Connection::open(broker.port)?.pump(&frame, count, 2, |answer| {
        assert!(answer.len() > size as usize / 2, "a fetch of {size} gave {}", answer.len());
    })
}

/// Sorted answer times of single requests sent at 1000 a second, each from when it was due, so
/// that a stall counts for the requests behind it too.
fn latency(broker: &Broker, count: usize) -> io::Result<Vec<Duration>> {
    const WARM_UP: u32 = 500;
    let frame = produce_frame("latency", 1, batch(1, 1024));
    let mut connection = Connection::open(broker.port)?;
    let begin = Instant::now();
    let mut times = Vec::with_capacity(count);
    for i in 0..WARM_UP + count as u32 {
        let due = begin + Duration::from_millis(1) * i;
        while let Some(rest) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(rest);
        }
        connection.send(&frame)?;
        assert_eq!(produce_error(connection.receive()?, "latency"), 0);
        if i >= WARM_UP {
            times.push(due.elapsed());
        }
    }
    times.sort();
    Ok(times)
}
