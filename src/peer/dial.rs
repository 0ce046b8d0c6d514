//! How a connection's stream is made. TLS and SASL are layers that another [`Dial`] adds.

use async_trait::async_trait;
use std::io;
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
