//! How a connection's stream is made. TLS and SASL are layers that another [`Dial`] adds.

use async_trait::async_trait;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A stream of bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream whatever it is made of.
pub type BoxedStream = Box<dyn Stream>;

/// Makes streams that are ready for requests.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// Connects to `host:port`. The caller bounds the time.
    async fn dial(&self, host: &str, port: u16) -> io::Result<BoxedStream>;
}

/// Plain TCP.
pub struct PlainDial;

#[async_trait]
impl Dial for PlainDial {
    async fn dial(&self, host: &str, port: u16) -> io::Result<BoxedStream> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

/// Plain TCP, and to this broker itself by the socket it listens on.
///
/// What a broker advertises need not be reachable from where it runs: in a container it is the
/// address on the host. Yet the controller speaks to its own broker like to any other.
pub struct OwnDial {
    advertised: (String, u16),
    bound: SocketAddr,
}

impl OwnDial {
    /// For a broker that advertises this address and listens on that socket.
    pub fn new(advertised: (String, u16), bound: SocketAddr) -> OwnDial {
        OwnDial { advertised, bound }
    }

    /// Where the socket is reached: a listener on all addresses by loopback, of whichever family
    /// this machine has.
    fn hosts(&self) -> Vec<IpAddr> {
        match self.bound.ip() {
            ip if !ip.is_unspecified() => vec![ip],
            IpAddr::V4(_) => vec![Ipv4Addr::LOCALHOST.into()],
            IpAddr::V6(_) => vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()],
        }
    }
}

#[async_trait]
impl Dial for OwnDial {
    async fn dial(&self, host: &str, port: u16) -> io::Result<BoxedStream> {
        if (host, port) != (&*self.advertised.0, self.advertised.1) {
            return PlainDial.dial(host, port).await;
        }
        let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
        for host in self.hosts() {
            result = PlainDial.dial(&host.to_string(), self.bound.port()).await;
            if result.is_ok() {
                break;
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_broker_reaches_itself_where_it_listens_and_others_where_they_say() {
        let own = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let port = own.local_addr().expect("an address").port();
        let any = SocketAddr::from(([0, 0, 0, 0], port));
        let dial = OwnDial::new(("no.such.host.invalid".into(), 9), any);
        let (dialled, accepted) = tokio::join!(dial.dial("no.such.host.invalid", 9), own.accept());
        assert!(dialled.is_ok() && accepted.is_ok());
        let (other, accepted) = tokio::join!(dial.dial("127.0.0.1", port), own.accept());
        assert!(other.is_ok() && accepted.is_ok());
    }
}
