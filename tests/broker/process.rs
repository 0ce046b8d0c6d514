//! The program as its user has it: a process with a configuration file, whose lines are read.

use socket2::{Domain, Socket, Type};
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A broker on a port of the kernel's choice, killed when dropped.
pub struct Broker {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

/// The program with nothing on its standard input.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ottla"));
    command.stdin(Stdio::null()).env_remove("OTTLA_LOG_FORMAT");
    command
}

impl Broker {
    /// Starts one with these lines of a `server.properties`, and waits until it serves.
    pub fn start(lines: &[&str]) -> Broker {
        Broker::start_with(&lines.join("\n"), &[])
    }

    /// The same with a whole file and overrides. Listener and data are set by overrides.
    pub fn start_with(file: &str, overrides: &[&str]) -> Broker {
        let mut broker = Broker::spawn(file, overrides);
        broker.await_line("] started");
        broker.port = broker.bound_port("PLAINTEXT");
        broker
    }

    /// Starts one and waits for nothing.
    pub fn spawn(file: &str, overrides: &[&str]) -> Broker {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("server.properties");
        fs::write(&path, file).expect("the file can be written");
        let own = [
            "listeners=PLAINTEXT://127.0.0.1:0".to_owned(),
            format!("log.dirs={}", folder.path().join("data").display()),
        ];
        let mut command = program();
        command.arg(&path);
        for one in own.iter().map(String::as_str).chain(overrides.iter().copied()) {
            command.args(["--override", one]);
        }
        let log = fs::File::create(folder.path().join("log")).expect("a log file");
        let child = command.stdout(Stdio::null()).stderr(log).spawn().expect("the broker starts");
        Broker { child, folder, port: 0 }
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All lines that it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits for a line that has `text` in it.
    pub fn await_line(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.log().contains(text) {
            let ended = self.child.try_wait().expect("the broker can be asked");
            assert!(ended.is_none(), "ended without {text:?}: {ended:?}\n{}", self.log());
            assert!(begun.elapsed() < PATIENCE, "no line {text:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The metrics page, from where the line about it says.
    pub fn metrics(&self, request: &str) -> String {
        let log = self.log();
        let (_, after) = log.split_once("metrics at http://").expect("metrics are served");
        let address = after.split('/').next().expect("an address");
        let mut stream = TcpStream::connect(address).expect("metrics are served");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// The port of a listener, as the line about the start has it.
    pub fn bound_port(&self, listener: &str) -> u16 {
        let log = self.log();
        let (text, json) = (format!("{listener}\""), format!("{listener}\\\""));
        let (_, after) = log
            .split_once(&text)
            .or_else(|| log.split_once(&json))
            .expect("the start names its ports");
        let digits = after.chars().skip_while(|c| !c.is_ascii_digit());
        let digits: String = digits.take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a port")
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the broker listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client { stream }
    }

    /// A new connection from this address of the machine.
    pub fn connect_from(&self, address: &str) -> Client {
        let from: IpAddr = address.parse().expect("an address");
        let to = SocketAddr::from(([127, 0, 0, 1], self.port));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::new(from, 0).into()).expect("an address of this machine");
        socket.connect(&to.into()).expect("the broker listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client { stream: socket.into() }
    }

    /// Sends a signal (`TERM`, `INT`) and waits for the end.
    pub fn end_by(&mut self, signal: &str) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill works");
        self.await_end()
    }

    /// Waits for the end.
    pub fn await_end(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the broker can be asked") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let path = Path::new("/proc").join(self.child.id().to_string()).join("status");
        let status = fs::read_to_string(path).expect("the broker runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a VmRSS line");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection.
pub struct Client {
    stream: TcpStream,
}

/// ApiVersions v0 with a client id of this length: the shortest request, made as long as wanted.
pub fn request(correlation_id: i32, padding: usize) -> Vec<u8> {
    let mut frame = vec![0, 18, 0, 0];
    frame.extend(correlation_id.to_be_bytes());
    frame.extend(0i16.to_be_bytes());
    // Bytes after a request are ignored.
    frame.resize(frame.len() + padding, 0);
    let len = frame.len() as u32;
    [&len.to_be_bytes()[..], &frame].concat()
}

impl Client {
    /// Sends bytes; false when the connection is closed.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The correlation id of the next answer; `None` when the connection is closed.
    pub fn answer(&mut self) -> Option<i32> {
        let mut head = [0; 8];
        self.stream.read_exact(&mut head).ok()?;
        let [a, b, c, d, id @ ..] = head;
        let mut rest = vec![0; u32::from_be_bytes([a, b, c, d]) as usize - 4];
        self.stream.read_exact(&mut rest).ok()?;
        Some(i32::from_be_bytes(id))
    }

    /// Sends the shortest request and takes its answer.
    pub fn ask(&mut self, correlation_id: i32) -> Option<i32> {
        self.send(&request(correlation_id, 0)).then(|| self.answer())?
    }

    /// Whether nothing comes for a while, neither bytes nor the end.
    pub fn is_silent(&mut self) -> bool {
        let short = Duration::from_millis(300);
        self.stream.set_read_timeout(Some(short)).expect("a timeout");
        let read = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}
