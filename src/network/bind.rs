//! Binding all listeners, before the broker registers anywhere.
//!
//! Kafka registers first and binds last; a broker on a taken port then misleads its whole cluster.
//! The kernel already completes handshakes of bound sockets; they wait in the backlog for `serve`.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};

use crate::config::SecurityProtocol;

use super::settings::{ListenerSettings, Settings};

/// A listener that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken, not ours, or not known.
    #[error("listener {name} failed to bind to {host}:{port}: {error}")]
    Socket {
        /// The listener.
        name: Arc<str>,
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Its security protocol is not supported.
    #[error("listener {name}: security protocol {} is not supported yet", protocol.name())]
    Protocol {
        /// The listener.
        name: Arc<str>,
        /// Its security protocol.
        protocol: SecurityProtocol,
    },
}

/// All listeners of a broker, bound and listening, with nobody accepting yet.
pub struct Bound {
    pub(super) listeners: Vec<BoundListener>,
    pub(super) settings: Settings,
}

pub(super) struct BoundListener {
    pub(super) settings: ListenerSettings,
    pub(super) socket: TcpListener,
}

impl Bound {
    /// Binds every listener of the settings, or none. Blocks when host names are looked up.
    pub fn bind(settings: Settings) -> Result<Bound, BindError> {
        let mut listeners = Vec::with_capacity(settings.listeners.len());
        for listener in &settings.listeners {
            if listener.protocol != SecurityProtocol::Plaintext {
                let (name, protocol) = (listener.name.clone(), listener.protocol);
                return Err(BindError::Protocol { name, protocol });
            }
            let socket = bind_one(listener, &settings).map_err(|error| BindError::Socket {
                name: listener.name.clone(),
                host: listener.host.clone(),
                port: listener.port,
                error,
            })?;
            listeners.push(BoundListener { settings: listener.clone(), socket });
        }
        Ok(Bound { listeners, settings })
    }

    /// Name and address of each listener, with the kernel's port where 0 was asked for.
    pub fn addresses(&self) -> Vec<(Arc<str>, SocketAddr)> {
        let address =
            |l: &BoundListener| Some((l.settings.name.clone(), l.socket.local_addr().ok()?));
        self.listeners.iter().filter_map(address).collect()
    }
}

fn bind_one(listener: &ListenerSettings, settings: &Settings) -> io::Result<TcpListener> {
    if listener.host.is_empty() {
        // One socket for both families, as Java does; not every machine has IPv6.
        return listen((Ipv6Addr::UNSPECIFIED, listener.port).into(), settings).or_else(|error| {
            match error.kind() {
                io::ErrorKind::AddrInUse => Err(error),
                _ => listen((Ipv4Addr::UNSPECIFIED, listener.port).into(), settings),
            }
        });
    }
    let host = listener.host.trim_start_matches('[').trim_end_matches(']');
    let address = (host, listener.port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address"))?;
    listen(address, settings)
}

fn listen(address: SocketAddr, settings: &Settings) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    if let Some(bytes) = settings.receive_buffer {
        socket.set_recv_buffer_size(bytes)?; // accepted sockets inherit it, with its window scale
    }
    socket.bind(&address.into())?;
    socket.listen(settings.backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
