//! The brokers under measurement, as child processes with their data in a temporary directory.

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One of the systems compared.
pub enum System {
    /// Ottla: its binary.
    Ottla(PathBuf),
    /// Apache Kafka: the folder of its jars.
    Kafka(PathBuf),
}

impl System {
    /// What it is called in the tables.
    pub fn name(&self) -> &'static str {
        match self {
            System::Ottla(_) => "Ottla",
            System::Kafka(_) => "Kafka 3.9",
        }
    }

    /// Starts it on empty directories, with settings beyond its defaults.
    pub fn start(&self, settings: &[(&str, &str)]) -> io::Result<Broker> {
        match self {
            System::Ottla(binary) => Broker::ottla(binary, settings),
            System::Kafka(jars) => Broker::kafka(jars, settings),
        }
    }
}

/// A running broker (and its ZooKeeper), ended when dropped.
pub struct Broker {
    /// Its client port.
    pub port: u16,
    /// From `exec` to a listening port.
    pub start: Duration,
    child: Child,
    others: Vec<Child>,
    command: Command,
    data: tempfile::TempDir,
}

/// After a kill, the broker's session in ZooKeeper must have ended before it may start again.
const SESSION: Duration = Duration::from_secs(3);

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
    fn ottla(binary: &Path, settings: &[(&str, &str)]) -> io::Result<Broker> {
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
        for (key, value) in settings {
            command.arg("--override").arg(format!("{key}={value}"));
        }
        let mut child = spawn(&mut command, &log)?;
        await_port(port, &mut child, &log)?;
        let start = started.elapsed();
        Ok(Broker { port, start, child, others: Vec::new(), command, data })
    }

    /// Apache Kafka with a ZooKeeper of its own, from a folder of jars, with the JVM flags of its
    /// own start script.
    fn kafka(jars: &Path, settings: &[(&str, &str)]) -> io::Result<Broker> {
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
        let more = settings.iter().map(|(key, value)| format!("{key}={value}\n"));
        fs::write(
            &properties,
            more.collect::<String>()
                + &format!(
                    "broker.id=1\nlisteners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={}\n\
                 zookeeper.connect=127.0.0.1:{zk_port}\noffsets.topic.replication.factor=1\n\
                 group.initial.rebalance.delay.ms=0\nzookeeper.session.timeout.ms={}\n",
                    path.join("data").display(),
                    SESSION.as_millis() - 1000,
                ),
        )?;
        let started = Instant::now();
        let log = path.join("out.log");
        let mut command = Command::new("java");
        command.args(KAFKA_FLAGS).args(["-cp", &class_path, "kafka.Kafka"]).arg(properties);
        let mut child = spawn(&mut command, &log)?;
        await_port(port, &mut child, &log)?;
        let start = started.elapsed();
        Ok(Broker { port, start, child, others: vec![zk], command, data })
    }

    /// Ends it: by SIGKILL, or by SIGTERM and to its own end.
    pub fn stop(&mut self, cleanly: bool) -> io::Result<()> {
        if cleanly {
            Command::new("kill").arg(self.child.id().to_string()).status()?;
        } else {
            self.child.kill()?;
        }
        self.child.wait()?;
        if !self.others.is_empty() && !cleanly {
            std::thread::sleep(SESSION);
        }
        Ok(())
    }

    /// Starts it again on the same directories and port; returns when it was started.
    pub fn start_again(&mut self) -> io::Result<Instant> {
        let log = self.data.path().join("out.log");
        let started = Instant::now();
        self.child = spawn(&mut self.command, &log)?;
        await_port(self.port, &mut self.child, &log)?;
        Ok(started)
    }

    /// Where its logs are.
    pub fn log_dir(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Files and directories in its log directory.
    pub fn files(&self) -> usize {
        count(&self.log_dir())
    }

    /// Files and sockets that it has open.
    pub fn open_files(&self) -> usize {
        fs::read_dir(self.proc("fd")).map_or(0, Iterator::count)
    }

    /// Writes its segments to disk and drops them from the page cache.
    pub fn drop_cache(&self, topic: &str) -> io::Result<()> {
        for entry in fs::read_dir(self.log_dir().join(format!("{topic}-0")))? {
            let file = File::open(entry?.path())?;
            file.sync_all()?;
            // SAFETY: advice on an open file changes nothing but what is cached of it.
            unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        }
        Ok(())
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

fn count(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| 1 + if e.path().is_dir() { count(&e.path()) } else { 0 }).sum()
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
