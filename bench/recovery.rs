//! Starting again after SIGKILL: a log of 10 GB of which nothing was flushed, and 2,000 partitions.
//!
//! The time is from `exec` to a record that every partition's leader is known for and that one of
//! them acknowledged. All is in the page cache: this is what the check of the log costs, not what
//! the disk does.

use crate::brokers::{Broker, System};
use crate::load::{Connection, batch, produce_error, produce_frame, produce_frame_to};
use crate::table::Table;
use std::io;
use std::time::{Duration, Instant};

/// Partitions over which the large log is spread: each within one segment, so unflushed.
const LOGS: i32 = 10;

/// Runs both.
pub fn measure(system: &System, scale: f64, table: &mut Table) -> io::Result<()> {
    // A clean 10 GB; records of 1 KiB in batches of 64 KiB.
    let records = batch(64, 1024);
    let requests = (1e9 * scale / records.len() as f64).max(10.0) as usize;
    let mut broker = system.start(&[])?;
    let mut connection = Connection::open(broker.port)?;
    connection.create_topic_of("large", LOGS, &[])?;
    for partition in 0..LOGS {
        let frame = produce_frame_to("large", partition, 1, records.clone());
        connection.pump(&frame, requests, 5, |answer| {
            assert_eq!(produce_error(answer, "large"), 0);
        })?;
    }
    let gb = (requests * records.len()) as f64 * f64::from(LOGS) / 1e9;
    let (took, cpu) = recover(&mut broker, "large", LOGS as usize)?;
    table.put("recovery after SIGKILL, 10 unflushed logs", "GB", gb);
    table.put("recovery after SIGKILL, 10 unflushed logs", "s", took.as_secs_f64());
    table.put("recovery after SIGKILL, 10 unflushed logs", "CPU s", cpu);
    drop(broker);

    let partitions = (2000.0 * scale).max(10.0) as i32;
    let mut broker = system.start(&[])?;
    let mut connection = Connection::open(broker.port)?;
    connection.create_topic_of("many", partitions, &[])?;
    for partition in 0..partitions {
        let frame = produce_frame_to("many", partition, 1, batch(1, 100));
        connection.pump(&frame, 1, 1, |answer| assert_eq!(produce_error(answer, "many"), 0))?;
    }
    let (took, cpu) = recover(&mut broker, "many", partitions as usize)?;
    table.put("recovery after SIGKILL, many partitions", "number", f64::from(partitions));
    table.put("recovery after SIGKILL, many partitions", "s", took.as_secs_f64());
    table.put("recovery after SIGKILL, many partitions", "CPU s", cpu);
    Ok(())
}

/// Kills the broker and starts it again; how long until it serves, and the CPU seconds of that.
fn recover(broker: &mut Broker, topic: &str, partitions: usize) -> io::Result<(Duration, f64)> {
    broker.stop(false)?;
    let started = broker.start_again()?;
    let mut connection = Connection::open(broker.port)?;
    connection.await_leaders(topic, partitions)?;
    await_produce(&mut connection, topic)?;
    Ok((started.elapsed(), broker.cpu_seconds()))
}

/// Until the leader of partition 0 acknowledges: it may be told of its role a moment later.
pub fn await_produce(connection: &mut Connection, topic: &str) -> io::Result<()> {
    let frame = produce_frame(topic, 1, batch(1, 100));
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        connection.send(&frame)?;
        if produce_error(connection.receive()?, topic) == 0 {
            return Ok(());
        }
        assert!(Instant::now() < end, "{topic} takes no records");
        std::thread::sleep(Duration::from_millis(2));
    }
}
