//! The wire against goldens: the same requests that Apache Kafka 3.9 answered, all fields equal.
//!
//! `protocol-tests/run.sh record` writes the goldens from a real Kafka; `differential` asks Kafka
//! anew and compares with that; `target HOST:PORT` compares any broker with the goldens.

mod batch;
mod case;
mod codec;
mod hostile;
mod normal;
mod schema;
mod wire;

use case::{Answer, Run};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use std::time::{Duration, Instant};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("protocol-tests").join(name)
}

fn goldens() -> PathBuf {
    std::env::var_os("OTTLA_PROTOCOL_GOLDENS").map_or_else(|| folder("goldens"), PathBuf::from)
}

fn apis() -> case::Apis {
    schema::load(&fs::read_to_string(folder("schemas.jsonl")).expect("schemas are there"))
}

/// The case files by name, in order.
fn cases() -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder("cases")).expect("cases are there");
    let name = |path: &PathBuf| path.file_stem().map(|s| s.to_string_lossy().into_owned());
    let read = |path: PathBuf| Some((name(&path)?, fs::read_to_string(&path).ok()?));
    entries.filter_map(|entry| read(entry.ok()?.path())).collect()
}

/// Where this broker's answers differ from the goldens on purpose: (API, the end of a field's path,
/// why). Apache Kafka in ZooKeeper mode lists the APIs of KIP-848 groups and refuses all groups;
/// this broker serves them unless `ottla.consumer.groups.enable` is false, and then answers as
/// Kafka does.
const ON_PURPOSE: &[(i16, &str, &str)] = &[
    (18, "/maxVersion", "KIP-848 groups may subscribe by a regular expression (v1)"),
    (68, "", "a member of a KIP-848 group is answered, not refused"),
    (69, "", "a KIP-848 group is described, not refused"),
];

/// Has the goldens' answers also where this broker does more.
const AS_KAFKA: &str = "ottla.consumer.groups.enable=false";

/// A broker of this crate on the embedded store, with the settings that the goldens have.
struct Broker {
    child: Child,
    address: String,
    data: tempfile::TempDir,
}

impl Broker {
    fn start(more: &str) -> Broker {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        let address = format!("127.0.0.1:{}", port.expect("a free port").port());
        let data = tempfile::tempdir().expect("a temporary directory");
        let settings = fs::read_to_string(folder("server.properties")).expect("settings");
        let own = format!(
            "{settings}\n{more}\nlisteners=PLAINTEXT://{address}\nlog.dirs={}\n",
            data.path().join("data").display()
        );
        let file = data.path().join("server.properties");
        fs::write(&file, own).expect("settings can be written");
        let child = Command::new(env!("CARGO_BIN_EXE_ottla"))
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // Not this process's: who reads that would wait for the broker too.
            .stderr(fs::File::create(data.path().join("log")).expect("a log file"))
            .spawn()
            .expect("the broker starts");
        let mut broker = Broker { child, address, data };
        broker.await_ready();
        broker
    }

    fn await_ready(&mut self) {
        let begun = Instant::now();
        let log = self.data.path().join("log");
        let is_started = || fs::read_to_string(&log).is_ok_and(|log| log.contains("] started"));
        while !is_started() {
            let ended = self.child.try_wait().expect("the broker can be asked");
            assert!(ended.is_none(), "the broker ended: {ended:?}");
            assert!(begun.elapsed() < Duration::from_secs(30), "the broker does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run_all<'a>(apis: &'a case::Apis, target: &str, only: Option<&str>, all: bool) -> Run<'a> {
    let mut run = Run::new(apis, target);
    if !all {
        run.ask_only_what_is_served();
    }
    for (name, text) in cases().iter().filter(|(name, _)| only.is_none_or(|o| o == *name)) {
        run.file(name, text);
    }
    run
}

fn read_goldens() -> BTreeMap<String, Answer> {
    let mut found = BTreeMap::new();
    for name in cases().keys() {
        let text = fs::read_to_string(goldens().join(format!("{name}.jsonl"))).unwrap_or_default();
        for line in text.lines() {
            let golden: Value = serde_json::from_str(line).expect("a golden is JSON");
            let int = |name: &str| golden[name].as_i64().expect("a number") as i16;
            let id = golden["id"].as_str().expect("an id").to_owned();
            let (api, version) = (int("api"), int("version"));
            let answer =
                Answer { id: id.clone(), api, version, response: golden["response"].clone() };
            found.insert(id, answer);
        }
    }
    found
}

fn write_goldens(answers: &[Answer]) {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for answer in answers {
        let name = answer.id.split('/').next().expect("an id has a file");
        let line = json!({"id": answer.id, "api": answer.api, "version": answer.version,
            "response": answer.response});
        *files.entry(name).or_default() += &format!("{line}\n");
    }
    fs::create_dir_all(goldens()).expect("goldens can be written");
    for (name, text) in files {
        fs::write(goldens().join(format!("{name}.jsonl")), text).expect("goldens can be written");
    }
}

/// Every place where two values differ, one a line.
fn differences(at: &str, golden: &Value, answer: &Value, out: &mut Vec<String>) {
    match (golden, answer) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let (x, y) = (a.get(name), b.get(name));
                let path = format!("{at}/{name}");
                differences(
                    &path,
                    x.unwrap_or(&json!("(none)")),
                    y.unwrap_or(&json!("(none)")),
                    out,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (x, y)) in a.iter().zip(b).enumerate() {
                differences(&format!("{at}/{i}"), x, y, out);
            }
        }
        (a, b) if a == b => {}
        (a, b) => {
            let short = |v: &Value| v.to_string().chars().take(300).collect::<String>();
            out.push(format!("    {at}: Kafka {} | here {}", short(a), short(b)));
        }
    }
}

/// The broker to ask: the one that the caller names, or one of ours that ends with this value.
fn target() -> (String, Option<Broker>) {
    match std::env::var("OTTLA_PROTOCOL_TARGET") {
        Ok(address) => (address, None),
        Err(_) => {
            let broker = Broker::start(AS_KAFKA);
            (broker.address.clone(), Some(broker))
        }
    }
}

/// The differences of one answer that are not on purpose, and whether there were others.
fn faults(golden: &Answer, answer: &Answer, serves_more: bool) -> (Vec<String>, bool) {
    let mut all = Vec::new();
    differences("", &golden.response, &answer.response, &mut all);
    let is_meant = |line: &String| {
        let path = line.trim_start().split(": Kafka ").next().unwrap_or_default();
        let of_a_group = answer.api != 18 || line.ends_with("Kafka 0 | here 1");
        let known = |(api, end, _): &&(i16, &str, &str)| *api == answer.api && path.ends_with(end);
        serves_more && of_a_group && ON_PURPOSE.iter().any(|meant| known(&meant))
    };
    let count = all.len();
    all.retain(|line| !is_meant(line));
    let had_meant = all.len() < count;
    (all, had_meant)
}

#[test]
fn with_new_groups_only_what_is_meant_to_differ_does() {
    if std::env::var_os("OTTLA_PROTOCOL_TARGET").is_some() {
        return;
    }
    let broker = Broker::start("");
    let (apis, goldens) = (apis(), read_goldens());
    let mut differing = BTreeSet::new();
    for case in ["api_versions", "new_groups"] {
        for answer in run_all(&apis, &broker.address, Some(case), false).answers {
            let Some(golden) = goldens.get(&answer.id) else { continue };
            let (wrong, had_meant) = faults(golden, &answer, true);
            assert!(wrong.is_empty(), "{}\n{}", answer.id, wrong.join("\n"));
            differing.extend(had_meant.then_some(answer.api));
        }
    }
    let meant: BTreeSet<i16> = ON_PURPOSE.iter().map(|(api, ..)| *api).collect();
    assert_eq!(differing, meant, "each purpose shows");
}

#[test]
fn every_answer_is_that_of_apache_kafka() {
    let only = std::env::var("OTTLA_PROTOCOL_CASE").ok().filter(|name| !name.is_empty());
    let (target, _broker) = target();
    let (apis, record) = (apis(), std::env::var_os("OTTLA_PROTOCOL_RECORD").is_some());
    let run = run_all(&apis, &target, only.as_deref(), record);
    let answers = &run.answers;
    if record {
        return write_goldens(answers);
    }
    let goldens = read_goldens();
    let serves_more = run.serves(68, 1);
    let mut wrong = Vec::new();
    for answer in answers {
        let faults = match goldens.get(&answer.id) {
            Some(golden) => faults(golden, answer, serves_more).0,
            None => vec!["    no golden: record it".into()],
        };
        if !faults.is_empty() {
            wrong.push(format!("{}\n{}", answer.id, faults.join("\n")));
        }
    }
    let mut unserved: BTreeMap<&str, Vec<i16>> = BTreeMap::new();
    for (name, version) in &run.unserved {
        unserved.entry(name).or_default().push(*version);
    }
    wrong
        .extend(unserved.iter().map(|(name, versions)| format!("{name} {versions:?}: not served")));
    let (bad, all) = (wrong.len(), answers.len());
    assert!(wrong.is_empty(), "{bad} of {all} answers differ\n{}", wrong.join("\n"));
}

#[test]
fn every_served_version_has_a_golden() {
    let apis = apis();
    let (target, _broker) = target();
    let mut run = Run::new(&apis, &target);
    run.file("served", r#"{"api": "ApiVersions", "version": 3}"#);
    let served = run.answers[0].response["apiKeys"].clone();
    let covered: BTreeSet<(i16, i16)> =
        read_goldens().values().map(|golden| (golden.api, golden.version)).collect();
    let mut missing = Vec::new();
    for api in served.as_array().into_iter().flatten() {
        let int = |name: &str| api[name].as_i64().expect("a number") as i16;
        let versions = int("minVersion")..=int("maxVersion");
        missing.extend(
            versions.map(|v| (int("apiKey"), v)).filter(|version| !covered.contains(version)),
        );
    }
    assert!(missing.is_empty(), "no golden for (api, version): {missing:?}");
}
