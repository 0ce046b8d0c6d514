//! Many connections, most of them idle, and many partitions.

use crate::brokers::{Broker, System};
use crate::load::{Connection, batch, fetch_frame, produce_error, produce_frame_to};
use crate::table::Table;
use std::io;
use std::time::{Duration, Instant};

const IDLE: usize = 1000;
const PRODUCERS: usize = 200;
const PARTITIONS: i32 = 1000;
/// How long nothing but idleness is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Runs all of it.
pub fn measure(system: &System, scale: f64, table: &mut Table) -> io::Result<()> {
    let broker = &system.start(&[])?;
    let mut admin = Connection::open(broker.port)?;
    admin.create_topic("idle")?;
    admin.create_topic_of("wide", PARTITIONS, &[])?;
    let before = broker.resident_mib();
    let mut idle = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        let mut connection = Connection::open(broker.port)?;
        connection.await_leaders("idle", 1)?;
        connection.release();
        idle.push(connection);
    }
    std::thread::sleep(Duration::from_secs(3));
    let kib = (broker.resident_mib() - before) * 1024.0 / IDLE as f64;
    table.put("an idle connection of 1,000", "KiB", kib);
    let load = load_of(broker, || {
        std::thread::sleep(LOOK);
        Ok(())
    })?;
    table.put("1,000 idle connections", "CPU %", load);
    let frame = fetch_frame("idle", 0, 1 << 20);
    let mut polls = 0;
    let load = load_of(broker, || poll(&mut idle, &frame, &mut polls))?;
    table.put("1,000 consumers that wait 500 ms", "CPU %", load);
    table.put("resident with them", "MiB", broker.resident_mib());
    drop(idle);
    many(broker, scale, table)
}

/// Lets every connection wait for records, again and again.
fn poll(idle: &mut [Connection], frame: &[u8], polls: &mut usize) -> io::Result<()> {
    let began = Instant::now();
    for connection in idle.iter_mut() {
        connection.send(frame)?;
    }
    while began.elapsed() < LOOK {
        for connection in idle.iter_mut() {
            connection.receive()?;
            connection.send(frame)?;
            *polls += 1;
        }
    }
    for connection in idle.iter_mut() {
        connection.receive()?;
    }
    Ok(())
}

/// Per cent of one core that the broker takes meanwhile.
fn load_of(broker: &Broker, during: impl FnOnce() -> io::Result<()>) -> io::Result<f64> {
    let (cpu, began) = (broker.cpu_seconds(), Instant::now());
    during()?;
    Ok((broker.cpu_seconds() - cpu) * 100.0 / began.elapsed().as_secs_f64())
}

/// 200 producers on few threads, each request to another of 1,000 partitions.
fn many(broker: &Broker, scale: f64, table: &mut Table) -> io::Result<()> {
    let records = batch(1, 1024);
    let frames: Vec<Vec<u8>> =
        (0..PARTITIONS).map(|p| produce_frame_to("wide", p, 1, records.clone())).collect();
    let mut connections = Vec::new();
    for _ in 0..PRODUCERS {
        let mut connection = Connection::open(broker.port)?;
        connection.release();
        connections.push(connection);
    }
    let rounds = (400.0 * scale).max(10.0) as usize;
    let (cpu, began) = (broker.cpu_seconds(), Instant::now());
    for round in 0..rounds {
        for (n, connection) in connections.iter_mut().enumerate() {
            connection.send(&frames[(round * PRODUCERS + n) % frames.len()])?;
        }
        for connection in &mut connections {
            assert_eq!(produce_error(connection.receive()?, "wide"), 0);
        }
    }
    let gb = (rounds * PRODUCERS * 1024) as f64 / 1e9;
    let what = "produce 1 KiB, 200 connections, 1,000 logs";
    table.put(what, "MB/s", gb * 1e3 / began.elapsed().as_secs_f64());
    table.put(what, "CPU s/GB", (broker.cpu_seconds() - cpu) / gb);
    Ok(())
}
