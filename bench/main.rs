//! Ottla beside Apache Kafka 3.9 in one run on this machine: `make bench`.
//!
//! Times alone mean nothing across machines; the column to read is the ratio. The folder of
//! Kafka's jars comes from `OTTLA_KAFKA_JARS`; without it only Ottla is measured and the ratio
//! column is empty. `OTTLA_BENCH_SCALE` scales the work (default 1.0). Arguments name the suites
//! to run; without any, all run. `OTTLA_BIN` names another build to measure.

mod brokers;
mod cold;
mod compaction;
mod connections;
mod groups;
mod load;
mod member;
mod partitions;
mod recovery;
mod table;
mod throughput;

use brokers::System;
use std::io;
use std::path::PathBuf;
use table::Table;

/// Measures one system at a scale.
type Suite = fn(&System, f64, &mut Table) -> io::Result<()>;

const SUITES: &[(&str, Suite)] = &[
    ("throughput", throughput::measure),
    ("connections", connections::measure),
    ("cold", cold::measure),
    ("compaction", compaction::measure),
    ("recovery", recovery::measure),
    ("partitions", partitions::measure),
    ("groups", groups::measure),
];

fn main() -> io::Result<()> {
    let scale = std::env::var("OTTLA_BENCH_SCALE").ok().and_then(|s| s.parse().ok());
    let scale: f64 = scale.unwrap_or(1.0);
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let binary = std::env::var_os("OTTLA_BIN").unwrap_or(env!("CARGO_BIN_EXE_ottla").into());
    let mut systems = vec![System::Ottla(PathBuf::from(binary))];
    match std::env::var_os("OTTLA_KAFKA_JARS") {
        Some(jars) => systems.push(System::Kafka(PathBuf::from(jars))),
        None => println!("OTTLA_KAFKA_JARS is not set: Apache Kafka is not measured"),
    }
    let mut table = Table::default();
    for system in &systems {
        table.of(system.name());
        for (name, suite) in SUITES.iter().filter(|(name, _)| is_asked(name)) {
            eprintln!("{}: {name}", system.name());
            if let Err(error) = suite(system, scale, &mut table) {
                println!("{}: {name}: {error}", system.name());
            }
        }
    }
    table.print();
    Ok(())
}
