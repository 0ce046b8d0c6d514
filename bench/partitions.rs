//! Ten thousand empty partitions: what they cost in memory, files and time to start.

use crate::brokers::System;
use crate::load::Connection;
use crate::recovery::await_produce;
use crate::table::Table;
use std::io;
use std::time::Instant;

/// Topics over which they are spread.
const TOPICS: usize = 10;

/// Creates them, looks, and starts the broker again after a clean stop.
pub fn measure(system: &System, scale: f64, table: &mut Table) -> io::Result<()> {
    let each = (1000.0 * scale).max(10.0) as i32;
    let mut broker = system.start(&[])?;
    let mut connection = Connection::open(broker.port)?;
    connection.create_topic("warm")?;
    await_produce(&mut connection, "warm")?;
    let (memory, files) = (broker.resident_mib(), broker.files());
    let (cpu, began) = (broker.cpu_seconds(), Instant::now());
    for topic in 0..TOPICS {
        connection.create_topic_of(&format!("empty-{topic}"), each, &[])?;
    }
    let what = "empty partitions";
    let count = f64::from(each) * TOPICS as f64;
    table.put(what, "number", count);
    table.put(&format!("{what}: to create them"), "s", began.elapsed().as_secs_f64());
    table.put(&format!("{what}: to create them"), "CPU s", broker.cpu_seconds() - cpu);
    let each_kib = (broker.resident_mib() - memory) * 1024.0 / count;
    table.put(&format!("{what}: memory, each"), "KiB", each_kib);
    let each_files = (broker.files() - files) as f64 / count;
    table.put(&format!("{what}: files and directories, each"), "number", each_files);
    table.put(&format!("{what}: open files"), "number", broker.open_files() as f64);
    let stopping = Instant::now();
    broker.stop(true)?;
    table.put(&format!("{what}: clean stop"), "s", stopping.elapsed().as_secs_f64());
    let started = broker.start_again()?;
    let mut connection = Connection::open(broker.port)?;
    for topic in 0..TOPICS {
        connection.await_leaders(&format!("empty-{topic}"), each as usize)?;
    }
    await_produce(&mut connection, "warm")?;
    table.put(&format!("{what}: start until all are led"), "s", started.elapsed().as_secs_f64());
    table.put(&format!("{what}: start until all are led"), "CPU s", broker.cpu_seconds());
    table.put(&format!("{what}: resident after it"), "MiB", broker.resident_mib());
    Ok(())
}
