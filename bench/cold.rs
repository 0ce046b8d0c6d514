//! Reading what is not in the page cache, and what that does to those who read what is.

use crate::brokers::{Broker, System};
use crate::load::{Connection, batch, fetch_frame};
use crate::table::Table;
use crate::throughput::produce;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const RECORDS: i64 = 500;
const HOT_CONNECTIONS: usize = 4;

/// Reads a log that was dropped from the page cache while others read a small hot topic.
pub fn measure(system: &System, scale: f64, table: &mut Table) -> io::Result<()> {
    let broker = &system.start(&[])?;
    let mut admin = Connection::open(broker.port)?;
    admin.create_topic("cold")?;
    admin.create_topic("hot")?;
    produce(broker, "hot", 1, &batch(16, 1024), 100, 5, 1)?;
    let requests = (4000.0 * scale).max(50.0) as usize;
    produce(broker, "cold", 1, &batch(RECORDS as usize, 1024), requests, 5, 1)?;
    read_all(broker, requests)?;
    let alone = hot(broker, |_| Ok(()))?;
    for (what, drops) in [("hot", false), ("cold", true)] {
        if drops {
            broker.drop_cache("cold")?;
        }
        let mut figures = (0.0, 0.0, 0.0);
        let times = hot(broker, |_| {
            let (cpu, began) = (broker.cpu_seconds(), Instant::now());
            let gb = read_all(broker, requests)? as f64 / 1e9;
            figures = (gb, began.elapsed().as_secs_f64(), broker.cpu_seconds() - cpu);
            Ok(())
        })?;
        let (gb, took, cpu) = figures;
        let label = format!("fetch 1 MiB, {what}, beside small fetches");
        table.put(&label, "MB/s", gb * 1e3 / took);
        table.put(&label, "CPU s/GB", cpu / gb);
        let label = format!("fetch 16 KiB beside a {what} reader");
        table.put(&format!("{label}, p99"), "us", quantile(&times, 0.99));
        table.put(&format!("{label}, worst"), "us", quantile(&times, 1.0));
    }
    table.put("fetch 16 KiB with nobody else, p99", "us", quantile(&alone, 0.99));
    Ok(())
}

fn quantile(times: &[Duration], quantile: f64) -> f64 {
    let at = (times.len().saturating_sub(1)) as f64 * quantile;
    times.get(at as usize).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
}

/// Reads the cold topic from its first record to its last.
fn read_all(broker: &Broker, requests: usize) -> io::Result<u64> {
    let mut connection = Connection::open(broker.port)?;
    let mut bytes = 0;
    // Two batches of half a MiB a fetch.
    for request in (0..requests as i64).step_by(2) {
        connection.send(&fetch_frame("cold", request * RECORDS, 1 << 20))?;
        bytes += connection.receive()?.len() as u64;
    }
    Ok(bytes)
}

/// Sorted times of small fetches on some connections, a few hundred a second, while `other` runs
/// and at least for a second.
fn hot(
    broker: &Broker,
    other: impl FnOnce(&Broker) -> io::Result<()>,
) -> io::Result<Vec<Duration>> {
    let stop = AtomicBool::new(false);
    let worker = || -> io::Result<Vec<Duration>> {
        let frame = fetch_frame("hot", 0, 16 << 10);
        let mut connection = Connection::open(broker.port)?;
        let mut times = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            connection.send(&frame)?;
            connection.receive()?;
            times.push(began.elapsed());
            std::thread::sleep(Duration::from_millis(3));
        }
        Ok(times)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..HOT_CONNECTIONS).map(|_| scope.spawn(worker)).collect();
        let began = Instant::now();
        let ran = other(broker);
        std::thread::sleep(Duration::from_secs(1).saturating_sub(began.elapsed()));
        stop.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for worker in workers {
            times.extend(worker.join().expect("a consumer thread")?);
        }
        times.sort_unstable();
        ran.map(|()| times)
    })
}
