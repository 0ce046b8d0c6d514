//! The command line, the files it takes, how it ends, and what it says meanwhile.

use crate::process::{Broker, PATIENCE, program};
use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::FromRawFd;
use std::process::{Output, Stdio};
use std::ptr::null_mut;
use std::sync::mpsc;

/// The settings of the `config/server.properties` that comes with Apache Kafka 3.9.
const STOCK: &str = include_str!("stock.properties");

/// The same without ZooKeeper, which not every test has.
fn embedded() -> String {
    STOCK.replace("zookeeper.connect=localhost:2181\n", "")
}

/// Runs the program to its end.
fn run(arguments: &[&str]) -> (bool, String, String) {
    let Output { status, stdout, stderr } = program().args(arguments).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.success(), text(stdout), text(stderr))
}

/// Runs it with a configuration that it must refuse; what it says.
fn refusal(overrides: &[&str]) -> String {
    let mut broker = Broker::spawn(STOCK, overrides);
    assert_eq!(broker.await_end().code(), Some(1));
    assert!(!broker.data().exists(), "nothing was touched");
    broker.log()
}

#[test]
fn help_says_what_it_takes() {
    let (is_good, out, _) = run(&["--help"]);
    assert!(is_good);
    for part in ["Usage: ottla", "[FILE]", "--override <KEY=VALUE>", "--version", "YAML"] {
        assert!(out.contains(part), "{part} is not in\n{out}");
    }
}

#[test]
fn version_is_that_of_the_crate() {
    let (is_good, out, _) = run(&["--version"]);
    assert_eq!((is_good, out.trim()), (true, concat!("ottla ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_wrong_command_line_is_refused_with_a_hint() {
    let (is_good, _, err) = run(&["--overide", "a=b"]);
    assert!(!is_good && err.contains("--override"), "{err}");
    let (is_good, _, err) = run(&["/does/not/exist.properties"]);
    assert!(!is_good && err.contains("/does/not/exist.properties"), "{err}");
    let (is_good, _, err) = run(&["--override", "num.partitions"]);
    assert!(!is_good && err.contains("expected key=value"), "{err}");
}

#[test]
fn an_invalid_value_names_key_value_and_range_before_anything_is_touched() {
    let said = refusal(&["num.partitions=0"]);
    assert!(said.contains("num.partitions") && said.contains("Value must be at least 1"), "{said}");
    let said = refusal(&["num.partitions=many"]);
    assert!(said.contains("many") && said.contains("num.partitions"), "{said}");
    let said = refusal(&["zookeeper.connect="]);
    assert!(said.contains("zookeeper.connect") && said.contains("host:port"), "{said}");
    let said = refusal(&["log.cleanup.policy=destroy"]);
    assert!(said.contains("destroy") && said.contains("compact"), "{said}");
}

#[test]
fn a_misspelt_key_names_the_right_one_and_a_plug_ins_key_is_a_warning() {
    let said = refusal(&["num.partition=2"]);
    assert!(said.contains("did you mean num.partitions?"), "{said}");
    let broker = Broker::start_with(&embedded(), &["confluent.support.metrics.enable=true"]);
    assert!(broker.log().contains("confluent.support.metrics.enable has no effect"));
}

#[test]
fn a_stock_configuration_starts_it_and_overrides_win_in_their_order() {
    let overrides = ["num.io.threads=2", "num.io.threads=many", "num.io.threads=3"];
    let mut broker = Broker::start_with(&embedded(), &overrides);
    assert_eq!(broker.connect().ask(1), Some(1));
    let log = broker.log();
    assert!(log.contains("Ottla") && log.contains("the embedded store"), "{log}");
    assert!(broker.data().join("meta.properties").exists(), "not in /tmp/kafka-logs");
    assert!(log.contains(&broker.data().display().to_string()), "{log}");
    assert!(broker.end_by("TERM").success());
}

#[test]
fn sigterm_and_sigint_stop_it_cleanly_and_it_says_so() {
    for signal in ["TERM", "INT"] {
        let mut broker = Broker::start(&[]);
        let mut client = broker.connect();
        assert_eq!(client.ask(1), Some(1));
        assert!(broker.end_by(signal).success(), "SIG{signal}");
        assert_eq!(client.answer(), None, "closed");
        let log = broker.log();
        assert!(log.contains("stopping") && log.contains("stopped"), "{log}");
        assert!(broker.data().join(".kafka_cleanshutdown").exists(), "SIG{signal}");
        assert!(!log.contains("ERROR"), "{log}");
    }
}

#[test]
fn a_taken_port_is_refused_before_a_file_is_touched() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let said = refusal(&[&format!("listeners=PLAINTEXT://{address}")]);
    assert!(said.contains(&address), "{said}");
}

#[test]
fn log_lines_are_text_or_one_json_object_each() {
    let text = Broker::start(&["ottla.log.format=text"]);
    let log = text.log();
    assert!(log.lines().all(|line| line.contains(" INFO ") || line.contains(" WARN ")), "{log}");
    let json = Broker::start(&["ottla.log.format=json"]);
    let log = json.log();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.len() > 2);
    for line in lines {
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
        assert!(line["fields"]["message"].is_string(), "{line}");
    }
}

#[test]
fn the_log_level_is_a_setting() {
    let quiet = Broker::spawn("", &["ottla.log.level=ERROR"]);
    // Nothing is said of the start, so the data directory tells that it got that far.
    let begun = std::time::Instant::now();
    while !quiet.data().join("meta.properties").exists() {
        assert!(begun.elapsed() < crate::process::PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(quiet.log(), "");
}

/// A terminal: our end of it, and the program's.
fn terminal() -> (File, File) {
    let (mut ours, mut theirs) = (-1, -1);
    let size = libc::winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: all places are writable; null asks for no name and the usual modes.
    let code = unsafe { libc::openpty(&mut ours, &mut theirs, null_mut(), null_mut(), &size) };
    assert_eq!(code, 0, "a terminal can be had");
    // SAFETY: both were just opened, and nobody else owns them.
    unsafe { (File::from_raw_fd(ours), File::from_raw_fd(theirs)) }
}

#[test]
fn on_a_terminal_the_loading_of_logs_is_a_progress_bar() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let data = folder.path().join("data");
    for partition in 0..40 {
        fs::create_dir_all(data.join(format!("many-{partition}"))).expect("a folder");
    }
    let (mut ours, theirs) = terminal();
    let mut child = program()
        .args(["--override", "listeners=PLAINTEXT://127.0.0.1:0"])
        .args(["--override", &format!("log.dirs={}", data.display())])
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(theirs)
        .spawn()
        .expect("the broker starts");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        // A terminal whose other end is closed ends with an error.
        while let Ok(count @ 1..) = ours.read(&mut bytes) {
            let _ = sender.send(String::from_utf8_lossy(&bytes[..count]).into_owned());
        }
    });
    let mut shown = String::new();
    while !shown.contains("started") {
        let Ok(more) = receiver.recv_timeout(PATIENCE) else { break };
        shown += &more;
    }
    let _ = child.kill();
    let _ = child.wait();
    assert!(shown.contains("started"), "{shown}");
    assert!(shown.contains("loading ") && shown.contains("/40"), "{shown}");
}
