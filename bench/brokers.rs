//! The brokers under measurement, as child processes with their data in a temporary directory.

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running broker (and its ZooKeeper), ended when dropped.
pub struct Broker {
    /// What it is called in the tables.
    pub name: &'static str,
    /// Its client port.
    pub port: u16,
    /// From `exec` to a listening port.
    pub start: Duration,
    child: Child,
    others: Vec<Child>,
    _data: tempfile::TempDir,
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    let socket = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    socket.local_addr().expect("its address").port()
}

fn spawn(command: &mut Command, log: &Path) -> io::Result<Child> {
    let out = File::create(log)?;
    command.stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out).spawn()
}

fn await_port(port: u16, child: &mut Child, log: &Path) -> io::Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = child.try_wait()?.is_some();
        if ended || Instant::now() > end {
            let text = fs::read_to_string(log).unwrap_or_default();
            return Err(io::Error::other(format!("nobody listens on {port}:\n{text}")));
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    Ok(())
}

impl Broker {
    /// Ottla on its embedded store.
    pub fn ottla(binary: &Path) -> io::Result<Broker> {
        let data = tempfile::tempdir()?;
        let (port, log) = (free_port(), data.path().join("out.log"));
        let started = Instant::now();
        let mut command = Command::new(binary);
        for setting in [
            format!("listeners=PLAINTEXT://127.0.0.1:{port}"),
            format!("log.dirs={}", data.path().join("data").display()),
            "group.initial.rebalance.delay.ms=0".into(),
        ] {
            command.arg("--override").arg(setting);
        }
        let mut child = spawn(&mut command, &log)?;
        await_port(port, &mut child, &log)?;
        let start = started.elapsed();
        Ok(Broker { name: "Ottla", port, start, child, others: Vec::new(), _data: data })
    }

    /// Apache Kafka with a ZooKeeper of its own, from a folder of jars, with the JVM flags of its
    /// own start script.
    pub fn kafka(jars: &Path) -> io::Result<Broker> {
        let data = tempfile::tempdir()?;
        let path = data.path();
        let class_path = format!("{}:{}/*", path.display(), jars.display());
        fs::write(path.join("log4j.properties"), LOG4J)?;
        let (zk_port, port) = (free_port(), free_port());
        let zoo = path.join("zoo.cfg");
        let zk_data = path.join("zk");
        fs::write(
            &zoo,
            format!(
                "tickTime=500\ndataDir={}\nclientPort={zk_port}\nclientPortAddress=127.0.0.1\n\
                 admin.enableServer=false\n",
                zk_data.display()
            ),
        )?;
        let zk_log = path.join("zk.log");
        let mut command = Command::new("java");
        command.args(["-Xmx256M", "-cp", &class_path]);
        command.arg("org.apache.zookeeper.server.quorum.QuorumPeerMain").arg(&zoo);
        let mut zk = spawn(&mut command, &zk_log)?;
        await_port(zk_port, &mut zk, &zk_log)?;
        let properties = path.join("server.properties");
        fs::write(
            &properties,
            format!(
                "broker.id=1\nlisteners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={}\n\
                 zookeeper.connect=127.0.0.1:{zk_port}\noffsets.topic.replication.factor=1\n\
                 group.initial.rebalance.delay.ms=0\n",
                path.join("data").display()
            ),
        )?;
        let started = Instant::now();
        let log = path.join("out.log");
        let mut command = Command::new("java");
        command.args(KAFKA_FLAGS).args(["-cp", &class_path, "kafka.Kafka"]).arg(properties);
        let mut child = spawn(&mut command, &log)?;
        await_port(port, &mut child, &log)?;
        let start = started.elapsed();
        Ok(Broker { name: "Kafka 3.9", port, start, child, others: vec![zk], _data: data })
    }

    /// User and system CPU seconds used so far.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(self.proc("stat")).unwrap_or_default();
        let rest = stat.rsplit(')').next().unwrap_or("");
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> f64 {
        let status = fs::read_to_string(self.proc("status")).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("");
        line.split_whitespace().next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        for child in std::iter::once(&mut self.child).chain(&mut self.others) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

const LOG4J: &str = "log4j.rootLogger=WARN, out\n\
    log4j.appender.out=org.apache.log4j.ConsoleAppender\n\
    log4j.appender.out.layout=org.apache.log4j.PatternLayout\n";

const KAFKA_FLAGS: [&str; 9] = [
    "-Xmx1G",
    "-Xms1G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:MaxInlineLevel=15",
    "-Djava.awt.headless=true",
];
