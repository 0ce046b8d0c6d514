//! Sockets: listeners, connections, frames. The only layer that closes connections.
//!
//! One acceptor thread; data threads that each run connections on a single-threaded runtime, where
//! handlers are called inline. Requests of a connection are served strictly in order, one at a
//! time (`SocketServer` mutes a channel for the same effect); consecutive Produce requests of one
//! read go together. What an API means is the handlers' matter.

mod bind;
mod budget;
mod connection;
mod data_thread;
mod file_region;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod inbox;
mod request;
mod server;
mod settings;
mod transport;

pub use bind::{BindError, Bound};
pub use server::Server;
pub use settings::{ListenerSettings, Settings};

#[cfg(test)]
mod tests;
