//! From a request's header and body to its response: decode, call, encode.
//!
//! The pieces that `api_table!` puts together, and the trait by which the network sees the table.
//! What a broken request gets is Kafka's: the connection is closed, with no answer.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

use super::throttle::Charge;
use super::{Reply, RequestContext, text_repair};

/// A table of APIs, as the network sees it.
pub trait Dispatch: Send + Sync + 'static {
    /// What handlers get besides the request.
    type Broker: Charge + Send + Sync + 'static;

    /// The APIs served, by ascending key.
    fn apis(&self) -> &'static [Api];

    /// Whether consecutive requests of this API are to be given together.
    fn is_grouped(&self, api_key: i16) -> bool;

    /// Serves one request. A response in memory is appended to `out` as a whole frame.
    fn serve(
        &self,
        broker: &Arc<Self::Broker>,
        context: &RequestContext,
        body: Bytes,
        out: &mut BytesMut,
    ) -> impl Future<Output = Result<Served, RequestError>>;

    /// Serves consecutive requests of one grouped API; their responses are appended to `out`.
    fn serve_group(
        &self,
        broker: &Arc<Self::Broker>,
        contexts: Vec<RequestContext>,
        bodies: Vec<Bytes>,
        out: &mut BytesMut,
    ) -> impl Future<Output = GroupEnd>;
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// The API key.
    pub key: i16,
    /// The request's name, e.g. `ProduceRequest`.
    pub name: &'static str,
    /// The lowest version served.
    pub min: i16,
    /// The highest version served.
    pub max: i16,
    /// The request header's version at `min..=max`.
    pub header_version: fn(i16) -> i16,
}

/// What became of a request.
#[derive(Debug)]
pub enum Served {
    /// The response is in the output buffer, as a frame.
    Written,
    /// The head (length and response header) is in the output buffer; this body is to follow.
    Body(Reply),
    /// There is no response (acks=0).
    Nothing,
    /// There is no response and the connection is to be closed (an error with acks=0).
    Close,
}

/// How a group ended: the answers up to here are in the output buffer.
#[derive(Debug)]
pub enum GroupEnd {
    /// Every request was served.
    Open,
    /// An error with acks=0: close after writing the answers of the requests before it.
    Close,
    /// This request of the group was broken; those before it were served.
    Broken(usize, RequestError),
}

/// Why a request has no answer. The connection is closed, as Kafka does.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// A key that Kafka does not have, or that this table does not serve.
    #[error("unexpected api key: {0}")]
    UnknownApi(i16),
    /// A version that is not served.
    #[error("received request api key {key} with version {version} which is not enabled")]
    UnsupportedVersion {
        /// The API key.
        key: i16,
        /// The version asked for.
        version: i16,
    },
    /// An API that is listed but never served directly (Envelope).
    #[error("requests of api key {0} are not accepted on this listener")]
    Refused(i16),
    /// The header or the body cannot be decoded.
    #[error("malformed request of api key {key}, version {version}: {reason}")]
    Malformed {
        /// The API key.
        key: i16,
        /// The version.
        version: i16,
        /// What the decoder said.
        reason: String,
    },
    /// Our own fault: the handler set a field that this version does not have.
    #[error("cannot encode the response of api key {key}, version {version}: {reason}")]
    Encode {
        /// The API key.
        key: i16,
        /// The version.
        version: i16,
        /// What the encoder said.
        reason: String,
    },
}

impl RequestError {
    /// The API of the request.
    pub fn api_key(&self) -> i16 {
        match self {
            RequestError::UnknownApi(key) | RequestError::Refused(key) => *key,
            RequestError::UnsupportedVersion { key, .. }
            | RequestError::Malformed { key, .. }
            | RequestError::Encode { key, .. } => *key,
        }
    }
}

/// Decodes a request's body. Bytes after it are ignored, and strings are repaired, as in Kafka.
pub fn decode<R: Decodable>(context: &RequestContext, body: Bytes) -> Result<R, RequestError> {
    let version = context.api_version;
    let decoded = match R::decode(&mut body.clone(), version) {
        Err(error) if text_repair::is_text(&error) => text_repair::decode(&body, version),
        decoded => decoded,
    };
    decoded.map_err(|error| RequestError::Malformed {
        key: context.api_key,
        version: context.api_version,
        reason: error.to_string(),
    })
}

/// Appends a response as a frame: length, header, body. On error `out` is as it was.
///
/// Example: Heartbeat v0, correlation id 7: `0000000a 00000007 ...`; flexible versions have one
/// more byte, the empty tagged fields, after the correlation id.
pub fn encode<R: Encodable + HeaderVersion>(
    context: &RequestContext,
    response: &R,
    out: &mut BytesMut,
) -> Result<(), RequestError> {
    let start = out.len();
    put_head(out, context, R::header_version(context.api_version), 0);
    if let Err(error) = response.encode(out, context.api_version) {
        out.truncate(start);
        return Err(RequestError::Encode {
            key: context.api_key,
            version: context.api_version,
            reason: error.to_string(),
        });
    }
    let len = (out.len() - start - 4) as u32;
    if let Some(prefix) = out.get_mut(start..start + 4) {
        prefix.copy_from_slice(&len.to_be_bytes());
    }
    Ok(())
}

/// Appends the head of a response whose body of `body_len` bytes follows otherwise.
pub fn encode_head<R: HeaderVersion>(
    context: &RequestContext,
    body_len: usize,
    out: &mut BytesMut,
) {
    put_head(out, context, R::header_version(context.api_version), body_len);
}

fn put_head(out: &mut BytesMut, context: &RequestContext, header_version: i16, body_len: usize) {
    let tags = usize::from(header_version >= 1);
    out.put_u32((4 + tags + body_len) as u32);
    out.put_i32(context.correlation_id);
    if tags == 1 {
        out.put_u8(0);
    }
}

/// Decodes and serves a group of Produce requests through `handler`.
///
/// The handler returns one entry a request: `None` for acks=0 without error; `Some` for acks=0 is
/// an error, which closes the connection since there is no answer to carry it. It returns fewer if
/// one cannot be answered at all: that one closes the connection, and what follows is not served.
pub async fn serve_produce_group<H>(
    contexts: Vec<RequestContext>,
    bodies: Vec<Bytes>,
    out: &mut BytesMut,
    handler: H,
) -> GroupEnd
where
    H: AsyncFnOnce(&[RequestContext], Vec<ProduceRequest>) -> Vec<Option<ProduceResponse>>,
{
    let mut requests = Vec::with_capacity(bodies.len());
    let mut broken = None;
    for (index, (context, body)) in contexts.iter().zip(bodies).enumerate() {
        match decode::<ProduceRequest>(context, body) {
            Ok(request) => requests.push(request),
            Err(error) => {
                broken = Some(GroupEnd::Broken(index, error));
                break;
            }
        }
    }
    let acks: smallvec::SmallVec<[i16; 64]> = requests.iter().map(|r| r.acks).collect();
    let contexts = contexts.get(..requests.len()).unwrap_or_default();
    let responses =
        if requests.is_empty() { Vec::new() } else { handler(contexts, requests).await };
    for (index, (context, response)) in contexts.iter().zip(&responses).enumerate() {
        let acks = acks.get(index).copied().unwrap_or(0);
        match response {
            Some(_) if acks == 0 => return GroupEnd::Close,
            Some(response) => {
                if let Err(error) = encode(context, response, out) {
                    return GroupEnd::Broken(index, error);
                }
            }
            None => {}
        }
    }
    if responses.len() < contexts.len() {
        return GroupEnd::Close;
    }
    broken.unwrap_or(GroupEnd::Open)
}
