//! A real ZooKeeper for tests: from the folder of jars that `OTTLA_KAFKA_JARS` names.
//!
//! Without that variable tests that need one are skipped, and say so; in CI they fail.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Milliseconds; sessions can be between 2 and 20 of these.
const TICK: u32 = 250;

/// A running server, killed when dropped.
pub(crate) struct TestServer {
    child: Child,
    /// Where clients connect on 127.0.0.1.
    pub(crate) port: u16,
    _directory: tempfile::TempDir,
}

fn jars() -> Option<PathBuf> {
    let Some(jars) = std::env::var_os("OTTLA_KAFKA_JARS") else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "OTTLA_KAFKA_JARS is not set");
        let skipped = b"SKIP zookeeper: OTTLA_KAFKA_JARS names no folder with ZooKeeper's jars\n";
        let _ = std::io::stderr().write_all(skipped);
        return None;
    };
    Some(PathBuf::from(jars))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

impl TestServer {
    /// One server alone; `None` when there are no jars.
    pub(crate) fn start() -> Option<TestServer> {
        let server = Self::launch(&jars()?, free_port(), 1, &[]);
        server.await_serving();
        Some(server)
    }

    /// Three servers that elect a leader.
    pub(crate) fn start_ensemble() -> Option<Vec<TestServer>> {
        let jars = jars()?;
        let members: Vec<String> = (1..=3)
            .map(|id| format!("server.{id}=127.0.0.1:{}:{}", free_port(), free_port()))
            .collect();
        let servers: Vec<TestServer> =
            (1..=3).map(|id| Self::launch(&jars, free_port(), id, &members)).collect();
        servers.iter().for_each(TestServer::await_serving);
        Some(servers)
    }

    fn launch(jars: &std::path::Path, port: u16, id: u32, members: &[String]) -> TestServer {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().display();
        let config = format!(
            "tickTime={TICK}\ninitLimit=20\nsyncLimit=10\ndataDir={data}\nclientPort={port}\n\
             clientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n\
             4lw.commands.whitelist=*\n{}\n",
            members.join("\n")
        );
        let file = directory.path().join("zoo.cfg");
        std::fs::write(&file, config).expect("written");
        std::fs::write(directory.path().join("myid"), id.to_string()).expect("written");
        let child = Command::new("java")
            .args(["-Xmx128M", "-Dzookeeper.forceSync=no", "-cp"])
            .arg(jars.join("*"))
            .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("java starts");
        TestServer { child, port, _directory: directory }
    }

    fn await_serving(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.ask("srvr").is_ok_and(|answer| answer.contains("Mode: ")) {
            assert!(Instant::now() < deadline, "ZooKeeper does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The answer to a four letter word.
    pub(crate) fn ask(&self, word: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(word.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// `host:port` with this chroot (or none).
    pub(crate) fn connect(&self, chroot: &str) -> String {
        format!("127.0.0.1:{}{chroot}", self.port)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
