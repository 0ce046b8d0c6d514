//! The APIs: one table, and one file per API with its versions, checks and answers.
//!
//! A handler is `pub async fn handle(&Arc<Broker>, &RequestContext, XRequest) -> XResponse`: what
//! goes wrong is in the response. Handlers run inline on a data thread and must not block. They
//! know nothing of sockets; only the network layer closes connections.

pub mod api_table;
pub mod api_versions;
pub mod context;
mod dispatch;
pub mod error;
pub mod reply;
pub mod sasl_authenticate;
pub mod sasl_handshake;

pub use context::RequestContext;
pub use dispatch::{Dispatch, GroupEnd, RequestError, Served};
pub use reply::{Part, Reply};
