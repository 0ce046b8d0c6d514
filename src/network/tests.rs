//! The network layer over real sockets, with handlers that exist only here.

mod broken;
mod client;
mod flow;
mod hostile;
mod table;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use self::table::TestTable;
use super::{Bound, ListenerSettings, Server, Settings};
use crate::config::SecurityProtocol;
use crate::quota::connections::{ConnectionQuotas, Limits};

/// A running server on a port of its own.
struct Running {
    server: Server,
    address: SocketAddr,
}

fn settings() -> Settings {
    let listener = ListenerSettings {
        name: "PLAINTEXT".into(),
        protocol: SecurityProtocol::Plaintext,
        host: "127.0.0.1".into(),
        port: 0,
        privileged: false,
    };
    Settings { listeners: vec![listener], threads: 2, ..Settings::default() }
}

fn start(settings: Settings, limits: Limits) -> Running {
    let bound = Bound::bind(settings).unwrap();
    let address = bound.addresses().first().unwrap().1;
    let quotas = ConnectionQuotas::new(limits);
    let server = Server::serve(bound, Arc::new(()), TestTable, quotas).unwrap();
    Running { server, address }
}

fn start_default() -> Running {
    start(settings(), Limits::default())
}

/// Long enough for a request in flight, far too long for an idle connection.
const GRACE: Duration = Duration::from_secs(60);
