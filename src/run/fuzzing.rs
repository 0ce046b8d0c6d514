//! Hostile requests to a whole broker on the embedded store: its threads survive them, and it goes
//! on answering. What a request may cost in memory is held by the network's own tests.
//!
//! Compiled for tests and under `cfg(fuzzing)` only.

use super::run;
use crate::config::BrokerConfig;
use crate::network::fuzzing::frames;
use parking_lot::Mutex;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long to wait for answers: a JoinGroup or a Fetch may have none for days.
const PATIENCE: Duration = Duration::from_millis(30);
/// How long a broker that works may take for a simple answer.
const HEALTHY: Duration = Duration::from_secs(60);
/// ApiVersions v0, whose answer comes after those of all before it on the connection.
const FENCE: &[u8] = &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255];

/// The broker: one for all inputs, which leave topics, groups and settings behind.
struct Broker {
    address: SocketAddr,
    data: PathBuf,
    /// Ends it when it is dropped, and its thread.
    running: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Broker {
    /// Ends the broker and removes its data: not before, for one that loses its only disk ends the
    /// process.
    #[cfg(test)]
    fn end(&self) {
        let Some((stop, thread)) = self.running.lock().take() else { return };
        drop(stop);
        thread.join().expect("a clean end");
        std::fs::remove_dir_all(&self.data).ok();
    }
}

/// Whether any thread of the process panicked.
static PANICKED: AtomicBool = AtomicBool::new(false);

fn broker() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER.get_or_init(|| {
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
        let address = port.expect("a port");
        let data = std::env::temp_dir().join(format!("ottla-fuzz-requests-{}", std::process::id()));
        let properties = [
            ("listeners", format!("PLAINTEXT://{address}")),
            ("log.dirs", data.display().to_string()),
            ("offsets.topic.num.partitions", "1".into()),
            ("transaction.state.log.num.partitions", "1".into()),
            ("group.initial.rebalance.delay.ms", "0".into()),
        ];
        let properties = properties.into_iter().map(|(key, value)| (key.to_owned(), value));
        let config = BrokerConfig::from_properties(properties.collect()).expect("valid");
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            let is_ours = ["ottla-", "log-", "metadata"].iter().any(|own| name.starts_with(own));
            PANICKED.fetch_or(is_ours, Ordering::SeqCst);
            before(panic);
        }));
        let (stop, stopped) = oneshot::channel::<()>();
        let work = move || run(config, async { drop(stopped.await) }).expect("it starts");
        let thread = std::thread::Builder::new().name("ottla-run".into()).spawn(work);
        let running = Mutex::new(Some((stop, thread.expect("a thread"))));
        Broker { address, data, running }
    })
}

/// Sends `stream` and a fence; gives what was answered until the connection ended or the time did.
fn ask(address: SocketAddr, stream: &[u8], patience: Duration) -> io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect(address)?;
    // No port stays in TIME_WAIT: there are only so many, and thousands of inputs.
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
    socket.set_read_timeout(Some(patience))?;
    socket.set_nodelay(true)?;
    let mut answers = Vec::new();
    socket.write_all(stream)?;
    socket.write_all(FENCE)?;
    socket.shutdown(std::net::Shutdown::Write)?;
    let mut part = [0; 4096];
    while let Ok(1..) = socket.read(&mut part).inspect(|n| answers.extend(part.iter().take(*n))) {}
    Ok(answers)
}

/// Whether the broker answers ApiVersions within the time that a busy machine may need.
fn is_healthy(address: SocketAddr) -> bool {
    let begun = std::time::Instant::now();
    while begun.elapsed() < HEALTHY {
        if ask(address, &[], HEALTHY).is_ok_and(|answer| answer.len() > 100) {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// Requests of one connection, one after the other, each its length in four bytes and the rest.
pub fn requests(data: &[u8]) {
    static STARTED: OnceLock<()> = OnceLock::new();
    let address = broker().address;
    STARTED.get_or_init(|| assert!(is_healthy(address), "it does not start"));
    let mut stream = Vec::with_capacity(data.len());
    for frame in frames(data) {
        stream.extend_from_slice(&(frame.len() as u32).to_be_bytes());
        stream.extend_from_slice(&frame);
    }
    // A connection that ends amid the requests is an answer, too.
    let _ = ask(address, &stream, PATIENCE);
    assert!(!PANICKED.load(Ordering::SeqCst), "a thread of the broker panicked");
    assert!(is_healthy(address), "it answers no more");
}

#[test]
fn a_broker_survives_mutations_of_requests() {
    crate::log::fuzzing::mutations::survive("requests", "requests", requests, 200);
    broker().end();
}
